"""Asterisk, the ACD and the clock as one call sees them, in memory: performs its effects and knows what stands."""

from datetime import UTC, datetime

from ivr.calls import effects as do
from ivr.calls import events as ev
from ivr.calls.effects import AnyEffect
from ivr.calls.events import AnyEvent, Recorded
from ivr.calls.menu import Menu, MenuOption
from ivr.calls.plan import CallPlan, Enquiry, QueueSounds, Survey
from ivr.calls.reconcile import LegSeen, reconcile
from ivr.calls.roster import Agent, Roster
from ivr.calls.session import CallSession
from ivr.calls.standing import bound, orders
from ivr.calls.vocabulary import (
    AgentId,
    AgentState,
    CallId,
    CallState,
    Direction,
    HangupCause,
    Invitation,
    LegId,
    Party,
    PlaybackId,
    Skill,
)

CALL = CallId("c1")
CITIZEN = LegId("c1-leg")
GENERAL, HEATING = Skill("general"), Skill("heating")
AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)

PLAN = CallPlan(
    greeting=("hello",),
    recording_notice=("recorded",),
    menu=Menu(default=GENERAL, options=(MenuOption(key="2", skill=HEATING),), sounds=("menu",)),
    queue=QueueSounds(places=(("next",), ("one-ahead",)), far=("many",), busy=("busy",), apology=("sorry",)),
)
PLAIN = CallPlan(menu=Menu(default=GENERAL))


def agent(name: str, *skills: Skill) -> Agent:
    return Agent(
        id=AgentId(name), name=name, extension=name, endpoint=f"PJSIP/{name}", skills=frozenset(skills or (GENERAL,))
    )


SERVED = CallPlan(
    menu=Menu(default=GENERAL, options=(MenuOption(key="2", skill=HEATING),), sounds=("menu",)),
    queue=PLAN.queue,
    survey=Survey(ask=("rate",), thanks=("thanks",), low=("sorry",)),
    enquiry=Enquiry(key="3", ask=("which",), not_found=("unknown",)),
    keep_key="1",
    place_kept=("kept",),
    outside="PJSIP/{number}@trunk",
    ringback=("ringing",),
)
"""With everything a site can have."""


def party_of(leg: LegId) -> Party:
    if leg == CITIZEN or "-citizen-" in leg:
        return Party.CITIZEN
    return Party.GUEST if "-guest-" in leg else Party.AGENT


class World:
    """One call's surroundings. `hears` lets the session hear an event; what it wants done is done at once.

    What Asterisk would say about it later waits in `pending`, to be delivered when and in the order the test likes.
    """

    def __init__(self, plan: CallPlan = PLAN, agents: int = 3) -> None:
        self.plan = plan
        self.session = CallSession(CALL, plan)
        self.now_ms = 0
        self.log: list[Recorded] = []
        self.effects: list[AnyEffect] = []
        self.pending: list[AnyEvent] = []
        self.agents = [agent(str(1001 + n)) for n in range(agents)]
        self.roster = Roster(self.agents, AT)
        self.legs: dict[LegId, str] = {}
        self.phones: dict[LegId, str] = {}
        self.talking: set[LegId] = set()
        self.playing: dict[PlaybackId, LegId] = {}
        self.taps: set[Party] = set()
        self.silent: set[LegId] = set()
        self.timers: set[str] = set()
        self.in_queue: do.JoinQueue | None = None
        self.ended = 0
        self.everybody_gets_ready()

    def everybody_gets_ready(self) -> None:
        for seat in self.roster.seats():
            self.roster.sign_in(seat.agent.id, AT)
            self.roster.ready(seat.agent.id, AT)

    def hears(self, event: AnyEvent, after_ms: int = 0) -> list[AnyEffect]:
        self.now_ms += after_ms
        if isinstance(event, ev.TimerFired):
            self.timers.discard(event.timer)
        self.log.append(Recorded(call=CALL, seq=len(self.log), at=AT, offset_ms=self.now_ms, event=event))
        effects = self.session.handle(event, self.now_ms)
        for effect in effects:
            assert self.ended == 0, "nothing may follow EndCall"
            self.perform(effect)
        self.effects += effects
        for effect in effects:
            if isinstance(effect, do.Note):
                self.hears(effect.event)
        return effects

    def arrives(self) -> list[AnyEffect]:
        self.legs[CITIZEN] = "ringing"
        return self.hears(ev.CallArrived(leg=CITIZEN, caller_number="13900000000", dialled="12345"))

    def places(self, direction: Direction = Direction.OUTBOUND, name: str = "1001") -> list[AnyEffect]:
        """An agent calls a citizen, or (INTERNAL) the agent 1002."""
        self.roster.reserve(AgentId(name), CALL, AT)
        inside = direction is Direction.INTERNAL
        if inside:
            self.roster.reserve(AgentId("1002"), CALL, AT)
        return self.hears(
            ev.CallPlaced(
                agent=AgentId(name),
                agent_endpoint=f"PJSIP/{name}",
                endpoint="PJSIP/1002" if inside else "PJSIP/13900000000@trunk",
                number=None if inside else "13900000000",
                direction=direction,
                callee=AgentId("1002") if inside else None,
            )
        )

    def invites(self, invitation: Invitation, guest: str | None = None) -> list[AnyEffect]:
        """The agent calls somebody in: an agent of ours, or 119."""
        assert self.session.agent is not None
        if guest is not None and not self.ended:  # the floor lends nobody to a call that is over
            self.roster.reserve(AgentId(guest), CALL, AT)
        return self.hears(
            ev.GuestInvited(
                agent=self.session.agent,
                name=guest or "119",
                endpoint=f"PJSIP/{guest}" if guest else "PJSIP/119@trunk",
                invitation=invitation,
                guest=None if guest is None else AgentId(guest),
            )
        )

    def deliver_all(self) -> None:
        while self.pending:
            self.hears(self.pending.pop(0))

    def fires(self, timer: str) -> list[AnyEffect]:
        assert timer in self.timers
        due = next(due for name, due in self.session.timers.items() if name == timer)
        return self.hears(ev.TimerFired(timer=timer), max(0, due - self.now_ms))

    def reserve(self, name: str = "1001") -> list[AnyEffect]:
        assert self.in_queue is not None
        self.in_queue = None
        seat = self.roster.reserve(AgentId(name), CALL, AT)
        return self.hears(ev.AgentReserved(agent=seat.agent.id, endpoint=seat.agent.endpoint))

    def leg_ends(self, leg: LegId, cause: HangupCause = HangupCause.NORMAL) -> list[AnyEffect]:
        self.end(leg)
        return self.hears(ev.LegHungUp(leg=leg, cause=cause))

    def end(self, leg: LegId) -> None:
        del self.legs[leg]
        self.talking.discard(leg)
        self.silent.discard(leg)
        self.playing = {playback: on for playback, on in self.playing.items() if on != leg}  # ended with its channel

    def answers(self, leg: LegId) -> list[AnyEffect]:
        self.legs[leg] = "up"
        return self.hears(ev.LegAnswered(leg=leg))

    def played(self, after_ms: int = 0) -> list[AnyEffect]:
        playback = self.playback()
        self.playing.pop(playback, None)
        return self.hears(ev.PlaybackFinished(playback=playback), after_ms)

    def playback(self) -> PlaybackId:
        assert self.session.playback is not None
        return self.session.playback

    def state(self) -> CallState:
        return self.session.state

    def state_of(self, name: str = "1001") -> AgentState:
        return self.roster.seat(AgentId(name)).state

    def to_queue(self) -> None:
        self.arrives()
        self.deliver_all()
        while "prompt" in self.timers:
            self.fires("prompt")
            self.deliver_all()
        if "no_input" in self.timers:
            self.fires("no_input")
        self.deliver_all()

    def to_offer(self, name: str = "1001") -> LegId:
        self.to_queue()
        self.reserve(name)
        assert self.session.agent_leg is not None
        return self.session.agent_leg

    def to_conversation(self, name: str = "1001") -> LegId:
        leg = self.to_offer(name)
        self.answers(leg)
        self.deliver_all()
        return leg

    def seen(self) -> list[LegSeen]:
        """The legs as Asterisk would report them."""
        return [
            LegSeen(
                call=CALL,
                leg=leg,
                party=party_of(leg),
                up=state == "up",
                talking=leg in self.talking,
                caller_number=None,
                dialled="12345",
                endpoint=self.phones.get(leg),
            )
            for leg, state in self.legs.items()
        ]

    def link_lost_and_found(self) -> None:
        """Nothing Asterisk wanted to say was heard; then the truth is seen."""
        self.pending.clear()
        for event in reconcile(self.session, self.seen(), self.roster.by_endpoint):
            self.hears(event)

    def restart(self, lost: int = 0) -> None:
        """The server dies, with the last `lost` lines of its log, and another takes the call over."""
        self.log = self.log[: len(self.log) - lost]
        self.session = CallSession.replay(CALL, self.plan, self.log)
        self.pending.clear()
        self.effects = []
        self.in_queue = None
        self.timers = {str(timer) for timer in self.session.timers}
        self.roster = Roster(self.agents, AT)
        for agent_id, state in bound(self.session):
            self.roster.adopt(agent_id, CALL, state, AT)
        self.everybody_gets_ready()
        for event in reconcile(self.session, self.seen(), self.roster.by_endpoint):
            self.hears(event)
        for order in orders(self.session):
            if order not in self.effects:
                self.perform(order)
                self.effects.append(order)

    def perform(self, effect: AnyEffect) -> None:
        match effect:
            case do.PickUp(leg=leg):
                if leg in self.legs:
                    self.legs[leg] = "up"
                    self.pending.append(ev.PickedUp(leg=leg))
            case do.Play(leg=leg, playback=playback):
                if leg in self.legs:
                    self.playing[playback] = leg
            case do.StopPlaying(playback=playback):
                self.playing.pop(playback, None)
                self.pending.append(ev.PlaybackFinished(playback=playback))
            case do.JoinQueue():
                self.in_queue = effect
            case do.LeaveQueue():
                self.in_queue = None
            case do.PlaceInQueue(leg=leg):
                assert leg == self.session.citizen
                self.talking.discard(leg)
            case do.OfferTo(leg=leg, endpoint=endpoint):
                assert leg not in self.legs, "a leg's id is used once"
                self.legs[leg] = "ringing"
                self.phones[leg] = endpoint
                self.pending.append(ev.LegRinging(leg=leg))
            case do.CallIn(leg=leg, endpoint=endpoint):
                assert leg not in self.legs, "a leg's id is used once"
                self.legs[leg] = "ringing"
                self.phones[leg] = endpoint
                self.pending.append(ev.LegRinging(leg=leg))
            case do.Hold(leg=leg):
                self.talking.discard(leg)
            case do.Join(leg=leg):
                if leg in self.legs:
                    self.talking.add(leg)
                    self.pending.append(ev.LegJoined(leg=leg))
            case do.Mute(leg=leg, muted=muted):
                (self.silent.add if muted else self.silent.discard)(leg)
            case do.LookUp(reference=reference):
                sounds = ("known",) if reference == "2611210042" else ()
                self.pending.append(ev.LookedUp(reference=reference, sounds=sounds))
            case do.Note():
                pass  # heard after everything else of its event is done
            case do.Connect(citizen_leg=citizen_leg, agent_leg=agent_leg):
                if citizen_leg in self.legs and agent_leg in self.legs:
                    self.talking |= {citizen_leg, agent_leg}
                    self.pending.append(ev.LegsJoined(citizen_leg=citizen_leg, agent_leg=agent_leg))
            case do.ForkMedia(leg=leg, party=party):
                if leg in self.legs:
                    self.taps.add(party)
                    self.pending.append(ev.MediaForked(leg=leg, party=party))
            case do.StopFork(party=party):
                self.taps.discard(party)
            case do.HangUp(leg=leg, cause=cause):
                if leg in self.legs:
                    self.end(leg)
                    self.pending.append(ev.LegHungUp(leg=leg, cause=cause))
            case do.AgentConnected(agent=agent):
                self.roster.connect(agent, CALL, AT)
            case do.ReleaseAgent(agent=agent, outcome=outcome):
                self.roster.release(agent, CALL, outcome, AT)
            case do.BeginWrapUp(agent=agent):
                self.roster.begin_wrap_up(agent, CALL, AT)
            case do.EndWrapUp(agent=agent):
                self.roster.end_wrap_up(agent, CALL, AT)
            case do.StartTimer(timer=timer):
                self.timers.add(timer)
            case do.CancelTimer(timer=timer):
                assert timer in self.timers, "a timer is cancelled once"
                self.timers.discard(timer)
            case do.GiveBack(leg=leg):
                if leg in self.legs:
                    self.end(leg)
                    self.pending.append(ev.GivenBack(leg=leg))
            case do.EndCall():
                self.ended += 1
                self.timers.clear()
