"""The EventLog port in memory, as faithful as a database about order, repetition and failure."""

import asyncio
from collections.abc import Sequence

from ivr.calls.events import Recorded
from ivr.calls.vocabulary import CallId
from ivr.ports import EventLogUnavailable


class MemoryEventLog:
    """Keeps every call's events. `down` makes it fail, `stalled_ms` slow; `refused` are calls it will not keep.

    `holes` names the calls whose next event would have left one out.
    """

    def __init__(self) -> None:
        self.calls: dict[CallId, list[Recorded]] = {}
        self.closed: set[CallId] = set()
        self.down = False
        self.stalled_ms = 0
        self.refused: set[CallId] = set()
        self.appends = 0
        self.holes: list[CallId] = []

    @property
    def lines(self) -> list[Recorded]:
        """Everything kept, call by call."""
        return [line for lines in self.calls.values() for line in lines]

    async def append(self, records: Sequence[Recorded]) -> None:
        await self._reach()
        self.appends += 1
        if any(record.call in self.refused for record in records):
            raise ValueError("this event cannot be kept")
        for record in records:
            lines = self.calls.setdefault(record.call, [])
            if record.seq == len(lines):
                lines.append(record)
            elif record.seq > len(lines):
                self.holes.append(record.call)

    async def close(self, call: CallId) -> None:
        await self._reach()
        self.closed.add(call)

    async def open_calls(self) -> list[list[Recorded]]:
        await self._reach()
        return [list(lines) for call, lines in self.calls.items() if call not in self.closed]

    async def _reach(self) -> None:
        await asyncio.sleep(self.stalled_ms / 1000)
        if self.down:
            raise EventLogUnavailable("the database does not answer")
