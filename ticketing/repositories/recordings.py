"""Recorded calls, found by what people remember of them: when, who, which number, which ticket, which words."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from ticketing.errors import UnknownId
from ticketing.models import Caller, CallEvent, Contact, Recording, Segment, Ticket
from ticketing.records import RecordedCall, RecordingFilter
from ticketing.vocabulary import ContactId, Reference

RATED = "CitizenRated"
"""The kind of the call event by which a citizen rates the service; its body's `score` is 1 to 5."""


class RecordingRepository:
    """Searches; the sound files themselves are tied to contacts by `TranscriptRepository`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, wanted: RecordingFilter, limit: int) -> tuple[RecordedCall, ...]:
        """The recorded calls that fit, newest first. Words are looked for as they were written down."""
        query = (
            select(Contact)
            .outerjoin(Contact.caller)
            .where(exists().where(Recording.contact_id == Contact.id), *_conditions(wanted))
            .options(joinedload(Contact.caller))
            .order_by(Contact.arrived_at.desc(), Contact.id)
            .limit(limit)
        )
        contacts = (await self._session.execute(query)).scalars().all()
        return await self._calls(contacts, wanted.words)

    async def get(self, contact: ContactId) -> RecordedCall:
        """One recorded call. Raises `UnknownId`."""
        query = (
            select(Contact)
            .where(Contact.id == contact, exists().where(Recording.contact_id == Contact.id))
            .options(joinedload(Contact.caller))
        )
        found = await self._calls((await self._session.execute(query)).scalars().all(), ())
        if not found:
            raise UnknownId(f"no recording of contact {contact}")
        return found[0]

    async def ended_before(self, moment: datetime) -> tuple[ContactId, ...]:
        """Contacts that ended before a moment and still have recordings, oldest first: what retention looks at."""
        query = (
            select(Contact.id)
            .where(Contact.ended_at < moment, exists().where(Recording.contact_id == Contact.id))
            .order_by(Contact.ended_at, Contact.id)
        )
        return tuple(ContactId(name) for name in (await self._session.execute(query)).scalars())

    async def untie(self, contact: ContactId) -> tuple[str, ...]:
        """Forget a contact's sound files; returns their paths, for who removes them from the disk."""
        rows = (await self._session.execute(select(Recording).where(Recording.contact_id == contact))).scalars().all()
        for row in rows:
            await self._session.delete(row)
        await self._session.flush()
        return tuple(row.path for row in rows)

    async def _calls(self, contacts: Sequence[Contact], words: tuple[str, ...]) -> tuple[RecordedCall, ...]:
        names = [contact.id for contact in contacts]
        if not names:
            return ()
        lengths = await self._lengths(names)
        tickets = await self._tickets(names)
        said = await self._said(names, words) if words else {}
        ratings = await self._ratings(names)
        return tuple(
            RecordedCall(
                contact=ContactId(contact.id),
                arrived_at=contact.arrived_at,
                ms=lengths[contact.id],
                agent_id=contact.agent_id,
                caller_number=contact.caller.number if contact.caller else None,
                references=tickets.get(contact.id, ()),
                said=said[contact.id][1] if contact.id in said else "",
                said_at_ms=said[contact.id][0] if contact.id in said else None,
                rating=ratings.get(contact.id),
            )
            for contact in contacts
        )

    async def _lengths(self, names: list[str]) -> dict[str, int]:
        rows = await self._session.execute(
            select(Recording.contact_id, func.max(Recording.ms))
            .where(Recording.contact_id.in_(names))
            .group_by(Recording.contact_id)
        )
        return {name: int(ms) for name, ms in rows}

    async def _tickets(self, names: list[str]) -> dict[str, tuple[Reference, ...]]:
        rows = await self._session.execute(
            select(Ticket.contact_id, Ticket.reference).where(Ticket.contact_id.in_(names)).order_by(Ticket.reference)
        )
        found: dict[str, tuple[Reference, ...]] = {}
        for name, reference in rows:
            found[name] = (*found.get(name, ()), Reference(reference))
        return found

    async def _said(self, names: list[str], words: tuple[str, ...]) -> dict[str, tuple[int, str]]:
        rows = await self._session.execute(
            select(Segment.contact_id, Segment.start_ms, Segment.text)
            .where(Segment.contact_id.in_(names), *_said(words))
            .order_by(Segment.start_ms.desc())
        )
        return {name: (start_ms, text) for name, start_ms, text in rows}  # the earliest is the last to be put

    async def _ratings(self, names: list[str]) -> dict[str, int]:
        rows = await self._session.execute(
            select(CallEvent.contact_id, CallEvent.body)
            .where(CallEvent.contact_id.in_(names), CallEvent.kind == RATED)
            .order_by(CallEvent.seq)
        )
        return {name: int(body["score"]) for name, body in rows}


def _conditions(wanted: RecordingFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        found.append(Contact.arrived_at >= wanted.since)
    found += [Contact.arrived_at < end for end in (wanted.until, wanted.before) if end is not None]
    if wanted.agent:
        found.append(Contact.agent_id == wanted.agent)
    if wanted.number:
        found.append(Caller.number.endswith(wanted.number, autoescape=True))
    if wanted.reference:
        found.append(exists().where(Ticket.contact_id == Contact.id, Ticket.reference == wanted.reference))
    if wanted.words:
        found.append(exists().where(and_(Segment.contact_id == Contact.id, *_said(wanted.words))))
    return found


def _said(words: tuple[str, ...]) -> list[ColumnElement[bool]]:
    return [Segment.text.contains(word, autoescape=True) for word in words]
