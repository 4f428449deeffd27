"""The pains of call centres that need no exchange: figures, wrap-up, restarts, days and zones."""

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.calls import events as ev
from ivr.calls.events import AnyEvent, Recorded
from ivr.calls.measures import ClockStart, measure
from ivr.calls.measures import Tally as Figures
from ivr.calls.roster import Rest, rest_of
from ivr.calls.vocabulary import AgentId, AgentState, CallId, CallState, HangupCause, LegId, PauseReason
from ivr.desk.rates import Today
from ivr.watchman import WELL_MS, WRONG_MS, Part, Watchman
from tests.fakes.clock import LoopClock
from tests.fakes.telephony import FakeCitizen
from tests.hotline import Hotline, until
from tests.virtual_time import virtual

A = AgentId("1001")
MIDNIGHT = datetime(2026, 11, 21, 16, tzinfo=UTC)  # in Shanghai


def call_events(name: str, at: datetime, *, answered: bool) -> list[Recorded]:
    citizen, agent = LegId(f"{name}.0"), LegId(f"{name}-agent-1")
    events: list[AnyEvent] = [
        ev.CallArrived(leg=citizen, caller_number=None, dialled="12345"),
        ev.QueueMoved(ahead=0),
    ]
    if answered:
        events += [
            ev.AgentReserved(agent=A, endpoint="PJSIP/1001"),
            ev.LegAnswered(leg=agent),
            ev.LegsJoined(citizen_leg=citizen, agent_leg=agent),
        ]
    events.append(ev.LegHungUp(leg=citizen, cause=HangupCause.NORMAL))
    return [
        Recorded(call=CallId(name), seq=seq, at=at, offset_ms=seq * 1000, event=event)
        for seq, event in enumerate(events)
    ]


@settings(max_examples=50)
@given(st.lists(st.booleans(), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_pain_15_figures_are_a_fold_of_the_log_however_calls_mix(answers: list[bool], random: Random) -> None:
    logs = [call_events(f"c{n}", MIDNIGHT, answered=answered) for n, answered in enumerate(answers)]
    one_by_one, side_by_side = Figures(), Figures()
    for record in [record for log in logs for record in log]:
        one_by_one.add(record)
    rows = [log[:] for log in logs]
    while rows:
        row = random.choice(rows)
        side_by_side.add(row.pop(0))
        rows = [row for row in rows if row]
    figures = [measure(each.calls, ClockStart.QUEUE_ENTRY, within_ms=15_000) for each in (one_by_one, side_by_side)]
    assert figures[0] == figures[1]
    assert (figures[0].offered, figures[0].answered) == (len(answers), sum(answers))


@virtual
async def test_pain_16_a_pause_asked_for_in_wrap_up_begins_the_moment_it_ends() -> None:
    line = Hotline(agents=1)
    async with line.running() as board:
        line.ready().will_answer()
        first = line.telephony.citizen_arrives()
        await line.reaches(first.call, CallState.CONNECTED)
        first.hang_up()
        await line.agent_is(AgentState.WRAP_UP)
        waiting = line.telephony.citizen_arrives()
        board.floor.pause(A, PauseReason.MEAL)
        board.floor.finish_wrap_up(A)
        await line.agent_is(AgentState.PAUSED)
        assert board.floor.seat(A).pause_reason is PauseReason.MEAL
        await line.passes(2_000)
        assert line.state(waiting.call) is CallState.QUEUED, "nobody is rung who is paused"
        board.floor.ready(A)
        await line.reaches(waiting.call, CallState.CONNECTED)
        waiting.hang_up()
        await line.agent_is(AgentState.WRAP_UP)
        board.floor.sign_out(A)
        await until(line.nothing_is_left, "nothing is left")


DOING = {
    "available": (AgentState.AVAILABLE, None),
    "paused": (AgentState.PAUSED, PauseReason.TRAINING),
    "signed in": (AgentState.PAUSED, None),
    "talking": (AgentState.ON_CALL, None),
    "talking, then a break": (AgentState.ON_CALL, PauseReason.BREAK),
    "wrapping up": (AgentState.WRAP_UP, None),
    "rung": (AgentState.RESERVED, None),
    "out": (AgentState.LOGGED_OUT, None),
}


@pytest.mark.parametrize("doing", DOING)
def test_pain_17_a_restart_in_any_state_changes_nobodys_state_and_no_reason(doing: str) -> None:
    @virtual
    async def restart() -> None:
        state, reason = DOING[doing]
        line = Hotline(agents=1)
        async with line.running() as board:
            citizen = await bring(line, doing)
            before = board.floor.seat(A)
            assert before.state is state
            kept = rest_of(before)
        async with line.running(rests=[kept]) as board:
            await line.agent_is(state)
            after = board.floor.seat(A)
            assert (after.pause_reason, after.pause_next) == (before.pause_reason, before.pause_next)
            assert reason in (after.pause_reason, after.pause_next)
            assert after.call == before.call
            if citizen is not None:
                citizen.hang_up()
            await until(lambda: not board.calls(), "calls over", 120)

    restart()


async def bring(line: Hotline, doing: str) -> FakeCitizen | None:
    """Let the agent do that; the citizen on the line, where there is one."""
    floor = line.board.floor
    if doing == "out":
        return None
    floor.sign_in(A)
    if doing == "paused":
        floor.pause(A, PauseReason.TRAINING)
    elif doing != "signed in":
        phone = line.ready()
        if doing != "available":
            citizen = line.telephony.citizen_arrives()
            if doing == "rung":
                await line.reaches(citizen.call, CallState.OFFERED)
                return citizen
            phone.will_answer()
            await line.reaches(citizen.call, CallState.CONNECTED)
            if "break" in doing:
                floor.pause(A, PauseReason.BREAK)
            if doing == "wrapping up":
                citizen.hang_up()
                await line.agent_is(AgentState.WRAP_UP)
                return None
            return citizen
    return None


@virtual
async def test_pain_19_a_part_that_fails_for_a_while_is_on_the_board_until_it_is_well_for_a_while() -> None:
    wrong = {Part.DISK: True, Part.DATABASE: False}
    clock = LoopClock()
    watchman = Watchman({part: lambda part=part: wrong[part] for part in wrong}, clock)  # type: ignore[misc]
    told: list[tuple[int, Part]] = []
    watchman.told.append(lambda faults, part: told.append((len(faults), part)))

    async def looks(*, disk: bool, after_ms: int = 0) -> list[tuple[int, Part]]:
        await clock.sleep(after_ms)
        wrong[Part.DISK] = disk
        watchman.look()
        return told

    assert await looks(disk=True) == [], "it may be a moment"
    assert await looks(disk=False) == []
    await looks(disk=True)
    assert await looks(disk=True, after_ms=WRONG_MS) == [(1, Part.DISK)]
    await looks(disk=False)
    assert len(await looks(disk=False, after_ms=WELL_MS // 2)) == 1
    await looks(disk=True)
    await looks(disk=False, after_ms=WELL_MS)
    assert len(watchman.standing) == 1, "it flickered"
    assert await looks(disk=False, after_ms=WELL_MS) == [(1, Part.DISK), (0, Part.DISK)]


def test_pain_20_days_are_the_citys_and_times_are_utc() -> None:
    now = [MIDNIGHT - timedelta(minutes=1)]
    today = Today(ZoneInfo("Asia/Shanghai"), lambda: now[0], 15_000)
    for record in call_events("late", now[0], answered=True):
        today.add(record)
    assert today.measures().offered == 1
    now[0] = MIDNIGHT + timedelta(minutes=1)
    assert today.measures().offered == 0, "a new day in the city, though not in UTC"
    for record in call_events("early", now[0], answered=True):
        today.add(record)
    assert today.measures().offered == 1
    assert Rest(agent=A, state=AgentState.AVAILABLE, since=now[0]).since.tzinfo is UTC
