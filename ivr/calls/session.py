"""One citizen's call as a state machine: events in, effects out. No clock, no I/O; replaying its events rebuilds it.

    arrived → greeting → menu → queued ⇄ offered → connected → wrap_up → ended
                                  (before connected, the citizen's hang-up leads to abandoned)

Decisions that are not obvious:

- A phone that does not answer, refuses or cannot be reached gives the call back to the queue with its first entry time.
- An agent's leg that ends normally ends the call. One that is lost (dead phone, no media) sends the citizen back to the
  queue with that same entry time, which is its head, and an apology; the agent is paused as unreachable.
- An agent who leaves the roster in a conversation is not cut off: the talk goes on, only its wrap-up falls away.
- An agent whose offer the citizen withdrew is free when their phone has stopped ringing, not before.
- A leg that rings or answers and is not the one on offer is hung up.
- Asterisk's silence never holds a call: each of its answers is waited for with a timer.
"""

from collections.abc import Iterable
from typing import Self, assert_never

from ivr.calls import effects as do
from ivr.calls import events as ev
from ivr.calls.announcer import FOUND, Announcer
from ivr.calls.effects import AnyEffect
from ivr.calls.events import AnyEvent, Recorded
from ivr.calls.plan import CallPlan
from ivr.calls.vocabulary import (
    BROKEN_OFF,
    AgentId,
    CallId,
    CallState,
    HangupCause,
    LegId,
    OfferOutcome,
    Party,
    PlaybackId,
    Skill,
)
from ivr.calls.work import Timer, Work

BEFORE_QUEUE = (CallState.ARRIVED, CallState.GREETING, CallState.MENU)
WAITING = (CallState.QUEUED, CallState.OFFERED)
OVER = (CallState.ENDED, CallState.ABANDONED)
_OUTCOMES = {
    HangupCause.NORMAL: OfferOutcome.REFUSED,  # lifted and put down, or declined without saying so
    HangupCause.REJECTED: OfferOutcome.REFUSED,
    HangupCause.BUSY: OfferOutcome.REFUSED,
    HangupCause.NO_ANSWER: OfferOutcome.NO_ANSWER,
    HangupCause.UNREACHABLE: OfferOutcome.UNREACHABLE,
    HangupCause.LOST: OfferOutcome.WITHDRAWN,  # nobody heard how it ended: nothing to hold against the agent
    HangupCause.FAILURE: OfferOutcome.WITHDRAWN,
}


class CallSession:
    """One call. `handle` is its only mutator; everything public may be read at any time.

    `entered_ms`, `answered_ms` and `ended_ms` count from arrival, as do the due times of `timers`, so that those can be
    armed again after a restart. `agent_answered` is true from the agent's answer on; `leaving` are legs asked to end
    whose end is not heard yet, `gone` those that have ended. `over` is true once `EndCall` has been given out.
    """

    def __init__(self, call: CallId, plan: CallPlan) -> None:
        self.call = call
        self.plan = plan
        self.state = CallState.ARRIVED
        self.over = False
        self.citizen: LegId | None = None
        self.citizen_gone = False
        self.caller_number: str | None = None
        self.dialled = ""
        self.skill = plan.menu.default
        self.entered_ms: int | None = None
        self.answered_ms: int | None = None
        self.ended_ms: int | None = None
        self.agent: AgentId | None = None
        self.agent_leg: LegId | None = None
        self.agent_answered = False
        self.giving_back = False
        self.leaving: set[LegId] = set()
        self.gone: set[LegId] = set()
        self._agent_left = False
        self._withdrawn: dict[LegId, AgentId] = {}
        self._chosen: Skill | None = None
        self._offers = 0
        self._unanswered_offers = 0
        self._work = Work()
        self._voice = Announcer(call, plan, self._work)

    @classmethod
    def replay(cls, call: CallId, plan: CallPlan, recorded: Iterable[Recorded]) -> Self:
        """The session as it stood after `recorded`, which must be this call's, in order of `seq`."""
        session = cls(call, plan)
        for record in recorded:
            session.handle(record.event, record.offset_ms)
        return session

    @property
    def playback(self) -> PlaybackId | None:
        """What the citizen is told at the moment."""
        return self._voice.playback

    @property
    def timers(self) -> dict[Timer, int]:
        """The timers that run and when they are due."""
        return dict(self._work.timers)

    def handle(self, event: AnyEvent, offset_ms: int) -> list[AnyEffect]:
        """What is to be done about `event`, in order. A stale, repeated or impossible event does no harm."""
        if self.over:
            return []
        self._work.now_ms = offset_ms
        self._dispatch(event)
        if self._finished():
            self._work.timers.clear()
            self._work.add(do.EndCall())
            self.over = True
        return self._work.take()

    def _dispatch(self, event: AnyEvent) -> None:
        match event:
            case ev.CallArrived():
                self._arrived(event)
            case ev.PickedUp(leg=leg):
                if leg == self.citizen and self.state is CallState.ARRIVED:
                    self._greet()
            case ev.PlaybackFinished(playback=playback):
                if self._voice.ended(playback):
                    self._prompt_ended()
            case ev.DigitPressed():
                self._digit_pressed(event)
            case ev.AgentReserved():
                self._reserved(event)
            case ev.LegRinging(leg=leg):
                if leg not in self.gone:
                    self._stray(leg)
            case ev.LegAnswered(leg=leg):
                self._leg_answered(leg)
            case ev.LegsJoined():
                self._joined(event)
            case ev.LegHungUp():
                self._leg_hung_up(event.leg, event.cause)
            case ev.TimerFired(timer=timer):
                if (running := self._work.fired(timer)) is not None:
                    self._timer_fired(running)
            case ev.HangUpRequested(agent=agent):
                self._hang_up_requested(agent)
            case ev.WrapUpFinished(agent=agent):
                if self.state is CallState.WRAP_UP and agent == self.agent:
                    self._end_wrap_up()
            case ev.AgentLost(agent=agent):
                self._agent_lost(agent)
            case ev.QueueMoved(ahead=ahead, wait_ms=wait_ms):
                if self.state is CallState.QUEUED and self.citizen is not None:
                    self._voice.moved(self.citizen, ahead, wait_ms)
            case ev.FoundStanding():
                self._found(event)
            case ev.GivenBack(leg=leg):
                if leg == self.citizen:
                    self._leg_hung_up(leg, HangupCause.NORMAL)
            case ev.MediaForked():
                pass  # kept in the log for the time axis of the transcript; decides nothing
            case _:
                assert_never(event)

    # ---- arrival, greeting, menu

    def _arrived(self, event: ev.CallArrived) -> None:
        if self.citizen is not None:
            return
        self.citizen = event.leg
        self.caller_number = event.caller_number
        self.dialled = event.dialled
        self._work.add(do.PickUp(leg=event.leg))
        self._work.start(Timer.PICK_UP, self.plan.pick_up_ms)

    def _greet(self) -> None:
        assert self.citizen is not None
        self._work.cancel(Timer.PICK_UP)
        self.state = CallState.GREETING
        if self._voice.play(self.citizen, (*self.plan.greeting, *self.plan.recording_notice)):
            self._work.start(Timer.PROMPT, self.plan.prompt_ms)
        else:
            self._open_menu()

    def _open_menu(self) -> None:
        assert self.citizen is not None
        if not self.plan.staffed:
            self._give_back()
            return
        if self._chosen is not None or not self.plan.menu.options:
            self._enter_queue(self._chosen or self.plan.menu.default)
            return
        self.state = CallState.MENU
        if self._voice.play(self.citizen, self.plan.menu.sounds):
            self._work.start(Timer.PROMPT, self.plan.prompt_ms)
        else:
            self._work.start(Timer.NO_INPUT, self.plan.menu.wait_ms)

    def _prompt_ended(self) -> None:
        self._work.cancel(Timer.PROMPT)
        if self.state is CallState.GREETING:
            self._open_menu()
        elif self.state is CallState.MENU:
            self._work.start(Timer.NO_INPUT, self.plan.menu.wait_ms)

    def _digit_pressed(self, event: ev.DigitPressed) -> None:
        skill = self.plan.menu.choose(event.digit)
        if event.leg != self.citizen or skill is None:
            return
        if self.state is CallState.GREETING:
            self._chosen = skill
        elif self.state is CallState.MENU:
            self._enter_queue(skill)

    # ---- the queue

    def _enter_queue(self, skill: Skill) -> None:
        assert self.citizen is not None
        self._work.cancel(Timer.PICK_UP, Timer.PROMPT, Timer.NO_INPUT)
        self._voice.hush()
        self.skill = skill
        self.entered_ms = self._work.now_ms
        self._wait()
        self._work.add(do.PlaceInQueue(leg=self.citizen))

    def _wait(self) -> None:
        assert self.entered_ms is not None
        self.state = CallState.QUEUED
        self._voice.ahead = None
        self._work.add(do.JoinQueue(skill=self.skill, entered_ms=self.entered_ms, caller=self.plan.caller))
        self._work.start(Timer.COMFORT, self.plan.announce_every_ms)
        if self.plan.max_wait_ms is not None and Timer.MAX_WAIT not in self._work.timers:
            self._work.start(Timer.MAX_WAIT, self.plan.max_wait_ms)

    def _give_back(self) -> None:
        assert self.citizen is not None
        self._voice.hush()
        self._work.cancel(Timer.COMFORT)
        self.giving_back = True
        self._work.add(do.LeaveQueue(), do.GiveBack(leg=self.citizen))
        self._unheard()

    def _unheard(self) -> None:
        """It ends in the queue or before; a citizen who had been answered once did not abandon."""
        self.state = CallState.ABANDONED if self.answered_ms is None else CallState.ENDED
        self.ended_ms = self._work.now_ms

    # ---- the offer

    def _reserved(self, event: ev.AgentReserved) -> None:
        if event.agent == self.agent or event.agent in self._withdrawn.values():
            return
        if self.state is not CallState.QUEUED:
            self._work.add(do.ReleaseAgent(agent=event.agent, outcome=OfferOutcome.WITHDRAWN))
            return
        self._work.cancel(Timer.COMFORT)
        self.state = CallState.OFFERED
        self._offers += 1
        self.agent = event.agent
        self.agent_leg = LegId(f"{self.call}-agent-{self._offers}")
        ring_ms = self.plan.ring_ms
        self._work.add(do.OfferTo(agent=event.agent, leg=self.agent_leg, endpoint=event.endpoint, ring_ms=ring_ms))
        self._work.start(Timer.RING, ring_ms + self.plan.ring_grace_ms)

    def _leg_answered(self, leg: LegId) -> None:
        if leg != self.agent_leg or self.state not in (CallState.OFFERED, CallState.CONNECTED):
            self._stray(leg)
            return
        assert self.citizen is not None
        if self.state is CallState.OFFERED:
            self.agent_answered = True
            self._work.cancel(Timer.RING)
            self._voice.hush()
            self._work.start(Timer.JOIN, self.plan.join_ms)
        self._work.add(do.Connect(citizen_leg=self.citizen, agent_leg=leg))

    def _joined(self, event: ev.LegsJoined) -> None:
        if event.agent_leg != self.agent_leg or event.citizen_leg != self.citizen:
            self._stray(event.agent_leg)
        elif self.state is CallState.OFFERED:
            self._connected()

    def _offer_ended(self, outcome: OfferOutcome) -> None:
        """The citizen waits on. Back in line before the agent is let go: the place is theirs."""
        agent, leg = self.agent, self.agent_leg
        self._forget_agent()
        self._work.cancel(Timer.RING, Timer.JOIN)
        if outcome is not OfferOutcome.WITHDRAWN:
            self._unanswered_offers += 1
            if self._unanswered_offers >= self.plan.max_attempts:
                self.skill = self.plan.menu.default
        self._wait()
        self._let_go(agent, leg, outcome)

    def _withdraw_offer(self) -> None:
        agent, leg = self.agent, self.agent_leg
        self._forget_agent()
        self._let_go(agent, leg, OfferOutcome.WITHDRAWN)

    def _let_go(self, agent: AgentId | None, leg: LegId | None, outcome: OfferOutcome) -> None:
        if leg is not None:
            self._hang_up(leg, HangupCause.NO_ANSWER if outcome is OfferOutcome.NO_ANSWER else HangupCause.NORMAL)
        if agent is None:
            return
        if leg is not None and outcome is OfferOutcome.WITHDRAWN:
            self._withdrawn[leg] = agent  # free for the next call, but not while this one still rings
        else:
            self._work.add(do.ReleaseAgent(agent=agent, outcome=outcome))

    # ---- the conversation and its end

    def _connected(self) -> None:
        assert self.citizen is not None
        assert self.agent_leg is not None
        self._work.cancel(Timer.RING, Timer.JOIN, Timer.COMFORT, Timer.MAX_WAIT)
        self._voice.hush()
        self.state = CallState.CONNECTED
        self.agent_answered = True
        if self.answered_ms is None:
            self.answered_ms = self._work.now_ms
        if self.agent is not None:
            self._work.add(do.AgentConnected(agent=self.agent))
        self._work.add(do.ForkMedia(leg=self.citizen, party=Party.CITIZEN))
        self._work.add(do.ForkMedia(leg=self.agent_leg, party=Party.AGENT))

    def _end_conversation(self) -> None:
        """Hang up whoever is left; the agent goes into wrap-up, which needs no leg."""
        self._work.add(do.StopFork(party=Party.CITIZEN), do.StopFork(party=Party.AGENT))
        if self.citizen is not None and not self.citizen_gone:
            self._hang_up(self.citizen)
        if self.agent_leg is not None:
            self._hang_up(self.agent_leg)
            self.agent_leg = None
        self.ended_ms = self._work.now_ms
        if self.agent is None:
            self.state = CallState.ENDED
            return
        self.state = CallState.WRAP_UP
        self._work.add(do.BeginWrapUp(agent=self.agent))
        if self._agent_left:
            self._end_wrap_up()
        else:
            self._work.start(Timer.WRAP_UP, self.plan.wrap_up_limit(self.skill))

    def _end_wrap_up(self) -> None:
        assert self.agent is not None
        self._work.cancel(Timer.WRAP_UP)
        self.state = CallState.ENDED
        self._work.add(do.EndWrapUp(agent=self.agent))

    def _broken_off(self) -> None:
        """The agent's phone died in the conversation: the citizen is heard by the next agent."""
        assert self.citizen is not None
        agent = self.agent
        self._forget_agent()
        self._work.add(do.StopFork(party=Party.CITIZEN), do.StopFork(party=Party.AGENT))
        self._wait()
        if agent is not None:
            self._work.add(do.ReleaseAgent(agent=agent, outcome=OfferOutcome.UNREACHABLE))
        self._work.add(do.PlaceInQueue(leg=self.citizen))
        self._voice.play(self.citizen, self.plan.queue.apology)

    def _hang_up_requested(self, agent: AgentId) -> None:
        if agent != self.agent:
            return
        if self.state is CallState.CONNECTED:
            self._end_conversation()
        elif self.state is CallState.OFFERED:
            self._offer_ended(OfferOutcome.REFUSED)

    def _agent_lost(self, agent: AgentId) -> None:
        if agent != self.agent:
            return
        if self.state is CallState.OFFERED:
            self._offer_ended(OfferOutcome.WITHDRAWN)
        elif self.state is CallState.CONNECTED:
            self._agent_left = True
        elif self.state is CallState.WRAP_UP:
            self._end_wrap_up()

    # ---- legs

    def _leg_hung_up(self, leg: LegId, cause: HangupCause) -> None:
        if leg in self.gone:
            return
        self.gone.add(leg)
        self.leaving.discard(leg)
        if (agent := self._withdrawn.pop(leg, None)) is not None:
            self._work.add(do.ReleaseAgent(agent=agent, outcome=OfferOutcome.WITHDRAWN))
        if not self.leaving:
            self._work.cancel(Timer.LEGS)
        if leg == self.citizen:
            self._citizen_hung_up()
        elif leg == self.agent_leg:
            self._agent_hung_up(cause)

    def _citizen_hung_up(self) -> None:
        self.citizen_gone = True
        self._voice.ended(self._voice.playback)
        if self.state is CallState.CONNECTED:
            self._end_conversation()
        elif self.state in (*BEFORE_QUEUE, *WAITING):
            self._work.cancel(*(timer for timer in self.timers if timer != Timer.LEGS))
            if self.state is CallState.QUEUED:
                self._work.add(do.LeaveQueue())
            elif self.state is CallState.OFFERED:
                self._withdraw_offer()
            self._unheard()

    def _agent_hung_up(self, cause: HangupCause) -> None:
        self.agent_leg = None
        if self.state is CallState.OFFERED:
            self._offer_ended(_OUTCOMES[cause])
        elif cause in BROKEN_OFF:
            self._broken_off()
        else:
            self._end_conversation()

    def _found(self, event: ev.FoundStanding) -> None:
        if self.citizen is None or self.citizen_gone or self.state not in (*BEFORE_QUEUE, *WAITING):
            return
        self._voice.number_from(FOUND)
        if event.agent_leg is None:
            if self.state in BEFORE_QUEUE:
                self._enter_queue(self.plan.menu.default)
            return
        if event.agent_leg in self.gone:
            return
        if self.state is CallState.QUEUED:
            self._work.add(do.LeaveQueue())
        elif self.state is CallState.OFFERED and event.agent_leg != self.agent_leg:
            self._withdraw_offer()
        self._work.cancel(Timer.PICK_UP, Timer.PROMPT, Timer.NO_INPUT)
        if self.entered_ms is None:
            self.entered_ms = self._work.now_ms
        self._count(event.agent_leg)
        self.leaving.discard(event.agent_leg)
        self.agent = event.agent
        self.agent_leg = event.agent_leg
        self._connected()

    def _stray(self, leg: LegId) -> None:
        """Nobody's leg, or one held for gone that was answered after all."""
        if leg not in (self.citizen, self.agent_leg):
            self.gone.discard(leg)
            self._count(leg)
            self._hang_up(leg)

    def _count(self, leg: LegId) -> None:
        """Never give out the number of a leg that stands, even one this session did not make."""
        number = leg.removeprefix(f"{self.call}-agent-")
        if number.isdecimal():
            self._offers = max(self._offers, int(number))

    def _hang_up(self, leg: LegId, cause: HangupCause = HangupCause.NORMAL) -> None:
        self.leaving.add(leg)
        self._work.add(do.HangUp(leg=leg, cause=cause))
        self._work.start(Timer.LEGS, self.plan.hang_up_ms)

    def _forget_agent(self) -> None:
        self.agent = None
        self.agent_leg = None
        self.agent_answered = False
        self._agent_left = False

    def _give_up_on_legs(self) -> None:
        """Asterisk has not said that these legs ended: ask once more and go on without its word."""
        for leg in sorted(self.leaving):
            self._work.add(do.HangUp(leg=leg))
            self._leg_hung_up(leg, HangupCause.LOST)

    def _timer_fired(self, timer: Timer) -> None:
        match timer, self.state:
            case Timer.PICK_UP, CallState.ARRIVED:
                self._greet()
            case Timer.PROMPT, CallState.GREETING | CallState.MENU:
                self._voice.hush()
                self._prompt_ended()
            case Timer.NO_INPUT, CallState.MENU:
                self._enter_queue(self.plan.menu.default)
            case Timer.COMFORT, CallState.QUEUED if self.citizen is not None:
                self._voice.comfort(self.citizen)
            case Timer.MAX_WAIT, CallState.QUEUED:
                self._give_back()
            case Timer.MAX_WAIT, CallState.OFFERED:
                self._work.start(Timer.MAX_WAIT, self.plan.ring_ms + self.plan.ring_grace_ms)
            case Timer.RING, CallState.OFFERED:
                self._offer_ended(OfferOutcome.NO_ANSWER)
            case Timer.JOIN, CallState.OFFERED:
                self._offer_ended(OfferOutcome.WITHDRAWN)
            case Timer.WRAP_UP, CallState.WRAP_UP:
                self._end_wrap_up()
            case Timer.LEGS, _:
                self._give_up_on_legs()

    def _finished(self) -> bool:
        if not self.citizen_gone or self.agent_leg is not None or self.leaving or self._withdrawn:
            return False
        return self.state in OVER
