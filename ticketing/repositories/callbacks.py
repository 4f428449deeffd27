"""Citizens to be called, and who is calling them just now."""

from datetime import datetime

from sqlalchemy import ColumnElement, Select, case, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from ticketing.errors import ChangedMeanwhile, UnknownId
from ticketing.models import Callback, Contact, Ticket
from ticketing.records import CallbackRecord, CallbackTally
from ticketing.repositories.callers import caller_id_of
from ticketing.repositories.sealing import vault_of
from ticketing.repositories.upsert import insert
from ticketing.vocabulary import CallbackKind, CallbackState, ContactId, Reference

_FOR_CALLERS = (CallbackKind.MISSED, CallbackKind.PROMISED)


class CallbackRepository:
    """One queue for missed calls, promised callbacks and return visits; leased before anybody dials."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def enter(
        self,
        kind: CallbackKind,
        number: str,
        *,
        at: datetime,
        not_before: datetime,
        due_at: datetime,
        contact: ContactId | None = None,
        reference: Reference | None = None,
    ) -> None:
        """Put a citizen in. One who waits for a missed or promised call already keeps that place."""
        ticket_id = None
        if reference is not None:
            ticket = select(Ticket.id).where(Ticket.reference == reference)
            ticket_id = (await self._session.execute(ticket)).scalar_one()
        entered = insert(self._session, Callback).values(
            kind=kind,
            caller_id=await caller_id_of(self._session, number, at),
            contact_id=contact,
            ticket_id=ticket_id,
            state=CallbackState.WAITING,
            entered_at=at,
            not_before=not_before,
            due_at=due_at,
            attempts=0,
            outcome="",
        )
        await self._session.execute(entered.on_conflict_do_nothing())

    async def lease(
        self, token: str, *, now: datetime, until: datetime, kinds: tuple[CallbackKind, ...]
    ) -> CallbackRecord | None:
        """The next citizen to call, for `token` alone until `until`; None when nobody is due.

        The best-by time decides, then who waits longest.
        """
        due = (
            select(Callback)
            .where(
                Callback.state == CallbackState.WAITING,
                Callback.kind.in_(kinds),
                Callback.not_before <= now,
                or_(Callback.leased_until.is_(None), Callback.leased_until <= now),
            )
            .order_by(Callback.due_at, Callback.entered_at, Callback.id)
            .limit(1)
            .options(joinedload(Callback.caller), joinedload(Callback.ticket))
            .with_for_update(skip_locked=True, of=Callback)
        )
        row = (await self._session.execute(due)).scalars().first()
        if row is None:
            return None
        row.lease, row.leased_until = token, until
        row.attempts += 1
        await self._session.flush()
        return _record(self._session, row)

    async def lease_one(self, callback_id: int, token: str, *, now: datetime, until: datetime) -> CallbackRecord:
        """One citizen of the queue, for `token` alone until `until`, due or not.

        Who has them already keeps them, and that is no further attempt. Raises `UnknownId` where there is no such
        callback or nobody has to be called any more, `ChangedMeanwhile` when somebody else has them.
        """
        query = select(Callback).where(Callback.id == callback_id).with_for_update()
        row = (await self._session.execute(query)).scalar_one_or_none()
        if row is None or row.state is not CallbackState.WAITING:
            raise UnknownId(f"callback {callback_id} does not wait")
        held = row.leased_until is not None and row.leased_until > now
        if held and row.lease != token:
            raise ChangedMeanwhile(f"callback {callback_id}", (row.lease or "",))
        if not held:
            row.attempts += 1
        row.lease, row.leased_until = token, until
        await self._session.flush()
        return await self.get(callback_id)

    async def renew(self, callback_id: int, token: str, *, now: datetime, until: datetime) -> CallbackRecord:
        """Hold on to a lease that has not ended. Raises `UnknownId` as `settle` does."""
        held = (Callback.id == callback_id, Callback.lease == token, Callback.leased_until > now)
        renewed = await self._session.execute(
            update(Callback).where(*held).values(leased_until=until).returning(Callback.id)
        )
        return await self._held(callback_id, renewed.scalar())

    async def release(self, callback_id: int, token: str) -> CallbackRecord:
        """Give a lease back: nobody called, so it was no attempt. Raises `UnknownId` as `settle` does."""
        released = await self._session.execute(
            update(Callback)
            .where(Callback.id == callback_id, Callback.lease == token)
            .values(lease=None, leased_until=None, attempts=Callback.attempts - 1)
            .returning(Callback.id)
        )
        return await self._held(callback_id, released.scalar())

    async def give(self, callback_id: int, token: str, *, now: datetime, until: datetime) -> CallbackRecord:
        """Give a citizen who waits to `token`, whoever has them. Raises `UnknownId` where nobody waits."""
        query = select(Callback).where(Callback.id == callback_id).with_for_update()
        row = (await self._session.execute(query)).scalar_one_or_none()
        if row is None or row.state is not CallbackState.WAITING:
            raise UnknownId(f"callback {callback_id} does not wait")
        if row.leased_until is None or row.leased_until <= now:
            row.attempts += 1
        row.lease, row.leased_until = token, until
        await self._session.flush()
        return await self.get(callback_id)

    async def _held(self, callback_id: int, found: int | None) -> CallbackRecord:
        if found is None:
            raise UnknownId(f"callback {callback_id} is not held by this lease")
        return await self.get(callback_id)

    async def settle(
        self,
        callback_id: int,
        token: str,
        *,
        outcome: str,
        state: CallbackState,
        now: datetime,
        not_before: datetime | None = None,
    ) -> CallbackRecord:
        """Write down how a call went: closed for good, or (WAITING) to be tried again from `not_before`.

        Raises `UnknownId` when `token` holds no such lease any more: somebody else is calling, or nobody has to.
        """
        values: dict[str, object] = {"outcome": outcome, "state": state, "lease": None, "leased_until": None}
        if state is CallbackState.WAITING:
            values["not_before"] = not_before or now
        else:
            values["closed_at"] = now
        settled = await self._session.execute(
            update(Callback)
            .where(Callback.id == callback_id, Callback.lease == token)
            .values(values)
            .returning(Callback.id)
        )
        return await self._held(callback_id, settled.scalar())

    async def called_in(self, contact: ContactId, now: datetime) -> int:
        """The citizen called by themselves: whatever call they waited for is no longer owed. Returns how many."""
        caller = select(Contact.caller_id).where(Contact.id == contact).scalar_subquery()
        closed = await self._session.execute(
            update(Callback)
            .where(
                Callback.caller_id == caller,
                Callback.state == CallbackState.WAITING,
                Callback.kind.in_(_FOR_CALLERS),
                or_(Callback.contact_id.is_(None), Callback.contact_id != contact),
            )
            .values(
                state=CallbackState.CANCELLED,
                outcome="called in",
                closed_at=now,
                lease=None,
                leased_until=None,
            )
            .returning(Callback.id)
        )
        return len(closed.scalars().all())

    async def cancel_visits(self, reference: str, now: datetime, why: str) -> None:
        """Nobody has to be asked about this ticket any more."""
        ticket = select(Ticket.id).where(Ticket.reference == reference).scalar_subquery()
        await self._session.execute(
            update(Callback)
            .where(Callback.ticket_id == ticket, Callback.state == CallbackState.WAITING)
            .values(state=CallbackState.CANCELLED, outcome=why, closed_at=now, lease=None, leased_until=None)
        )

    async def get(self, callback_id: int) -> CallbackRecord:
        """One callback. Raises `UnknownId`."""
        found = await self._all(select(Callback).where(Callback.id == callback_id))
        if not found:
            raise UnknownId(f"no callback {callback_id}")
        return found[0]

    async def waiting(self, limit: int = 200) -> tuple[CallbackRecord, ...]:
        """Everybody who waits, in the order they will be called."""
        query = select(Callback).where(Callback.state == CallbackState.WAITING)
        return await self._all(query.order_by(Callback.due_at, Callback.entered_at, Callback.id).limit(limit))

    async def page(
        self, kinds: tuple[CallbackKind, ...], state: CallbackState, *, after: int | None = None, limit: int = 50
    ) -> tuple[CallbackRecord, ...]:
        """Callbacks of these kinds (none: all) in a state: who waits in the order of calling, others newest first.

        Asked on `after` the last one; one that is not there any more begins at the start.
        """
        query = select(Callback).where(Callback.state == state)
        if kinds:
            query = query.where(Callback.kind.in_(kinds))
        waits = state is CallbackState.WAITING
        mark = await self._mark(after) if after is not None else None
        if mark is not None and waits:
            query = query.where(tuple_(Callback.due_at, Callback.entered_at, Callback.id) > mark)
        elif mark is not None:
            query = query.where(Callback.id < mark[2])
        order = (Callback.due_at, Callback.entered_at, Callback.id) if waits else (Callback.id.desc(),)
        return await self._all(query.order_by(*order).limit(limit))

    async def _mark(self, callback_id: int) -> tuple[datetime, datetime, int] | None:
        query = select(Callback.due_at, Callback.entered_at, Callback.id).where(Callback.id == callback_id)
        row = (await self._session.execute(query)).one_or_none()
        return None if row is None else (row.due_at, row.entered_at, row.id)

    async def tally(self, now: datetime) -> CallbackTally:
        """How many wait, and how many of them too long."""
        late = func.sum(case((Callback.due_at < now, 1), else_=0))
        query = select(func.count(), late).where(Callback.state == CallbackState.WAITING)
        waiting, overdue = (await self._session.execute(query)).one()
        return CallbackTally(waiting=waiting, overdue=overdue or 0)

    async def of_ticket(self, reference: str) -> tuple[CallbackRecord, ...]:
        """The visits of a ticket, in order."""
        query = select(Callback).join(Callback.ticket).where(Ticket.reference == reference)
        return await self._all(query.order_by(Callback.id))

    async def matching(self, *conditions: ColumnElement[bool]) -> tuple[CallbackRecord, ...]:
        """The callbacks that meet all conditions, in the order they were entered."""
        return await self._all(select(Callback).where(*conditions).order_by(Callback.entered_at, Callback.id))

    async def _all(self, query: Select[Callback]) -> tuple[CallbackRecord, ...]:
        loaded = query.options(joinedload(Callback.caller), joinedload(Callback.ticket))
        rows = await self._session.execute(loaded.execution_options(populate_existing=True))
        return tuple(_record(self._session, row) for row in rows.scalars())


def _record(session: AsyncSession, row: Callback) -> CallbackRecord:
    return CallbackRecord(
        id=row.id,
        kind=row.kind,
        number=vault_of(session).open(row.caller.number),
        contact=ContactId(row.contact_id) if row.contact_id else None,
        reference=Reference(row.ticket.reference) if row.ticket else None,
        state=row.state,
        entered_at=row.entered_at,
        not_before=row.not_before,
        due_at=row.due_at,
        attempts=row.attempts,
        outcome=row.outcome,
        lease=row.lease,
        leased_until=row.leased_until,
        closed_at=row.closed_at,
    )
