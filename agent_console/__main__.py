"""`python -m agent_console`: one agent's desk in this terminal.

Exit codes: 0 signed out, 2 wrong arguments, 3 no terminal or one too small, 4 the server refused the sign-in that a
password file was given for, 1 a fault in the program.
"""

import argparse
import logging
import shutil
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from agent_console.app import DeskApp, Seat
from agent_console.clock import WallClock
from agent_console.screens.main import LEAST_HEIGHT, LEAST_WIDTH
from agent_console.tones import THEMES
from ivr.desk.catalogue import Catalogue, Language, load

FAULT, USAGE, TERMINAL, REFUSED = 1, 2, 3, 4
DEFAULT_SERVER: Final = "ws://127.0.0.1:8712"


class Unusable(Exception):
    """The desk cannot start: the line to show, and the exit code."""

    def __init__(self, line: str, code: int) -> None:
        self.line = line
        self.code = code
        super().__init__(line)


def main(arguments: list[str] | None = None) -> int:
    """Run one desk; returns the exit code."""
    asked = sys.argv[1:] if arguments is None else arguments
    words = load(_language(asked))
    given = _parser(words).parse_args(asked)
    try:
        seat = _seat(given, words)
        _log_to(given.log, words)
        if not given.in_browser:  # what draws it there is no terminal and tells its size later
            _look_at_terminal(words)
    except Unusable as unusable:
        print(unusable.line, file=sys.stderr)  # noqa: T201 the command line speaks to the person who called it
        return unusable.code
    app = DeskApp(seat, words, WallClock())
    refused = app.run()
    if app.fault is not None:
        print(words.say("program.failed", kind=app.fault.kind, place=app.fault.place), file=sys.stderr)  # noqa: T201 as above
        return FAULT
    if refused is not None:
        reason = words.tell(refused.code, refused.params)
        print(words.say("program.refused", reason=reason), file=sys.stderr)  # noqa: T201 as above
        return REFUSED
    return 0


def _language(asked: list[str]) -> Language:
    """The language before the arguments are read, so that their help is in it too."""
    early = argparse.ArgumentParser(add_help=False)
    early.add_argument("--lang", default=Language.CHINESE, type=str)
    known, _ = early.parse_known_args(asked)
    return next((language for language in Language if language == known.lang), Language.CHINESE)


def _parser(words: Catalogue) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m agent_console", description=words.say("program.description"))
    parser.add_argument("--server", default=DEFAULT_SERVER, help=words.say("program.server"))
    parser.add_argument("--agent", default="", help=words.say("program.agent"))
    parser.add_argument("--password-file", type=Path, help=words.say("program.password_file"))
    parser.add_argument(
        "--lang", default=Language.CHINESE.value, choices=[*Language], help=words.say("program.language")
    )
    parser.add_argument("--theme", default="dark", choices=[*THEMES], help=words.say("program.theme"))
    parser.add_argument("--in-browser", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=words.say("program.log"))
    return parser


def _seat(given: argparse.Namespace, words: Catalogue) -> Seat:
    address = urlsplit(given.server)
    if address.scheme not in ("ws", "wss") or not address.hostname:
        raise Unusable(words.say("program.bad_server", server=given.server), USAGE)
    password = ""
    if given.password_file is not None:
        if not given.agent:
            raise Unusable(words.say("program.agent_needed"), USAGE)
        password = _first_line(given.password_file, words)
    return Seat(server=given.server, agent=given.agent, password=password, theme=given.theme)


def _first_line(file: Path, words: Catalogue) -> str:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or type(fault).__name__
        raise Unusable(words.say("program.bad_password_file", file=file, reason=reason), USAGE) from None
    if not lines or not lines[0]:
        raise Unusable(words.say("program.bad_password_file", file=file, reason=words.say("program.empty")), USAGE)
    return lines[0]


def _log_to(file: Path | None, words: Catalogue) -> None:
    """Log to the file, or nowhere: a line on the terminal would stand in the middle of the screen."""
    if file is None:
        logging.getLogger().addHandler(logging.NullHandler())
        return
    try:
        handler = logging.FileHandler(file, encoding="utf-8")
    except OSError as fault:
        raise Unusable(words.say("program.bad_log", file=file, reason=fault.strerror), USAGE) from None
    logging.basicConfig(level=logging.INFO, handlers=[handler], format="%(asctime)s %(levelname)s %(name)s %(message)s")


def _look_at_terminal(words: Catalogue) -> None:
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise Unusable(words.say("program.no_terminal"), TERMINAL)
    size = shutil.get_terminal_size()
    if size.columns < LEAST_WIDTH or size.lines < LEAST_HEIGHT:
        raise Unusable(
            words.say(
                "program.too_small",
                width=size.columns,
                height=size.lines,
                least_width=LEAST_WIDTH,
                least_height=LEAST_HEIGHT,
            ),
            TERMINAL,
        )


if __name__ == "__main__":
    sys.exit(main())
