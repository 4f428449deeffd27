"""Whole calls, on the real Asterisk with the real server: what can happen on the way to a person, and after."""

import asyncio

import numpy as np
import pytest

from ivr.calls.vocabulary import AgentState, CallState, PauseReason
from ivr.demo.sip.call import DigitsBy, SipCall
from ivr.demo.sip.received import Answer, Decline, Ring
from ivr.desk.envelope import Done
from ivr.desk.views import DeskView
from ivr.desk.wire import GoReady, HangUpCall
from tests.e2e.stage import Home, Stage, running_stage
from tests.tones import loudest_hz, tone
from tests.until import until

pytestmark = pytest.mark.e2e

CITIZEN_HZ, AGENT_HZ = 1000.0, 700.0
OFF_HZ = 25.0


def connected(view: DeskView) -> bool:
    return view.call is not None and view.call.state is CallState.CONNECTED


def offered(view: DeskView) -> bool:
    return view.call is not None and view.call.state is CallState.OFFERED


async def hear_each_other(citizen: SipCall, agent: SipCall) -> None:
    """Each says a tone of their own, and hears the other's."""
    now = asyncio.get_running_loop().time()
    await asyncio.gather(citizen.say(tone(CITIZEN_HZ, 700)), agent.say(tone(AGENT_HZ, 700)))
    for listener, hz in ((citizen, AGENT_HZ), (agent, CITIZEN_HZ)):
        await until(
            lambda listener=listener, hz=hz: _hears(listener, hz, now),  # type: ignore[misc]
            f"{hz:.0f} Hz heard",
        )


def _hears(call: SipCall, hz: float, since: float) -> bool:
    heard = loudest_hz(call.voice.heard.samples(since))
    return heard is not None and abs(heard - hz) < OFF_HZ


async def test_a_citizen_is_put_through_and_both_hear_each_other(stage: Stage) -> None:
    phone = await stage.phone("1001", Answer(after_ms=200))
    hand = await stage.agent("1001")
    call = await stage.dial(await stage.citizen())
    await hand.until(offered, "the call pops before the phone is answered")
    ringing = await phone.next_call()
    await ringing.answered()
    view = await hand.until(connected, "talking")
    assert view.agent.state is AgentState.ON_CALL
    assert view.call is not None
    assert view.call.masked_number == "138****0001"
    await hear_each_other(call, ringing)
    await call.hang_up()
    await ringing.ended()
    await hand.until(lambda view: view.agent.state is AgentState.WRAP_UP, "wrap-up")
    await stage.free(hand)


async def test_the_agent_hangs_up_at_the_desk(stage: Stage) -> None:
    phone = await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    call = await stage.dial(await stage.citizen())
    view = await hand.until(connected, "talking")
    assert view.call is not None
    await hand.ask(HangUpCall(request=hand.number(), call=view.call.id), Done)
    await call.ended()
    await (await phone.next_call()).ended()
    await stage.free(hand)


async def test_the_caller_hangs_up_while_the_agents_phone_rings(stage: Stage) -> None:
    phone = await stage.phone("1001", Ring())
    hand = await stage.agent("1001")
    call = await stage.dial(await stage.citizen())
    ringing = await phone.next_call()
    await call.hang_up()
    await ringing.ended()
    await hand.until(lambda view: view.call is None, "the card gone")
    await hand.until(lambda view: view.agent.state is AgentState.AVAILABLE, "free for the next call")


async def test_a_phone_nobody_answers_gives_the_caller_to_the_next_agent(stage: Stage) -> None:
    silent, lively = await stage.phone("1001", Ring()), await stage.phone("1002", Answer())
    first = await stage.agent("1001")
    call = await stage.dial(await stage.citizen())
    await first.until(offered, "offered to the silent one")
    second = await stage.agent("1002")
    await second.until(connected, "answered by the lively one", 15)
    assert first.view.agent.state is AgentState.PAUSED
    assert first.view.agent.pause_reason is PauseReason.NO_ANSWER
    await (await silent.next_call()).ended()
    await hear_each_other(call, await lively.next_call())
    await call.hang_up()
    await stage.free(second)


async def test_a_caller_nobody_answers_keeps_their_place_before_later_ones(stage: Stage) -> None:
    phone = await stage.phone("1001", Ring())
    hand = await stage.agent("1001")
    early = await stage.dial(await stage.citizen("13800000001"))
    await hand.until(offered, "the early caller offered")
    late = await stage.dial(await stage.citizen("13800000002"))
    await hand.until(lambda view: view.agent.state is AgentState.PAUSED, "nobody answered", 15)
    phone.behaviour = Answer()
    await hand.ask(GoReady(request=hand.number()), Done)
    view = await hand.until(connected, "the next offer answered", 15)
    assert view.call is not None
    assert view.call.masked_number == "138****0001"
    await early.hang_up()
    await stage.free(hand)
    view = await hand.until(connected, "then the later caller", 15)
    assert view.call is not None
    assert view.call.masked_number == "138****0002"
    await late.hang_up()
    await stage.free(hand)


async def test_two_callers_and_one_agent(stage: Stage) -> None:
    await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    first = await stage.dial(await stage.citizen("13800000001"))
    await hand.until(connected, "the first caller talking")
    second = await stage.dial(await stage.citizen("13800000002"))
    await hand.until(lambda view: view.queue.waiting == 1, "one waiting", 15)
    await first.hang_up()
    await stage.free(hand)
    view = await hand.until(connected, "the second caller talking", 15)
    assert view.call is not None
    assert view.call.masked_number == "138****0002"
    await second.hang_up()
    await stage.free(hand)


@pytest.mark.parametrize(
    ("behaviour", "registered", "reason"),
    [
        (None, False, PauseReason.UNREACHABLE),
        (Decline(status=480), True, PauseReason.UNREACHABLE),
        (Decline(status=486), True, PauseReason.NO_ANSWER),
    ],
    ids=["not registered", "480 temporarily unavailable", "486 busy"],
)
async def test_a_phone_that_cannot_be_reached_is_not_tried_again(
    stage: Stage, behaviour: Decline | None, registered: bool, reason: PauseReason
) -> None:
    await stage.phone("1001", behaviour, registered=registered)
    await stage.phone("1002", Answer())
    first = await stage.agent("1001")
    call = await stage.dial(await stage.citizen())
    await first.until(lambda view: view.agent.state is AgentState.PAUSED, "paused by the machine", 15)
    second = await stage.agent("1002")
    await second.until(connected, "answered by the other one", 15)
    assert first.view.agent.pause_reason is reason
    await call.hang_up()
    await stage.free(second)


@pytest.mark.parametrize("by", [DigitsBy.RTP, DigitsBy.INFO], ids=["RFC 4733", "SIP INFO"])
async def test_a_key_of_the_menu_leads_to_its_desk(home: Home, by: DigitsBy) -> None:
    async with running_stage(home, HOTLINE_QUEUE_MENU="true") as stage:
        await stage.phone("1003", Answer())
        hand = await stage.agent("1003")  # general and enterprise
        await stage.phone("1001", Answer())
        other = await stage.agent("1001")  # idle for less long, and not of the enterprise desk
        call = await stage.dial(await stage.citizen())
        await call.press("1", by)
        await hand.until(connected, "the enterprise desk", 20)
        assert other.view.call is None
        await call.hang_up()
        await stage.free(hand)


async def test_a_waiting_citizen_hears_music(stage: Stage) -> None:
    call = await stage.dial(await stage.citizen())
    began = asyncio.get_running_loop().time()
    await until(
        lambda: (
            (heard := call.voice.heard.samples(began)).size > 8000 * 4
            and np.sqrt(np.mean(heard[-8000:].astype(float) ** 2)) > 100
        ),
        "music",
        15,
    )
    await call.hang_up()
