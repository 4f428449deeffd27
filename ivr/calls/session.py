"""One citizen's call as a state machine: events in, effects out. No clock, no I/O; replaying its events rebuilds it.

    arrived → greeting → menu → queued ⇄ offered → connected → wrap_up → ended
                                  (before connected, the citizen's hang-up leads to abandoned)
                     calls of our own: dialling → connected

`Legs` is what stands, `Talk` the conversation, `Dialling` the calls we make, `Enquiring` the progress of a work order,
this file the way to a person.

Decisions that are not obvious:

- A phone that does not answer, refuses or cannot be reached gives the call back to the queue with its first entry time.
- An agent's leg that ends normally ends the call. One that is lost (dead phone, no media) sends the citizen back to the
  queue with that same entry time, which is its head, and an apology; the agent is paused as unreachable.
- An agent who leaves the roster in a conversation is not cut off: the talk goes on, only its wrap-up falls away.
- An agent whose offer the citizen withdrew is free when their phone has stopped ringing, not before.
- A leg that rings or answers and is not the one on offer is hung up.
- Asterisk's silence never holds a call: each of its answers is waited for with a timer.
- Who keeps their place (保号) waits on without a leg; an agent who is found for them hears them being dialled.
"""

from collections.abc import Iterable
from typing import Self, assert_never

from ivr.calls import effects as do
from ivr.calls import events as ev
from ivr.calls.announcer import FOUND
from ivr.calls.effects import AnyEffect
from ivr.calls.enquiring import Enquiring
from ivr.calls.events import AnyEvent, Recorded
from ivr.calls.guests import OFFER_OUTCOMES
from ivr.calls.plan import CallPlan
from ivr.calls.vocabulary import (
    BEFORE_QUEUE,
    BROKEN_OFF,
    OVER,
    WAITING,
    AgentId,
    CallId,
    CallState,
    HangupCause,
    LegId,
    OfferOutcome,
    Party,
    Skill,
)
from ivr.calls.work import Timer

OVER_OR_WRAP_UP = (CallState.WRAP_UP, *OVER)


class CallSession(Enquiring):
    """One call. `handle` is its only mutator; everything public may be read at any time.

    `entered_ms`, `answered_ms` and `ended_ms` count from arrival, as do the due times of `timers`, so that those can be
    armed again after a restart. `agent_answered` is true from the agent's answer on; `leaving` are legs asked to end
    whose end is not heard yet, `gone` those that have ended. `over` is true once `EndCall` has been given out.

    In a call of our own the `citizen` is whoever was called, a colleague (`callee`) too.
    """

    @classmethod
    def replay(cls, call: CallId, plan: CallPlan, recorded: Iterable[Recorded]) -> Self:
        """The session as it stood after `recorded`, which must be this call's, in order of `seq`."""
        session = cls(call, plan)
        for record in recorded:
            session.handle(record.event, record.offset_ms)
        return session

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
                if self.state is CallState.QUEUED and self.citizen is not None and not self.keeping:
                    self._voice.moved(self.citizen, ahead, wait_ms)
            case ev.FoundStanding():
                self._found(event)
            case ev.GivenBack(leg=leg):
                if leg == self.citizen:
                    self._leg_hung_up(leg, HangupCause.NORMAL)
            case ev.CallPlaced():
                self._placed(event)
            case ev.CameAgain():
                self._came_again()
            case ev.LookedUp():
                if self.state is CallState.MENU and not self.citizen_gone:
                    self._looked_up(event)
            case ev.HoldAsked():
                self._hold_asked(event)
            case ev.MuteAsked():
                self._mute_asked(event)
            case ev.GuestInvited():
                self._invited(event)
            case ev.GuestDropped():
                self._dropped(event)
            case ev.GuestAdmitted(agent=agent):
                self._admitted(agent)
            case ev.HandedOver(agent=agent):
                self._hand_over_asked(agent)
            case ev.PassedToSkill():
                self._passed_to_skill(event)
            case ev.LegJoined(leg=leg):
                self._one_joined(leg)
            case (
                ev.MediaForked()
                | ev.Dialled()
                | ev.PlaceKept()
                | ev.GuestMissed()
                | ev.TransferredOut()
                | ev.CitizenRated()
            ):
                pass  # kept in the log for others to read; decides nothing
            case _:
                assert_never(event)

    # ---- arrival, greeting, menu

    def _arrived(self, event: ev.CallArrived) -> None:
        if self.citizen is not None or self.agent is not None:
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
        elif self.state is CallState.MENU and (self.typed is not None or self._asked_for is not None):
            pass  # the number is still being keyed in, or looked up
        elif self.state is CallState.MENU and 0 < self._failed < self.plan.enquiry.attempts:
            self._enquire()
        elif self.state is CallState.MENU:
            self._work.start(Timer.NO_INPUT, self.plan.menu.wait_ms)
        elif self.keeping and self.state in WAITING and not self.agent_answered:
            self._dismiss_citizen()
        elif self.state in OVER_OR_WRAP_UP and not self.surveying and not self.guests:
            self._rated_all()

    def _digit_pressed(self, event: ev.DigitPressed) -> None:
        skill = self.plan.menu.choose(event.digit)
        if event.leg != self.citizen or self.citizen_gone:
            return
        if self.surveying:
            self._rate(event.digit)
        elif self.state is CallState.MENU and self.typed is not None:
            self._keyed(event.digit)
            return
        elif self.state is CallState.MENU and event.digit == self.plan.enquiry.key and self._asked_for is None:
            self._enquire()
            return
        elif self.state in WAITING and event.digit == self.plan.keep_key:
            self._keep_place()
        if skill is None:
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
        if self.keeping:
            return
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
        self.agent = event.agent
        leg = self.agent_leg = self._next_leg("agent")
        ring_ms = self.plan.ring_ms
        if self.citizen_gone:
            self._work.add(do.CallIn(leg=leg, party=Party.AGENT, endpoint=event.endpoint, ring_ms=ring_ms))
        else:
            self._work.add(do.OfferTo(agent=event.agent, leg=leg, endpoint=event.endpoint, ring_ms=ring_ms))
        self._work.start(Timer.RING, ring_ms + self.plan.ring_grace_ms)

    def _leg_answered(self, leg: LegId) -> None:
        if (guest := self.guests.get(leg)) is not None:
            self._guest_answered(guest)
            return
        if self.state is CallState.DIALLING and leg == self.citizen and not self.citizen_gone:
            self._party_answered()
            return
        if leg != self.agent_leg or self.state not in (CallState.OFFERED, CallState.DIALLING, CallState.CONNECTED):
            self._stray(leg)
            return
        if self.state is not CallState.CONNECTED and self.citizen_gone:
            self._work.cancel(Timer.RING)
            self._dial()
            return
        if self.state is CallState.DIALLING:
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
        elif self.state is CallState.DIALLING:
            self._party_joined()

    def _one_joined(self, leg: LegId) -> None:
        if leg not in (self.citizen, self.agent_leg):
            self._leg_joined(leg)

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

    # ---- the conversation and its end

    def _hang_up_requested(self, agent: AgentId) -> None:
        if agent != self.agent:
            return
        if self.state is CallState.CONNECTED:
            self._agent_leaves()
        elif self.state is CallState.OFFERED:
            self._offer_ended(OfferOutcome.REFUSED)
        elif self.state is CallState.DIALLING:
            self._dialler_left(OfferOutcome.WITHDRAWN)

    def _agent_lost(self, agent: AgentId) -> None:
        if agent != self.agent:
            return
        if self.state is CallState.OFFERED:
            self._offer_ended(OfferOutcome.WITHDRAWN)
        elif self.state is CallState.DIALLING:
            self._dialler_left(OfferOutcome.WITHDRAWN)
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
        if leg == self.citizen and not self.citizen_gone:
            self._citizen_hung_up(cause)
        elif (guest := self.guests.get(leg)) is not None:
            self._guest_hung_up(guest, cause)
        elif leg == self.agent_leg:
            self._agent_hung_up(cause)

    def _citizen_hung_up(self, cause: HangupCause) -> None:
        self.citizen_gone = True
        self._voice.ended(self._voice.playback)
        if self.state is CallState.CONNECTED:
            self._end_conversation()
            self._release_callee(cause)
        elif self.state is CallState.DIALLING:
            self._party_missed(cause)
        elif self.keeping and self.state in WAITING:
            self._work.cancel(Timer.PROMPT)
            if self.agent_answered:
                self._work.cancel(Timer.JOIN)
                self._dial()  # they hung up to be called, and an agent is there already
        elif self.state in (*BEFORE_QUEUE, *WAITING):
            self._work.cancel(*(timer for timer in self.timers if timer != Timer.LEGS))
            if self.state is CallState.QUEUED:
                self._work.add(do.LeaveQueue())
            elif self.state is CallState.OFFERED:
                self._withdraw_offer()
            self._unheard()
        else:
            self.surveying = False
            self._work.cancel(Timer.SURVEY)
            self._drop_guests()
            self._release_callee(cause)

    def _came_again(self) -> None:
        """Called in first: whoever is being rung for them is let go, and nobody calls."""
        if not self.keeping or not self.citizen_gone or self.state not in WAITING:
            return
        self._work.cancel(*(timer for timer in self.timers if timer != Timer.LEGS))
        if self.state is CallState.QUEUED:
            self._work.add(do.LeaveQueue())
        else:
            self._withdraw_offer()
        self._unheard()

    def _agent_hung_up(self, cause: HangupCause) -> None:
        self.agent_leg = None
        if self.state is CallState.OFFERED:
            self._offer_ended(OFFER_OUTCOMES[cause])
        elif self.state is CallState.DIALLING:
            answered = OfferOutcome.PASSED_ON if self.agent_answered else OFFER_OUTCOMES[cause]
            self._dialler_left(OfferOutcome.UNREACHABLE if cause in BROKEN_OFF else answered)
        else:
            self._agent_leaves(broken=cause in BROKEN_OFF)

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
            case Timer.RING, CallState.DIALLING:
                self._dial_rings_on()
            case Timer.JOIN, CallState.DIALLING:
                self._dialler_left(OfferOutcome.WITHDRAWN)
            case Timer.GUEST, _:
                self._guest_rings_on()
            case Timer.SURVEY, _:
                self._rated_all()
            case Timer.PROMPT, CallState.QUEUED | CallState.OFFERED if self.keeping:
                self._voice.hush()
                self._prompt_ended()
            case Timer.JOIN, CallState.OFFERED:
                self._offer_ended(OfferOutcome.WITHDRAWN)
            case Timer.WRAP_UP, CallState.WRAP_UP:
                self._end_wrap_up()
            case Timer.LEGS, _:
                self._give_up_on_legs()

    def _finished(self) -> bool:
        if not self.citizen_gone or self.agent_leg is not None or self.leaving or self._withdrawn or self.guests:
            return False
        return self.state in OVER
