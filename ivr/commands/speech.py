"""`hotline asr …`: speech models and recordings."""

from pathlib import Path
from typing import Annotated

import typer

from asr.model import store
from asr.transcribe import to_json, transcribe
from asr.vosk_engine import VoskEngine
from ivr.commands.common import DEFAULT_HOME, AsJson, Home, fail, say, say_json, settings_of, told
from ivr.settings import Settings
from ivr.speech import chosen_model, models_folder

app = typer.Typer(help="Speech recognition: models and recordings.", no_args_is_help=True)


@app.command("model")
@told
def model(
    home: Home = DEFAULT_HOME,
    check: Annotated[Path | None, typer.Option(metavar="DIR", help="Check one model, file by file.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the speech models, or check one: missing and cut files are named."""
    if check is not None:
        found = store.check(check, hashes=True)
        say_json({"ok": True, "model": found}) if as_json else say(f"{found.name}: whole, {found.size} bytes")
        return
    chosen = settings_of(home).speech.model
    models = store.list_models(models_folder(settings_of(home)))
    if as_json:
        say_json(models)
        return
    for one in models:
        if isinstance(one, store.BrokenModel):
            say(f"  {one.name}: {one.fault}")
        else:
            mark = "*" if (chosen or store.EMBEDDED.name) in (one.name, str(one.path)) else " "
            say(f"{mark} {one.name}: {one.size // 1_000_000} MB, {'hot words' if one.look_ahead else 'fixed words'}")


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
