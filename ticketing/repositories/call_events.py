"""The event logs of calls: appended, read in order, never changed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.models import CallEvent, Contact
from ticketing.records import EventRecord
from ticketing.repositories.sealing import open_event, seal_event
from ticketing.repositories.upsert import insert
from ticketing.vocabulary import ContactId


class CallEventRepository:
    """What happened to calls. An event whose place in the log is taken raises `Conflict` when the unit ends."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def append(self, events: Sequence[EventRecord]) -> None:
        """Append a batch, of one call or several, in one statement."""
        if not events:
            return
        rows = [
            {
                "contact_id": event.contact,
                "seq": event.seq,
                "at": event.at,
                "offset_ms": event.offset_ms,
                "kind": event.kind,
                "body": seal_event(self._session, event.body),
            }
            for event in events
        ]
        await self._session.execute(insert(self._session, CallEvent), rows)

    async def of_contact(self, contact: ContactId) -> tuple[EventRecord, ...]:
        """One call's log."""
        return await self._all(select(CallEvent).where(CallEvent.contact_id == contact))

    async def of_standing(self) -> tuple[EventRecord, ...]:
        """The logs of all calls that have not ended, call by call: what a server that starts folds again."""
        return await self._all(select(CallEvent).join(Contact).where(Contact.ended_at.is_(None)))

    async def of_arrivals(self, start: datetime, end: datetime) -> tuple[EventRecord, ...]:
        """The logs of all calls that arrived in [start, end), call by call: what measures are folded from."""
        return await self._all(
            select(CallEvent).join(Contact).where(Contact.arrived_at >= start, Contact.arrived_at < end)
        )

    async def _all(self, query: Select[CallEvent]) -> tuple[EventRecord, ...]:
        rows = (await self._session.execute(query.order_by(CallEvent.contact_id, CallEvent.seq))).scalars()
        return tuple(
            EventRecord(
                contact=ContactId(row.contact_id),
                seq=row.seq,
                at=row.at,
                offset_ms=row.offset_ms,
                kind=row.kind,
                body=open_event(self._session, row.body),
            )
            for row in rows
        )
