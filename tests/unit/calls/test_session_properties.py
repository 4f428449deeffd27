"""Any order of events ends well: once all legs are gone and the timers have run, nothing of the call is left."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from ivr.calls import effects as do
from ivr.calls import events as ev
from ivr.calls.events import AnyEvent
from ivr.calls.plan import CallPlan
from ivr.calls.roster import BOUND
from ivr.calls.session import CallSession
from ivr.calls.standing import bound
from ivr.calls.vocabulary import (
    AgentId,
    AgentState,
    CallState,
    Direction,
    HangupCause,
    Invitation,
    LegId,
    Party,
    PauseReason,
    PlaybackId,
)
from tests.unit.calls.world import AT, CALL, CITIZEN, HEATING, PLAIN, PLAN, SERVED, World

LEGS = st.sampled_from(
    [CITIZEN, LegId("c1-agent-1"), LegId("c1-agent-2"), LegId("c1-agent-3"), LegId("c1-guest-1"), LegId("stranger")]
)
AGENTS = st.sampled_from([AgentId("1001"), AgentId("1002"), AgentId("1003")])
FOREIGN: st.SearchStrategy[AnyEvent] = st.one_of(
    st.builds(ev.CallArrived, leg=LEGS, caller_number=st.none(), dialled=st.just("12345")),
    st.builds(ev.PickedUp, leg=LEGS),
    st.builds(ev.PlaybackFinished, playback=st.sampled_from([PlaybackId("c1-play-1"), PlaybackId("c1-play-2")])),
    st.builds(ev.DigitPressed, leg=LEGS, digit=st.sampled_from("0129*#")),
    st.builds(ev.LegRinging, leg=LEGS),
    st.builds(ev.LegAnswered, leg=LEGS),
    st.builds(ev.LegsJoined, citizen_leg=LEGS, agent_leg=LEGS),
    st.builds(ev.MediaForked, leg=LEGS, party=st.sampled_from(Party)),
    st.builds(ev.TimerFired, timer=st.sampled_from(["ring", "join", "legs", "prompt", "wrap_up", "never"])),
    st.builds(ev.HangUpRequested, agent=AGENTS),
    st.builds(ev.WrapUpFinished, agent=AGENTS),
    st.builds(ev.AgentLost, agent=AGENTS),
    st.builds(ev.QueueMoved, ahead=st.integers(0, 3)),
    st.builds(ev.LegJoined, leg=LEGS),
    st.builds(ev.HoldAsked, agent=AGENTS, held=st.booleans()),
    st.builds(ev.MuteAsked, agent=AGENTS, muted=st.booleans()),
    st.builds(ev.GuestDropped, agent=AGENTS, leg=st.none() | LEGS),
    st.builds(ev.GuestAdmitted, agent=AGENTS),
    st.builds(ev.HandedOver, agent=AGENTS),
    st.builds(ev.PassedToSkill, agent=AGENTS, skill=st.just(HEATING)),
    st.just(ev.CameAgain()),
)
PATIENT = CallPlan(menu=PLAN.menu, queue=PLAN.queue, max_wait_ms=90_000)


class AnyOrder(RuleBasedStateMachine):
    """Asterisk, people and the ACD do as they like; what is heard may be late, repeated or never have been true."""

    heard = Bundle("heard")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule(direction=st.sampled_from([Direction.OUTBOUND, Direction.INTERNAL]))
    @precondition(lambda self: not self.world.log)
    def an_agent_calls(self, direction: Direction) -> None:
        self.world = World(SERVED)
        self.world.places(direction)

    @rule()
    @precondition(lambda self: not self.world.log)
    def a_talk_stands(self) -> None:
        self.world = World(SERVED)
        self.world.to_conversation()

    @rule(invitation=st.sampled_from(Invitation), inside=st.booleans())
    @precondition(lambda self: self.world.state() is CallState.CONNECTED and not self.world.session.guests)
    def a_guest_comes(self, invitation: Invitation, inside: bool) -> None:
        self.somebody_is_called_in(invitation, inside)
        if legs := sorted(set(self.world.session.guests) & set(self.world.legs)):
            self.world.answers(legs[-1])
            self.world.hears(ev.LegJoined(leg=legs[-1]))

    @rule(invitation=st.sampled_from(Invitation), inside=st.booleans())
    @precondition(lambda self: self.world.session.agent is not None)
    def somebody_is_called_in(self, invitation: Invitation, inside: bool) -> None:
        if not inside:
            self.world.invites(invitation)
        elif self.free():
            self.world.invites(invitation, self.free()[0])

    @rule(what=st.sampled_from(["hold", "resume", "mute", "drop", "admit", "hand over", "skill"]))
    @precondition(lambda self: self.world.session.agent is not None)
    def the_agent_works(self, what: str) -> None:
        agent = self.world.session.agent
        assert agent is not None
        events: dict[str, AnyEvent] = {
            "hold": ev.HoldAsked(agent=agent, held=True),
            "resume": ev.HoldAsked(agent=agent, held=False),
            "mute": ev.MuteAsked(agent=agent, muted=True),
            "drop": ev.GuestDropped(agent=agent),
            "admit": ev.GuestAdmitted(agent=agent),
            "hand over": ev.HandedOver(agent=agent),
            "skill": ev.PassedToSkill(agent=agent, skill=HEATING),
        }
        self.world.hears(events[what])

    @rule()
    @precondition(lambda self: self.world.session.keeping)
    def the_citizen_calls_again(self) -> None:
        self.world.hears(ev.CameAgain())

    @rule(plan=st.sampled_from([PLAN, PLAIN, PATIENT, SERVED]))
    @precondition(lambda self: not self.world.log)
    def arrive(self, plan: CallPlan) -> None:
        self.world = World(plan)
        self.world.arrives()

    def arrived(self) -> bool:
        return bool(self.world.log)

    @rule(which=st.integers(0, 9), after_ms=st.integers(0, 5_000), target=heard)
    @precondition(lambda self: self.world.pending)
    def asterisk_tells(self, which: int, after_ms: int) -> AnyEvent:
        event = self.world.pending.pop(which % len(self.world.pending))
        self.world.hears(event, after_ms)
        return event

    @rule(event=heard)
    def it_is_told_again(self, event: AnyEvent) -> None:
        self.world.hears(event)

    @rule(event=FOREIGN)
    @precondition(arrived)
    def something_untrue_is_told(self, event: AnyEvent) -> None:
        self.world.hears(event)

    @rule()
    @precondition(lambda self: self.world.in_queue is not None and self.free())
    def the_acd_finds_an_agent(self) -> None:
        self.world.reserve(self.free()[0])

    def free(self) -> list[AgentId]:
        seats = self.world.roster.seats()
        return [seat.agent.id for seat in seats if seat.state is AgentState.AVAILABLE]

    @rule(agent=AGENTS)
    @precondition(arrived)
    def an_agent_gets_ready(self, agent: AgentId) -> None:
        self.world.roster.sign_in(agent, AT)
        self.world.roster.ready(agent, AT)

    @rule(agent=AGENTS)
    @precondition(arrived)
    def an_agent_wants_a_break(self, agent: AgentId) -> None:
        if self.world.state_of(agent) is not AgentState.LOGGED_OUT:
            self.world.roster.pause(agent, PauseReason.BREAK, AT)

    @rule(agent=AGENTS)
    @precondition(arrived)
    def an_agent_is_forced_out(self, agent: AgentId) -> None:
        self.world.roster.sign_out(agent, AT, forced=True)
        self.world.hears(ev.AgentLost(agent=agent))

    @rule(which=st.integers(0, 9))
    @precondition(lambda self: self.ringing())
    def an_agents_phone_is_answered(self, which: int) -> None:
        legs = self.ringing()
        self.world.answers(legs[which % len(legs)])

    def ringing(self) -> list[LegId]:
        """Whoever we call; the citizen's own call is not rung by us."""
        return sorted(leg for leg, state in self.world.legs.items() if state == "ringing" and leg != CITIZEN)

    @rule(which=st.integers(0, 9), cause=st.sampled_from(HangupCause), heard_now=st.booleans())
    @precondition(lambda self: self.world.legs)
    def a_leg_ends(self, which: int, cause: HangupCause, heard_now: bool) -> None:
        leg = sorted(self.world.legs)[which % len(self.world.legs)]
        if heard_now:
            self.world.leg_ends(leg, cause)
        else:
            self.world.end(leg)
            self.world.pending.append(ev.LegHungUp(leg=leg, cause=cause))

    @rule(which=st.integers(0, 9))
    @precondition(lambda self: self.world.timers)
    def a_timer_fires(self, which: int) -> None:
        self.world.fires(sorted(self.world.timers)[which % len(self.world.timers)])

    @rule(digit=st.sampled_from("01239*#"))
    @precondition(arrived)
    def the_citizen_presses(self, digit: str) -> None:
        self.world.hears(ev.DigitPressed(leg=CITIZEN, digit=digit))

    @rule()
    @precondition(lambda self: self.world.in_queue is not None)
    def the_queue_moves(self) -> None:
        self.world.hears(ev.QueueMoved(ahead=0), after_ms=15_000)

    @rule()
    @precondition(lambda self: self.world.session.agent is not None)
    def the_agent_presses_hang_up_or_finish(self) -> None:
        agent = self.world.session.agent
        assert agent is not None
        if self.world.state() is CallState.WRAP_UP:
            self.world.hears(ev.WrapUpFinished(agent=agent))
        else:
            self.world.hears(ev.HangUpRequested(agent=agent))

    @rule()
    @precondition(arrived)
    def the_link_breaks_and_comes_back(self) -> None:
        self.world.link_lost_and_found()

    @rule(lost=st.integers(0, 3))
    @precondition(lambda self: self.world.log and not self.world.ended)
    def the_server_restarts(self, lost: int) -> None:
        self.world.restart(min(lost, len(self.world.log) - 1))

    @invariant()
    def it_ends_at_most_once(self) -> None:
        ends = [effect for effect in self.world.effects if isinstance(effect, do.EndCall)]
        assert len(ends) <= 1
        assert not ends or self.world.effects[-1] == do.EndCall()

    @invariant()
    def the_sessions_timers_are_those_that_run(self) -> None:
        assert set(self.world.session.timers) == self.world.timers

    @invariant()
    def who_talks_is_in_the_call(self) -> None:
        session = self.world.session
        talking = {s.agent.id for s in self.world.roster.seats() if s.state is AgentState.ON_CALL}
        mine = {agent for agent, state in bound(session) if state is AgentState.ON_CALL}
        assert mine <= talking
        leaving = set(session._withdrawn.values()) | ({session.callee} if session.callee else set())
        assert talking <= mine | leaving

    @invariant()
    def nobody_is_held_for_nothing(self) -> None:
        session = self.world.session
        if session.held and not session.citizen_gone:
            assert session.state is CallState.CONNECTED or session.guests or session.citizen in session.leaving

    @invariant()
    def a_waiting_citizen_stands_in_the_queue(self) -> None:
        assert (self.world.in_queue is not None) == (self.world.state() is CallState.QUEUED)

    @invariant()
    def the_place_is_kept(self) -> None:
        places = {effect.entered_ms for effect in self.world.effects if isinstance(effect, do.JoinQueue)}
        assert len(places) <= 1

    def teardown(self) -> None:
        world = self.world
        if world.log:
            self.run_out()
            if world.in_queue is not None:
                assert world.session.keeping, "only who keeps a place waits without a leg"
                world.hears(ev.CameAgain())
                self.run_out()
            assert world.ended == 1
            assert world.state() in (CallState.ENDED, CallState.ABANDONED)
            assert (world.legs, world.playing, world.taps, world.timers) == ({}, {}, set(), set())
            assert world.in_queue is None
            assert [seat for seat in world.roster.seats() if seat.state in BOUND] == []
            assert world.hears(ev.CallArrived(leg=CITIZEN, caller_number=None, dialled="")) == []
        again = CallSession.replay(CALL, world.plan, world.log)
        assert facts(again) == facts(world.session)

    def run_out(self) -> None:
        """Everybody hangs up, everything is told, every timer runs."""
        while self.world.legs:
            self.world.leg_ends(min(self.world.legs))
        for _ in range(20):
            self.world.deliver_all()
            if self.world.timers:
                self.world.fires(min(self.world.timers))


def facts(session: CallSession) -> dict[str, object]:
    return vars(session)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
