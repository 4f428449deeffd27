"""`hotline asr …`: speech models and recordings."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from asr.transcribe import to_json, transcribe
from ivr.clock import SystemClock
from ivr.commands import models
from ivr.commands.common import DEFAULT_HOME, AsJson, Home, fail, note, run_async, say, settings_of, told
from ivr.models import open_engine
from ivr.settings import Settings
from ivr.writing import site_writer
from ticketing import schema
from ticketing.database import open_database
from ticketing.records import AuditRecord
from ticketing.site import default_site_dir, load_site
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, RecordingKind

app = typer.Typer(help="Speech recognition: models and recordings.", no_args_is_help=True)
app.add_typer(models.app, name="model")
app.command("adapt")(models.adapt)


@app.command("transcribe")
@told
def transcribe_files(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE|CALL", help="One or two recordings, or the id of a recorded call.")
    ],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Recognise a recording: mono (the citizen), stereo (citizen, agent) or two files; or a call's two sides.

    Listening to a call is kept in the audit before anything is read.
    """
    settings = settings_of(home)
    pack = settings.site.pack
    site = load_site(Path(pack) if pack else default_site_dir())
    call = files[0] if len(files) == 1 and not Path(files[0]).exists() else None
    paths = [Path(name) for name in files] if call is None else run_async(_call_recordings(settings, call))
    engine, model = open_engine(settings)
    try:
        segments = transcribe(engine, paths, write=site_writer(site, settings, model))
    except ValueError as error:
        fail(f"{' '.join(files)}: {error}; give one mono file, one stereo file, or two mono files")
    if any(segment.lost for segment in segments):
        note("a part could not be recognised; it is marked lost")
    if as_json:
        say(to_json(segments).decode())
        return
    for segment in segments:
        say(f"{segment.start_ms / 1000:8.2f} {segment.speaker.value:8} {segment.text}")


async def _call_recordings(settings: Settings, call: str) -> list[Path]:
    """The two sides of a call the hotline knows, citizen first; that somebody listens is in the audit by then."""
    contact = ContactId(call)
    async with open_database(settings.database_url) as database:
        await schema.check_schema(database)
        async with UnitOfWork(database) as unit:
            found = {each.kind: settings.recordings / each.path for each in await unit.transcripts.recordings(contact)}
            sides = [found.get(kind) for kind in (RecordingKind.CITIZEN, RecordingKind.AGENT)]
            there = [side for side in sides if side is not None and side.is_file()]
            if len(there) < len(sides):
                fail(f"{call}: neither a file nor a call whose recordings are in {settings.recordings}")
            await unit.audits.add(
                AuditRecord(
                    at=SystemClock().now(),
                    actor=f"{getpass.getuser()}@console",
                    action="transcribe_recording",
                    subject_kind="contact",
                    subject_id=call,
                    why="hotline asr transcribe",
                )
            )
    return there
