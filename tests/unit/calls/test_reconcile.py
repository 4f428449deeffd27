import pytest

from ivr.calls import effects as do
from ivr.calls import events as ev
from ivr.calls.effects import AnyEffect
from ivr.calls.reconcile import reconcile
from ivr.calls.session import CallSession
from ivr.calls.standing import forks, orders, wanted
from ivr.calls.vocabulary import AgentId, AgentState, CallState, HangupCause, LegId, Party
from tests.unit.calls.world import CALL, CITIZEN, GENERAL, PLAN, World

A = AgentId("1001")
FIRST, SECOND = LegId("c1-agent-1"), LegId("c1-agent-2")


def test_agreement_needs_nothing() -> None:
    world = World()
    world.to_conversation()
    assert reconcile(world.session, world.seen(), world.roster.by_endpoint) == []


def test_a_talk_goes_on_over_a_restart() -> None:
    world = World()
    leg = world.to_conversation()
    world.restart()
    assert (world.state(), world.session.agent, world.state_of()) == (CallState.CONNECTED, A, AgentState.ON_CALL)
    assert world.effects == forks(world.session), "both parties are heard again, nothing else is touched"
    world.leg_ends(leg)
    assert world.state() is CallState.WRAP_UP


def test_a_queued_citizen_keeps_the_place_over_a_restart() -> None:
    world = World()
    world.to_queue()
    entered = world.session.entered_ms
    assert entered is not None
    world.now_ms += 30_000
    world.restart()
    assert world.in_queue == do.JoinQueue(skill=GENERAL, entered_ms=entered)
    assert "comfort" in world.timers


def test_a_ringing_phone_rings_on_over_a_restart() -> None:
    world = World()
    leg = world.to_offer()
    world.restart()
    assert (world.state(), world.state_of()) == (CallState.OFFERED, AgentState.RESERVED)
    assert world.effects == []
    world.answers(leg)
    world.deliver_all()
    assert world.state() is CallState.CONNECTED


def test_a_phone_that_stopped_ringing_meanwhile_is_nobodys_fault() -> None:
    world = World()
    world.end(world.to_offer())
    world.restart()
    assert (world.state(), world.state_of()) == (CallState.QUEUED, AgentState.AVAILABLE)


def test_an_answer_nobody_heard_leads_to_the_conversation() -> None:
    world = World()
    leg = world.to_offer()
    world.legs[leg] = "up"
    world.restart()
    world.deliver_all()
    assert (world.state(), world.taps) == (CallState.CONNECTED, {Party.CITIZEN, Party.AGENT})


def test_legs_that_fell_apart_are_joined_again() -> None:
    world = World()
    world.to_conversation()
    world.talking.clear()
    world.link_lost_and_found()
    assert world.talking == {CITIZEN, FIRST}


def test_both_gone_is_an_ended_conversation_not_a_broken_one() -> None:
    world = World()
    leg = world.to_conversation()
    world.end(leg)
    world.end(CITIZEN)
    world.link_lost_and_found()
    assert world.state() is CallState.WRAP_UP


def test_a_citizen_left_alone_in_the_gap_is_heard_by_the_next_agent() -> None:
    world = World()
    world.end(world.to_conversation())
    world.link_lost_and_found()
    assert world.state() is CallState.QUEUED
    assert world.in_queue is not None


def test_a_restart_in_wrap_up_lets_the_agent_finish() -> None:
    world = World()
    world.leg_ends(world.to_conversation())
    world.restart()
    assert (world.state(), world.state_of()) == (CallState.WRAP_UP, AgentState.WRAP_UP)
    world.fires("wrap_up")
    assert world.session.over


def test_a_call_that_ended_in_the_gap_ends() -> None:
    world = World()
    world.to_queue()
    world.end(CITIZEN)
    world.restart()
    assert (world.state(), world.session.over) == (CallState.ABANDONED, True)


def test_a_greeting_in_the_gap_counts_as_heard() -> None:
    world = World()
    world.arrives()
    world.deliver_all()
    assert world.state() is CallState.GREETING
    world.link_lost_and_found()
    assert world.state() is CallState.MENU


@pytest.mark.parametrize(("up", "state"), [(False, CallState.ARRIVED), (True, CallState.QUEUED)])
def test_a_call_without_a_log_is_born_from_what_stands(up: bool, state: CallState) -> None:
    world = World()
    world.legs[CITIZEN] = "up" if up else "ringing"
    world.link_lost_and_found()
    assert world.state() is state
    assert world.log[0].event == ev.CallArrived(leg=CITIZEN, caller_number=None, dialled="12345")
    assert (do.PlaceInQueue(leg=CITIZEN) in world.effects) is up


@pytest.mark.parametrize(("phone", "agent"), [("PJSIP/1001", A), ("PJSIP/7777", None), (None, None)])
def test_a_conversation_without_a_log_goes_on(phone: str | None, agent: AgentId | None) -> None:
    world = World()
    found = LegId("c1-agent-4")
    world.legs = {CITIZEN: "up", found: "up"}
    world.talking = {CITIZEN, found}
    if phone is not None:
        world.phones[found] = phone
    world.link_lost_and_found()
    assert (world.state(), world.session.agent) == (CallState.CONNECTED, agent)
    assert world.taps == {Party.CITIZEN, Party.AGENT}
    world.leg_ends(found, HangupCause.LOST)
    world.reserve("1002")
    assert world.session.agent_leg == LegId("c1-agent-5"), "no number is used twice"


def test_a_log_that_lost_its_end_believes_asterisk() -> None:
    world = World()
    world.to_conversation()
    joined = next(n for n, line in enumerate(world.log) if isinstance(line.event, ev.AgentReserved))
    world.restart(lost=len(world.log) - joined)
    assert (world.state(), world.session.agent, world.session.agent_leg) == (CallState.CONNECTED, A, FIRST)
    assert world.in_queue is None


def test_a_leg_nobody_knows_is_hung_up() -> None:
    world = World()
    world.to_queue()
    world.legs[SECOND] = "ringing"
    world.link_lost_and_found()
    assert SECOND not in world.legs
    assert world.state() is CallState.QUEUED


def test_nothing_known_and_nothing_there_is_nothing() -> None:
    session = CallSession(CALL, PLAN)
    assert reconcile(session, [], lambda _: None) == []
    assert orders(session) == []


def test_effects_overtaken_by_events_are_not_wanted_any_more() -> None:
    world = World()
    given: list[AnyEffect] = []
    leg = world.to_conversation()
    given += world.effects
    world.leg_ends(CITIZEN)
    world.deliver_all()
    assert leg not in world.legs
    stale = (do.PickUp, do.Play, do.PlaceInQueue, do.OfferTo, do.Connect, do.ForkMedia)
    assert {type(effect) for effect in given if isinstance(effect, stale)} == set(stale)
    assert [effect for effect in given if isinstance(effect, stale) and wanted(world.session, effect)] == []
    assert wanted(world.session, do.StopFork(party=Party.AGENT))
    assert wanted(world.session, do.HangUp(leg=leg)), "a leg given up on may stand all the same"


def test_an_announcement_is_not_wanted_once_its_listener_is_gone() -> None:
    world = World()
    world.arrives()
    world.deliver_all()
    play = next(effect for effect in world.effects if isinstance(effect, do.Play))
    assert wanted(world.session, play)
    world.leg_ends(CITIZEN)
    assert not wanted(world.session, play)
