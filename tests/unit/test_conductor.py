"""One call's task: order, patience, and what it does when it is overrun or let go. Through the switchboard."""

import msgspec
import pytest

from ivr.calls import events as ev
from ivr.calls.events import CallArrived
from ivr.calls.vocabulary import AgentId, AgentState, CallId, CallState, LegId, Party
from ivr.conductor import INBOX
from tests.fakes.telephony import FakeTelephony
from tests.hotline import DIRECT, GREETED, Hotline, until
from tests.virtual_time import virtual

A = AgentId("1001")


@virtual
async def test_an_event_is_kept_before_anything_is_done_about_it() -> None:
    line = Hotline()
    line.log.stalled_ms = 50
    seen: list[int] = []

    class Watching(FakeTelephony):
        async def pick_up(self, call: CallId, leg: LegId) -> None:
            seen.append(len(line.log.lines))
            await super().pick_up(call, leg)

    line.telephony = Watching()
    async with line.running():
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.QUEUED)
    assert seen == [1]


@virtual
async def test_timers_run_on_over_a_restart() -> None:
    line = Hotline(GREETED)
    async with line.running():
        line.ready().will_answer()
        wrapping = line.telephony.citizen_arrives()
        await line.reaches(wrapping.call, CallState.CONNECTED)
        wrapping.hang_up()
        await line.agent_is(AgentState.WRAP_UP)
        choosing = line.telephony.citizen_arrives()
        await line.reaches(choosing.call, CallState.MENU)
        await line.passes(3_500)
    async with line.running():
        await line.agent_is(AgentState.WRAP_UP, timeout_s=1)
        await line.reaches(choosing.call, CallState.QUEUED, timeout_s=4)
        await line.agent_is(AgentState.LOGGED_OUT, timeout_s=31)


@virtual
async def test_a_timer_started_anew_while_it_fired_is_not_heard() -> None:
    line = Hotline(msgspec.structs.replace(GREETED, prompt_ms=3_050))
    async with line.running():
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.GREETING)
        line.log.stalled_ms = 1_000
        await line.reaches(citizen.call, CallState.MENU)
        await line.passes(500)
        assert line.telephony.census().playbacks != frozenset(), "the menu is not cut short"


@virtual
async def test_nothing_is_asked_of_asterisk_while_it_cannot_be_reached() -> None:
    line = Hotline()
    async with line.running():
        line.ready().will_answer()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.CONNECTED)
        await line.passes(1_000)
        line.telephony.link_breaks()
        await line.passes(100)
        asked = len(line.telephony.verbs)
        line.board.floor.hang_up(A)
        await line.passes(60_000)
        assert line.telephony.verbs[asked:] == []
        line.telephony.link_returns()
        await until(lambda: not citizen.connected, "they are hung up", 1)


@virtual
async def test_a_link_that_is_up_for_a_moment_is_not_believed() -> None:
    line = Hotline()
    async with line.running():
        line.ready().will_answer()
        talking = line.telephony.citizen_arrives()
        await line.reaches(talking.call, CallState.CONNECTED)
        queued = line.telephony.citizen_arrives()
        await line.reaches(queued.call, CallState.QUEUED)
        await line.passes(1_000)
        line.telephony.link_breaks()
        line.telephony.link_returns()
        line.telephony.link_breaks()
        await line.passes(100)
        asked = len(line.telephony.verbs)
        line.board.floor.hang_up(A)
        await line.agent_is(AgentState.WRAP_UP)
        line.board.floor.finish_wrap_up(A)
        await line.passes(10_000)
        assert line.telephony.verbs[asked:] == []
        assert line.agent() is AgentState.AVAILABLE
        line.telephony.link_returns()
        await until(lambda: queued.talks_to == "PJSIP/1001", "the next call")


@virtual
async def test_a_call_that_ends_while_the_link_is_down_does_not_end_the_hold() -> None:
    line = Hotline()
    async with line.running():
        line.log.stalled_ms = 50
        ending = line.telephony.citizen_arrives()
        await line.reaches(ending.call, CallState.QUEUED)
        waiting = line.telephony.citizen_arrives()
        await line.reaches(waiting.call, CallState.QUEUED)
        line.telephony.link_breaks()
        ending.hang_up()
        waiting.press("1")
        line.telephony.link_returns()
        await line.passes(10)
        line.telephony.link_breaks()
        line.ready().will_answer()
        await line.passes(5_000)
        assert line.agent() is AgentState.AVAILABLE
        line.telephony.link_returns()
        await line.reaches(waiting.call, CallState.CONNECTED)


@virtual
async def test_an_offer_taken_back_before_it_was_made_is_never_made() -> None:
    line = Hotline()
    line.telephony.delays("place_in_queue", before_ms=3_000)
    async with line.running():
        phone = line.ready()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.OFFERED)
        line.board.floor.sign_out(A, forced=True)
        await line.agent_is(AgentState.LOGGED_OUT, timeout_s=4)
        assert phone.rung == []
        assert citizen.hears_music


@pytest.mark.parametrize("event", [ev.HangUpRequested(agent=A), ev.PickedUp(leg=LegId("nobody's"))])
@virtual
async def test_a_call_with_more_to_hear_than_it_ever_can_is_given_back(event: ev.AnyEvent) -> None:
    line = Hotline()
    async with line.running():
        well = line.telephony.citizen_arrives()
        ill = line.telephony.citizen_arrives()
        await line.reaches(ill.call, CallState.QUEUED)
        for _ in range(2 * INBOX):
            line.board._deliver(ill.call, event)
        await until(lambda: line.telephony.given_back == [ill.leg], "given back")
        assert line.state(well.call) is CallState.QUEUED
        assert line.board.floor.queue().waiting == 1


@virtual
async def test_what_is_being_done_when_the_server_stops_is_finished_and_the_rest_is_left() -> None:
    line = Hotline()
    line.telephony.delays("fork_media", before_ms=1_000)
    async with line.running():
        line.ready().will_answer()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.CONNECTED)
    assert line.telephony.census().taps == {(citizen.call, Party.CITIZEN)}
    assert line.ear.heard == {}
    assert citizen.talks_to is not None
    line.telephony.calms()
    async with line.running():
        await line.reaches(citizen.call, CallState.CONNECTED)
        await until(lambda: len(line.telephony.census().taps) == 2, "both are tapped")


@virtual
async def test_a_server_that_stops_while_asterisk_is_away_stops_all_the_same() -> None:
    line = Hotline()
    async with line.running():
        line.ready().will_answer()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.CONNECTED)
        line.telephony.link_breaks()
        await line.passes(100)
        line.board.floor.hang_up(A)
        await line.agent_is(AgentState.WRAP_UP)
        line.board.floor.finish_wrap_up(A)
        began_ms = line.clock.monotonic_ms()
    assert line.clock.monotonic_ms() - began_ms < 15_000
    assert citizen.connected
    line.telephony.link_returns()
    async with line.running():
        await until(lambda: not citizen.connected, "what was owed is done")
        await until(line.nothing_is_left, "nothing is left", 30)


@virtual
async def test_a_call_is_heard_by_its_plan() -> None:
    line = Hotline()
    line.plan_for = lambda arrived: GREETED if isinstance(arrived, CallArrived) and arrived.caller_number else DIRECT
    async with line.running():
        direct, greeted = line.telephony.citizen_arrives(number=None), line.telephony.citizen_arrives()
        await line.reaches(direct.call, CallState.QUEUED)
        await line.reaches(greeted.call, CallState.GREETING)
