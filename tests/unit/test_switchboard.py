import logging

import pytest

from ivr.calls import events as ev
from ivr.calls.errors import AgentUnknown, MoveRefused
from ivr.calls.events import CallArrived
from ivr.calls.measures import fold, measure
from ivr.calls.plan import CallPlan
from ivr.calls.session import CallSession
from ivr.calls.vocabulary import AgentId, AgentState, CallState, LegId, Party, PauseReason
from ivr.ports import AsteriskUnavailable, RequestRefused
from tests.fakes.telephony import FakeCitizen
from tests.hotline import DIRECT, GREETED, Hotline, until
from tests.virtual_time import virtual

A, B = AgentId("1001"), AgentId("1002")
SHIFT_S = 3_600.0


@virtual
async def test_a_call_from_greeting_to_the_end_of_wrap_up() -> None:
    line = Hotline(GREETED)
    async with line.running():
        line.ready().will_answer(after_ms=2_000)
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.MENU)
        citizen.press("2")
        await line.reaches(citizen.call, CallState.CONNECTED)
        assert citizen.talks_to == "PJSIP/1001"
        assert citizen.told == [("hello", "recorded"), ("menu",)]
        assert line.agent() is AgentState.ON_CALL
        await until(lambda: len(line.ear.heard) == 2, "both are listened to")
        assert line.telephony.census().bridges == {f"{citizen.call}-talk"}
        citizen.hang_up()
        await line.agent_is(AgentState.WRAP_UP)
        line.board.floor.finish_wrap_up(A)
        await until(line.nothing_is_left, "nothing is left")
    assert line.log.closed == {citizen.call}
    states = [seen.state for seen in line.observer.calls]
    order = ("greeting", "menu", "queued", "offered", "connected", "wrap_up", "ended")
    assert [state for n, state in enumerate(states) if n == 0 or states[n - 1] is not state] == ["arrived", *order]
    assert [seen.over for seen in line.observer.calls] == [False] * (len(states) - 1) + [True]
    assert line.observer.records == line.log.lines
    assert sorted(line.ear.finished) == [(citizen.call, Party.AGENT), (citizen.call, Party.CITIZEN)]


@virtual
async def test_two_callers_and_one_agent() -> None:
    line = Hotline()
    async with line.running():
        line.ready().will_answer()
        first = line.telephony.citizen_arrives()
        second = line.telephony.citizen_arrives()
        await line.reaches(first.call, CallState.CONNECTED)
        assert line.state(second.call) is CallState.QUEUED
        assert second.hears_music
        assert line.board.floor.queue().waiting == 1
        await until(lambda: second.told == [("next",)], "they hear their place")
        first.hang_up()
        await line.agent_is(AgentState.WRAP_UP)
        await line.agent_is(AgentState.ON_CALL, timeout_s=130)
        assert second.talks_to == "PJSIP/1001"
        assert line.board.floor.queue().waiting == 0


@virtual
async def test_a_silent_phone_is_paused_and_the_caller_keeps_the_place() -> None:
    line = Hotline()
    async with line.running():
        line.ready("1001")
        first = line.telephony.citizen_arrives()
        await line.reaches(first.call, CallState.OFFERED)
        second = line.telephony.citizen_arrives()
        await line.reaches(second.call, CallState.QUEUED)
        await line.agent_is(AgentState.PAUSED)
        assert line.board.floor.seat(A).pause_reason is PauseReason.NO_ANSWER
        line.ready("1002").will_answer()
        await line.reaches(first.call, CallState.CONNECTED)
        assert (first.talks_to, line.state(second.call)) == ("PJSIP/1002", CallState.QUEUED)
        assert line.telephony.phone("PJSIP/1001").rung == [LegId(f"{first.call}-agent-1")]


@virtual
async def test_a_phone_that_cannot_be_reached_is_paused_as_such() -> None:
    line = Hotline()
    async with line.running():
        line.board.floor.sign_in(A)
        line.board.floor.ready(A)
        citizen = line.telephony.citizen_arrives()
        await line.agent_is(AgentState.PAUSED)
        assert line.board.floor.seat(A).pause_reason is PauseReason.UNREACHABLE
        assert citizen.hears_music


@virtual
async def test_the_caller_hangs_up_while_it_rings() -> None:
    line = Hotline()
    async with line.running():
        phone = line.ready()
        citizen = line.telephony.citizen_arrives()
        await until(lambda: phone.ringing, "the phone rings")
        citizen.hang_up()
        await line.agent_is(AgentState.AVAILABLE, timeout_s=1)
        await until(line.nothing_is_left, "nothing is left", 1)
    assert line.observer.calls[-1].state is CallState.ABANDONED


@virtual
async def test_the_longest_idle_agent_is_rung() -> None:
    line = Hotline(agents=3)
    async with line.running():
        for name in ("1002", "1003", "1001"):
            line.ready(name).will_answer()
        talks = []
        for _ in range(3):
            citizen = line.telephony.citizen_arrives()
            await line.reaches(citizen.call, CallState.CONNECTED)
            talks.append(citizen.talks_to)
        assert talks == ["PJSIP/1002", "PJSIP/1003", "PJSIP/1001"]


@virtual
async def test_an_agents_phone_dies_and_another_takes_over() -> None:
    line = Hotline()
    async with line.running():
        line.ready("1001").will_answer()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.CONNECTED)
        line.telephony.phone("PJSIP/1001").die()
        await until(lambda: ("sorry",) in citizen.told, "an apology")
        assert line.board.floor.seat(A).pause_reason is PauseReason.UNREACHABLE
        line.ready("1002").will_answer()
        await until(lambda: citizen.talks_to == "PJSIP/1002", "the next agent")
        await until(lambda: len(line.ear.heard) == 2, "both are listened to again")


# ---- agents at the desk


@virtual
async def test_agents_do_what_they_may() -> None:
    line = Hotline()
    async with line.running() as board:
        assert board.floor.sign_in(A).state is AgentState.PAUSED
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.QUEUED)
        line.telephony.phone("PJSIP/1001").will_answer()
        assert board.floor.ready(A).state is AgentState.RESERVED, "somebody was waiting"
        await line.reaches(citizen.call, CallState.CONNECTED)
        with pytest.raises(MoveRefused):
            board.floor.sign_out(A)
        with pytest.raises(MoveRefused):
            board.floor.finish_wrap_up(A)
        assert board.floor.pause(A, PauseReason.MEAL).pause_next is PauseReason.MEAL
        board.floor.hang_up(A)
        await line.agent_is(AgentState.WRAP_UP)
        assert not citizen.connected
        with pytest.raises(MoveRefused):
            board.floor.hang_up(A)
        board.floor.finish_wrap_up(A)
        await line.agent_is(AgentState.PAUSED)
        assert board.floor.seat(A).pause_reason is PauseReason.MEAL
        assert board.floor.sign_out(A).state is AgentState.LOGGED_OUT
        with pytest.raises(AgentUnknown):
            board.floor.ready(AgentId("9999"))


@virtual
async def test_ready_ends_the_wrap_up_and_the_next_call_comes() -> None:
    line = Hotline()
    async with line.running() as board:
        line.ready().will_answer()
        first = line.telephony.citizen_arrives()
        second = line.telephony.citizen_arrives()
        await line.reaches(first.call, CallState.CONNECTED)
        first.hang_up()
        await line.agent_is(AgentState.WRAP_UP)
        board.floor.ready(A)
        await until(lambda: second.talks_to == "PJSIP/1001", "the next call")


@virtual
async def test_an_agent_forced_out_while_it_rings_loses_the_call_to_another() -> None:
    line = Hotline()
    async with line.running() as board:
        phone = line.ready("1001")
        citizen = line.telephony.citizen_arrives()
        await until(lambda: phone.ringing, "the phone rings")
        line.ready("1002").will_answer()
        board.floor.sign_out(A, forced=True)
        await until(lambda: citizen.talks_to == "PJSIP/1002", "the other agent")
        await line.agent_is(AgentState.LOGGED_OUT)
        assert not phone.ringing


@virtual
async def test_leaving_in_wrap_up_ends_it() -> None:
    line = Hotline()
    async with line.running() as board:
        line.ready().will_answer()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.CONNECTED)
        citizen.hang_up()
        await line.agent_is(AgentState.WRAP_UP)
        board.floor.sign_out(A)
        await line.agent_is(AgentState.LOGGED_OUT)
        await until(line.nothing_is_left, "nothing is left")


# ---- restarts and broken links


@virtual
async def test_a_restart_adopts_every_call_as_it_stands() -> None:
    line = Hotline(agents=3)
    async with line.running():
        line.ready("1001").will_answer()
        line.ready("1002")
        talking = line.telephony.citizen_arrives()
        await line.reaches(talking.call, CallState.CONNECTED)
        ringing = line.telephony.citizen_arrives()
        await line.reaches(ringing.call, CallState.OFFERED)
        queued = [line.telephony.citizen_arrives() for _ in range(3)]
        for citizen in queued:
            await line.reaches(citizen.call, CallState.QUEUED)
        await line.passes(1_000)
    before = line.telephony.census()
    assert len(before.legs) == 7, "stopping hangs nobody up"
    await line.passes(1_000)
    async with line.running() as board:
        await until(lambda: len(board.calls()) == 5, "all are adopted")
        await line.passes(500)
        assert line.telephony.census() == before
        assert talking.talks_to == "PJSIP/1001"
        assert (line.agent("1001"), line.agent("1002")) == (AgentState.ON_CALL, AgentState.RESERVED)
        await until(lambda: len(line.ear.heard) == 2, "they are listened to again")
        line.telephony.phone("PJSIP/1002").lift()
        await line.reaches(ringing.call, CallState.CONNECTED)
        line.ready("1003").will_answer()
        for citizen in queued:
            await line.agent_is(AgentState.ON_CALL, "1003")
            assert citizen.talks_to == "PJSIP/1003", "nobody lost their place"
            board.floor.hang_up(AgentId("1003"))
            await line.agent_is(AgentState.WRAP_UP, "1003")
            board.floor.finish_wrap_up(AgentId("1003"))


@virtual
async def test_what_happened_while_the_server_was_away_is_made_up_for() -> None:
    line = Hotline(agents=4)
    async with line.running():
        for name in ("1001", "1002", "1003"):
            line.ready(name).will_answer()
        left, ended, abandoned_by_agent = (line.telephony.citizen_arrives() for _ in range(3))
        for citizen in (left, ended, abandoned_by_agent):
            await line.reaches(citizen.call, CallState.CONNECTED)
        waiting = line.telephony.citizen_arrives()
        await line.reaches(waiting.call, CallState.QUEUED)
    left.hang_up()
    ended.hang_up()
    line.telephony.phone("PJSIP/1002").hang_up()
    line.telephony.phone("PJSIP/1003").hang_up()
    waiting.hang_up()
    new = line.telephony.citizen_arrives()
    async with line.running() as board:
        await until(lambda: line.state(new.call) is CallState.QUEUED, "who arrived meanwhile is met")
        assert line.state(abandoned_by_agent.call) is CallState.QUEUED
        assert line.state(left.call) is CallState.WRAP_UP
        assert line.state(ended.call) is CallState.WRAP_UP
        await line.reaches(waiting.call, None)
        for name in ("1001", "1002"):
            board.floor.finish_wrap_up(AgentId(name))
        await line.agent_is(AgentState.LOGGED_OUT, "1001")
        line.ready("1004").will_answer()
        await until(lambda: abandoned_by_agent.talks_to == "PJSIP/1004", "the longest waiting is first")
        assert new.hears_music


@virtual
async def test_without_its_log_a_talk_goes_on_and_a_queue_is_kept() -> None:
    line = Hotline()
    async with line.running():
        line.ready("1001").will_answer()
        talking = line.telephony.citizen_arrives()
        await line.reaches(talking.call, CallState.CONNECTED)
        queued = line.telephony.citizen_arrives()
        await line.reaches(queued.call, CallState.QUEUED)
    line.log.calls.clear()
    async with line.running():
        await line.reaches(talking.call, CallState.CONNECTED)
        await line.reaches(queued.call, CallState.QUEUED)
        assert line.agent("1001") is AgentState.ON_CALL
        assert talking.talks_to == "PJSIP/1001"
        talking.hang_up()
        await line.agent_is(AgentState.WRAP_UP)


@virtual
async def test_leftovers_nobody_claims_are_swept() -> None:
    line = Hotline()
    async with line.running():
        line.ready("1001").will_answer()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.CONNECTED)
        await until(lambda: len(line.ear.heard) == 2, "both are listened to")
    line.log.calls.clear()
    citizen.hang_up()
    assert line.telephony.phone("PJSIP/1001").talking
    async with line.running():
        await until(line.telephony.census, "")
        await until(lambda: not line.telephony.phone("PJSIP/1001").talking, "the lonely agent is hung up")
        await until(lambda: not line.telephony.census().taps, "the taps are gone")


@virtual
async def test_a_link_that_breaks_for_a_while_changes_nothing() -> None:
    line = Hotline()
    async with line.running():
        line.ready("1001").will_answer()
        talking = line.telephony.citizen_arrives()
        await line.reaches(talking.call, CallState.CONNECTED)
        queued = line.telephony.citizen_arrives()
        await line.reaches(queued.call, CallState.QUEUED)
        await line.passes(500)
        before = line.telephony.census()
        line.telephony.link_breaks()
        await line.passes(100)
        line.ready("1002").will_answer()
        await line.passes(60_000)
        assert line.agent("1002") is AgentState.AVAILABLE, "nobody is offered what cannot be rung"
        assert line.telephony.census().legs == before.legs
        line.telephony.link_returns()
        await line.reaches(queued.call, CallState.CONNECTED)
        assert queued.talks_to == "PJSIP/1002"
        assert talking.talks_to == "PJSIP/1001"


@virtual
async def test_what_a_broken_link_hid_is_found_out() -> None:
    line = Hotline(agents=3)
    async with line.running():
        line.ready("1001").will_answer()
        ended = line.telephony.citizen_arrives()
        await line.reaches(ended.call, CallState.CONNECTED)
        ringing = line.ready("1002")
        answered = line.telephony.citizen_arrives()
        await until(lambda: ringing.ringing, "the phone rings")
        line.telephony.link_breaks()
        await line.passes(1_000)
        ended.hang_up()
        ringing.lift()
        arrived = line.telephony.citizen_arrives()
        await line.passes(20_000)
        line.telephony.link_returns()
        await line.reaches(answered.call, CallState.CONNECTED)
        await line.reaches(ended.call, CallState.WRAP_UP)
        await line.reaches(arrived.call, CallState.QUEUED)
        await until(lambda: not line.telephony.phone("PJSIP/1001").talking, "the agent left alone is hung up")


@virtual
async def test_verbs_asked_for_while_the_link_is_down_are_done_when_it_is_back() -> None:
    line = Hotline()
    async with line.running() as board:
        line.ready().will_answer()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.CONNECTED)
        await line.passes(500)
        line.telephony.link_breaks()
        await line.passes(100)
        board.floor.hang_up(A)
        await line.agent_is(AgentState.WRAP_UP)
        board.floor.finish_wrap_up(A)
        await line.passes(30_000)
        assert citizen.connected
        line.telephony.link_returns()
        await until(line.nothing_is_left, "nothing is left")


# ---- faults


@virtual
async def test_a_call_whose_logic_breaks_is_given_back_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Hotline()
    async with line.running():
        line.ready("1001").will_answer()
        well = line.telephony.citizen_arrives()
        await line.reaches(well.call, CallState.CONNECTED)
        line.ready("1002")
        ill = line.telephony.citizen_arrives(number="13712345678")
        await line.reaches(ill.call, CallState.OFFERED)
        handle = CallSession.handle

        def broken(self: CallSession, event: ev.AnyEvent, offset_ms: int) -> list[object]:
            if self.call == ill.call:
                raise RuntimeError(f"what {self.caller_number} said")
            return list(handle(self, event, offset_ms))

        monkeypatch.setattr(CallSession, "handle", broken)
        ill.press("1")
        await until(lambda: ill.leg in line.telephony.given_back, "the caller is given back")
        await line.agent_is(AgentState.AVAILABLE, "1002")
        assert line.telephony.phone("PJSIP/1002").rung
        assert not line.telephony.phone("PJSIP/1002").ringing
        assert well.talks_to == "PJSIP/1001"
        assert line.board.call(ill.call) is None
        last = next(seen for seen in reversed(line.observer.calls) if seen.call == ill.call)
        assert (last.over, last.failed) == (True, True)
        assert ill.call in line.log.closed
        assert line.log.calls[ill.call][-1].event == ev.GivenBack(leg=ill.leg)
    assert measure(fold(line.log.lines)).given_back == 1
    assert "RuntimeError" in caplog.text
    assert "13712345678" not in caplog.text


@virtual
async def test_a_call_no_plan_can_be_made_for_is_given_back() -> None:
    line = Hotline()

    def plan(arrived: CallArrived) -> CallPlan:
        if arrived.caller_number is None:
            raise KeyError("no plan")
        return DIRECT

    line.plan_for = plan
    async with line.running():
        ill = line.telephony.citizen_arrives(number=None)
        well = line.telephony.citizen_arrives()
        await line.reaches(well.call, CallState.QUEUED)
        await until(lambda: line.telephony.given_back == [ill.leg], "the caller is given back")


@virtual
async def test_a_log_that_breaks_its_replay_does_not_keep_its_call_from_being_adopted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = Hotline()
    async with line.running():
        line.ready().will_answer()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.CONNECTED)

    def broken(*_: object) -> CallSession:
        raise RuntimeError

    monkeypatch.setattr(CallSession, "replay", broken)
    async with line.running():
        await line.reaches(citizen.call, CallState.CONNECTED)
        assert citizen.talks_to == "PJSIP/1001"


@virtual
async def test_a_stalled_log_stalls_no_call_and_loses_nothing() -> None:
    line = Hotline()
    async with line.running():
        line.ready().will_answer()
        line.log.down = True
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.CONNECTED, timeout_s=3)
        citizen.hang_up()
        await line.agent_is(AgentState.WRAP_UP, timeout_s=1)
        line.log.down = False
    assert [record.seq for record in line.log.calls[citizen.call]] == list(range(len(line.observer.records)))
    assert line.log.calls[citizen.call] == line.observer.records


@virtual
async def test_a_slow_tap_keeps_no_hang_up_from_being_heard() -> None:
    line = Hotline()
    line.telephony.delays("fork_media", before_ms=4_000)
    async with line.running():
        line.ready().will_answer()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.CONNECTED)
        citizen.hang_up()
        await until(lambda: not line.telephony.phone("PJSIP/1001").talking, "the agent is free of the line", 0.5)
        assert line.agent() is AgentState.WRAP_UP
        line.board.floor.finish_wrap_up(A)
        await until(line.nothing_is_left, "nothing is left", SHIFT_S)


@virtual
async def test_a_slow_ring_is_not_made_for_a_citizen_who_has_left() -> None:
    line = Hotline()
    line.telephony.delays("place_in_queue", before_ms=3_000)
    async with line.running():
        phone = line.ready()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.OFFERED)
        citizen.hang_up()
        await until(line.nothing_is_left, "nothing is left")
        assert phone.rung == []
        assert line.agent() is AgentState.AVAILABLE


@pytest.mark.parametrize("verb", ["pick_up", "play", "place_in_queue", "ring", "connect", "fork_media", "hang_up"])
@pytest.mark.parametrize(
    "error",
    [AsteriskUnavailable("no reply"), RequestRefused("422: not now")],
    ids=["unavailable", "refused"],
)
@virtual
async def test_one_failing_verb_keeps_nobody_from_a_conversation(verb: str, error: Exception) -> None:
    line = Hotline(GREETED)
    assert isinstance(error, AsteriskUnavailable | RequestRefused)
    line.telephony.fails(verb, error)
    async with line.running():
        for name in ("1001", "1002"):
            line.ready(name).will_answer()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.CONNECTED, timeout_s=120)
        await line.passes(1_000)
        line.board.floor.hang_up(next(seat.agent.id for seat in line.board.floor.seats() if seat.call))
        await until(lambda: not citizen.connected, "the citizen is hung up", 15)
        await until(line.nothing_is_left, "nothing is left", SHIFT_S)


@pytest.mark.parametrize("verb", ["pick_up", "play", "place_in_queue", "ring", "connect", "fork_media", "hang_up"])
@virtual
async def test_replies_that_never_come_keep_nobody_from_being_freed(verb: str) -> None:
    line = Hotline(GREETED)
    line.telephony.delays(verb, before_ms=60_000)
    async with line.running():
        line.ready().will_answer()
        citizen = line.telephony.citizen_arrives()
        await line.passes(30_000)
        line.telephony.delays(verb)
        citizen.hang_up()
        await until(lambda: line.board.calls() == [], "the call is over", SHIFT_S)
        assert line.agent() in (AgentState.AVAILABLE, AgentState.PAUSED)
        await until(line.nothing_is_left, "nothing is left", SHIFT_S)


@virtual
async def test_an_ear_that_is_full_leaves_the_conversation_alone() -> None:
    line = Hotline()
    line.ear.places = 1
    async with line.running():
        line.ready().will_answer()
        citizen = line.telephony.citizen_arrives()
        await until(lambda: len(line.ear.heard) == 1, "one is listened to")
        await line.passes(1_000)
        assert citizen.talks_to is not None
        assert len(line.telephony.census().taps) == 1, "what nobody listens to is not tapped"
        seen = line.board.call(citizen.call)
        assert seen is not None
        assert seen.hearing == {Party.CITIZEN}
        line.ear.places = 2
        for party in Party:
            line.board.refork(citizen.call, party)
        await until(lambda: len(line.ear.heard) == 2, "both are listened to")


@virtual
async def test_a_queue_that_is_heard_from_its_recording_has_no_taps() -> None:
    line = Hotline()
    line.ear.from_recording = {DIRECT.menu.default}
    async with line.running():
        line.ready().will_answer()
        citizen = line.telephony.citizen_arrives()
        await until(lambda: len(line.ear.heard) == 2, "both are listened to")
        assert {source for source, _ in line.ear.heard.values()} == {None}
        assert line.telephony.census().taps == frozenset()
        seen = line.board.call(citizen.call)
        assert seen is not None
        assert seen.hearing == set(Party)


@virtual
async def test_where_asterisk_refuses_a_tap_the_recording_is_heard() -> None:
    line = Hotline()
    line.telephony.fails("fork_media", RequestRefused("too many RTP streams"))
    async with line.running():
        line.ready().will_answer()
        line.telephony.citizen_arrives()
        await until(lambda: len(line.ear.heard) == 2, "both are listened to")
        assert sorted(source is None for source, _ in line.ear.heard.values()) == [False, True]


@virtual
async def test_a_zombie_ring_of_a_call_that_is_over_is_hung_up() -> None:
    line = Hotline()
    async with line.running():
        phone = line.ready()
        line.telephony.delays("ring", before_ms=4_900)
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.OFFERED)
        citizen.hang_up()
        await until(line.nothing_is_left, "nothing is left", 30)
        assert not phone.ringing


@virtual
async def test_a_watcher_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    line = Hotline()
    async with line.running() as board:

        class Bad:
            def __getattr__(self, name: str) -> object:
                raise ZeroDivisionError

        board.watchers._watchers.insert(0, Bad())  # type: ignore[arg-type]  # it is a bad watcher
        line.ready().will_answer()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.CONNECTED)
        assert line.observer.calls
    assert "ZeroDivisionError" in caplog.text


@virtual
async def test_the_queue_is_told_at_most_once_a_second() -> None:
    line = Hotline()
    async with line.running():
        for _ in range(50):
            line.telephony.citizen_arrives()
        await line.passes(10_000)
        assert 1 <= len(line.observer.queues) <= 3
        assert line.observer.queues[-1].waiting == 50
        assert line.observer.queues[-1].oldest_since is not None
        line.telephony.hang_everybody_up()
        await line.passes(2_000)
        assert line.observer.queues[-1].waiting == 0


@virtual
async def test_waiting_citizens_hear_the_queue_move() -> None:
    line = Hotline()
    async with line.running():
        citizens: list[FakeCitizen] = [line.telephony.citizen_arrives() for _ in range(3)]
        await line.reaches(citizens[2].call, CallState.QUEUED)
        await line.passes(20_000)
        assert citizens[2].told == [("many",)]
        citizens[0].hang_up()
        citizens[1].hang_up()
        await until(lambda: ("next",) in citizens[2].told, "they are next", 10)


@virtual
async def test_the_log_gives_the_figures() -> None:
    line = Hotline()
    async with line.running():
        line.ready().will_answer(after_ms=3_000)
        answered = line.telephony.citizen_arrives()
        await line.reaches(answered.call, CallState.CONNECTED)
        lost = line.telephony.citizen_arrives()
        await line.passes(20_000)
        lost.hang_up()
        answered.hang_up()
        await line.passes(1_000)
    figures = measure(fold(line.log.lines))
    assert (figures.offered, figures.answered, figures.abandoned) == (2, 1, 1)
    assert figures.answered_waits.longest_ms == 3_000
    assert figures.lost_waits.longest_ms == 20_000


@virtual
async def test_a_flood_of_keys_does_not_drown_a_call(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    line = Hotline()
    async with line.running():
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.QUEUED)
        for _ in range(5_000):
            citizen.press("5")
        citizen.hang_up()
        await line.reaches(citizen.call, None)
    assert line.observer.calls[-1].state is CallState.ABANDONED
    assert caplog.records == []


@virtual
async def test_who_waits_longer_than_the_plan_allows_goes_to_the_fallback() -> None:
    line = Hotline(CallPlan(menu=DIRECT.menu, max_wait_ms=90_000))
    async with line.running():
        citizen = line.telephony.citizen_arrives()
        await until(lambda: line.telephony.given_back == [citizen.leg], "given back", 100)
        await until(line.nothing_is_left, "nothing is left")
    assert measure(fold(line.log.lines)).given_back == 1


@virtual
async def test_the_end_of_telephony_is_the_end_of_the_switchboard() -> None:
    line = Hotline()
    async with line.running():
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.QUEUED)
        line.telephony.closes()
        await until(lambda: not line.telephony.listening, "the switchboard has let go")
    assert citizen.hears_music
    assert citizen.call not in line.log.closed
