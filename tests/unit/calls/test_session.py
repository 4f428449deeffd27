import pytest

from ivr.calls import effects as do
from ivr.calls import events as ev
from ivr.calls.effects import AnyEffect
from ivr.calls.menu import Menu
from ivr.calls.plan import CallPlan
from ivr.calls.vocabulary import AgentId, AgentState, CallState, HangupCause, LegId, OfferOutcome, Party
from tests.unit.calls.world import CITIZEN, GENERAL, HEATING, PLAIN, PLAN, SERVED, World

A, B = AgentId("1001"), AgentId("1002")
FIRST, SECOND = LegId("c1-agent-1"), LegId("c1-agent-2")


def timers_apart(effects: list[AnyEffect]) -> list[AnyEffect]:
    return [effect for effect in effects if not isinstance(effect, do.StartTimer | do.CancelTimer)]


def test_a_whole_call() -> None:
    world = World()
    assert timers_apart(world.arrives()) == [do.PickUp(leg=CITIZEN)]
    greeting = world.hears(ev.PickedUp(leg=CITIZEN))
    assert do.Play(leg=CITIZEN, playback=world.playback(), sounds=("hello", "recorded")) in greeting
    world.played()
    assert world.state() is CallState.MENU
    world.played(after_ms=4_000)
    queued = timers_apart(world.fires("no_input"))
    assert queued == [do.JoinQueue(skill=GENERAL, entered_ms=7_000), do.PlaceInQueue(leg=CITIZEN)]
    offered = timers_apart(world.reserve())
    assert offered == [do.OfferTo(agent=A, leg=FIRST, endpoint="PJSIP/1001", ring_ms=20_000)]
    assert timers_apart(world.answers(FIRST)) == [do.Connect(citizen_leg=CITIZEN, agent_leg=FIRST)]
    assert world.state() is CallState.OFFERED, "answered is when both hear each other"
    joined = timers_apart(world.hears(ev.LegsJoined(citizen_leg=CITIZEN, agent_leg=FIRST)))
    assert joined == [
        do.AgentConnected(agent=A),
        do.ForkMedia(leg=CITIZEN, party=Party.CITIZEN),
        do.ForkMedia(leg=FIRST, party=Party.AGENT),
    ]
    assert world.state_of() is AgentState.ON_CALL
    ended = timers_apart(world.leg_ends(CITIZEN))
    assert ended == [
        do.StopFork(party=Party.CITIZEN),
        do.StopFork(party=Party.AGENT),
        do.HangUp(leg=FIRST),
        do.BeginWrapUp(agent=A),
    ]
    assert world.state() is CallState.WRAP_UP
    world.deliver_all()
    assert timers_apart(world.hears(ev.WrapUpFinished(agent=A))) == [do.EndWrapUp(agent=A), do.EndCall()]
    assert (world.state(), world.state_of()) == (CallState.ENDED, AgentState.AVAILABLE)
    assert world.hears(ev.WrapUpFinished(agent=A)) == []


def test_a_digit_chooses_and_a_wrong_one_changes_nothing() -> None:
    world = World()
    world.arrives()
    world.hears(ev.PickedUp(leg=CITIZEN))
    world.played()
    assert world.hears(ev.DigitPressed(leg=CITIZEN, digit="7")) == []
    assert world.hears(ev.DigitPressed(leg=FIRST, digit="2")) == []
    playing = world.session.playback
    assert playing is not None
    chosen = timers_apart(world.hears(ev.DigitPressed(leg=CITIZEN, digit="2")))
    assert chosen[:2] == [do.StopPlaying(playback=playing), do.JoinQueue(skill=HEATING, entered_ms=0)]


def test_a_digit_before_the_menu_skips_the_menu_but_not_the_recording_notice() -> None:
    world = World()
    world.arrives()
    world.hears(ev.PickedUp(leg=CITIZEN))
    assert world.hears(ev.DigitPressed(leg=CITIZEN, digit="0")) == []
    assert world.state() is CallState.GREETING
    world.played()
    assert (world.state(), world.session.skill) == (CallState.QUEUED, GENERAL)


def test_without_sounds_and_menu_the_citizen_queues_at_once() -> None:
    world = World(PLAIN)
    world.arrives()
    world.deliver_all()
    assert world.state() is CallState.QUEUED


def test_asterisks_silence_never_holds_a_call() -> None:
    world = World()
    world.arrives()
    world.pending.clear()
    world.fires("pick_up")
    world.fires("prompt")
    world.pending.clear()
    world.fires("prompt")
    world.fires("no_input")
    assert world.state() is CallState.QUEUED
    world.reserve()
    world.answers(FIRST)
    world.pending.clear()
    world.fires("join")
    assert world.state() is CallState.QUEUED
    assert world.state_of() is AgentState.RESERVED, "their phone is still off the hook"
    world.deliver_all()
    assert world.state_of() is AgentState.AVAILABLE
    assert world.legs == {CITIZEN: "up"}


@pytest.mark.parametrize(
    ("cause", "outcome", "state"),
    [
        (HangupCause.NO_ANSWER, OfferOutcome.NO_ANSWER, AgentState.PAUSED),
        (HangupCause.BUSY, OfferOutcome.REFUSED, AgentState.PAUSED),
        (HangupCause.REJECTED, OfferOutcome.REFUSED, AgentState.PAUSED),
        (HangupCause.NORMAL, OfferOutcome.REFUSED, AgentState.PAUSED),
        (HangupCause.UNREACHABLE, OfferOutcome.UNREACHABLE, AgentState.PAUSED),
        (HangupCause.FAILURE, OfferOutcome.WITHDRAWN, AgentState.AVAILABLE),
        (HangupCause.LOST, OfferOutcome.WITHDRAWN, AgentState.AVAILABLE),
    ],
)
def test_an_offer_nobody_takes_keeps_the_place(cause: HangupCause, outcome: OfferOutcome, state: AgentState) -> None:
    world = World()
    leg = world.to_offer()
    entered = world.session.entered_ms
    assert entered is not None
    world.now_ms += 5_000
    effects = timers_apart(world.leg_ends(leg, cause))
    assert effects == [
        do.JoinQueue(skill=GENERAL, entered_ms=entered),
        do.ReleaseAgent(agent=A, outcome=outcome),
    ]
    assert world.state_of() is state
    assert world.state() is CallState.QUEUED


def test_a_phone_that_rings_for_ever_is_hung_up_and_its_late_answer_too() -> None:
    world = World()
    leg = world.to_offer()
    effects = timers_apart(world.fires("ring"))
    assert do.HangUp(leg=leg, cause=HangupCause.NO_ANSWER) in effects
    assert do.ReleaseAgent(agent=A, outcome=OfferOutcome.NO_ANSWER) in effects
    world.reserve("1002")
    assert do.HangUp(leg=leg) in world.hears(ev.LegAnswered(leg=leg))
    assert world.session.agent_leg == SECOND
    world.answers(SECOND)
    world.deliver_all()
    assert (world.state(), world.session.agent) == (CallState.CONNECTED, B)


def test_after_too_many_attempts_anybody_may_take_the_call_at_the_same_place() -> None:
    world = World(CallPlan(menu=PLAN.menu, max_attempts=2))
    world.arrives()
    world.deliver_all()
    world.hears(ev.DigitPressed(leg=CITIZEN, digit="2"), after_ms=1_000)
    for name, skill in (("1001", HEATING), ("1002", GENERAL)):
        world.reserve(name)
        assert world.session.agent_leg is not None
        world.leg_ends(world.session.agent_leg, HangupCause.NO_ANSWER)
        assert world.in_queue == do.JoinQueue(skill=skill, entered_ms=1_000)


def test_the_citizen_hangs_up_while_it_rings() -> None:
    world = World()
    leg = world.to_offer()
    assert do.HangUp(leg=leg) in world.leg_ends(CITIZEN)
    assert (world.state(), world.session.over) == (CallState.ABANDONED, False)
    assert world.state_of() is AgentState.RESERVED, "no next call while this one still rings"
    world.deliver_all()
    assert world.session.over
    assert world.state_of() is AgentState.AVAILABLE


def test_a_withdrawn_phone_of_which_nothing_is_heard_frees_its_agent() -> None:
    world = World()
    leg = world.to_offer()
    world.leg_ends(CITIZEN)
    world.pending.clear()
    assert do.HangUp(leg=leg) in world.fires("legs")
    assert world.session.over
    assert world.state_of() is AgentState.AVAILABLE


@pytest.mark.parametrize("steps", range(5))
def test_the_citizen_hangs_up_before_the_queue_and_in_it(steps: int) -> None:
    world = World()
    world.arrives()
    if steps > 0:
        world.hears(ev.PickedUp(leg=CITIZEN))
    for _ in range(min(steps - 1, 2)):
        world.played()
    if steps == 4:
        world.fires("no_input")
    effects = world.leg_ends(CITIZEN)
    assert effects[-1] == do.EndCall()
    assert (do.LeaveQueue() in effects) == (steps == 4)
    assert world.state() is CallState.ABANDONED


def test_the_agent_hangs_up_at_the_phone() -> None:
    world = World()
    leg = world.to_conversation()
    effects = world.leg_ends(leg)
    assert do.HangUp(leg=CITIZEN) in effects
    assert do.BeginWrapUp(agent=A) in effects


def test_the_agent_hangs_up_at_the_desk() -> None:
    world = World()
    leg = world.to_conversation()
    assert world.hears(ev.HangUpRequested(agent=B)) == []
    effects = world.hears(ev.HangUpRequested(agent=A))
    assert do.HangUp(leg=CITIZEN) in effects
    assert do.HangUp(leg=leg) in effects
    world.deliver_all()
    assert world.fires("wrap_up")[-1] == do.EndCall()


def test_the_hang_up_key_while_it_rings_refuses_the_call() -> None:
    world = World()
    leg = world.to_offer()
    effects = world.hears(ev.HangUpRequested(agent=A))
    assert do.HangUp(leg=leg) in effects
    assert do.ReleaseAgent(agent=A, outcome=OfferOutcome.REFUSED) in effects


@pytest.mark.parametrize("cause", [HangupCause.LOST, HangupCause.FAILURE, HangupCause.UNREACHABLE])
def test_an_agents_phone_dies_and_the_citizen_is_heard_by_the_next(cause: HangupCause) -> None:
    world = World()
    leg = world.to_conversation()
    entered = world.session.entered_ms
    assert entered is not None
    world.now_ms += 60_000
    effects = timers_apart(world.leg_ends(leg, cause))
    assert effects == [
        do.StopFork(party=Party.CITIZEN),
        do.StopFork(party=Party.AGENT),
        do.JoinQueue(skill=GENERAL, entered_ms=entered),
        do.ReleaseAgent(agent=A, outcome=OfferOutcome.UNREACHABLE),
        do.PlaceInQueue(leg=CITIZEN),
        do.Play(leg=CITIZEN, playback=world.playback(), sounds=("sorry",)),
    ]
    assert world.state_of() is AgentState.PAUSED
    world.reserve("1002")
    world.answers(SECOND)
    world.deliver_all()
    assert world.session.agent == B
    first_answer = world.session.answered_ms
    assert first_answer is not None
    assert first_answer < world.now_ms


def test_a_citizen_who_was_heard_once_and_gives_up_after_a_dead_phone_has_not_abandoned() -> None:
    world = World()
    world.leg_ends(world.to_conversation(), HangupCause.LOST)
    world.leg_ends(CITIZEN)
    assert (world.state(), world.session.over) == (CallState.ENDED, True)


def test_an_agent_forced_out_goes_on_talking_and_has_no_wrap_up() -> None:
    world = World()
    leg = world.to_conversation()
    world.roster.sign_out(A, at=world.log[0].at, forced=True)
    assert world.hears(ev.AgentLost(agent=A)) == []
    world.leg_ends(CITIZEN)
    assert world.state_of() is AgentState.LOGGED_OUT
    world.deliver_all()
    assert world.session.over
    assert leg not in world.legs


def test_an_agent_forced_out_while_it_rings_costs_the_citizen_nothing() -> None:
    world = World()
    world.to_offer()
    world.roster.sign_out(A, at=world.log[0].at, forced=True)
    world.hears(ev.AgentLost(agent=A))
    world.deliver_all()
    assert world.state() is CallState.QUEUED
    assert world.state_of() is AgentState.LOGGED_OUT


def test_an_agent_reserved_too_late_is_given_back() -> None:
    world = World()
    leg = world.to_conversation()
    world.leg_ends(CITIZEN)
    effects = world.hears(ev.AgentReserved(agent=B, endpoint="PJSIP/1002"))
    assert effects == [do.ReleaseAgent(agent=B, outcome=OfferOutcome.WITHDRAWN)]
    assert leg not in world.legs


def test_places_are_told_at_once_then_not_too_often() -> None:
    world = World()
    world.to_queue()
    assert [e.sounds for e in world.hears(ev.QueueMoved(ahead=5)) if isinstance(e, do.Play)] == [("many",)]
    world.played()
    assert timers_apart(world.hears(ev.QueueMoved(ahead=1), after_ms=500)) == []
    moved = world.hears(ev.QueueMoved(ahead=0), after_ms=PLAN.announce_gap_ms)
    assert [e.sounds for e in moved if isinstance(e, do.Play)] == [("next",)]
    world.played()
    assert [e.sounds for e in world.fires("comfort") if isinstance(e, do.Play)] == [("next",)]
    assert [e for e in world.fires("comfort") if isinstance(e, do.Play)] == [], "never two announcements at once"


def test_who_has_not_been_told_a_place_hears_that_all_are_busy() -> None:
    world = World()
    world.to_queue()
    assert [e.sounds for e in world.fires("comfort") if isinstance(e, do.Play)] == [("busy",)]


def test_patience_has_an_end_where_the_plan_says_so() -> None:
    world = World(CallPlan(menu=Menu(default=GENERAL), max_wait_ms=60_000))
    world.to_queue()
    world.reserve()
    assert timers_apart(world.fires("max_wait")) == [], "an agent's phone is ringing"
    assert world.session.agent_leg is not None
    world.leg_ends(world.session.agent_leg, HangupCause.NO_ANSWER)
    assert timers_apart(world.fires("max_wait")) == [do.LeaveQueue(), do.GiveBack(leg=CITIZEN)]
    world.deliver_all()
    assert (world.state(), world.session.over) == (CallState.ABANDONED, True)


def test_a_failing_tap_is_not_the_calls_business() -> None:
    world = World()
    world.to_conversation()
    assert world.hears(ev.MediaForked(leg=CITIZEN, party=Party.CITIZEN)) == []


def test_the_progress_of_a_work_order_is_told_by_its_number() -> None:
    world = World(SERVED)
    world.arrives()
    world.deliver_all()
    assert world.state() is CallState.MENU
    world.hears(ev.DigitPressed(leg=CITIZEN, digit="3"))
    for digit in "99*261121004":
        assert not [
            effect for effect in world.hears(ev.DigitPressed(leg=CITIZEN, digit=digit)) if isinstance(effect, do.LookUp)
        ]
    assert do.LookUp(reference="2611210042") in world.hears(ev.DigitPressed(leg=CITIZEN, digit="2"))
    world.deliver_all()
    assert do.Play(leg=CITIZEN, playback=world.playback(), sounds=("known",)) in world.effects
    world.played()
    world.fires("no_input")
    assert world.state() is CallState.QUEUED


def test_a_number_nobody_knows_is_asked_for_twice() -> None:
    world = World(SERVED)
    world.arrives()
    world.deliver_all()
    world.hears(ev.DigitPressed(leg=CITIZEN, digit="3"))
    for _ in range(2):
        assert world.session.typed == ""
        for digit in "123#":
            world.hears(ev.DigitPressed(leg=CITIZEN, digit=digit))
        world.deliver_all()
        assert next(e.sounds for e in reversed(world.effects) if isinstance(e, do.Play)) == ("unknown",)
        world.played()
    assert world.session.typed is None
    world.fires("no_input")
    assert world.state() is CallState.QUEUED
