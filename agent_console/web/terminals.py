"""Desks that run for browsers: a process each, which outlives a lost connection and is shown again where it was."""

import asyncio
import logging
import shlex
import sys
from collections.abc import Sequence
from time import monotonic
from typing import Final

from aiohttp import ClientConnectionResetError, web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

logger = logging.getLogger(__name__)

KEEP_S: Final = 900.0
"""How long a desk waits for its browser to come back; what was typed is with the server long before."""

LOOK_S: Final = 5.0
STOP_S: Final = 5.0
MOST: Final = 250
"""Desks on one web server: about 60 MB each; a bigger centre starts several."""

MODES: Final = b"\x1b[?1049h\x1b[?1000h\x1b[?1003h\x1b[?1015h\x1b[?1006h\x1b[?25l\x1b[?2004h"
"""What Textual tells a terminal at its start: alternate screen, mouse, hidden cursor, bracketed paste (xterm)."""


class Full(Exception):
    """No room for another desk."""


class Terminal:
    """One desk's process, and the browser that shows it now."""

    def __init__(self, command: str, downloads: DownloadManager) -> None:
        self._service = AppService(
            command,
            write_bytes=self._write,
            write_str=self._tell,
            close=self._over,
            download_manager=downloads,
        )
        self._socket: web.WebSocketResponse | None = None
        self._started = False
        self.ended = False
        self.left_at = monotonic()

    @property
    def shown(self) -> bool:
        """Whether a browser shows it."""
        return self._socket is not None

    async def attach(self, socket: web.WebSocketResponse, width: int, height: int) -> None:
        """Show it in this browser from now on; one that showed it before is told to let go."""
        before, self._socket = self._socket, socket
        if before is not None:
            await before.close(code=4000, message=b"shown elsewhere")
        if not self._started:
            self._started = True
            await self._service.start(width, height)
            return
        await self._write(MODES)
        await self._service.set_terminal_size(width, height - 1)  # a change of size has everything drawn anew
        await self._service.set_terminal_size(width, height)

    def detach(self, socket: web.WebSocketResponse) -> None:
        """The browser is gone; the desk waits for it or another."""
        if self._socket is socket:
            self._socket = None
            self.left_at = monotonic()

    async def take(self, kind: str, said: object) -> None:
        """What the browser says: keys, its size, its focus; anything else is passed over."""
        match kind, said:
            case "stdin", str():
                await self._service.send_bytes(said.encode())
            case "resize", {"width": int() as width, "height": int() as height}:
                await self._service.set_terminal_size(width, height)
            case "focus", _:
                await self._service.focus()
            case "blur", _:
                await self._service.blur()
            case _:
                pass

    async def stop(self) -> None:
        """End the process."""
        self.ended = True
        if not self._started:
            return
        try:
            async with asyncio.timeout(STOP_S):
                await self._service.stop()
        except TimeoutError:
            logger.warning("a desk did not end in time")

    async def _write(self, data: bytes) -> None:
        await self._send(data)

    async def _tell(self, text: str) -> None:
        await self._send(text)

    async def _send(self, what: bytes | str) -> None:
        if self._socket is None or self._socket.closed:
            return
        try:
            await (self._socket.send_str(what) if isinstance(what, str) else self._socket.send_bytes(what))
        except ClientConnectionResetError:
            self.detach(self._socket)

    async def _over(self) -> None:
        self.ended = True
        if self._socket is not None:
            await self._socket.close()


class Terminals:
    """All of them, by the key their browser keeps. `run` is their task: it ends those nobody came back to."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = shlex.join(command)
        self._downloads = DownloadManager()
        self._terminals: dict[str, Terminal] = {}

    def __len__(self) -> int:
        return len(self._terminals)

    def alive(self, key: str) -> bool:
        """Whether there is such a desk and it has not ended."""
        terminal = self._terminals.get(key)
        return terminal is not None and not terminal.ended

    def get(self, key: str) -> Terminal:
        """The desk with this key, begun where there is none. Raises `Full`."""
        terminal = self._terminals.get(key)
        if terminal is None or terminal.ended:
            if len(self._terminals) >= MOST:
                raise Full
            terminal = self._terminals[key] = Terminal(self._command, self._downloads)
        return terminal

    async def run(self) -> None:
        """End what has been left alone too long, until cancelled; then end all."""
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                await self._sweep()
        finally:
            for terminal in self._terminals.values():
                await terminal.stop()

    async def _sweep(self) -> None:
        for key, terminal in list(self._terminals.items()):
            if terminal.ended or (not terminal.shown and monotonic() - terminal.left_at > KEEP_S):
                del self._terminals[key]
                await terminal.stop()


def desk_command(server: str, language: str, theme: str) -> list[str]:
    """The command line of a desk that is shown in a browser."""
    words = ["--server", server, "--lang", language, "--theme", theme]
    return [sys.executable, "-m", "agent_console", "--in-browser", *words]
