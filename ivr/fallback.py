"""The fallback: a small FastAGI process that takes callers when the server is away, and outlives it.

The dialplan has answered and said the apology. Here the citizen says with keys where to call back; every word of it is
on the disk before the next is asked for, so whatever dies, the citizen is called. One process a caller, forked: pyst2
wants the main thread. Nothing of the server is needed: no database, no loop, no Asterisk interface.
"""

import argparse
import fcntl
import logging
import os
import signal
import socket
import socketserver
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asterisk.agi import AGI, AGIException

from asterisk_conf.layout import Layout
from asterisk_conf.numerals import digit_sounds
from ivr.calls.vocabulary import CallId
from ivr.settings import SettingsError, load_settings
from ivr.spool import Left, Spool, dialable

_log = logging.getLogger(__name__)

HOST = "127.0.0.1"
SILENCE_S = 60.0
"""How long Asterisk may take over one command; the longest, a number being typed, ends by itself long before."""
CALLERS = 300
"""Callers at a time; further ones are told by the dialplan itself."""
KEY_MS, NUMBER_MS = 6_000, 10_000
TRIES = 3
SHORTEST, LONGEST = 7, 20
"""Digits of a number somebody types: a local subscriber's at least."""


class HungUp(Exception):
    """The citizen is gone, or Asterisk is."""


class _Nowhere:
    """pyst2 writes every line it hears, numbers included, to what it takes for standard error."""

    def write(self, text: str) -> int:
        return len(text)


class Dialogue:
    """One caller, from the end of the apology to the goodbye."""

    def __init__(self, connection: socket.socket, spool: Spool) -> None:
        self._spool = spool
        self._reader = connection.makefile("r", encoding="utf-8", errors="replace", newline="\n")
        self._writer = connection.makefile("w", encoding="utf-8", newline="\n")
        self._agi: Any = AGI(stdin=self._reader, stdout=self._writer, stderr=_Nowhere())

    def close(self) -> None:
        """Let go of the connection; the dialplan goes on."""
        self._reader.close()
        with suppress(OSError):  # what was still to be sent to one who is gone
            self._writer.close()

    def hold(self) -> None:
        """Hear where to call back and keep it; a citizen who hangs up is called where they called from.

        Raises `HungUp`, and OSError where it cannot be kept.
        """
        call = CallId(self._ask("get_variable", "CALL_UUID"))
        if not call:
            raise HungUp("no call id: this is not our dialplan")
        own = dialable(str(self._agi.env.get("agi_callerid", "")))
        left = Left(call=call, at=datetime.now(UTC), caller_number=own, number=own)
        self._spool.leave(left)
        number = self._number(own)
        self._spool.leave(Left(call=call, at=left.at, caller_number=own, number=number, settled=True))
        self._ask("stream_file", "fallback_noted" if number else "fallback_no_number")

    def _number(self, own: str | None) -> str | None:
        """Where to call back: their own number unless they type another and confirm it."""
        if own is not None and self._ask("get_data", "fallback_offer", KEY_MS, 1) != "2":
            return own
        for _ in range(TRIES):
            typed = self._ask("get_data", "fallback_number", NUMBER_MS, LONGEST)
            if not (typed.isdecimal() and SHORTEST <= len(typed) <= LONGEST):
                self._ask("stream_file", "fallback_again")
                continue
            for sound in ("fallback_check", *digit_sounds(typed)):
                self._ask("stream_file", sound)
            if self._ask("get_data", "fallback_right", KEY_MS, 1) != "2":
                return typed
        return own

    def _ask(self, command: str, *arguments: object) -> str:
        """One command's answer. pyst2 fails in many ways over a caller who is gone; they all mean the same."""
        try:
            return str(getattr(self._agi, command)(*arguments) or "")
        except (AGIException, ValueError, OSError) as gone:
            raise HungUp(type(gone).__name__) from None


class FallbackServer(socketserver.ForkingTCPServer):
    """Listens for Asterisk."""

    allow_reuse_address = True
    max_children = CALLERS
    block_on_close = False
    request_queue_size = CALLERS

    def __init__(self, port: int, spool: Spool) -> None:
        self.spool = spool
        super().__init__((HOST, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say what went wrong, without its text: it may quote what was typed."""
        _log.error("a caller was lost to the dialplan: %s", type(sys.exc_info()[1]).__name__)


class _Handler(socketserver.BaseRequestHandler):
    server: FallbackServer

    def handle(self) -> None:
        self.request.settimeout(SILENCE_S)
        dialogue = Dialogue(self.request, self.server.spool)
        try:
            dialogue.hold()
        except HungUp as gone:
            _log.info("caller gone: %s", gone)
        finally:
            dialogue.close()


def lock(path: Path, port: int) -> int | None:
    """Be the one fallback of the instance, for as long as this process lives; None where another is.

    The file says who: process id and port.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()} {port}\n".encode(), 0)
    return descriptor


def serve(home: Path, port: int, *, detach: bool = False) -> None:
    """Serve until SIGTERM; callers in the middle of it are heard out by their own processes.

    With `detach` a process of its own goes on and this one returns, once the port is open. Raises `SettingsError` where
    the port is taken or another fallback of this instance runs.
    """
    layout = Layout(home / "asterisk")
    layout.fallback_spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    layout.run.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _bound(port, Spool(layout.fallback_spool)) as server:
        if detach:
            if os.fork():
                return
            os.setsid()
        held = lock(layout.run / "fallback.pid", port)
        if held is None:
            raise SettingsError(f"a fallback of {home} runs already")
        signal.signal(signal.SIGTERM, _leave)
        _log.info("fallback listens on port %d", port)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
        os.close(held)


def _bound(port: int, spool: Spool) -> FallbackServer:
    try:
        return FallbackServer(port, spool)
    except OSError as error:
        raise SettingsError(
            f"[asterisk] fallback_port {port}: {error.strerror}; end what listens there or choose another"
        ) from error


def _leave(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main(words: Sequence[str] | None = None) -> int:
    """Run the fallback of an instance. Prints nothing; its log goes to standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m ivr.fallback", description="Take callers while the server is away."
    )
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("HOTLINE_HOME", ".huying/hotline")))
    parser.add_argument("--port", type=int, default=0, help="instead of the settings' fallback_port")
    parser.add_argument("--detach", action="store_true", help="go on as a process of its own")
    asked = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    home = asked.home.absolute()
    try:
        serve(home, asked.port or load_settings(home).asterisk.fallback_port, detach=asked.detach)
    except SettingsError as wrong:
        _log.error("%s", wrong)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
