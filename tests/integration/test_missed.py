"""Who hung up unanswered is called back, once; who calls in first is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest

from ivr.calls.events import CallArrived, Recorded
from ivr.calls.seen import CallSeen
from ivr.calls.vocabulary import CallId, CallState, LegId, Skill
from ivr.event_log import DatabaseEventLog
from ivr.keeper import Keeper
from ivr.missed import MissedCalls
from tests.fakes.clock import LoopClock
from tests.fakes.tickets import MONDAY, SITE, TestClock
from ticketing.callbacks import Callbacks
from ticketing.casework import Casework
from ticketing.database import Database
from ticketing.lifecycle.table import Actor
from ticketing.records import CallbackRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CallOutcome, Role

pytestmark = pytest.mark.database

NUMBER = "13800000001"
AGENT = Actor(id="1001", role=Role.AGENT)


class Line:
    """The missed calls of one number, told by hand as the switchboard would."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = TestClock()
        self.keeper = Keeper(database)
        self.callbacks = Callbacks(SITE, Casework(SITE, self.clock), self.clock)
        self.missed = MissedCalls(self.keeper, self.callbacks, after_s=5.0)
        self._log = DatabaseEventLog(database, LoopClock())
        self._calls = 0

    async def arrives(self, number: str | None = NUMBER) -> CallSeen:
        self._calls += 1
        call = CallId(f"call-{self._calls}")
        event = CallArrived(leg=LegId(f"leg-{self._calls}"), caller_number=number, dialled="12345")
        record = Recorded(call=call, seq=0, at=self.clock.at, offset_ms=0, event=event)
        await self._log.append([record])
        self.missed.recorded(record)
        await self.keeper.flush(10)
        return CallSeen(
            call=call,
            state=CallState.QUEUED,
            caller_number=number,
            dialled="12345",
            skill=Skill("general"),
            arrived_at=self.clock.at,
        )

    async def leaves(self, call: CallSeen, after_s: float, state: CallState = CallState.ABANDONED, **how: bool) -> None:
        over = {"over": True, **how}
        self.clock.forward(seconds=after_s)
        ended_at = call.arrived_at + timedelta(seconds=after_s)
        self.missed.call_changed(
            CallSeen(
                call=call.call,
                state=state,
                caller_number=call.caller_number,
                dialled=call.dialled,
                skill=call.skill,
                arrived_at=call.arrived_at,
                ended_at=ended_at,
                **over,  # type: ignore[arg-type]  # flags only
            )
        )
        await self.keeper.flush(10)

    async def owed(self) -> list[CallbackRecord]:
        async with UnitOfWork(self.database, reads=True) as unit:
            return list(await unit.callbacks.waiting())


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Line]:
    made = Line(database)
    task = asyncio.create_task(made.keeper.run(), name="keeper")
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_who_waited_in_vain_is_called_back_at_the_place_they_had(line: Line) -> None:
    arrived = line.clock.at
    await line.leaves(await line.arrives(), 30)
    (owed,) = await line.owed()
    assert (owed.number, owed.entered_at) == (NUMBER, arrived)


async def test_who_hung_up_at_once_meant_it(line: Line) -> None:
    await line.leaves(await line.arrives(), 4)
    assert await line.owed() == []


async def test_who_calls_in_first_is_not_called_any_more(line: Line) -> None:
    await line.leaves(await line.arrives(), 30)
    await line.leaves(await line.arrives(), 60, CallState.ENDED)
    assert await line.owed() == []


async def test_who_calls_in_and_is_not_answered_again_keeps_the_first_place(line: Line) -> None:
    first = line.clock.at
    await line.leaves(await line.arrives(), 30)
    for after_s in (2, 40):
        again = await line.arrives()
        assert await line.owed() == [], "nobody dials them while they wait"
        await line.leaves(again, after_s)
        (owed,) = await line.owed()
        assert owed.entered_at == first


async def test_a_number_waits_once_however_often_it_hung_up(line: Line) -> None:
    for _ in range(3):
        await line.leaves(await line.arrives(), 30)
    assert len(await line.owed()) == 1


async def test_who_was_cut_off_is_owed_a_call_at_once_and_once(line: Line) -> None:
    call = await line.arrives()
    await line.leaves(call, 1, CallState.WRAP_UP, cut=True, over=False)
    (owed,) = await line.owed()
    async with UnitOfWork(line.database) as unit:
        taken = await line.callbacks.take(unit, "me")
        assert taken is not None
        await line.callbacks.settle(unit, taken, "me", CallOutcome.REACHED, AGENT)
    await line.leaves(call, 60, CallState.ENDED, cut=True)
    assert await line.owed() == []
    assert owed.number == NUMBER


async def test_who_was_given_to_the_fallback_has_time_to_say_where_to_call(line: Line) -> None:
    await line.leaves(await line.arrives(), 1, given_back=True)
    (owed,) = await line.owed()
    async with UnitOfWork(line.database) as unit:
        assert await line.callbacks.take(unit, "me") is None
    line.clock.forward(minutes=6)
    async with UnitOfWork(line.database) as unit:
        assert await line.callbacks.take(unit, "me") is not None
    assert owed.not_before > MONDAY


async def test_a_withheld_number_cannot_be_called(line: Line) -> None:
    await line.leaves(await line.arrives(None), 30)
    assert await line.owed() == []
