"""Which speech model an instance uses, and which names its models are to hear beside their own words."""

import asyncio
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from asr.engine import Engine
from asr.errors import ModelBroken
from asr.model import store
from asr.vosk_engine import VoskEngine
from asr.vosk_server import VoskServers
from ivr.settings import Settings

WAITING_WORKERS: Final = 8
"""Threads a core where servers recognise: they mostly wait for the network."""
CHECK_EVERY_S: Final = 10.0


def models_folder(settings: Settings) -> Path:
    """Where an operator's models lie; it need not be there."""
    return settings.home / "models"


def chosen_model(settings: Settings) -> store.ModelInfo:
    """The model the settings name: the demonstration model, a folder, or a name in the models' folder.

    Raises `ModelBroken`.
    """
    return named_model(settings, settings.speech.model)


def named_model(settings: Settings, name: str) -> store.ModelInfo:
    """A model by its name in the models' folder or by its folder; none, or `embedded`, is the demonstration model.

    Raises `ModelBroken`.
    """
    if not name or name == store.EMBEDDED.name:
        return store.check(store.EMBEDDED)
    path = Path(name)
    if path.is_absolute():
        return store.check(path)
    folder = models_folder(settings)
    if not (folder / name).is_dir():
        raise ModelBroken(f"model {name!r}: {folder / name} does not exist; unpack the model there")
    return store.check(folder / name)


def open_engine(settings: Settings) -> tuple[Engine, store.ModelInfo | None]:
    """What recognises: the servers of the settings, else the model they name, which is loaded now. Blocking.

    Raises `ModelBroken`.
    """
    if settings.speech.servers:
        return VoskServers(settings.speech.servers), None
    model = chosen_model(settings)
    return VoskEngine(model), model


def workers(settings: Settings) -> int:
    """How many threads recognise."""
    cores = os.cpu_count() or 1
    return settings.speech.workers or (cores * WAITING_WORKERS if settings.speech.servers else cores)


async def watch_servers(servers: VoskServers, executor: Executor) -> None:
    """See for ever which servers are well, so that a stream need not find it out."""
    while True:
        await asyncio.sleep(CHECK_EVERY_S)
        await asyncio.get_running_loop().run_in_executor(executor, servers.check)


def site_words_file(settings: Settings, model: store.ModelInfo) -> Path:
    """Where the site's names for a model stand that cannot be made anew, one a line."""
    return models_folder(settings) / f"{model.path.name}.words.txt"


def keep_site_words(settings: Settings, model: store.ModelInfo, words: Path) -> int:
    """Take a file of names, one a line, for that model; how many there are. Raises `ModelBroken`."""
    target = site_words_file(settings, model)
    try:
        count = len(_lines(words))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(words, target)
    except (OSError, UnicodeDecodeError) as error:
        raise ModelBroken(f"{words}: {error}; name a UTF-8 file with one name a line") from error
    return count


def names_to_mend(settings: Settings, model: store.ModelInfo, places: Iterable[str]) -> tuple[str, ...]:
    """Names a model may not know and that are put right by their sound; none for a model made with the site's names.

    Raises `ModelBroken` where the file of the site's names cannot be read.
    """
    if model.adaptable:
        return ()
    file = site_words_file(settings, model)
    try:
        own = _lines(file) if file.is_file() else []
    except (OSError, UnicodeDecodeError) as error:
        raise ModelBroken(f"{file}: {error}; mend the file or remove it") from error
    return (*places, *own)


def _lines(file: Path) -> list[str]:
    return [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]
