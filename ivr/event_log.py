"""The event log in the database; a contact opens and is answered in the transaction of the event that says so."""

from collections.abc import Sequence
from itertools import groupby

import msgspec

from ivr.calls.events import AgentReserved, AnyEvent, CallArrived, CallPlaced, FoundStanding, LegsJoined, Recorded
from ivr.calls.vocabulary import AgentId, CallId
from ivr.ports import Clock, EventLogUnavailable
from ticketing.database import Database
from ticketing.errors import Conflict, DatabaseUnavailable
from ticketing.records import EventRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, Medium

NOBODY = AgentId("-")
"""Who answered, where a call was found talking on a phone that belongs to nobody of the roster."""


class DatabaseEventLog:
    """See `ivr.ports.EventLog`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._agents: dict[CallId, AgentId] = {}
        self._after: dict[CallId, int] = {}

    async def append(self, records: Sequence[Recorded]) -> None:
        """See the port.

        A call met in Asterisk while its log could not be read begins to count anew: its events go after those kept.
        """
        placed = [self._placed(recorded) for recorded in records]
        try:
            await self._append(placed)
        except Conflict:
            new = [recorded for recorded, place in zip(records, placed, strict=True) if not await self._is_kept(place)]
            for call in {recorded.call for recorded in new if recorded.seq == 0} - self._after.keys():
                self._after[call] = await self._length(call)
            await self._append([self._placed(recorded) for recorded in new])

    def _placed(self, recorded: Recorded) -> Recorded:
        after = self._after.get(recorded.call, 0)
        return msgspec.structs.replace(recorded, seq=recorded.seq + after) if after else recorded

    async def _length(self, call: CallId) -> int:
        """How many events of a call are kept."""
        try:
            async with UnitOfWork(self._database, reads=True) as unit:
                kept = await unit.call_events.of_contact(ContactId(call))
        except DatabaseUnavailable as why:
            raise EventLogUnavailable(str(why)) from why
        return kept[-1].seq + 1 if kept else 0

    async def _append(self, records: Sequence[Recorded]) -> None:
        try:
            async with UnitOfWork(self._database) as unit:
                for recorded in records:
                    await self._open(unit, recorded)
                await unit.call_events.append([record_of(recorded) for recorded in records])
                for recorded in records:
                    await self._follow(unit, recorded)
        except DatabaseUnavailable as why:
            raise EventLogUnavailable(str(why)) from why

    async def _is_kept(self, recorded: Recorded) -> bool:
        """Whether this very line is in the database: a write whose answer was lost is tried again."""
        try:
            async with UnitOfWork(self._database, reads=True) as unit:
                return record_of(recorded) in await unit.call_events.of_contact(ContactId(recorded.call))
        except DatabaseUnavailable as why:
            raise EventLogUnavailable(str(why)) from why

    async def close(self, call: CallId) -> None:
        """See the port."""
        self._agents.pop(call, None)
        self._after.pop(call, None)
        try:
            async with UnitOfWork(self._database) as unit:
                await unit.contacts.ended(ContactId(call), at=self._clock.now())
        except DatabaseUnavailable as why:
            raise EventLogUnavailable(str(why)) from why

    async def open_calls(self) -> list[list[Recorded]]:
        """See the port."""
        try:
            async with UnitOfWork(self._database, reads=True) as unit:
                numbers = {contact.id: contact.caller_number for contact in await unit.contacts.standing()}
                standing = await unit.call_events.of_standing()
                found = [recorded_of(record, numbers.get(record.contact)) for record in standing]
        except DatabaseUnavailable as why:
            raise EventLogUnavailable(str(why)) from why
        for recorded in found:
            self._note_agent(recorded)
        return [list(log) for _, log in groupby(found, key=lambda recorded: recorded.call)]

    async def _open(self, unit: UnitOfWork, recorded: Recorded) -> None:
        match recorded.event:
            case CallArrived(caller_number=number, dialled=dialled):
                pass
            case CallPlaced(caller_number=number, endpoint=endpoint):
                dialled = "" if number is not None else endpoint
            case _:
                return
        await unit.contacts.open(
            ContactId(recorded.call),
            arrived_at=recorded.at,
            caller_number=number,
            dialled=dialled,
            medium=Medium.PHONE,
        )

    async def _follow(self, unit: UnitOfWork, recorded: Recorded) -> None:
        self._note_agent(recorded)
        found = isinstance(recorded.event, FoundStanding) and recorded.event.agent_leg is not None
        if isinstance(recorded.event, LegsJoined) or found:
            agent = self._agents.get(recorded.call, NOBODY)
            await unit.contacts.answered(ContactId(recorded.call), agent_id=agent, at=recorded.at)

    def _note_agent(self, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, AgentReserved | CallPlaced | FoundStanding) and event.agent is not None:
            self._agents[recorded.call] = event.agent


def record_of(recorded: Recorded) -> EventRecord:
    """A line of the log as the database keeps it."""
    body = msgspec.to_builtins(recorded.event)
    body.pop("caller_number", None)  # it stands on the contact, the one place where callers' numbers are kept
    return EventRecord(
        contact=ContactId(recorded.call),
        seq=recorded.seq,
        at=recorded.at,
        offset_ms=recorded.offset_ms,
        kind=body["type"],
        body=body,
    )


def recorded_of(record: EventRecord, caller_number: str | None = None) -> Recorded:
    """A line of the log as it was; the caller's number is the contact's."""
    event: AnyEvent = msgspec.convert({"caller_number": caller_number, **record.body}, AnyEvent)
    return Recorded(call=CallId(record.contact), seq=record.seq, at=record.at, offset_ms=record.offset_ms, event=event)
