"""Tickets, their steps and their numbers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from ticketing.errors import ChangedMeanwhile, UnknownId
from ticketing.models import Contact, ReferenceCounter, Ticket, TicketEvent
from ticketing.records import DueMark, Tally, TicketEventRecord, TicketFilter, TicketRecord
from ticketing.repositories.sealing import opened_ticket, sealed_identity
from ticketing.repositories.upsert import insert
from ticketing.vocabulary import CategoryCode, ContactId, PlaceId, Reference, TicketState

AWAITING_REPLY = (TicketState.DISPATCHED, TicketState.RETURN_ASKED, TicketState.IN_PROGRESS)
"""The states in which an agency's clock runs."""

_AT_ONCE = 400

_COLUMNS = tuple(name for name in TicketRecord.__struct_fields__ if name != "contact")

_TICKETS: Select[*tuple[Any, ...]] = select(
    Ticket.contact_id.label("contact"), *(getattr(Ticket, name) for name in _COLUMNS)
)
"""Tickets as plain columns: no object is made that the session would have to keep track of."""


class TicketRepository:
    """Work orders. Naming one that is not there raises `UnknownId`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def next_reference(self, day: str) -> Reference:
        """The next number of a day (YYMMDD). Without gaps: a unit of work that is not kept gives its number back.

        Who asks next waits until this unit of work ends, so ask as late as possible. The 10,000th of a day raises
        `Conflict`.
        """
        counted = insert(self._session, ReferenceCounter).values(day=day, last=1)
        counted = counted.on_conflict_do_update(
            index_elements=[ReferenceCounter.day], set_={"last": ReferenceCounter.last + 1}
        ).returning(ReferenceCounter.last)
        last = (await self._session.execute(counted)).scalar_one()
        return Reference(f"{day}{last:04d}")

    async def add(self, ticket: TicketRecord, first: TicketEventRecord) -> None:
        """Keep a new ticket with its first step."""
        caller = select(Contact.caller_id).where(Contact.id == ticket.contact).scalar_subquery()
        values = {name: getattr(ticket, name) for name in _COLUMNS}
        values |= sealed_identity(self._session, ticket.citizen_name, ticket.callback_phone)
        row = insert(self._session, Ticket).values(contact_id=ticket.contact, caller_id=caller, **values)
        ticket_id = (await self._session.execute(row.returning(Ticket.id))).scalar_one()
        await self._session.execute(_event_row(self._session, ticket_id, first))

    async def add_many(self, tickets: Sequence[tuple[TicketRecord, Sequence[TicketEventRecord]]]) -> None:
        """Keep tickets that have a past, with all their steps, some hundreds a statement."""
        for start in range(0, len(tickets), _AT_ONCE):
            part = tickets[start : start + _AT_ONCE]
            contacts = select(Contact.id, Contact.caller_id).where(Contact.id.in_([one.contact for one, _ in part]))
            callers = {row.id: row.caller_id for row in await self._session.execute(contacts)}
            rows = [
                {name: getattr(one, name) for name in _COLUMNS}
                | sealed_identity(self._session, one.citizen_name, one.callback_phone)
                | {"contact_id": one.contact, "caller_id": callers[one.contact]}
                for one, _ in part
            ]
            await self._session.execute(insert(self._session, Ticket), rows)
            known = select(Ticket.reference, Ticket.id).where(Ticket.reference.in_([one.reference for one, _ in part]))
            ids = {row.reference: row.id for row in await self._session.execute(known)}
            steps = [
                {name: getattr(event, name) for name in TicketEventRecord.__struct_fields__}
                | {"ticket_id": ids[one.reference]}
                for one, events in part
                for event in events
            ]
            await self._session.execute(insert(self._session, TicketEvent), steps)

    async def claim_reference(self, reference: Reference) -> None:
        """A number given out by an earlier system: the day's next one comes after it."""
        day, number = reference[:6], int(reference[6:])
        claimed = insert(self._session, ReferenceCounter).values(day=day, last=number)
        later = case(
            (claimed.excluded.last > ReferenceCounter.last, claimed.excluded.last), else_=ReferenceCounter.last
        )
        await self._session.execute(
            claimed.on_conflict_do_update(index_elements=[ReferenceCounter.day], set_={"last": later})
        )

    async def keys_known(self, keys: Sequence[str]) -> set[str]:
        """Which of these submit keys made a ticket already."""
        return await self._among(Ticket.submit_key, keys)

    async def references_known(self, references: Sequence[str]) -> set[str]:
        """Which of these numbers are given out."""
        return await self._among(Ticket.reference, references)

    async def _among(self, column: InstrumentedAttribute[str], wanted: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(wanted), _AT_ONCE):
            rows = await self._session.execute(select(column).where(column.in_(wanted[start : start + _AT_ONCE])))
            found.update(rows.scalars())
        return found

    async def change(self, ticket: TicketRecord, step: TicketEventRecord, values: dict[str, Any]) -> TicketRecord:
        """Set `values` (attributes of `TicketRecord`) as one step; returns the ticket as it now is.

        Raises `ChangedMeanwhile` with the kinds of the steps in between when `ticket` is not the newest revision.
        """
        values = {**values, "state": step.to_state, "revision": ticket.revision + 1}
        changed = await self._session.execute(
            update(Ticket)
            .where(Ticket.reference == ticket.reference, Ticket.revision == ticket.revision)
            .values(values)
            .returning(Ticket.id)
        )
        ticket_id = changed.scalar()
        if ticket_id is None:
            steps = await self.events(ticket.reference)
            raise ChangedMeanwhile(
                f"ticket {ticket.reference}", tuple(one.kind for one in steps[ticket.revision + 1 :])
            )
        await self._session.execute(_event_row(self._session, ticket_id, step))
        return msgspec.structs.replace(ticket, **values)

    async def get(self, reference: str) -> TicketRecord:
        """The ticket of a number."""
        found = await self._all(_TICKETS.where(Ticket.reference == reference))
        if not found:
            raise UnknownId(f"no ticket {reference[:20]!r}")
        return found[0]

    async def find(self, wanted: TicketFilter, limit: int = 50) -> tuple[TicketRecord, ...]:
        """The newest tickets that are as wanted; ask on with `before` set to the last one's number."""
        query = _TICKETS.where(*as_wanted(wanted))
        return await self._all(query.order_by(Ticket.reference.desc()).limit(limit))

    async def by_due(
        self, wanted: TicketFilter, *, after: DueMark | None = None, limit: int = 50
    ) -> tuple[TicketRecord, ...]:
        """Tickets that are as wanted, the earliest due first, those due at no time last; ask on `after` the last one.

        Meant for open tickets: among all that ever were it takes long.
        """
        query = _TICKETS.where(*as_wanted(wanted))
        if after is not None:
            later = and_(Ticket.due_at.is_(None), Ticket.reference > after.reference)
            if after.due_at is not None:
                same = and_(Ticket.due_at == after.due_at, Ticket.reference > after.reference)
                later = or_(Ticket.due_at > after.due_at, same, Ticket.due_at.is_(None))
            query = query.where(later)
        return await self._all(query.order_by(Ticket.due_at.asc().nulls_last(), Ticket.reference).limit(limit))

    async def tally(self, wanted: TicketFilter, now: datetime) -> Tally:
        """How many tickets are as wanted, and how many of them overdue."""
        late = and_(Ticket.state.in_(AWAITING_REPLY), Ticket.due_at < now)
        query = select(func.count(), func.sum(case((late, 1), else_=0))).where(*as_wanted(wanted))
        tickets, overdue = (await self._session.execute(query)).one()
        return Tally(tickets=tickets, overdue=overdue or 0)

    async def many(self, references: Sequence[str]) -> tuple[TicketRecord, ...]:
        """The tickets of these numbers that there are, in no order."""
        return await self._all(_TICKETS.where(Ticket.reference.in_(references))) if references else ()

    async def created_from(self, at: datetime | None, *, beyond: Reference, limit: int) -> tuple[TicketRecord, ...]:
        """Tickets created since `at` (None: ever) with numbers beyond one, by number: for reading all in parts."""
        query = _TICKETS.where(Ticket.reference > beyond)
        if at is not None:
            query = query.where(Ticket.created_at >= at)
        return await self._all(query.order_by(Ticket.reference).limit(limit))

    async def count(self) -> int:
        """How many tickets there are."""
        return (await self._session.execute(select(func.count()).select_from(Ticket))).scalar_one()

    async def events(self, reference: str) -> tuple[TicketEventRecord, ...]:
        """Every step of a ticket, in order."""
        rows = await self._session.execute(
            select(TicketEvent)
            .join(Ticket, Ticket.id == TicketEvent.ticket_id)
            .where(Ticket.reference == reference)
            .order_by(TicketEvent.seq)
        )
        return tuple(_event(row) for row in rows.scalars())

    async def merged_into(self, reference: str) -> tuple[TicketRecord, ...]:
        """The tickets merged into this one, oldest first."""
        return await self._all(_TICKETS.where(Ticket.merged_into == reference).order_by(Ticket.id))

    async def unsigned(self, now: datetime, limit: int) -> tuple[TicketRecord, ...]:
        """Tickets no agency signed in time, the longest waiting first."""
        late = _TICKETS.where(Ticket.state == TicketState.DISPATCHED, Ticket.sign_by <= now)
        return await self._all(late.order_by(Ticket.sign_by).limit(limit))

    async def due_between(self, start: datetime | None, end: datetime, limit: int) -> tuple[TicketRecord, ...]:
        """Tickets an agency has to reply to by a time in (start, end], the earliest first."""
        due = _TICKETS.where(Ticket.state.in_(AWAITING_REPLY), Ticket.due_at <= end)
        if start is not None:
            due = due.where(Ticket.due_at > start)
        return await self._all(due.order_by(Ticket.due_at, Ticket.id).limit(limit))

    async def count_of_caller(self, contact: ContactId, states: Sequence[TicketState]) -> int:
        """How many tickets in these states belong to the number a contact came from."""
        query = select(func.count()).where(_same_caller(contact), Ticket.state.in_(states))
        return (await self._session.execute(query)).scalar_one()

    async def of_caller(
        self, contact: ContactId, *, states: Sequence[TicketState] | None = None, limit: int = 20
    ) -> tuple[TicketRecord, ...]:
        """The newest tickets of the number a contact came from; none where it was withheld."""
        query = _TICKETS.where(_same_caller(contact))
        if states is not None:
            query = query.where(Ticket.state.in_(states))
        return await self._all(query.order_by(Ticket.created_at.desc(), Ticket.id.desc()).limit(limit))

    async def similar_of_caller(
        self, contact: ContactId, category: CategoryCode | None, place: PlaceId | None, states: Sequence[TicketState]
    ) -> tuple[TicketRecord, ...]:
        """Tickets of the same number in these states, those of the same category and place first."""
        found = await self.of_caller(contact, states=states)

        def likeness(ticket: TicketRecord) -> tuple[bool, bool]:
            return ticket.category_code == category, place is not None and ticket.place_id == place

        return tuple(sorted(found, key=likeness, reverse=True))

    async def _all(self, query: Select[*tuple[Any, ...]]) -> tuple[TicketRecord, ...]:
        rows = await self._session.execute(query)
        return tuple(opened_ticket(self._session, dict(row)) for row in rows.mappings())


def as_wanted(wanted: TicketFilter) -> list[ColumnElement[bool]]:
    """A filter as conditions of a query."""
    asked: list[ColumnElement[bool]] = []
    if wanted.states:
        asked.append(Ticket.state.in_(wanted.states))
    if wanted.agencies:
        theirs = (Ticket.lead_agency_id, Ticket.holder_agency_id)
        asked.append(or_(*(column.in_(wanted.agencies) for column in theirs)))
    if wanted.due_before is not None:
        asked.append(Ticket.due_at < wanted.due_before)
    if wanted.overdue_at is not None:
        asked += [Ticket.state.in_(AWAITING_REPLY), Ticket.due_at < wanted.overdue_at]
    if wanted.category_prefix:
        asked.append(Ticket.category_code.startswith(wanted.category_prefix, autoescape=True))
    if wanted.supervised:
        asked.append(Ticket.supervision > 0)
    if wanted.extension_asked:
        asked += [Ticket.state == TicketState.IN_PROGRESS, _extension_waits()]
    if wanted.created_by:
        asked.append(Ticket.created_by == wanted.created_by)
    if wanted.of_caller is not None:
        asked.append(_same_caller(wanted.of_caller))
    if wanted.reference_prefix:
        asked.append(Ticket.reference.startswith(wanted.reference_prefix, autoescape=True))
    if wanted.references is not None:
        asked.append(Ticket.reference.in_(wanted.references))
    if wanted.before:
        asked.append(Ticket.reference < wanted.before)
    return asked


def _extension_waits() -> ColumnElement[bool]:
    """It was asked for, and nothing that settles it came after."""
    asked, settled = aliased(TicketEvent), aliased(TicketEvent)
    later = exists().where(settled.ticket_id == asked.ticket_id, settled.seq > asked.seq, settled.kind.in_(_SETTLES))
    return exists().where(asked.ticket_id == Ticket.id, asked.kind == "extension_asked", ~later)


_SETTLES = ("extension_granted", "extension_denied", "replied", "return_upheld", "reopened")


def _same_caller(contact: ContactId) -> Any:
    return Ticket.caller_id == select(Contact.caller_id).where(Contact.id == contact).scalar_subquery()


def _event_row(session: AsyncSession, ticket_id: int, event: TicketEventRecord) -> Any:
    values = {name: getattr(event, name) for name in TicketEventRecord.__struct_fields__}
    return insert(session, TicketEvent).values(ticket_id=ticket_id, **values)


def _event(row: TicketEvent) -> TicketEventRecord:
    return TicketEventRecord(**{name: getattr(row, name) for name in TicketEventRecord.__struct_fields__})
