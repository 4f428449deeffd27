"""What must be kept is kept, in order, while the database comes and goes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from ivr.calls.events import AgentReserved, AnyEvent, CallArrived, LegHungUp, LegsJoined, Recorded
from ivr.calls.vocabulary import AgentId, CallId, HangupCause, LegId
from ivr.clock import SystemClock
from ivr.event_log import DatabaseEventLog
from ivr.keeper import Keeper
from ticketing.database import Database
from ticketing.errors import DatabaseUnavailable
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, ContactState, Medium

AT = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)


@asynccontextmanager
async def at_work(keeper: Keeper) -> AsyncIterator[Keeper]:
    task = asyncio.create_task(keeper.run(), name="keeper")
    try:
        yield keeper
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def open_contact(unit: UnitOfWork, name: str) -> None:
    await unit.contacts.open(ContactId(name), arrived_at=AT, caller_number=None, dialled="12345", medium=Medium.PHONE)


async def test_a_call_met_while_its_log_could_not_be_read_goes_on_in_it(database: Database) -> None:
    arrived = CallArrived(leg=LegId("a"), caller_number="13800000001", dialled="12345")
    reserved = AgentReserved(agent=AgentId("1001"), endpoint="PJSIP/1001")
    joined = LegsJoined(citizen_leg=LegId("a"), agent_leg=LegId("b"))
    gone = LegHungUp(leg=LegId("a"), cause=HangupCause.NORMAL)

    def line(seq: int, event: AnyEvent, s: int) -> Recorded:
        at = AT + timedelta(seconds=s)
        return Recorded(call=CallId("c"), seq=seq, at=at, offset_ms=s * 1000, event=event)

    before = DatabaseEventLog(database, SystemClock())
    await before.append([line(0, arrived, 0), line(1, reserved, 5), line(2, joined, 10)])
    after = DatabaseEventLog(database, SystemClock())  # it was told of no open call
    await after.append([line(0, arrived, 15)])
    await after.append([line(0, arrived, 15), line(1, gone, 20)])  # the answer to the first was lost
    (calls,) = await after.open_calls()
    assert [(one.seq, type(one.event)) for one in calls] == [
        (0, CallArrived),
        (1, AgentReserved),
        (2, LegsJoined),
        (3, CallArrived),
        (4, LegHungUp),
    ]
    assert isinstance(calls[0].event, CallArrived)
    assert calls[0].event.caller_number == "13800000001", "from the contact"
    async with UnitOfWork(database, reads=True) as unit:
        kept = await unit.call_events.of_contact(ContactId("c"))
    assert "13800000001" not in str([record.body for record in kept])


async def test_nothing_is_written_before_the_event_log(database: Database) -> None:
    logged = asyncio.Event()
    keeper = Keeper(database)
    keeper.first = logged.wait
    async with at_work(keeper):
        kept = keeper.keep("contact", lambda unit: open_contact(unit, "c"))
        assert not await keeper.kept_within(kept, 100)
        logged.set()
        assert await keeper.kept_within(kept, 5_000)


async def test_jobs_are_kept_in_order(database: Database) -> None:
    async with at_work(Keeper(database)) as keeper:
        for number in range(200):
            keeper.keep("contact", lambda unit, number=number: open_contact(unit, f"c{number:03}"))  # type: ignore[misc]
        assert await keeper.flush(10)
    async with UnitOfWork(database, reads=True) as unit:
        assert len(await unit.contacts.standing()) == 200


async def test_a_database_that_is_away_delays_and_loses_nothing(database: Database) -> None:
    keeper, refusals = Keeper(database), 3

    async def reluctant(unit: UnitOfWork) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise DatabaseUnavailable("away for the test")
        await open_contact(unit, "first")

    async with at_work(keeper):
        first = keeper.keep("contact", reluctant)
        second = keeper.keep("contact", lambda unit: open_contact(unit, "second"))
        assert not await keeper.kept_within(second, 1)
        assert await keeper.flush(10)
    assert first.is_set()
    assert not keeper.away
    async with UnitOfWork(database, reads=True) as unit:
        assert {contact.id for contact in await unit.contacts.standing()} == {"first", "second"}


async def test_a_faulty_job_holds_up_nobody_else(database: Database) -> None:
    keeper = Keeper(database)

    async def faulty(unit: UnitOfWork) -> None:
        await unit.contacts.answered(ContactId("nobody"), agent_id="1001", at=AT)

    async with at_work(keeper):
        keeper.keep("contact", lambda unit: open_contact(unit, "one"))
        keeper.keep("answer", faulty)
        keeper.keep("contact", lambda unit: open_contact(unit, "two"))
        assert await keeper.flush(10)
    assert keeper.faulty == 1
    async with UnitOfWork(database, reads=True) as unit:
        assert {contact.id for contact in await unit.contacts.standing()} == {"one", "two"}


@pytest.fixture
def log(database: Database) -> DatabaseEventLog:
    return DatabaseEventLog(database, SystemClock())


def story(call: str) -> list[Recorded]:
    citizen, agent = LegId("1.1"), LegId(f"{call}-agent-1")
    events: tuple[AnyEvent, ...] = (
        CallArrived(leg=citizen, caller_number="03590000124", dialled="12345"),
        AgentReserved(agent=AgentId("1001"), endpoint="PJSIP/1001"),
        LegsJoined(citizen_leg=citizen, agent_leg=agent),
        LegHungUp(leg=citizen, cause=HangupCause.NORMAL),
    )
    return [
        Recorded(call=CallId(call), seq=seq, at=AT, offset_ms=seq * 1000, event=event)
        for seq, event in enumerate(events)
    ]


async def test_an_event_log_comes_back_as_it_was(database: Database, log: DatabaseEventLog) -> None:
    await log.append(story("a"))
    await log.append(story("b")[:2])
    assert await DatabaseEventLog(database, SystemClock()).open_calls() == [story("a"), story("b")[:2]]


async def test_an_event_kept_twice_is_kept_once(log: DatabaseEventLog) -> None:
    await log.append(story("a")[:2])
    await log.append(story("a"))
    assert await log.open_calls() == [story("a")]


async def test_a_closed_call_is_not_taken_up_again(log: DatabaseEventLog) -> None:
    await log.append(story("a"))
    await log.close(CallId("a"))
    await log.close(CallId("a"))
    assert await log.open_calls() == []


async def test_the_contact_follows_its_call(database: Database, log: DatabaseEventLog) -> None:
    await log.append(story("a"))
    await log.close(CallId("a"))
    await log.append(story("b")[:2])
    await log.close(CallId("b"))
    async with UnitOfWork(database, reads=True) as unit:
        answered, abandoned = await unit.contacts.get(ContactId("a")), await unit.contacts.get(ContactId("b"))
    assert (answered.state, answered.agent_id, answered.answered_at) == (ContactState.ENDED, "1001", AT)
    assert (abandoned.state, abandoned.agent_id) == (ContactState.ABANDONED, None)
