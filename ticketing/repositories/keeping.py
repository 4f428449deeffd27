"""What is kept no longer: found, counted and removed, by kind; what a hold stands on is passed over."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.errors import UnknownId
from ticketing.models import (
    Audit,
    Callback,
    Caller,
    CallEvent,
    Contact,
    Draft,
    LegalHold,
    OutboxEntry,
    Recording,
    Segment,
    Ticket,
    TicketEvent,
)
from ticketing.records import HoldRecord
from ticketing.repositories.sealing import SEALED_FIELDS, SEALED_WORD, vault_of
from ticketing.repositories.upsert import insert
from ticketing.views import DraftField
from ticketing.vocabulary import CallbackState, Reference, TicketState

ENDED = (TicketState.CLOSED, TicketState.ARCHIVED, TicketState.WITHDRAWN, TicketState.MERGED)
"""The states of a ticket nobody works on any more."""

_AT_ONCE = 500
_ARRIVAL = "CallArrived"
_SAID = ("text", "result", "public_reply")  # what of a step's body is a person's words


class KeepingRepository:
    """Holds, and what of the past may go. Every `…_before` leaves out what a standing hold keeps."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    # ---- holds

    async def hold(self, reference: str, *, why: str, by: str, at: datetime) -> None:
        """Keep a ticket and its contact whatever happens. Raises `UnknownId`; held twice is held."""
        ticket = (await self._session.execute(select(Ticket.id).where(Ticket.reference == reference))).scalar()
        if ticket is None:
            raise UnknownId(f"no ticket {reference[:20]!r}")
        placed = insert(self._session, LegalHold).values(ticket_id=ticket, why=why, placed_by=by, placed_at=at)
        await self._session.execute(placed.on_conflict_do_nothing())

    async def lift(self, reference: str, *, by: str, at: datetime) -> None:
        """The hold is over. Raises `UnknownId` where none stands."""
        ticket = select(Ticket.id).where(Ticket.reference == reference).scalar_subquery()
        lifted = update(LegalHold).where(LegalHold.ticket_id == ticket, LegalHold.lifted_at.is_(None))
        found = await self._session.execute(lifted.values(lifted_by=by, lifted_at=at).returning(LegalHold.id))
        if found.scalar() is None:
            raise UnknownId(f"no hold stands on {reference[:20]!r}")

    async def holds(self) -> tuple[HoldRecord, ...]:
        """The holds that stand, oldest first."""
        query = select(Ticket.reference, LegalHold).join(LegalHold.ticket).where(LegalHold.lifted_at.is_(None))
        return tuple(
            HoldRecord(reference=Reference(reference), why=one.why, placed_by=one.placed_by, placed_at=one.placed_at)
            for reference, one in (await self._session.execute(query.order_by(LegalHold.id))).all()
        )

    async def held(self, references: Sequence[str]) -> tuple[str, ...]:
        """Which of these a hold stands on."""
        query = select(Ticket.reference).where(Ticket.reference.in_(references), Ticket.id.in_(_held_tickets()))
        return tuple((await self._session.execute(query)).scalars())

    # ---- what may go

    async def recordings_before(self, before: datetime, limit: int = _AT_ONCE) -> tuple[tuple[int, str], ...]:
        """Sound files (row, path) of contacts that ended earlier."""
        query = select(Recording.id, Recording.path).join(Contact, Contact.id == Recording.contact_id)
        rows = await self._session.execute(query.where(*_ended(before)).order_by(Recording.id).limit(limit))
        return tuple((row.id, row.path) for row in rows)

    async def forget_recordings(self, rows: Sequence[int]) -> None:
        """The files are gone."""
        await self._session.execute(delete(Recording).where(Recording.id.in_(rows)))

    async def count(self, kind: str, before: datetime) -> int:
        """How many rows of a kind `remove` would touch."""
        return (
            await self._session.execute(select(func.count()).select_from(_old(kind, before).subquery()))
        ).scalar_one()

    async def remove(self, kind: str, before: datetime) -> int:
        """Remove what is older, or what of it says who the citizen was; returns how many rows."""
        old = _old(kind, before)
        number = await self.count(kind, before)
        if number == 0:
            return 0
        match kind:
            case "transcripts":
                ended = select(Contact.id).where(*_ended(before))
                await self._session.execute(delete(Segment).where(Segment.contact_id.in_(ended)))
            case "drafts":
                drafts = list((await self._session.execute(old)).scalars())
                for start in range(0, number, _AT_ONCE):
                    part = drafts[start : start + _AT_ONCE]
                    await self._session.execute(update(Ticket).where(Ticket.draft_id.in_(part)).values(draft_id=None))
                    await self._session.execute(delete(Draft).where(Draft.id.in_(part)))
            case "identities":
                nobody = {"citizen_name": "", "callback_phone": "", "phone_digest": None}
                await self._session.execute(update(Ticket).where(Ticket.id.in_(old)).values(**nobody))
            case "callers":
                callers = list((await self._session.execute(old)).scalars())
                for start in range(0, number, _AT_ONCE):
                    await self._forget_callers(callers[start : start + _AT_ONCE])
            case "callbacks":
                await self._session.execute(delete(Callback).where(Callback.id.in_(old)))
            case "audits":
                await self._session.execute(delete(Audit).where(Audit.id.in_(old)))
        return number

    # ---- one citizen

    async def tickets_of_number(self, number: str) -> tuple[tuple[Reference, TicketState], ...]:
        """The tickets of whoever called from, or wanted to be called at, a number."""
        digest = vault_of(self._session).digest(number)
        theirs = or_(Ticket.phone_digest == digest, Ticket.caller_id == _caller(digest))
        rows = await self._session.execute(select(Ticket.reference, Ticket.state).where(theirs).order_by(Ticket.id))
        return tuple((Reference(row.reference), row.state) for row in rows)

    async def recordings_of_number(self, number: str) -> tuple[tuple[int, str], ...]:
        """The sound files (row, path) of their calls."""
        theirs = self._contacts_of(vault_of(self._session).digest(number))
        rows = await self._session.execute(select(Recording.id, Recording.path).where(Recording.contact_id.in_(theirs)))
        return tuple((row.id, row.path) for row in rows)

    async def erase(self, number: str, references: Sequence[str], word: str) -> None:
        """Nothing says any more who they were or what they said; what is counted stays.

        `word` stands where the tickets' texts stood.
        """
        digest = vault_of(self._session).digest(number)
        contacts = self._contacts_of(digest)
        await self._session.execute(delete(Segment).where(Segment.contact_id.in_(contacts)))
        await self._session.execute(update(Ticket).where(Ticket.reference.in_(references)).values(draft_id=None))
        await self._session.execute(delete(Draft).where(Draft.contact_id.in_(contacts)))
        theirs = select(Ticket.id).where(Ticket.reference.in_(references))
        events = select(TicketEvent).where(TicketEvent.ticket_id.in_(theirs))
        for event in (await self._session.execute(events)).scalars():
            event.why = ""
            event.body = {key: "" if key in _SAID else value for key, value in event.body.items()}
        await self._session.flush()
        for entry in (
            await self._session.execute(select(OutboxEntry).where(OutboxEntry.ticket_id.in_(theirs)))
        ).scalars():
            entry.body = {key: "" if key == "why" else value for key, value in entry.body.items()}
        await self._session.flush()
        await self._session.execute(
            update(Ticket)
            .where(Ticket.reference.in_(references))
            .values(citizen_name="", callback_phone="", phone_digest=None, title=word, content=word, address="")
        )
        await self._forget_callers(list((await self._session.execute(select(_caller(digest)))).scalars()))

    # ---- keys

    async def reseal(self, limit: int = _AT_ONCE) -> int:
        """Seal numbers and names that an older key sealed with the one that seals now; returns how many rows, at most
        `limit` of callers and as many of tickets: ask until there are none.
        """
        vault = vault_of(self._session)
        mark = f"{vault.current}:%"
        callers = select(Caller.id, Caller.number).where(Caller.number != "", Caller.number.not_like(mark)).limit(limit)
        found = (await self._session.execute(callers)).all()
        for one in found:
            number = {"number": vault.seal(vault.open(one.number))}
            await self._session.execute(update(Caller).where(Caller.id == one.id).values(**number))
        older = (and_(column != "", column.not_like(mark)) for column in (Ticket.citizen_name, Ticket.callback_phone))
        tickets = select(Ticket.id, Ticket.citizen_name, Ticket.callback_phone).where(or_(*older)).limit(limit)
        rows = (await self._session.execute(tickets)).all()
        for row in rows:
            name, phone = (vault.seal(vault.open(one)) for one in (row.citizen_name, row.callback_phone))
            changed = update(Ticket).where(Ticket.id == row.id).values(citizen_name=name, callback_phone=phone)
            await self._session.execute(changed)
        return len(found) + len(rows)

    async def reseal_drafts(self, after: str, limit: int = _AT_ONCE) -> str | None:
        """The same for drafts with ids beyond `after`, up to `limit` of them; the last id, None when there are none."""
        query = select(Draft).where(Draft.id > after).order_by(Draft.id).limit(limit)
        rows = (await self._session.execute(query)).scalars().all()
        vault = vault_of(self._session)
        for row in rows:
            row.fields = {
                name: DraftField(value=vault.seal(vault.open(field.value)))
                if name in SEALED_FIELDS and not vault.is_current(field.value)
                else field
                for name, field in row.fields.items()
            }
        await self._session.flush()
        return rows[-1].id if rows else None

    async def reseal_arrivals(self, after: str, limit: int = _AT_ONCE) -> str | None:
        """The same for the calls' arrivals, by contact."""
        query = select(CallEvent).where(CallEvent.kind == _ARRIVAL, CallEvent.contact_id > after)
        rows = (await self._session.execute(query.order_by(CallEvent.contact_id).limit(limit))).scalars().all()
        vault = vault_of(self._session)
        for row in rows:
            number = row.body.get(SEALED_WORD)
            if number and not vault.is_current(number):
                row.body = {**row.body, SEALED_WORD: vault.seal(vault.open(number))}
        await self._session.flush()
        return rows[-1].contact_id if rows else None

    def _contacts_of(self, digest: str) -> Select[str]:
        tickets = select(Ticket.contact_id).where(Ticket.phone_digest == digest)
        return select(Contact.id).where(or_(Contact.caller_id == _caller(digest), Contact.id.in_(tickets)))

    async def _forget_callers(self, callers: Sequence[int]) -> None:
        if not callers:
            return
        contacts = select(Contact.id).where(Contact.caller_id.in_(callers))
        arrivals = select(CallEvent).where(CallEvent.contact_id.in_(contacts))
        for event in (await self._session.execute(arrivals)).scalars():
            if event.body.get(SEALED_WORD):
                event.body = {**event.body, SEALED_WORD: None}
        await self._session.flush()
        for caller in callers:
            gone = {"number": "", "digest": f"erased-{caller}"}
            await self._session.execute(update(Caller).where(Caller.id == caller).values(**gone))


def _held_tickets() -> Select[int]:
    return select(LegalHold.ticket_id).where(LegalHold.lifted_at.is_(None))


def _held_contacts() -> Select[str]:
    """The contacts of held tickets, and of those merged into them."""
    held = select(Ticket.reference).where(Ticket.id.in_(_held_tickets()))
    return select(Ticket.contact_id).where(or_(Ticket.id.in_(_held_tickets()), Ticket.merged_into.in_(held)))


def _ended(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return Contact.ended_at < before, Contact.id.not_in(_held_contacts())


def _caller(digest: str) -> Any:
    return select(Caller.id).where(Caller.digest == digest).scalar_subquery()


def _old(kind: str, before: datetime) -> Select[*tuple[Any, ...]]:
    """The keys of what of a kind is older. Raises `ValueError` for a kind there is not."""
    match kind:
        case "transcripts":
            return (
                select(Segment.contact_id, Segment.id)
                .join(Contact, Contact.id == Segment.contact_id)
                .where(*_ended(before))
            )
        case "drafts":
            return select(Draft.id).where(Draft.updated_at < before, Draft.contact_id.not_in(_held_contacts()))
        case "identities":
            known = or_(Ticket.citizen_name != "", Ticket.callback_phone != "")
            return select(Ticket.id).where(
                known, Ticket.state.in_(ENDED), _over_since() < before, Ticket.contact_id.not_in(_held_contacts())
            )
        case "callers":
            later = exists().where(
                Contact.caller_id == Caller.id, or_(Contact.arrived_at >= before, Contact.id.in_(_held_contacts()))
            )
            busy = exists().where(
                Ticket.caller_id == Caller.id, or_(Ticket.state.not_in(ENDED), _over_since() >= before)
            )
            waits = exists().where(Callback.caller_id == Caller.id, Callback.state == CallbackState.WAITING)
            return select(Caller.id).where(Caller.number != "", Caller.first_seen_at < before, ~later, ~busy, ~waits)
        case "callbacks":
            return select(Callback.id).where(Callback.closed_at < before)
        case "audits":
            return select(Audit.id).where(Audit.at < before)
        case _:
            raise ValueError(f"no kind {kind!r}")


def _over_since() -> ColumnElement[datetime]:
    """When a ticket ended; a merged one counts from its creation."""
    return func.coalesce(Ticket.closed_at, Ticket.created_at)
