"""`hotline asr …`: speech models and recordings."""

from pathlib import Path
from typing import Annotated

import typer

from asr.transcribe import to_json, transcribe
from asr.vosk_engine import VoskEngine
from ivr.commands import models
from ivr.commands.common import DEFAULT_HOME, AsJson, Home, fail, say, settings_of, told
from ivr.models import chosen_model
from ivr.settings import Settings

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
    """Recognise a recording: mono (the citizen), stereo (citizen, agent) or two files; or a call's two sides."""
    settings = settings_of(home)
    engine = VoskEngine(chosen_model(settings))
    segments = transcribe(engine, _recordings(settings, files))
    if as_json:
        say(to_json(segments).decode())
        return
    for segment in segments:
        say(f"{segment.start_ms / 1000:8.2f} {segment.speaker.value:8} {segment.text}")


def _recordings(settings: Settings, names: list[str]) -> list[Path]:
    if len(names) == 1 and not Path(names[0]).exists():
        sides = [settings.recordings / f"{names[0]}-{side}.wav" for side in ("citizen", "agent")]
        if all(side.exists() for side in sides):
            return sides
        fail(f"{names[0]}: neither a file nor a call with recordings in {settings.recordings}")
    return [Path(name) for name in names]
