"""The event log as calls write it: in order, before anything is done about an event, and never waited for long."""

import asyncio
import logging
from collections import deque
from itertools import islice

from ivr.calls.events import Recorded
from ivr.calls.vocabulary import CallId
from ivr.ports import Clock, EventLog, EventLogUnavailable

_log = logging.getLogger(__name__)

BOUND = 100_000
"""Events that may wait for the log, about 50 MB: two days of a city's calls."""
BATCH = 500
PATIENCE_MS = 100
WRITE_MS = 10_000
FIRST_RETRY_MS, LAST_RETRY_MS = 100, 5_000


class Journal:
    """Between the calls and the event log; `run` is its one writer.

    `append` returns when the event is kept, or after `PATIENCE_MS`: a stalled log costs a call a tenth of a second
    once, then nothing until it moves again. What is not kept yet waits in order, up to `BOUND`. Past that, or where
    the log refuses an event for good, that call's later events are left out too, so what is kept of a call is always
    its beginning without a hole. `lost` counts the events left out.
    """

    def __init__(self, log: EventLog, clock: Clock, bound: int = BOUND) -> None:
        self._event_log = log
        self._clock = clock
        self._bound = bound
        self._waiting: deque[Recorded | CallId] = deque()
        self._added = 0
        self._kept = 0
        self._moved = asyncio.Event()
        self._work = asyncio.Event()
        self._stalled = False
        self._cut: dict[CallId, int] = {}
        self.lost = 0

    def __len__(self) -> int:
        """How many entries wait to be kept."""
        return len(self._waiting)

    @property
    def stalled(self) -> bool:
        """Whether the log takes nothing just now."""
        return self._stalled

    async def append(self, record: Recorded) -> None:
        """Keep an event; those of a call must come in order of `seq`."""
        if record.call in self._cut or len(self._waiting) >= self._bound:
            self._leave_out(record, "the log is too far behind")
            return
        self._put(record)
        mine = self._added
        try:
            async with asyncio.timeout(PATIENCE_MS / 1000):
                while self._kept < mine and not self._stalled:
                    await self._moved.wait()
        except TimeoutError:
            self._stall("slow")

    def close(self, call: CallId) -> None:
        """The call is over. Where there is no room for the note, the next start finds the call gone and closes it."""
        if len(self._waiting) < self._bound:
            self._put(call)

    async def run(self) -> None:
        """Write until cancelled; what the log cannot take now is tried again."""
        retry_ms = FIRST_RETRY_MS
        while True:
            await self._work.wait()
            try:
                async with asyncio.timeout(WRITE_MS / 1000):
                    written = await self._write()
            except (EventLogUnavailable, TimeoutError):
                self._stall("not available")
                await self._clock.sleep(retry_ms)
                retry_ms = min(2 * retry_ms, LAST_RETRY_MS)
                continue
            retry_ms = FIRST_RETRY_MS
            self._written(written)

    async def caught_up(self) -> None:
        """Wait until everything appended so far is kept, or left out for good, however long that takes."""
        mine = self._added
        while self._kept < mine:
            await self._moved.wait()

    async def flush(self, within_ms: int) -> bool:
        """Wait until everything is kept, while `run` runs; False where it was not in time."""
        try:
            async with asyncio.timeout(within_ms / 1000):
                while self._waiting:
                    await self._moved.wait()
        except TimeoutError:
            _log.error("event log: %d entries not kept at the end", len(self._waiting))
            return False
        return True

    def _put(self, entry: Recorded | CallId) -> None:
        self._waiting.append(entry)
        self._added += 1
        self._work.set()

    async def _write(self) -> int:
        """Keep what waits first: a run of events in one piece, or the end of one call. How many entries that was."""
        batch: list[Recorded] = []
        for entry in islice(self._waiting, BATCH):
            if not isinstance(entry, Recorded):
                break
            batch.append(entry)
        if batch:
            await self._append(batch)
            return len(batch)
        first = self._waiting[0]
        assert not isinstance(first, Recorded)
        await self._event_log.close(first)
        self._cut.pop(first, None)
        return 1

    async def _append(self, batch: list[Recorded]) -> None:
        kept = [record for record in batch if record.seq < self._cut.get(record.call, record.seq + 1)]
        self.lost += len(batch) - len(kept)
        if not kept:
            return
        try:
            await self._event_log.append(kept)
        except EventLogUnavailable:
            raise
        except Exception as error:  # one event that can never be kept must not stop the log of all other calls
            if len(kept) == 1:
                self._leave_out(kept[0], type(error).__name__)
                return
            for record in kept:
                await self._append([record])

    def _written(self, entries: int) -> None:
        for _ in range(entries):
            self._waiting.popleft()
        self._kept += entries
        if not self._waiting:
            self._work.clear()
            if self._stalled:
                self._stalled = False
                _log.info("event log: keeps up again")
        self._wake()

    def _stall(self, why: str) -> None:
        if not self._stalled:
            self._stalled = True
            _log.warning("event log: %s, %d entries wait", why, len(self._waiting))
            self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    def _leave_out(self, record: Recorded, why: str) -> None:
        self.lost += 1
        if record.call not in self._cut:
            self._cut[record.call] = record.seq
            _log.error("event log: call %s is kept only to event %d: %s", record.call, record.seq - 1, why)
