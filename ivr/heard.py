"""What the database has of a call's words: what a new server must know to find the gaps its forerunner left."""

from datetime import datetime, timedelta

from ivr.calls.events import LegsJoined
from ivr.calls.vocabulary import CallId
from ivr.event_log import recorded_of
from ivr.gaps import Past, Unread
from ivr.intake import segment_of
from ticketing.database import Database
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId

UNREAD_FOR = timedelta(days=2)
"""Gaps of calls older than this are left as they are."""


async def past_of(database: Database, call: CallId) -> Past:
    """See `gaps.Past`. Raises `DatabaseUnavailable`."""
    contact = ContactId(call)
    async with UnitOfWork(database, reads=True) as unit:
        log = [recorded_of(record) for record in await unit.call_events.of_contact(contact)]
        segments = await unit.transcripts.segments(contact)
    joined = [each.offset_ms for each in log if isinstance(each.event, LegsJoined)]
    return Past(joined_ms=joined[-1] if joined else None, segments=tuple(map(segment_of, segments)))


async def unread_of(database: Database, now: datetime) -> tuple[Unread, ...]:
    """The gaps an earlier server left unread. Raises `DatabaseUnavailable`."""
    async with UnitOfWork(database, reads=True) as unit:
        lost = await unit.transcripts.lost(now - UNREAD_FOR)
    return tuple(Unread(call=CallId(contact), gap=segment_of(record)) for contact, record in lost)
