"""One server at a time serves an Asterisk: it holds a lease in the database, the next one waits and takes over.

A holder that dies on this machine is seen to be dead, and its lease taken at once; one elsewhere is waited for until
its lease has run out and stayed so. One that lives on this machine is only busy, until it has been silent for long.
While the database is away the holder goes on: nobody else can take the lease.
"""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec

from ivr.ports import Clock, HotlineError
from ticketing.database import Database
from ticketing.errors import DatabaseUnavailable
from ticketing.records import LeaseRecord
from ticketing.unit_of_work import UnitOfWork

_log = logging.getLogger(__name__)

NAME = "server"
LASTS_S = 6.0
RENEW_EVERY_S = 2.0
LOOK_EVERY_S = 0.2
HANGS_S = 30.0
"""How long past its lease a living process of this machine may be silent before it counts as hanging."""
NOBODY = ""
"""The place of a lease that was given up; when that was stays known."""


class LeaseLost(HotlineError):
    """Another server has taken over; this one must let go."""


class ServerLease:
    """`take` waits for it, `keep` holds it, `give_up` lets the next one have it at once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._holder = secrets.token_hex(8)
        self._place = " ".join((socket.gethostname(), *_process(os.getpid())))

    async def take(self, waiting: Callable[[str], None]) -> LeaseRecord | None:
        """Wait until this server is the one; what its predecessor left, for when it was last alive.

        `waiting` is told once, where there is somebody to wait for. Raises `DatabaseUnavailable`.
        """
        told = False
        expired: LeaseRecord | None = None
        while True:
            async with UnitOfWork(self._database) as unit:
                found = await unit.leases.get(NAME)
                free = found is None or _is_dead(found.place) or found == expired
                if free and await unit.leases.take(self._lease(), instead_of=found.holder if found else None):
                    return found
            if found is not None and not told:
                told = True
                waiting(f"another server serves this hotline ({found.place.split()[0]}); waiting to take over from it")
            if found is not None and self._has_run_out(found) and found != expired:
                expired = found  # taken only if it has not been renewed a whole period later
                await self._clock.sleep(round(RENEW_EVERY_S * 1000))
                continue
            await self._clock.sleep(round(LOOK_EVERY_S * 1000))

    def _has_run_out(self, found: LeaseRecord) -> bool:
        patience_s = HANGS_S if _is_here(found.place) else 0.0
        return found.until + timedelta(seconds=patience_s) < self._clock.now()

    async def keep(self) -> None:
        """Renew it for ever. Raises `LeaseLost`."""
        while True:
            await self._clock.sleep(round(RENEW_EVERY_S * 1000))
            lease = self._lease()
            try:
                async with asyncio.timeout(LASTS_S), UnitOfWork(self._database) as unit:
                    kept = await unit.leases.renew(NAME, self._holder, at=lease.renewed_at, until=lease.until)
            except (DatabaseUnavailable, TimeoutError) as why:
                _log.warning("lease not renewed: %s", type(why).__name__)
                continue
            if not kept:
                raise LeaseLost("another server has taken over this hotline: only one may serve it")

    async def give_up(self) -> None:
        """Let go of it; where the database is away, it runs out by itself."""
        try:
            async with asyncio.timeout(RENEW_EVERY_S), UnitOfWork(self._database) as unit:
                given_up = msgspec.structs.replace(self._lease(), place=NOBODY)
                await unit.leases.take(given_up, instead_of=self._holder)
        except (DatabaseUnavailable, TimeoutError) as why:
            _log.warning("lease not given up: %s", type(why).__name__)

    def _lease(self) -> LeaseRecord:
        now = self._clock.now()
        return LeaseRecord(
            name=NAME,
            holder=self._holder,
            place=self._place,
            renewed_at=now,
            until=now + timedelta(seconds=LASTS_S),
        )


def _process(pid: int) -> tuple[str, str, str, str]:
    """A process beyond confusion: this boot of this kernel, its namespace of process ids, its id, when it began."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    namespace = str(Path("/proc/self/ns/pid").readlink())
    state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    if state in "ZX":
        raise ProcessLookupError(pid)  # dead, only not yet buried
    return boot, namespace, str(pid), fields[18]  # proc(5): starttime, field 22


def _is_dead(place: str) -> bool:
    """Whether the holder gave it up, or was a process of this machine that has ended."""
    if not _is_here(place):
        return place == NOBODY
    words = place.split()
    try:
        return _process(int(words[3]))[3] != words[4]
    except (FileNotFoundError, ProcessLookupError):
        return True


def _is_here(place: str) -> bool:
    """Whether that was said by a process of this machine, since it was last started."""
    words = place.split()
    return len(words) == 5 and words[1:3] == list(_process(os.getpid())[:2])
