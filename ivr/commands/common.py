"""What every sub-command shares: the instance's home, errors as one clear line, output as text or JSON."""

import asyncio
import functools
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec, TypeVar

import msgspec
import typer

from asr.errors import AsrError
from asterisk_conf.errors import AsteriskConfError
from ivr.ports import HotlineError
from ivr.settings import Settings, SettingsError, load_settings
from ticketing.errors import TicketingError
from ticketing.vault import Vault

DEFAULT_HOME = Path(".huying/hotline")
FAULT = 2
"""Exit status when something the operator can mend is wrong; the line on stderr says what."""

Home = Annotated[Path, typer.Option("--home", envvar="HOTLINE_HOME", help="Folder of the instance.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def settings_of(home: Path) -> Settings:
    """The settings of the instance at `home`."""
    return load_settings(home)


def vault_of(settings: Settings) -> Vault | None:
    """The instance's keys, None before it has any."""
    return Vault.opened(settings.keys_file) if settings.keys_file.exists() else None


def told(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """A command whose foreseeable errors end it with one line and status `FAULT` instead of a traceback."""

    @functools.wraps(command)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return command(*args, **kwargs)
        except (SettingsError, AsteriskConfError, TicketingError, AsrError, HotlineError) as error:
            fail(str(error))
        except BaseExceptionGroup as group:
            known, rest = group.split((SettingsError, AsteriskConfError, TicketingError, AsrError, HotlineError))
            if rest is not None or known is None:
                raise
            fail("; ".join(str(error) for error in _leaves(known)))
        except KeyboardInterrupt:
            raise typer.Exit(130) from None

    return run


def run_async(main: Coroutine[Any, Any, _R]) -> _R:
    """Run a coroutine to its end."""
    return asyncio.run(main)


def say(text: str) -> None:
    """A line of result for a person."""
    print(text, flush=True)


def note(text: str) -> None:
    """A line of progress, kept apart from results."""
    print(text, file=sys.stderr, flush=True)


def say_json(value: object) -> None:
    """One JSON document on one line."""
    print(msgspec.json.encode(value).decode(), flush=True)


def fail(text: str) -> NoReturn:
    """End the command because of something that can be mended."""
    note(f"hotline: {text}")
    raise typer.Exit(FAULT)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
