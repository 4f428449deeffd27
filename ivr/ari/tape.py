"""A tape of everything said to and heard from Asterisk, for faults that must be looked at byte by byte.

Off unless asked for: a tape holds callers' numbers. Readable by its owner alone, and bounded.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec

from ivr.tasks import Tasks

_log = logging.getLogger(__name__)
_FLUSH_S = 0.1
_PENDING = 20_000  # lines not yet on disk; past it lines are dropped and their number written instead

Direction = Literal["in", "out", "up", "down", "lost"]


class TapeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `ms` is the event loop's clock; `via` the carrier; `up` and `down` frame a connection."""

    ms: int
    dir: Direction
    via: Literal["ws", "http"] = "ws"
    text: str = ""


class Tape:
    """Appends lines to `path`; at `max_bytes` the file becomes `path` + `.1` and a new one begins.

    Use as an async context manager. `note` never blocks: a task writes, in a thread. A full disk ends the tape, not the
    hotline.
    """

    def __init__(self, path: Path, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self._pending: deque[TapeLine] = deque()
        self._lost = 0
        self._closing = asyncio.Event()
        self._tasks = Tasks()
        self._writer: asyncio.Task[None] | None = None
        self._encoder = msgspec.json.Encoder()

    async def __aenter__(self) -> Self:
        """Begin to write."""
        await self._tasks.__aenter__()
        self._writer = self._tasks.start("ari tape", self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is left."""
        self._closing.set()
        if self._writer is not None:
            await asyncio.wait({self._writer})
        await self._tasks.__aexit__(kind, error, trace)

    def note(self, direction: Direction, text: str = "", via: Literal["ws", "http"] = "ws") -> None:
        """Keep one line."""
        if len(self._pending) >= _PENDING:
            self._lost += 1
            return
        ms = round(asyncio.get_running_loop().time() * 1000)
        self._pending.append(TapeLine(ms=ms, dir=direction, via=via, text=text))

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_FLUSH_S):
                    await self._closing.wait()
            except TimeoutError:
                pass
            lines = [self._pending.popleft() for _ in range(len(self._pending))]
            if self._lost:
                lines.append(TapeLine(ms=lines[-1].ms if lines else 0, dir="lost", text=str(self._lost)))
                self._lost = 0
            try:
                await asyncio.to_thread(self._write, lines)
            except OSError as error:
                _log.error("ari tape stopped: %s", error.strerror)
                return
            if self._closing.is_set() and not self._pending:
                return

    def _write(self, lines: list[TapeLine]) -> None:
        if not lines:
            return
        if self.path.exists() and self.path.stat().st_size >= self.max_bytes:
            self.path.replace(self.path.with_name(self.path.name + ".1"))
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(self._encoder.encode_lines(lines))


def read_tape(path: Path) -> Iterator[TapeLine]:
    """The lines of a tape. Raises msgspec.MsgspecError for a line that is not one."""
    decoder = msgspec.json.Decoder(TapeLine)
    with path.open("rb") as file:
        for line in file:
            yield decoder.decode(line)
