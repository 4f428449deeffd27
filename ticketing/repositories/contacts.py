"""Contacts and the numbers they came from."""

from datetime import datetime

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from ticketing.errors import UnknownId
from ticketing.models import Caller, Contact
from ticketing.records import ContactRecord
from ticketing.repositories.callers import caller_id_of
from ticketing.repositories.sealing import vault_of
from ticketing.repositories.upsert import insert
from ticketing.vocabulary import ContactId, ContactState, Medium


class ContactRepository:
    """Citizens reaching the hotline. Naming a contact that is not there raises `UnknownId`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def open(
        self, contact: ContactId, *, arrived_at: datetime, caller_number: str | None, dialled: str, medium: Medium
    ) -> None:
        """Begin a contact. One that was begun already (the server came back during the call) stays as it is."""
        caller_id = await caller_id_of(self._session, caller_number, arrived_at) if caller_number else None
        begun = insert(self._session, Contact).values(
            id=contact,
            medium=medium,
            state=ContactState.ARRIVED,
            caller_id=caller_id,
            dialled=dialled,
            arrived_at=arrived_at,
        )
        await self._session.execute(begun.on_conflict_do_nothing(index_elements=[Contact.id]))

    async def answered(self, contact: ContactId, *, agent_id: str, at: datetime) -> None:
        """A person answered. The first answer counts; the agent is the last one."""
        changed = await self._session.execute(
            update(Contact)
            .where(Contact.id == contact, Contact.ended_at.is_(None))
            .values(state=ContactState.ANSWERED, agent_id=agent_id, answered_at=func.coalesce(Contact.answered_at, at))
            .returning(Contact.id)
        )
        if changed.scalar() is None:
            await self._row(contact)  # ended already, or unknown

    async def ended(self, contact: ContactId, *, at: datetime, disposition: str | None = None) -> None:
        """It is over: ended, or abandoned if nobody answered. Ending twice changes nothing."""
        row = await self._row(contact)
        if row.ended_at is None:
            row.state = ContactState.ABANDONED if row.answered_at is None else ContactState.ENDED
            row.ended_at = at
        if disposition is not None:
            row.disposition = disposition

    async def talked_since(self, since: datetime, limit: int) -> list[tuple[str, str, datetime]]:
        """Numbers that spoke with an agent since then: number, agent, when; the newest `limit`, oldest first."""
        rows = await self._session.execute(
            select(Caller.number, Contact.agent_id, Contact.answered_at)
            .join(Caller, Contact.caller_id == Caller.id)
            .where(Contact.arrived_at >= since, Contact.answered_at.is_not(None), Contact.agent_id.is_not(None))
            .order_by(Contact.answered_at.desc())
            .limit(limit)
        )
        return [
            (number, agent, at) for number, agent, at in reversed(rows.all()) if agent is not None and at is not None
        ]

    async def get(self, contact: ContactId) -> ContactRecord:
        """The contact."""
        return _record(self._session, await self._row(contact))

    async def standing(self) -> tuple[ContactRecord, ...]:
        """The contacts that have not ended, oldest first: what a server that starts must look for."""
        return await self._all(_with_caller().where(Contact.ended_at.is_(None)).order_by(Contact.arrived_at))

    async def arrived_between(self, start: datetime, end: datetime) -> tuple[ContactRecord, ...]:
        """The contacts that arrived in [start, end), oldest first."""
        found = _with_caller().where(Contact.arrived_at >= start, Contact.arrived_at < end)
        return await self._all(found.order_by(Contact.arrived_at))

    async def earlier_of_caller(self, contact: ContactId) -> int:
        """How many contacts came from the same number before this one; none where it was withheld."""
        row = await self._row(contact)
        if row.caller_id is None:
            return 0
        same = select(func.count()).where(
            Contact.caller_id == row.caller_id, Contact.id != contact, Contact.arrived_at <= row.arrived_at
        )
        return (await self._session.execute(same)).scalar_one()

    async def _row(self, contact: ContactId) -> Contact:
        row = (await self._session.execute(_with_caller().where(Contact.id == contact))).scalar_one_or_none()
        if row is None:
            raise UnknownId(f"no contact {contact}")
        return row

    async def _all(self, query: Select[Contact]) -> tuple[ContactRecord, ...]:
        return tuple(_record(self._session, row) for row in (await self._session.execute(query)).scalars())


def _with_caller() -> Select[Contact]:
    return select(Contact).options(joinedload(Contact.caller)).execution_options(populate_existing=True)


def _record(session: AsyncSession, row: Contact) -> ContactRecord:
    return ContactRecord(
        id=ContactId(row.id),
        medium=row.medium,
        state=row.state,
        caller_number=vault_of(session).open(row.caller.number) or None if row.caller else None,
        dialled=row.dialled,
        arrived_at=row.arrived_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        agent_id=row.agent_id,
        disposition=row.disposition,
    )
