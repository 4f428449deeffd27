"""Tickets, their steps and their numbers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, and_, bindparam, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from ticketing.errors import ChangedMeanwhile, UnknownId
from ticketing.models import Contact, ReferenceCounter, Ticket, TicketEvent
from ticketing.records import DueMark, MatterRecord, Tally, TicketEventRecord, TicketFilter, TicketRecord
from ticketing.repositories.sealing import opened_ticket, sealed_identity
from ticketing.repositories.upsert import Prepared, insert
from ticketing.repositories.wanted import AWAITING_REPLY, SUPERVISED, as_wanted, in_state, newest, same_caller
from ticketing.vocabulary import CategoryCode, ContactId, PlaceId, Reference, TicketState

_AT_ONCE = 400

_COLUMNS = tuple(name for name in TicketRecord.__struct_fields__ if name != "contact")

_TICKETS: Select[*tuple[Any, ...]] = select(
    Ticket.contact_id.label("contact"), *(getattr(Ticket, name) for name in _COLUMNS)
)
"""Tickets as plain columns: no object is made that the session would have to keep track of."""

_CALLER = select(Contact.caller_id).where(Contact.id == bindparam("contact")).scalar_subquery()
_NEWEST = (Ticket.created_at.desc(), Ticket.id.desc())
_ONE = _TICKETS.where(Ticket.reference == bindparam("wanted"))
_MANY = _TICKETS.where(Ticket.reference.in_(bindparam("wanted", expanding=True)))
_OF_CALLER = _TICKETS.where(Ticket.caller_id == _CALLER).order_by(*_NEWEST).limit(bindparam("most"))
_OPEN_OF_CALLER = (
    _TICKETS.where(Ticket.caller_id == _CALLER, Ticket.state.in_(bindparam("states", expanding=True)))
    .order_by(*_NEWEST)
    .limit(bindparam("most"))
)

_MATTERS = select(
    Ticket.contact_id.label("contact"),
    *(getattr(Ticket, name) for name in MatterRecord.__struct_fields__ if name != "contact"),
)
_MATTERS_OF_NUMBERS = _MATTERS.where(Ticket.reference.in_(bindparam("wanted", expanding=True)))
_MATTERS_OF_CALLER = (
    _MATTERS.where(Ticket.caller_id == _CALLER, Ticket.created_at >= bindparam("since")).order_by(*_NEWEST).limit(20)
)

_STEP = TicketEventRecord.__struct_fields__
_EVENTS = (
    select(*(getattr(TicketEvent, name) for name in _STEP))
    .join(Ticket, Ticket.id == TicketEvent.ticket_id)
    .where(Ticket.reference == bindparam("wanted"))
    .order_by(TicketEvent.seq)
)
_STEPPED = Prepared(TicketEvent)
_COUNTED = Prepared(
    ReferenceCounter,
    lambda made, its: made.on_conflict_do_update(index_elements=[its.day], set_={"last": its.last + 1}).returning(
        its.last
    ),
)


def _with_caller(made: Any, its: Any) -> Any:
    contact = Contact.__table__.c
    caller = select(contact.caller_id).where(contact.id == bindparam("of_contact")).scalar_subquery()
    return made.values(caller_id=caller).returning(its.id)


_ADDED = Prepared(Ticket, _with_caller)


class TicketRepository:
    """Work orders. Naming one that is not there raises `UnknownId`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def next_reference(self, day: str) -> Reference:
        """The next number of a day (YYMMDD). Without gaps: a unit of work that is not kept gives its number back.

        Who asks next waits until this unit of work ends, so ask as late as possible. The 10,000th of a day raises
        `Conflict`.
        """
        last = (await self._session.execute(_COUNTED.on(self._session), {"day": day, "last": 1})).scalar_one()
        return Reference(f"{day}{last:04d}")

    async def add(self, ticket: TicketRecord, first: TicketEventRecord) -> None:
        """Keep a new ticket with its first step."""
        values = {name: getattr(ticket, name) for name in _COLUMNS}
        values |= sealed_identity(self._session, ticket.citizen_name, ticket.callback_phone)
        values |= {"contact_id": ticket.contact, "of_contact": ticket.contact}
        ticket_id = (await self._session.execute(_ADDED.on(self._session), values)).scalar_one()
        await self._note(ticket_id, first)

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
        await self._note(ticket_id, step)
        return msgspec.structs.replace(ticket, **values)

    async def get(self, reference: str) -> TicketRecord:
        """The ticket of a number."""
        found = await self._all(_ONE, {"wanted": reference})
        if not found:
            raise UnknownId(f"no ticket {reference[:20]!r}")
        return found[0]

    async def find(self, wanted: TicketFilter, limit: int = 50) -> tuple[TicketRecord, ...]:
        """The newest tickets that are as wanted; ask on with `before` set to the last one's number."""
        numbers = newest(wanted, limit).subquery()
        query = _TICKETS.join(numbers, numbers.c.reference == Ticket.reference)
        return await self._all(query.order_by(Ticket.reference.desc()))

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

    async def hold(self, *references: str) -> None:
        """Let nobody else change these until the unit of work ends; held by number, so that none wait in a ring."""
        held = select(Ticket.id).where(Ticket.reference.in_(references)).order_by(Ticket.reference)
        await self._session.execute(held.with_for_update())

    async def many(self, references: Sequence[str]) -> tuple[TicketRecord, ...]:
        """The tickets of these numbers that there are, in no order."""
        return await self._all(_MANY, {"wanted": list(references)}) if references else ()

    async def matters(self, references: Sequence[str]) -> tuple[MatterRecord, ...]:
        """What the tickets of these numbers are about, in no order."""
        return await self._matters(_MATTERS_OF_NUMBERS, {"wanted": list(references)}) if references else ()

    async def matters_of_caller(self, contact: ContactId, since: datetime) -> tuple[MatterRecord, ...]:
        """What the newest tickets of the number a contact came from are about; none where it was withheld."""
        return await self._matters(_MATTERS_OF_CALLER, {"contact": contact, "since": since})

    async def _matters(self, query: Any, given: dict[str, Any]) -> tuple[MatterRecord, ...]:
        rows = await self._session.execute(query, given)
        return tuple(MatterRecord(**row) for row in rows.mappings())

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
        rows = await self._session.execute(_EVENTS, {"wanted": reference})
        return tuple(TicketEventRecord(**row) for row in rows.mappings())

    async def merged_into(self, reference: str) -> tuple[TicketRecord, ...]:
        """The tickets merged into this one, oldest first."""
        return await self._all(_TICKETS.where(Ticket.merged_into == reference).order_by(Ticket.id))

    async def unsigned(self, now: datetime, limit: int) -> tuple[TicketRecord, ...]:
        """Tickets no agency signed in time, the longest waiting first."""
        late = _TICKETS.where(in_state(TicketState.DISPATCHED), Ticket.sign_by <= now)
        return await self._all(late.order_by(Ticket.sign_by).limit(limit))

    async def supervised_late(self, now: datetime, limit: int) -> tuple[TicketRecord, ...]:
        """Supervised tickets whose supervision's own time is over and whose agency still owes its reply."""
        late = _TICKETS.where(SUPERVISED, Ticket.supervision_due_at <= now, Ticket.state.in_(AWAITING_REPLY))
        return await self._all(late.order_by(Ticket.supervision_due_at).limit(limit))

    async def closed_before(self, before: datetime, limit: int) -> tuple[TicketRecord, ...]:
        """Tickets that were closed earlier and are not archived yet."""
        over = _TICKETS.where(in_state(TicketState.CLOSED), Ticket.closed_at <= before)
        return await self._all(over.order_by(Ticket.closed_at).limit(limit))

    async def due_between(self, start: datetime | None, end: datetime, limit: int) -> tuple[TicketRecord, ...]:
        """Tickets an agency has to reply to by a time in (start, end], the earliest first."""
        due = _TICKETS.where(Ticket.state.in_(AWAITING_REPLY), Ticket.due_at <= end)
        if start is not None:
            due = due.where(Ticket.due_at > start)
        return await self._all(due.order_by(Ticket.due_at, Ticket.id).limit(limit))

    async def count_of_caller(self, contact: ContactId, states: Sequence[TicketState]) -> int:
        """How many tickets in these states belong to the number a contact came from."""
        query = select(func.count()).where(same_caller(contact), Ticket.state.in_(states))
        return (await self._session.execute(query)).scalar_one()

    async def of_caller(
        self, contact: ContactId, *, states: Sequence[TicketState] | None = None, limit: int = 20
    ) -> tuple[TicketRecord, ...]:
        """The newest tickets of the number a contact came from; none where it was withheld."""
        if states is None:
            return await self._all(_OF_CALLER, {"contact": contact, "most": limit})
        return await self._all(_OPEN_OF_CALLER, {"contact": contact, "most": limit, "states": list(states)})

    async def similar_of_caller(
        self, contact: ContactId, category: CategoryCode | None, place: PlaceId | None, states: Sequence[TicketState]
    ) -> tuple[TicketRecord, ...]:
        """Tickets of the same number in these states, those of the same category and place first."""
        found = await self.of_caller(contact, states=states)

        def likeness(ticket: TicketRecord) -> tuple[bool, bool]:
            return ticket.category_code == category, place is not None and ticket.place_id == place

        return tuple(sorted(found, key=likeness, reverse=True))

    async def _note(self, ticket_id: int, step: TicketEventRecord) -> None:
        values = {name: getattr(step, name) for name in _STEP}
        await self._session.execute(_STEPPED.on(self._session), {"ticket_id": ticket_id, **values})

    async def _all(
        self, query: Select[*tuple[Any, ...]], given: dict[str, Any] | None = None
    ) -> tuple[TicketRecord, ...]:
        rows = await self._session.execute(query, given)
        return tuple(opened_ticket(self._session, dict(row)) for row in rows.mappings())
