"""Conversations of more than two, on the real Asterisk: who hears whom, and what is left when they end."""

import asyncio

import pytest

from ivr.calls.events import Dialled, TransferredOut
from ivr.calls.vocabulary import AgentState, DialOutcome, Direction, GuestState
from ivr.demo.hand import DeskHand, HandRefused
from ivr.demo.sip.call import SipCall
from ivr.demo.sip.dialled import DialledCall
from ivr.demo.sip.received import Answer, Decline, ReceivedCall
from ivr.desk.envelope import Done, FromDesk
from ivr.desk.views import DeskView
from ivr.desk.wire_calls import (
    CallBegun,
    CallColleague,
    CallOut,
    Conference,
    Consult,
    Destinations,
    DropGuest,
    FindDestinations,
    HandOver,
    HoldCall,
    MuteSelf,
    ResumeCall,
    ThreeWay,
    ToAgent,
    ToNumber,
    ToService,
    ToSkill,
    TransferCall,
)
from ivr.event_log import recorded_of
from tests.e2e.stage import Stage
from tests.e2e.test_line import AGENT_HZ, CITIZEN_HZ, OFF_HZ, connected, hear_each_other
from tests.tones import loudest_hz, tone
from tests.until import until, until_async
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId

pytestmark = pytest.mark.e2e

SAY_MS = 500


async def says(speaker: SipCall, hz: float, *, heard_by: tuple[SipCall, ...], not_by: tuple[SipCall, ...] = ()) -> None:
    """A tone is said; some hear it, others do not."""
    since = asyncio.get_running_loop().time()
    await speaker.say(tone(hz, SAY_MS))

    def hears(who: SipCall) -> bool:
        found = loudest_hz(who.voice.heard.samples(since))
        return found is not None and abs(found - hz) < OFF_HZ

    for who in heard_by:
        await until(lambda who=who: hears(who), f"{hz:.0f} Hz heard")  # type: ignore[misc]
    assert not any(hears(who) for who in not_by)


async def talking(stage: Stage) -> tuple[DialledCall, DeskHand, ReceivedCall, str]:
    phone = await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    call = await stage.dial(await stage.citizen())
    view = await hand.until(connected, "talking", 20)
    assert view.call is not None
    agent = await phone.next_call()
    await agent.answered()
    return call, hand, agent, view.call.id


async def asked(hand: DeskHand, message: FromDesk) -> None:
    await hand.ask(message, Done)


def guest_is(state: GuestState) -> object:
    return lambda view: view.call is not None and [guest.state for guest in view.call.guests] == [state]


def alone(view: DeskView) -> bool:
    return view.call is not None and not view.call.guests and not view.call.held


async def events_of(stage: Stage, call: str) -> list[object]:
    async with UnitOfWork(stage.hotline.database, reads=True) as unit:
        return [recorded_of(record).event for record in await unit.call_events.of_contact(ContactId(call))]


async def test_hold_and_mute(stage: Stage) -> None:
    call, hand, agent, name = await talking(stage)
    await asked(hand, HoldCall(request=hand.number(), call=name))
    await hand.until(lambda view: view.call is not None and view.call.held, "on hold")
    since = asyncio.get_running_loop().time()
    await until(lambda: len(call.voice.heard.samples(since)) > 4000, "music")
    await says(agent, AGENT_HZ, heard_by=(), not_by=(call,))
    await asked(hand, ResumeCall(request=hand.number(), call=name))
    await hand.until(alone, "back")
    await hear_each_other(call, agent)
    await asked(hand, MuteSelf(request=hand.number(), call=name, muted=True))
    await hand.until(lambda view: view.call is not None and view.call.muted, "muted")
    await says(agent, AGENT_HZ, heard_by=(), not_by=(call,))
    await says(call, CITIZEN_HZ, heard_by=(agent,))
    await asked(hand, MuteSelf(request=hand.number(), call=name, muted=False))
    await hear_each_other(call, agent)
    with pytest.raises(HandRefused, match="not_held"):
        await asked(hand, ResumeCall(request=hand.number(), call=name))
    await call.hang_up()
    await stage.free(hand)


async def test_a_colleague_is_consulted_and_takes_the_call_with_its_draft(stage: Stage) -> None:
    other_phone = await stage.phone("1002", Answer())
    other = await stage.agent("1002", ready=False)
    call, hand, agent, name = await talking(stage)
    with pytest.raises(HandRefused, match="agent_busy"):
        await asked(hand, Consult(request=hand.number(), call=name, to=ToAgent(agent="1002")))
    await stage.ready(other)
    await asked(hand, Consult(request=hand.number(), call=name, to=ToAgent(agent="1002")))
    await hand.until(guest_is(GuestState.ASIDE), "consulting", 10)  # type: ignore[arg-type]
    second = await other_phone.next_call()
    await says(agent, AGENT_HZ, heard_by=(second,), not_by=(call,))
    await asked(hand, Conference(request=hand.number(), call=name))
    await hand.until(guest_is(GuestState.TOGETHER), "all together")  # type: ignore[arg-type]
    await says(call, CITIZEN_HZ, heard_by=(agent, second))
    await asked(hand, HandOver(request=hand.number(), call=name))
    await agent.ended()
    view = await other.until(connected, "the call is at the other desk", 10)
    assert view.draft is not None
    assert view.draft.call == name
    await hand.until(lambda view: view.agent.state is AgentState.AVAILABLE and view.call is None, "free at once", 10)
    await hear_each_other(call, second)
    await call.hang_up()
    await stage.free(other)


async def test_three_of_them_in_one_key_and_the_agent_may_leave(stage: Stage) -> None:
    outside = await stage.outside(Answer(after_ms=200))
    call, hand, agent, name = await talking(stage)
    found = await hand.ask(FindDestinations(request=hand.number(), query="火警"), Destinations)
    assert found.found[0].urgent
    to = found.found[0].to
    assert to == ToService(service="em-119")
    await asked(hand, ThreeWay(request=hand.number(), call=name, to=to))
    await hand.until(guest_is(GuestState.TOGETHER), "all three", 10)  # type: ignore[arg-type]
    fire = await outside.next_call()
    await says(call, CITIZEN_HZ, heard_by=(agent, fire))
    await agent.hang_up()
    view = await hand.until(lambda view: view.agent.state is AgentState.WRAP_UP, "wrap-up", 10)
    assert view.draft is not None
    await hear_each_other(call, fire)
    await call.hang_up()
    await fire.ended()
    await stage.free(hand)
    left = [event.left for event in await events_of(stage, name) if isinstance(event, TransferredOut)]
    assert left == [False, True]


async def test_whoever_does_not_come_leaves_the_citizen_with_the_agent(stage: Stage) -> None:
    await stage.outside(Decline(486))
    call, hand, agent, name = await talking(stage)
    await asked(hand, TransferCall(request=hand.number(), call=name, to=ToNumber(number="03592222222")))
    await hand.until(lambda view: any(n.code == "notice.guest_busy" for n in view.notices), "told that it is busy", 10)
    await hand.until(alone, "the citizen is back", 10)
    await hear_each_other(call, agent)
    for bad, code in (("119119x", "bad_number"), ("1", "bad_number")):
        with pytest.raises(HandRefused, match=code):
            await asked(hand, ThreeWay(request=hand.number(), call=name, to=ToNumber(number=bad)))
    with pytest.raises(HandRefused, match="no_guest"):
        await asked(hand, DropGuest(request=hand.number(), call=name))
    await call.hang_up()
    await stage.free(hand)


async def test_a_blind_transfer_out_and_one_to_a_skill(stage: Stage) -> None:
    outside = await stage.outside(Answer(after_ms=300))
    call, hand, agent, name = await talking(stage)
    second_phone = await stage.phone("1003", Answer())
    second = await stage.agent("1003")
    await asked(hand, TransferCall(request=hand.number(), call=name, to=ToSkill(skill="enterprise")))
    await agent.ended()
    await second.until(connected, "at the enterprise desk", 15)
    await hear_each_other(call, await second_phone.next_call())
    await hand.until(lambda view: view.agent.state is AgentState.AVAILABLE, "nothing to wrap up", 10)
    await asked(second, TransferCall(request=second.number(), call=name, to=ToNumber(number="03592222222")))
    agency = await outside.next_call()
    await second.until(lambda view: view.agent.state is AgentState.WRAP_UP, "out of the call", 10)
    await hear_each_other(call, agency)
    await agency.hang_up()
    await call.ended()
    await stage.free(second)


async def test_an_agent_calls_out_and_what_comes_of_it_is_told(stage: Stage) -> None:
    outside = await stage.outside(Answer(after_ms=1500))
    phone = await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    begun = await hand.ask(CallOut(request=hand.number(), number="13800000009"), CallBegun)
    own = await phone.next_call()
    await own.answered()
    since = asyncio.get_running_loop().time()
    await until(lambda: _rings(own, since), "the agent hears it ring")
    citizen = await outside.next_call()
    view = await hand.until(connected, "talking", 10)
    assert view.call is not None
    assert (view.call.id, view.call.direction, view.call.masked_number) == (
        begun.call,
        Direction.OUTBOUND,
        "138****0009",
    )
    await hear_each_other(own, citizen)
    await citizen.hang_up()
    await hand.until(lambda view: view.agent.state is AgentState.WRAP_UP, "wrap-up", 10)
    await stage.free(hand)
    recording = stage.hotline.instance.settings.recordings / f"{begun.call}.wav"
    assert recording.stat().st_size > 8000
    outside.behaviour = Decline(603)
    begun = await hand.ask(CallOut(request=hand.number(), number="13800000009"), CallBegun)
    await hand.until(lambda view: any(n.code == "notice.dial_refused" for n in view.notices), "told", 10)
    await hand.until(lambda view: view.agent.state is AgentState.AVAILABLE, "free", 10)

    async def told() -> bool:
        return Dialled(outcome=DialOutcome.REFUSED) in await events_of(stage, begun.call)

    await until_async(told, "kept in the log", 5)


def _rings(call: SipCall, since: float) -> bool:
    found = loudest_hz(call.voice.heard.samples(since))
    return found is not None and abs(found - 450) < OFF_HZ


async def test_a_colleague_is_called(stage: Stage) -> None:
    phones = [await stage.phone(name, Answer()) for name in ("1001", "1002")]
    hands = [await stage.agent(name) for name in ("1001", "1002")]
    begun = await hands[0].ask(CallColleague(request=hands[0].number(), agent="1002"), CallBegun)
    await hands[0].until(connected, "talking", 10)
    await hands[1].until(lambda view: view.agent.state is AgentState.ON_CALL, "on the call")
    first, second = [await phone.next_call() for phone in phones]
    await hear_each_other(first, second)
    await second.hang_up()
    for hand in hands:
        await hand.until(lambda view: view.agent.state is AgentState.AVAILABLE, "free", 10)
    assert begun.call
