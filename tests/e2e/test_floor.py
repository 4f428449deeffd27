"""Supervisors at work, on the real Asterisk: who hears them and whom they hear, the floor told, recordings played."""

import asyncio
from datetime import timedelta

import httpx
import numpy as np
import pytest

from ivr.calls.vocabulary import AgentState, CallState, PauseReason
from ivr.demo.hand import HandRefused
from ivr.demo.sip.call import SipCall
from ivr.demo.sip.received import Answer, Decline
from ivr.desk.envelope import Done
from ivr.desk.topics import Topic
from ivr.desk.wire import FloorNews, SignOut, Watch
from ivr.desk.wire_floor import Forced, ForceState, Monitor, MonitorMode, StopMonitoring
from ivr.desk.wire_recordings import (
    FindRecordings,
    OpenRecording,
    PlaybackStep,
    PlayOnPhone,
    RecordingOpened,
    RecordingsFound,
    StepPlayback,
)
from tests.e2e.stage import Stage
from tests.e2e.test_line import AGENT_HZ, CITIZEN_HZ, OFF_HZ, connected, hear_each_other
from tests.e2e.test_talk import says, talking
from tests.tones import loudest_hz, tone
from tests.until import until, until_async
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CallbackKind, RecordingKind

pytestmark = pytest.mark.e2e

SUPERVISOR_HZ = 1500.0


async def test_a_supervisor_listens_whispers_barges_in_and_takes_over(stage: Stage) -> None:
    chief_phone = await stage.phone("1901", Answer())
    chief = await stage.agent("1901", ready=False)
    call, hand, agent, name = await talking(stage)

    async def monitor(mode: MonitorMode) -> None:
        await chief.ask(Monitor(request=chief.number(), agent="1001", mode=mode), Done)

    with pytest.raises(HandRefused, match="not_allowed"):
        await hand.ask(Monitor(request=hand.number(), agent="1901", mode=MonitorMode.LISTEN), Done)
    await monitor(MonitorMode.LISTEN)
    ear = await chief_phone.next_call()
    await says(call, CITIZEN_HZ, heard_by=(agent, ear))
    await says(agent, AGENT_HZ, heard_by=(call, ear))
    await says(ear, SUPERVISOR_HZ, heard_by=(), not_by=(call, agent))
    await monitor(MonitorMode.WHISPER)
    await says(ear, SUPERVISOR_HZ, heard_by=(agent,), not_by=(call,))
    await chief.ask(StopMonitoring(request=chief.number()), Done)
    await ear.ended()
    await monitor(MonitorMode.BARGE)
    third = await chief_phone.next_call()
    await hand.until(lambda view: view.call is not None and len(view.call.guests) == 1, "three of them", 10)
    await says(third, SUPERVISOR_HZ, heard_by=(agent, call))
    await third.hang_up()
    await hand.until(lambda view: view.call is not None and not view.call.guests, "two again", 10)
    await hear_each_other(call, agent)
    await chief.until(lambda view: view.agent.state is AgentState.PAUSED, "back in the pause", 10)
    await monitor(MonitorMode.TAKE_OVER)
    mine = await chief_phone.next_call()
    await agent.ended()
    await chief.until(connected, "the call is the supervisor's", 10)
    await hear_each_other(call, mine)
    await call.hang_up()
    await stage.free(chief)
    await hand.until(lambda view: view.agent.state is AgentState.AVAILABLE, "free", 10)
    async with UnitOfWork(stage.hotline.database, reads=True) as unit:
        audits = await unit.audits.of_subject("contact", name)
    assert [audit.action for audit in audits if audit.actor == "1901"] == [
        "monitor_listen",
        "monitor_whisper",
        "monitor_barge",
        "monitor_take_over",
    ]


async def test_the_floor_is_told_and_states_are_forced(stage: Stage) -> None:
    hand = await stage.agent("1001")
    async with stage.hand("1901") as chief:
        await chief.ask(Watch(request=chief.number(), topic=Topic.FLOOR), Done)

        async def floor_shows(state: AgentState) -> None:
            def shows() -> bool:
                news = chief.news.get(FloorNews)
                return isinstance(news, FloorNews) and any(
                    seat.id == "1001" and seat.state is state for seat in news.seats
                )

            await until(shows, f"1001 {state}", 5)

        await floor_shows(AgentState.AVAILABLE)
        force = ForceState(request=chief.number(), agent="1001", state=Forced.PAUSED, reason=PauseReason.MEETING)
        await chief.ask(force, Done)
        view = await hand.until(lambda view: view.agent.state is AgentState.PAUSED, "paused")
        assert view.agent.pause_reason is PauseReason.MEETING
        await floor_shows(AgentState.PAUSED)
        citizen = await stage.citizen("13800000001")
        call = await stage.dial(citizen)

        def waiting() -> bool:
            news = chief.news.get(FloorNews)
            return isinstance(news, FloorNews) and any(
                one.state is CallState.QUEUED and one.masked_number == "138****0001" for one in news.calls
            )

        await until(waiting, "the caller is on the floor", 10)
        await call.hang_up()


async def test_a_recording_is_found_read_and_heard(stage: Stage) -> None:
    chief_phone = await stage.phone("1901", Answer())
    chief = await stage.agent("1901", ready=False)
    call, hand, agent, name = await talking(stage)
    await call.say(tone(CITIZEN_HZ, 1500))
    await agent.say(tone(AGENT_HZ, 1500))
    await call.hang_up()
    await stage.free(hand)

    async def found() -> RecordingsFound | None:
        answer = await chief.ask(FindRecordings(request=chief.number(), agent="1001", number="0001"), RecordingsFound)
        return answer if any(card.call == name for card in answer.found) else None

    answer = await until_async(found, "found", 15)
    assert answer.found[0].call == name
    later = answer.found[0].arrived_at + timedelta(seconds=1)
    none = await chief.ask(FindRecordings(request=chief.number(), since=later), RecordingsFound)
    assert none.found == ()
    opened = await chief.ask(OpenRecording(request=chief.number(), call=name, why="complaint"), RecordingOpened)
    assert max(opened.peaks) > 0.2
    base = stage.desk_address.replace("ws:", "http:")
    async with httpx.AsyncClient(trust_env=False) as http:
        path = opened.links[RecordingKind.CITIZEN]
        whole = await http.get(base + path)
        part = await http.get(base + path, headers={"Range": "bytes=44-1043"})
        denied = await http.get(base + path + "x")
    assert (whole.status_code, part.status_code, denied.status_code) == (200, 206, 403)
    assert part.content == whole.content[44:1044]
    citizen_at, agent_at = (_first(whole.content, hz) for hz in (CITIZEN_HZ, AGENT_HZ))
    assert citizen_at is not None
    assert agent_at is None
    play = PlayOnPhone(request=chief.number(), call=name, why="complaint", from_ms=round(citizen_at))
    await chief.ask(play, Done)
    ear = await chief_phone.next_call()
    await until(lambda: _hears(ear, CITIZEN_HZ, 0), "the citizen's tone")
    await chief.ask(StepPlayback(request=chief.number(), step=PlaybackStep.PAUSE), Done)
    await chief.ask(StepPlayback(request=chief.number(), step=PlaybackStep.SEEK, at_ms=round(citizen_at) + 1600), Done)
    since = asyncio.get_running_loop().time() + 0.2
    await until(lambda: _hears(ear, AGENT_HZ, since), "the agent's tone")
    await chief.ask(StepPlayback(request=chief.number(), step=PlaybackStep.STOP), Done)
    await ear.ended()
    async with UnitOfWork(stage.hotline.database, reads=True) as unit:
        audits = await unit.audits.of_subject("contact", name)
    assert [(a.action, a.actor, a.why) for a in audits] == [
        ("open_recording", "1901", "complaint"),
        ("play_recording", "1901", "complaint"),
    ]


def _first(sound: bytes, hz: float) -> float | None:
    """When a tone begins, in ms."""
    samples = np.frombuffer(sound[44:], "<i2")
    for start in range(0, len(samples) - 800, 160):
        found = loudest_hz(samples[start : start + 800])
        if found is not None and abs(found - hz) < OFF_HZ:
            return start / 8
    return None


def _hears(call: SipCall, hz: float, since: float) -> bool:
    found = loudest_hz(call.voice.heard.samples(since)[-4000:])
    return found is not None and abs(found - hz) < OFF_HZ


async def test_who_keeps_the_place_is_called_back_with_an_agent_there(stage: Stage) -> None:
    outside = await stage.outside(Answer(after_ms=200))
    citizen = await stage.citizen("13800000007")
    call = await stage.dial(citizen)
    await until(lambda: stage.hotline.switchboard.floor.queue().waiting == 1, "waiting", 10)
    await call.press("1")
    await call.ended(20_000)
    assert stage.hotline.switchboard.floor.queue().waiting == 1
    phone = await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    own = await phone.next_call()
    back = await outside.next_call()
    view = await hand.until(connected, "talking", 15)
    assert view.call is not None
    assert view.call.masked_number == "138****0007"
    await hear_each_other(back, own)
    await back.hang_up()
    await stage.free(hand)


async def test_who_keeps_the_place_and_does_not_answer_is_in_the_callback_queue(stage: Stage) -> None:
    await stage.outside(Decline(486))
    citizen = await stage.citizen("13800000008")
    call = await stage.dial(citizen)
    await until(lambda: stage.hotline.switchboard.floor.queue().waiting == 1, "waiting", 10)
    await call.press("1")
    await call.ended(20_000)
    await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    await hand.until(lambda view: any(n.code == "notice.dial_busy" for n in view.notices), "told", 15)
    await hand.until(lambda view: view.agent.state is AgentState.AVAILABLE, "free", 10)

    async def owed() -> bool:
        async with UnitOfWork(stage.hotline.database, reads=True) as unit:
            waiting = await unit.callbacks.waiting()
        return [(one.kind, one.number) for one in waiting] == [(CallbackKind.PROMISED, "13800000008")]

    await until_async(owed, "owed a call, once", 10)


async def test_at_an_open_line_of_another_desk_calls_beep_in(stage: Stage) -> None:
    phone = await stage.phone("1002", Answer())
    async with stage.hand("1001", "1002", nailed_up=True) as hand:
        assert hand.view.agent.extension == "1002"
        own = await phone.next_call()
        await own.answered()
        await stage.ready(hand)
        for number in ("13800000001", "13800000002"):
            call = await stage.dial(await stage.citizen(number))
            await hand.until(lambda view: view.agent.state is AgentState.RESERVED, "offered", 10)
            offered_at = asyncio.get_running_loop().time()
            await hand.until(connected, "talking", 10)
            assert asyncio.get_running_loop().time() - offered_at < 2, "nobody has to lift anything"
            await hear_each_other(call, own)
            await call.hang_up()
            await hand.until(lambda view: view.agent.state is AgentState.WRAP_UP, "wrap-up", 10)
            assert own.up
            await stage.free(hand)
        with pytest.raises(HandRefused, match="phone_taken"):
            async with stage.hand("1002"):
                pass
        await hand.ask(SignOut(request=hand.number()), Done)
        await own.ended()
