"""What must be kept, in order, whatever the database is doing: one writer, a bounded backlog, retried until it is in.

Calls never wait for the database longer than they choose to. While it is away the backlog grows; past its bound the
newest work is refused, loudly and counted, because memory is what the talking calls live on.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ticketing.database import Database
from ticketing.errors import DatabaseUnavailable, TicketingError
from ticketing.unit_of_work import UnitOfWork

_log = logging.getLogger(__name__)

Job = Callable[[UnitOfWork], Awaitable[None]]
"""Writes through the unit of work it is given. Run again from the start when the unit could not be kept."""

BACKLOG = 200_000
"""Jobs that may wait: eight minutes of twenty calls a second. Each holds a few hundred bytes."""
BATCH = 64
FIRST_RETRY_S = 0.1
LAST_RETRY_S = 5.0
WRITTEN_WITHIN_S = 20.0
"""Longer than a unit of work waits for its turn."""


class Kept(asyncio.Event):
    """Set when the job is in the database, or has been given up as faulty."""


class Keeper:
    """The one writer of what belongs to calls: words, drafts, callbacks. `run` is its task; `flush` ends it cleanly.

    `first` is waited for before anything is written: the event log, which opens the contacts all the rest hangs on.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.first: Callable[[], Awaitable[object]] | None = None
        self._waiting: deque[tuple[str, Job, Kept]] = deque()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.away = False
        self.refused = 0
        self.faulty = 0

    @property
    def backlog(self) -> int:
        """Jobs not yet kept."""
        return len(self._waiting)

    def keep(self, what: str, job: Job) -> Kept:
        """Queue a job; `what` names it in the log, without a citizen's data."""
        kept = Kept()
        if len(self._waiting) >= BACKLOG:
            self.refused += 1
            _log.critical("backlog full: %s refused, %d in all", what, self.refused)
            kept.set()
            return kept
        self._waiting.append((what, job, kept))
        self._idle.clear()
        self._work.set()
        return kept

    async def kept_within(self, kept: Kept, deadline_ms: int) -> bool:
        """Wait for a job, but no longer than `deadline_ms`; whether it was kept by then."""
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline_ms / 1000):
                await kept.wait()
        return kept.is_set()

    async def run(self) -> None:
        """Keep what is queued, for ever."""
        retry_s = FIRST_RETRY_S
        while True:
            await self._work.wait()
            batch = [self._waiting[i] for i in range(min(BATCH, len(self._waiting)))]
            if self.first is not None:
                await self.first()
            try:
                await self._keep(batch)
            except DatabaseUnavailable as why:
                if not self.away:
                    _log.error("database away: %s; %d jobs wait", why, len(self._waiting))
                self.away = True
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, LAST_RETRY_S)
                continue
            if self.away:
                _log.warning("database back; %d jobs were waiting", len(self._waiting))
            self.away = False
            retry_s = FIRST_RETRY_S
            for _ in batch:
                self._waiting.popleft()[2].set()
            if not self._waiting:
                self._work.clear()
                self._idle.set()

    async def flush(self, deadline_s: float) -> bool:
        """Wait until everything queued is kept; whether it was within the deadline."""
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                await self._idle.wait()
        return self._idle.is_set()

    async def _keep(self, batch: list[tuple[str, Job, Kept]]) -> None:
        try:
            await self._together(batch)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # one faulty job must not hold up everybody else's; it is found one by one below
            if len(batch) == 1:
                self._give_up(batch[0][0], error)
                return
            for one in batch:
                await self._keep([one])

    async def _together(self, batch: list[tuple[str, Job, Kept]]) -> None:
        try:
            async with asyncio.timeout(WRITTEN_WITHIN_S), UnitOfWork(self._database) as unit:
                for _, job, _ in batch:
                    await job(unit)
        except TimeoutError:
            raise DatabaseUnavailable(f"the database did not answer within {WRITTEN_WITHIN_S:g} s") from None

    def _give_up(self, what: str, error: Exception) -> None:
        self.faulty += 1
        text = str(error) if isinstance(error, TicketingError) else ""
        _log.error("%s could not be kept: %s %s", what, type(error).__name__, text)
