"""`hotline asr model …` and `hotline asr adapt`: speech models, and a site's own names in them."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from asr.model import store
from asr.model.adapt import adapt as adapt_model
from asr.model.fetch import OFFICIAL, fetch
from asr.model.recipe import openfst
from ivr.commands.common import DEFAULT_HOME, AsJson, Home, fail, note, say, say_json, settings_of, told
from ivr.models import keep_site_words, models_folder, named_model
from ivr.settings import Settings
from ivr.settings_file import put

app = typer.Typer(
    help="Speech models: which there are, whether they are whole, which one is used.", no_args_is_help=True
)

_ModelName = Annotated[str, typer.Argument(metavar="NAME", help="Its name below models/, its folder, or `embedded`.")]


@app.command("list")
@told
def list_models(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List the models; the one in use is marked, broken ones say what is wrong with them."""
    settings = settings_of(home)
    models = store.list_models(models_folder(settings))
    if as_json:
        say_json(models)
        return
    for one in models:
        if isinstance(one, store.BrokenModel):
            say(f"! {one.path.name}: {one.fault}")
        else:
            mark = "*" if (settings.speech.model or store.EMBEDDED.name) in (one.path.name, str(one.path)) else " "
            say(f"{mark} {one.path.name}: {one.size / 1_000_000:.0f} MB, {_words(one)}{_about(one)}")


@app.command()
@told
def check(name: _ModelName, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Check a model file by file: what is missing or cut short is named."""
    settings = settings_of(home)
    found = store.check(Path(name) if Path(name).is_dir() else named_model(settings, name).path, hashes=True)
    say_json({"ok": True, "model": found}) if as_json else say(f"{found.path.name}: whole, {found.size} bytes")


@app.command()
@told
def select(name: _ModelName, home: Home = DEFAULT_HOME) -> None:
    """Use this model from the server's next start on."""
    settings = settings_of(home)
    _select(settings, named_model(settings, name))


@app.command()
@told
def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"Which: {', '.join(OFFICIAL)}.")],
    home: Home = DEFAULT_HOME,
) -> None:
    """Download an official model; a download that broke off goes on where it stopped."""
    found = fetch(name, models_folder(settings_of(home)), progress=_show_progress)
    say(f"{found.path.name}: whole, {found.size} bytes; use it with `hotline asr model select {found.path.name}`")


@told
def adapt(
    words: Annotated[Path | None, typer.Option(metavar="FILE", help="Names, one a line.")] = None,
    sentences: Annotated[Path | None, typer.Option(metavar="FILE", help="Sentences as callers say them.")] = None,
    model: Annotated[str, typer.Option(metavar="NAME", help="The model to adapt; the one in use.")] = "",
    name: Annotated[str, typer.Option(metavar="NAME", help="What the new model is called.")] = "site",
    use: Annotated[bool, typer.Option("--select/--no-select", help="Use it from the next start on.")] = True,
    home: Home = DEFAULT_HOME,
) -> None:
    """Teach a model the site's own names and sentences, in seconds; it becomes a new model, or says what it can."""
    settings = settings_of(home)
    source = named_model(settings, model or settings.speech.model)
    if not model and source.path == models_folder(settings) / name:
        source = named_model(settings, "")  # adapting again begins anew, or each time would add to the last
    for file in (words, sentences):
        if file is not None and not file.is_file():
            fail(f"{file}: no such file; name a UTF-8 file with one name, or one sentence, a line")
    if words is None and sentences is None:
        fail("nothing to learn: give --words FILE, --sentences FILE or both")
    if source.adaptable:
        _make_anew(settings, source, words, sentences, name, use=use)
    elif words is None:
        fail(f"{source.path.name} cannot learn sentences, only names: give --words FILE")
    else:
        count = keep_site_words(settings, source, words)
        say(f"{source.path.name}: {count} names are put right from the next start on; {_how(source)}")
        if sentences is not None:
            note(f"{sentences} was left out: {source.path.name} cannot learn sentences")


def _make_anew(
    settings: Settings, source: store.ModelInfo, words: Path | None, sentences: Path | None, name: str, *, use: bool
) -> None:
    tools = settings.home / "openfst"
    out = models_folder(settings) / name
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        try:
            openfst.find(tools)
        except openfst.ToolsMissing:
            note("fetching OpenFst's tools")
            openfst.install(tools)
        done = adapt_model(source.path, words, sentences, out, fst=tools)
    except openfst.ToolsMissing as error:
        fail(str(error))
    except UnicodeDecodeError as error:
        fail(f"--words or --sentences: {error}; name UTF-8 files")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}; make room or choose another --home")
    say(f"{out}: {done.new_words} new words, {done.sentences} sentences")
    if done.unreadable:
        note(f"nobody knows how to read these, left out: {' '.join(done.unreadable)}")
    made = named_model(settings, name)
    if use:
        _select(settings, made)


def _how(model: store.ModelInfo) -> str:
    if model.look_ahead:
        return "it is an official look-ahead model: where a name may have been said, the words are weighed once more"
    return (
        "its graph is static, so it cannot learn them: names are corrected by their sound after recognition "
        "(or have its maker's compile package build a graph)"
    )


def _select(settings: Settings, model: store.ModelInfo) -> None:
    inside = model.path.parent == models_folder(settings)
    wanted = "" if model.path == store.EMBEDDED else model.path.name if inside else str(model.path)
    put(settings.home, "speech", "model", wanted)
    say(f"{model.path.name}: used from the server's next start on")


def _words(model: store.ModelInfo) -> str:
    if model.adaptable:
        return "learns names and sentences"
    return "hot words" if model.look_ahead else "fixed words"


def _about(model: store.ModelInfo) -> str:
    return f" ({model.about})" if model.about else ""


def _show_progress(have: int, whole: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{have / 1e6:.0f} of {whole / 1e6:.0f} MB")
        sys.stderr.write("\n" if have >= whole else "")
