"""The figures of what the database holds."""

from datetime import timedelta

import pytest

from ivr.calls import events as ev
from ivr.calls.events import AnyEvent, Recorded
from ivr.calls.report import Terms
from ivr.calls.vocabulary import AgentId, AgentState, CallId, HangupCause, LegId
from ivr.clock import SystemClock
from ivr.event_log import DatabaseEventLog
from ivr.figures_store import read_report
from tests.unit.calls.world import AT
from ticketing.database import Database
from ticketing.records import AgentMoveRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CallbackKind, CallbackState

pytestmark = pytest.mark.database

AGENT = AgentId("1001")


def call(name: str, hours: float, number: str, *, answered: bool) -> list[Recorded]:
    citizen, agent = LegId(f"{name}-leg"), LegId(f"{name}-agent-1")
    told: list[tuple[int, AnyEvent]] = [
        (0, ev.CallArrived(leg=citizen, caller_number=number, dialled="12345")),
        (4_000, ev.QueueMoved(ahead=0)),
    ]
    if answered:
        told += [
            (10_000, ev.AgentReserved(agent=AGENT, endpoint="PJSIP/1001")),
            (14_000, ev.LegsJoined(citizen_leg=citizen, agent_leg=agent)),
            (74_000, ev.LegHungUp(leg=citizen, cause=HangupCause.NORMAL)),
            (94_000, ev.WrapUpFinished(agent=AGENT)),
        ]
    else:
        told.append((64_000, ev.LegHungUp(leg=citizen, cause=HangupCause.NORMAL)))
    at = AT + timedelta(hours=hours)
    return [
        Recorded(call=CallId(name), seq=n, at=at + timedelta(milliseconds=ms), offset_ms=ms, event=event)
        for n, (ms, event) in enumerate(told)
    ]


async def test_a_report_of_the_event_log(database: Database) -> None:
    log = DatabaseEventLog(database, SystemClock())
    for lines in (
        call("a", 0, "13800000001", answered=True),
        call("b", 30, "13800000002", answered=False),
        call("c", 30.2, "13800000002", answered=True),
    ):
        await log.append(lines)
    async with UnitOfWork(database) as unit:
        for seconds, state in ((-60, AgentState.AVAILABLE), (10, AgentState.ON_CALL), (74, AgentState.WRAP_UP)):
            at = AT + timedelta(seconds=seconds)
            await unit.statistics.agent_moved(AgentMoveRecord(agent=AGENT, at=at, state=state.value))
        await unit.statistics.agent_moved(
            AgentMoveRecord(agent=AGENT, at=AT + timedelta(seconds=94), state=AgentState.LOGGED_OUT.value)
        )
        for number, reached in (("13800000002", True), ("13800000003", False)):
            at = AT + timedelta(hours=30)
            await unit.callbacks.enter(
                CallbackKind.MISSED, number, at=at, not_before=at, due_at=at + timedelta(minutes=30)
            )
            if reached:
                taken = await unit.callbacks.lease("t", now=at, until=at, kinds=(CallbackKind.MISSED,))
                assert taken is not None
                await unit.callbacks.settle(taken.id, "t", outcome="", state=CallbackState.DONE, now=at)
    found = await read_report(database, Terms(), None, AT + timedelta(hours=48), 4)
    assert (found.begin, found.offered, found.answered, found.abandoned) == (AT, 3, 2, 1)
    assert (found.asa.value, found.other_clock.asa.value) == (10, 14)
    assert (found.aht.numerator, found.aht.denominator) == (160, 2)
    first = found.first_dial_answer_rate
    assert (first.numerator, first.denominator, first.exclusions["repeated"]) == (1, 2, 1)
    assert (found.occupancy.numerator, found.occupancy.denominator) == (84, 94)
    assert found.agents["1001"].answered == 2
    worst = found.worst_24h["answer_rate"]
    assert worst is not None
    assert (worst.numerator, worst.denominator) == (0, 1), "a day that ends before the redial"
    counts = found.callbacks.counts
    assert (counts.owed, counts.done, counts.waiting, counts.in_time, counts.attempts) == (2, 1, 1, 1, 1)
    assert found.satisfaction.service.value is None


async def test_a_dial_before_the_period_makes_the_next_a_second_one(database: Database) -> None:
    log = DatabaseEventLog(database, SystemClock())
    await log.append(call("a", 0, "13800000001", answered=False))
    await log.append(call("b", 0.25, "13800000001", answered=True))
    found = await read_report(database, Terms(), AT + timedelta(minutes=10), AT + timedelta(hours=1), 4)
    assert found.offered == 1
    assert (found.first_dial_answer_rate.denominator, found.first_dial_answer_rate.exclusions["repeated"]) == (0, 1)


async def test_an_empty_database_has_no_rates(database: Database) -> None:
    found = await read_report(database, Terms(), None, AT, 4)
    assert (found.offered, found.answer_rate.value, found.worst_24h["answer_rate"]) == (0, None, None)
