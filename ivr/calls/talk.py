"""The conversation of a call: hold and mute, guests and where they lead, its end, the survey, the wrap-up.

Decisions that are not obvious:

- Nobody leaves a citizen alone: an agent who hangs up while a guest is with them leaves the citizen to the guest; with
  a blind transfer still ringing, to whoever answers it, and should nobody, to the queue at the first place.
- A conversation that goes on with an agent takes the draft along, so who gave it has nothing to wrap up. One that goes
  on outside leaves the draft, and its wrap-up, with the agent.
- A guest who does not come changes nothing: the citizen is back with the agent.
"""

from ivr.calls import effects as do
from ivr.calls import events as ev
from ivr.calls.guests import DIAL_OUTCOMES, OFFER_OUTCOMES, Guest
from ivr.calls.legs import Legs
from ivr.calls.vocabulary import (
    BROKEN_OFF,
    OVER,
    AgentId,
    CallState,
    Direction,
    HangupCause,
    Invitation,
    LegId,
    OfferOutcome,
    Party,
)
from ivr.calls.work import Timer

ASIDE = (Invitation.CONSULT, Invitation.TRANSFER)
OUT = (Invitation.TRANSFER, Invitation.TAKE_OVER)
SCORES = frozenset("12345")


class Talk(Legs):
    """From `connected` on. `CallSession` says how a citizen waits (`_wait`)."""

    surveying = False
    _rated: AgentId | None = None

    def _wait(self) -> None:
        raise NotImplementedError

    def _connected(self) -> None:
        assert self.citizen is not None
        assert self.agent_leg is not None
        self._work.cancel(Timer.RING, Timer.JOIN, Timer.COMFORT, Timer.MAX_WAIT, Timer.PROMPT)
        self._voice.hush()
        self.state = CallState.CONNECTED
        self.agent_answered = True
        self.held = self.muted = self.keeping = False
        if self.answered_ms is None:
            self.answered_ms = self._work.now_ms
        if self.agent is not None:
            self._work.add(do.AgentConnected(agent=self.agent))
        if self.callee is not None:
            self._work.add(do.AgentConnected(agent=self.callee))
        if self.direction is not Direction.INTERNAL:
            self._work.add(do.ForkMedia(leg=self.citizen, party=Party.CITIZEN))
            self._work.add(do.ForkMedia(leg=self.agent_leg, party=Party.AGENT))

    def _talks(self, agent: AgentId) -> bool:
        return self.state is CallState.CONNECTED and agent == self.agent and not self.citizen_gone

    # ---- hold and mute

    def _hold_asked(self, event: ev.HoldAsked) -> None:
        if self._talks(event.agent) and self._aside() is None:
            self._hold(event.held)

    def _hold(self, held: bool) -> None:
        assert self.citizen is not None
        if held is not self.held:
            self.held = held
            self._work.add(do.Hold(leg=self.citizen) if held else do.Join(leg=self.citizen))

    def _mute_asked(self, event: ev.MuteAsked) -> None:
        if self._talks(event.agent) and event.muted is not self.muted and self.agent_leg is not None:
            self.muted = event.muted
            self._work.add(do.Mute(leg=self.agent_leg, muted=event.muted))

    # ---- guests

    def _aside(self) -> Guest | None:
        """Who rings or is consulted: at most one at a time."""
        found = (g for g in self.guests.values() if not g.joined or g.invitation is not Invitation.THREE_WAY)
        return next(found, None)

    def _with_us(self) -> Guest | None:
        """Whom the citizen can be left with: one of ours before anybody else."""
        joined = [guest for guest in self.guests.values() if guest.joined]
        return next((guest for guest in joined if guest.agent is not None), joined[-1] if joined else None)

    def _invited(self, event: ev.GuestInvited) -> None:
        agent = None if self.state in OVER else self.agent
        taken = {agent, self.callee, *(guest.agent for guest in self.guests.values())}
        if event.guest is not None and (event.guest in taken or event.guest in self._withdrawn.values()):
            return
        if not self._talks(event.agent) or self._aside() is not None:
            if event.guest is not None:
                self._work.add(do.ReleaseAgent(agent=event.guest, outcome=OfferOutcome.WITHDRAWN))
            return
        outside = event.guest is None
        leg = self._next_leg("guest" if outside else "agent")
        endpoint = event.endpoint.format(number=event.caller_number or "")
        self.guests[leg] = Guest(leg, event.name, endpoint, event.invitation, event.guest)
        if event.invitation in ASIDE:
            self._hold(True)
        ring_ms = self.plan.dial_ms if outside else self.plan.ring_ms
        party = Party.GUEST if outside else Party.AGENT
        self._work.add(do.CallIn(leg=leg, party=party, endpoint=endpoint, ring_ms=ring_ms))
        self._work.start(Timer.GUEST, ring_ms + self.plan.ring_grace_ms)

    def _guest_answered(self, guest: Guest) -> None:
        guest.up = True
        self._work.cancel(Timer.GUEST)
        self._work.add(do.Join(leg=guest.leg))

    def _leg_joined(self, leg: LegId) -> None:
        guest = self.guests.get(leg)
        if guest is None:
            self._stray(leg)
        elif not guest.joined:
            guest.up = guest.joined = True
            self._work.cancel(Timer.GUEST)
            if guest.agent is not None:
                self._work.add(do.AgentConnected(agent=guest.agent))
            if self.state is not CallState.CONNECTED:
                self._hold(False)
                self._tell_outside(guest, left=True)
            elif guest.invitation in OUT:
                self._hand_over(guest)
            elif guest.invitation is Invitation.THREE_WAY:
                self._tell_outside(guest, left=False)

    def _tell_outside(self, guest: Guest, *, left: bool) -> None:
        if guest.agent is None:
            self._work.add(do.Note(event=ev.TransferredOut(agent=self.agent, name=guest.name, left=left)))

    def _admitted(self, agent: AgentId) -> None:
        guest = self._aside()
        if self._talks(agent) and guest is not None and guest.joined:
            guest.invitation = Invitation.THREE_WAY
            self._hold(False)
            self._tell_outside(guest, left=False)

    def _dropped(self, event: ev.GuestDropped) -> None:
        if not self._talks(event.agent) or not self.guests:
            return
        leg = event.leg if event.leg is not None else next(reversed(self.guests))
        if (guest := self.guests.get(leg)) is not None:
            self._drop(guest)
            if self._aside() is None:
                self._hold(False)

    def _drop(self, guest: Guest) -> None:
        del self.guests[guest.leg]
        if not guest.up:
            self._work.cancel(Timer.GUEST)
        self._let_go(guest.agent, guest.leg, OfferOutcome.WITHDRAWN)

    def _drop_guests(self) -> None:
        for guest in list(self.guests.values()):
            self._drop(guest)

    def _guest_hung_up(self, guest: Guest, cause: HangupCause) -> None:
        del self.guests[guest.leg]
        if not guest.up:
            self._work.cancel(Timer.GUEST)
        if guest.agent is not None:
            lost = OfferOutcome.UNREACHABLE if cause in BROKEN_OFF else OfferOutcome.PASSED_ON
            self._work.add(do.ReleaseAgent(agent=guest.agent, outcome=lost if guest.up else OFFER_OUTCOMES[cause]))
        self._without(guest, cause)

    def _guest_rings_on(self) -> None:
        guest = self._aside()
        if guest is not None and not guest.up:
            del self.guests[guest.leg]
            self._let_go(guest.agent, guest.leg, OfferOutcome.NO_ANSWER)
            self._without(guest, HangupCause.NO_ANSWER)

    def _without(self, guest: Guest, cause: HangupCause) -> None:
        """Go on without a guest who has left or never came."""
        if self.citizen_gone:
            return
        if self.state is CallState.CONNECTED:
            if not guest.joined:
                self._work.add(do.Note(event=ev.GuestMissed(name=guest.name, outcome=DIAL_OUTCOMES[cause])))
            if guest.invitation in ASIDE:
                self._hold(False)
        elif not self.guests:
            if guest.joined:
                self._dismiss_citizen()
            else:
                self._requeue()

    def _dismiss_citizen(self) -> None:
        if self.citizen is not None and not self.citizen_gone:
            self._hang_up(self.citizen)

    def _requeue(self) -> None:
        """The agent is out and nobody came: the citizen is heard by the next agent."""
        assert self.citizen is not None
        if self.state is CallState.WRAP_UP:
            self._end_wrap_up()
        self._forget_agent()
        self.ended_ms = None
        self._back_in_line()

    def _back_in_line(self) -> None:
        assert self.citizen is not None
        self.held = self.muted = False
        self._wait()
        self._work.add(do.PlaceInQueue(leg=self.citizen))
        self._voice.play(self.citizen, self.plan.queue.apology)

    # ---- who goes on

    def _hand_over_asked(self, agent: AgentId) -> None:
        guest = self._with_us()
        if self._talks(agent) and guest is not None:
            self._hand_over(guest)

    def _hand_over(self, guest: Guest, outcome: OfferOutcome = OfferOutcome.PASSED_ON) -> None:
        """The agent is out; the citizen is with the guest."""
        agent, leg = self.agent, self.agent_leg
        for other in [other for other in self.guests.values() if not other.joined]:
            self._drop(other)
        self._hold(False)
        self.agent_leg = None
        if leg is not None:
            self._hang_up(leg)
        if guest.agent is None:
            self._tell_outside(guest, left=True)
            self._work.add(do.StopFork(party=Party.CITIZEN), do.StopFork(party=Party.AGENT))
            self._leave(broken=outcome is OfferOutcome.UNREACHABLE)
            return
        del self.guests[guest.leg]
        self._work.add(do.StopFork(party=Party.AGENT))
        if agent is not None:
            self._work.add(do.ReleaseAgent(agent=agent, outcome=outcome))
        self._forget_agent()
        self.agent, self.agent_leg, self.agent_answered, self.muted = guest.agent, guest.leg, True, False
        if self.direction is not Direction.INTERNAL:
            self._work.add(do.ForkMedia(leg=guest.leg, party=Party.AGENT))

    def _passed_to_skill(self, event: ev.PassedToSkill) -> None:
        if not self._talks(event.agent) or self.direction is Direction.INTERNAL:
            return
        leg = self.agent_leg
        self._forget_agent()
        self._drop_guests()
        self._work.add(do.StopFork(party=Party.CITIZEN), do.StopFork(party=Party.AGENT))
        self.skill = event.skill
        self._back_in_line()
        if leg is not None:
            self._hang_up(leg)
        self._work.add(do.ReleaseAgent(agent=event.agent, outcome=OfferOutcome.PASSED_ON))

    def _agent_leaves(self, *, broken: bool = False) -> None:
        """The agent hung up, or their phone died."""
        guest, aside = self._with_us(), self._aside()
        if guest is not None:
            self._hand_over(guest, OfferOutcome.UNREACHABLE if broken else OfferOutcome.PASSED_ON)
        elif aside is not None and aside.invitation in OUT:
            self._leave_ringing(aside, broken=broken)
        elif broken and self.direction is not Direction.INTERNAL:
            self._broken_off()
        else:
            self._end_conversation(by_agent=True, broken=broken)

    def _leave_ringing(self, guest: Guest, *, broken: bool) -> None:
        """Out of it before the transfer was answered: the citizen hears music on."""
        agent, leg = self.agent, self.agent_leg
        self._hold(True)
        self.agent_leg = None
        if leg is not None:
            self._hang_up(leg)
        self._work.add(do.StopFork(party=Party.CITIZEN), do.StopFork(party=Party.AGENT))
        if guest.agent is None:
            self._leave(broken=broken)
            return
        del self.guests[guest.leg]
        if agent is not None:
            outcome = OfferOutcome.UNREACHABLE if broken else OfferOutcome.PASSED_ON
            self._work.add(do.ReleaseAgent(agent=agent, outcome=outcome))
        self._forget_agent()
        self._work.cancel(Timer.GUEST)
        self.state = CallState.OFFERED
        self.held = self.muted = False
        self.agent, self.agent_leg = guest.agent, guest.leg
        if guest.up:
            assert self.citizen is not None
            self.agent_answered = True
            self._work.add(do.Connect(citizen_leg=self.citizen, agent_leg=guest.leg))
            self._work.start(Timer.JOIN, self.plan.join_ms)
        else:
            self._work.start(Timer.RING, self.plan.ring_ms + self.plan.ring_grace_ms)

    def _broken_off(self) -> None:
        """The agent's phone died in the conversation: the citizen is heard by the next agent."""
        agent = self.agent
        self._drop_guests()
        self._forget_agent()
        self._work.add(do.StopFork(party=Party.CITIZEN), do.StopFork(party=Party.AGENT))
        self.held = self.muted = False
        self._wait()
        if agent is not None:
            self._work.add(do.ReleaseAgent(agent=agent, outcome=OfferOutcome.UNREACHABLE))
        assert self.citizen is not None
        self._work.add(do.PlaceInQueue(leg=self.citizen))
        self._voice.play(self.citizen, self.plan.queue.apology)

    # ---- the end

    def _end_conversation(self, *, by_agent: bool = False, broken: bool = False) -> None:
        """Hang up whoever is left; the agent goes into wrap-up, which needs no leg."""
        self._drop_guests()
        if self.direction is not Direction.INTERNAL:
            self._work.add(do.StopFork(party=Party.CITIZEN), do.StopFork(party=Party.AGENT))
        if not (by_agent and self._ask_to_rate()):
            self._dismiss_citizen()
        if self.agent_leg is not None:
            self._hang_up(self.agent_leg)
            self.agent_leg = None
        self._leave(broken=broken)

    def _leave(self, *, broken: bool = False) -> None:
        """The agent's part ends: wrap-up, or nothing where their phone died or no citizen was served."""
        self.ended_ms = self._work.now_ms
        agent = self.agent
        if agent is None:
            self.state = CallState.ENDED
        elif broken or self.direction is Direction.INTERNAL:
            self.state = CallState.ENDED
            self._forget_agent()
            outcome = OfferOutcome.UNREACHABLE if broken else OfferOutcome.PASSED_ON
            self._work.add(do.ReleaseAgent(agent=agent, outcome=outcome))
        else:
            self.state = CallState.WRAP_UP
            self._work.add(do.BeginWrapUp(agent=agent))
            if self._agent_left:
                self._end_wrap_up()
            else:
                self._work.start(Timer.WRAP_UP, self.plan.wrap_up_limit(self.skill))

    def _end_wrap_up(self) -> None:
        assert self.agent is not None
        self._work.cancel(Timer.WRAP_UP)
        self.state = CallState.ENDED
        self._work.add(do.EndWrapUp(agent=self.agent))

    # ---- the survey

    def _ask_to_rate(self) -> bool:
        survey = self.plan.survey
        if not survey.ask or self.direction is not Direction.INBOUND or self.citizen is None or self.citizen_gone:
            return False
        self._hold(False)
        self.surveying = True
        self._rated = self.agent
        self._voice.hush()
        self._voice.play(self.citizen, survey.ask)
        self._work.start(Timer.SURVEY, survey.wait_ms)
        return True

    def _rate(self, digit: str) -> None:
        assert self.citizen is not None
        if digit not in SCORES:
            return
        self.surveying = False
        score, survey = int(digit), self.plan.survey
        self._work.add(do.Note(event=ev.CitizenRated(agent=self._rated, score=score)))
        self._voice.hush()
        words = survey.thanks if score >= survey.satisfied_from else survey.low or survey.thanks
        if self._voice.play(self.citizen, words):
            self._work.start(Timer.SURVEY, self.plan.prompt_ms)
        else:
            self._rated_all()

    def _rated_all(self) -> None:
        self.surveying = False
        self._work.cancel(Timer.SURVEY)
        self._voice.hush()
        self._dismiss_citizen()
