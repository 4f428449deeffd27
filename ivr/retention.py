"""How long recordings are kept: those of calls that ended long ago are removed, unless somebody still needs them.

The file goes before the record of it: broken off in between, the next run finds the record and ends what was begun.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import msgspec

from ticketing.database import Database
from ticketing.records import AuditRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId

_log = logging.getLogger(__name__)


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed, or with a dry run would have been; `kept` are calls past their time that are still needed."""

    calls: int
    files: int
    bytes: int
    kept: int


async def forget_recordings(
    database: Database,
    folder: Path,
    *,
    before: datetime,
    now: datetime,
    needed: Callable[[UnitOfWork, ContactId], Awaitable[bool]],
    dry_run: bool = False,
) -> Forgotten:
    """Remove the sound of calls that ended before a moment and are not `needed`. Words and events stay."""
    async with UnitOfWork(database, reads=True) as unit:
        old = await unit.recordings.ended_before(before)
        kept = frozenset([contact for contact in old if await needed(unit, contact)])
    files = size = 0
    for contact in (contact for contact in old if contact not in kept):
        async with UnitOfWork(database, reads=dry_run) as unit:
            for recording in await unit.transcripts.recordings(contact):
                size += await asyncio.to_thread(_remove, folder / Path(recording.path).name, dry_run=dry_run)
                files += 1
            if not dry_run:
                await unit.recordings.untie(contact)
                await unit.audits.add(_audit(contact, now, before))
    _log.info("recordings forgotten: %d calls, %d files, %d kept", len(old) - len(kept), files, len(kept))
    return Forgotten(calls=len(old) - len(kept), files=files, bytes=size, kept=len(kept))


async def matter_open(unit: UnitOfWork, contact: ContactId) -> bool:
    """Whether a work order of the call has not ended yet."""
    call = await unit.recordings.get(contact)
    tickets = [await unit.tickets.get(reference) for reference in call.references]
    return any(ticket.closed_at is None for ticket in tickets)


def _remove(path: Path, *, dry_run: bool) -> int:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return 0
    if not dry_run:
        path.unlink(missing_ok=True)
    return size


def _audit(contact: ContactId, now: datetime, before: datetime) -> AuditRecord:
    return AuditRecord(
        at=now,
        actor="system",
        action="forget_recording",
        subject_kind="contact",
        subject_id=contact,
        why=f"ended before {before:%Y-%m-%d}",
    )
