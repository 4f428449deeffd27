"""What must reach the agencies, and who is sending it just now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from ticketing.columns import written
from ticketing.errors import UnknownId
from ticketing.models import OutboxEntry, Ticket
from ticketing.records import OutboxRecord
from ticketing.repositories.upsert import Prepared
from ticketing.vocabulary import DispatchState, Reference

_GIVEN = (
    "key", "agency_id", "part", "kind", "body", "state", "attempts", "created_at", "next_at", "last_error",
)  # fmt: skip


def _of_ticket(made: Any) -> Any:
    ticket = Ticket.__table__.c
    return made.values(ticket_id=select(ticket.id).where(ticket.reference == bindparam("of_ticket")).scalar_subquery())


_ADDED = Prepared(OutboxEntry, lambda made, _: _of_ticket(made))
_ADDED_ONCE = Prepared(OutboxEntry, lambda made, its: _of_ticket(made).on_conflict_do_nothing(index_elements=[its.key]))


class OutboxRepository:
    """Entries are leased before they are sent, so that two workers never send one at the same time."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, entries: Sequence[OutboxRecord], *, once: bool = False) -> None:
        """Put entries in; their ticket must be there. A key that is there already raises `Conflict`.

        `once`: it is passed over instead, so that saying a thing twice sends it once.
        """
        for entry in entries:
            values = {name: getattr(entry, name) for name in _GIVEN}
            added = (_ADDED_ONCE if once else _ADDED).on(self._session)
            await self._session.execute(added, {"of_ticket": entry.reference, **values})

    async def lease(self, token: str, *, now: datetime, until: datetime, limit: int) -> tuple[OutboxRecord, ...]:
        """Take up to `limit` due entries for `token`, oldest first; each counts as an attempt.

        A lease that ended is free again: its worker died, and what it sent may have arrived.
        """
        due = (
            select(OutboxEntry)
            .where(OutboxEntry.state == written(DispatchState.PENDING), OutboxEntry.next_at <= now, _free(now))
            .order_by(OutboxEntry.next_at, OutboxEntry.id)
            .limit(limit)
            .options(joinedload(OutboxEntry.ticket))
            .with_for_update(skip_locked=True, of=OutboxEntry)
        )
        rows = (await self._session.execute(due)).scalars().all()
        for row in rows:
            row.lease, row.leased_until = token, until
            row.attempts += 1
            row.attempted_at = row.attempted_at or now
        await self._session.flush()
        return tuple(_record(row) for row in rows)

    async def sent(self, key: str, token: str, at: datetime) -> bool:
        """The agency took it. False when the lease was lost: another worker answers for the entry now."""
        values = {"state": DispatchState.SENT, "sent_at": at, "last_error": ""}
        return await self._settle(key, token, values)

    async def dropped(self, key: str, token: str) -> bool:
        """It is not needed any more. False as for `sent`."""
        return await self._settle(key, token, {"state": DispatchState.CANCELLED})

    async def failed(self, key: str, token: str, *, error: str, next_at: datetime | None, forget_attempt: bool) -> bool:
        """The agency did not take it: try again at `next_at`, or (None) lay it down as dead. False as for `sent`.

        `forget_attempt`: surely nothing arrived, so the agency's clock has not begun.
        """
        values: dict[str, object] = {"last_error": error}
        if next_at is None:
            values["state"] = DispatchState.DEAD
        else:
            values["next_at"] = next_at
        if forget_attempt:
            values["attempted_at"] = None
        return await self._settle(key, token, values)

    async def revive(self, key: str, now: datetime) -> None:
        """Try a dead entry again from now. Raises `UnknownId` when there is no such dead entry."""
        revived = await self._session.execute(
            update(OutboxEntry)
            .where(OutboxEntry.key == key, OutboxEntry.state == DispatchState.DEAD)
            .values(state=DispatchState.PENDING, attempts=0, next_at=now)
            .returning(OutboxEntry.id)
        )
        if revived.scalar() is None:
            raise UnknownId(f"no dead outbox entry {key}")

    async def cancel(self, reference: str) -> None:
        """Do not send what still waits for this ticket. What a worker holds just now goes out."""
        ticket = select(Ticket.id).where(Ticket.reference == reference).scalar_subquery()
        await self._session.execute(
            update(OutboxEntry)
            .where(
                OutboxEntry.ticket_id == ticket,
                OutboxEntry.state == DispatchState.PENDING,
                OutboxEntry.lease.is_(None),
            )
            .values(state=DispatchState.CANCELLED)
        )

    async def next_due(self) -> datetime | None:
        """When something is to be sent next; None when nothing waits. May lie in the past."""
        leased = OutboxEntry.leased_until > OutboxEntry.next_at
        free_at = case((leased, OutboxEntry.leased_until), else_=OutboxEntry.next_at)
        soonest = select(func.min(free_at)).where(OutboxEntry.state == written(DispatchState.PENDING))
        found: datetime | None = (await self._session.execute(soonest)).scalar_one()
        return found

    async def of_ticket(self, reference: str) -> tuple[OutboxRecord, ...]:
        """Everything a ticket sent or waits to send."""
        query = select(OutboxEntry).join(OutboxEntry.ticket).where(Ticket.reference == reference)
        return await self._all(query.order_by(OutboxEntry.id))

    async def dead(self) -> tuple[OutboxRecord, ...]:
        """What was given up, oldest first: somebody must look."""
        query = select(OutboxEntry).where(OutboxEntry.state == DispatchState.DEAD)
        return await self._all(query.order_by(OutboxEntry.id))

    async def _settle(self, key: str, token: str, values: dict[str, object]) -> bool:
        settled = await self._session.execute(
            update(OutboxEntry)
            .where(OutboxEntry.key == key, OutboxEntry.lease == token)
            .values(lease=None, leased_until=None, **values)
            .returning(OutboxEntry.id)
        )
        return settled.scalar() is not None

    async def _all(self, query: Select[OutboxEntry]) -> tuple[OutboxRecord, ...]:
        rows = await self._session.execute(query.options(joinedload(OutboxEntry.ticket)))
        return tuple(_record(row) for row in rows.scalars())


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(OutboxEntry.leased_until.is_(None), OutboxEntry.leased_until <= now)


def _record(row: OutboxEntry) -> OutboxRecord:
    return OutboxRecord(
        key=row.key,
        reference=Reference(row.ticket.reference),
        agency_id=row.agency_id,
        part=row.part,
        kind=row.kind,
        body=row.body,
        state=row.state,
        attempts=row.attempts,
        created_at=row.created_at,
        next_at=row.next_at,
        attempted_at=row.attempted_at,
        sent_at=row.sent_at,
        last_error=row.last_error,
    )
