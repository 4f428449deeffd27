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

    async def append(self, records: Sequence[Recorded]) -> None:
        """See the port."""
        try:
            await self._append(records)
        except Conflict:
            await self._append([recorded for recorded in records if not await self._is_kept(recorded)])

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
        async with UnitOfWork(self._database, reads=True) as unit:
            return record_of(recorded) in await unit.call_events.of_contact(ContactId(recorded.call))

    async def close(self, call: CallId) -> None:
        """See the port."""
        self._agents.pop(call, None)
        try:
            async with UnitOfWork(self._database) as unit:
                await unit.contacts.ended(ContactId(call), at=self._clock.now())
        except DatabaseUnavailable as why:
            raise EventLogUnavailable(str(why)) from why

    async def open_calls(self) -> list[list[Recorded]]:
        """See the port."""
        try:
            async with UnitOfWork(self._database, reads=True) as unit:
                found = [recorded_of(record) for record in await unit.call_events.of_standing()]
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
    return EventRecord(
        contact=ContactId(recorded.call),
        seq=recorded.seq,
        at=recorded.at,
        offset_ms=recorded.offset_ms,
        kind=body["type"],
        body=body,
    )


def recorded_of(record: EventRecord) -> Recorded:
    """A line of the log as it was."""
    event: AnyEvent = msgspec.convert(record.body, AnyEvent)
    return Recorded(call=CallId(record.contact), seq=record.seq, at=record.at, offset_ms=record.offset_ms, event=event)
