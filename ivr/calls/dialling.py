"""Calls the hotline makes itself: outbound and callback, colleague to colleague, and citizens who keep their place.

The agent's phone rings first; when it is answered the other party is dialled, and the agent hears it ring. A citizen is
dialled once and never again: how that ended is recorded (`Dialled`), and whoever keeps the callback queue goes by it.
"""

from ivr.calls import effects as do
from ivr.calls import events as ev
from ivr.calls.guests import DIAL_OUTCOMES, OFFER_OUTCOMES
from ivr.calls.talk import Talk
from ivr.calls.vocabulary import CallState, DialOutcome, Direction, HangupCause, OfferOutcome, Party
from ivr.calls.work import Timer

BACK = "-back"
"""What the recording of calling somebody back is named after the call's own, which holds their wait."""


class Dialling(Talk):
    """From `dialling` to `connected`, or to the end."""

    _endpoint = ""

    def _placed(self, event: ev.CallPlaced) -> None:
        if self.citizen is not None or self.agent is not None:
            return
        self.direction = event.direction
        self.caller_number = event.number
        self.dialled = event.number or ""
        self.agent = event.agent
        self.callee = event.callee
        self.entered_ms = self._work.now_ms
        self.citizen_gone = True
        self.state = CallState.DIALLING
        self.agent_leg = self._next_leg("agent")
        self._endpoint = event.endpoint
        ring_ms = self.plan.ring_ms
        call_in = do.CallIn(leg=self.agent_leg, party=Party.AGENT, endpoint=event.agent_endpoint, ring_ms=ring_ms)
        self._work.add(call_in)
        self._work.start(Timer.RING, ring_ms + self.plan.ring_grace_ms)

    def _dial(self) -> None:
        """The agent is there: now the other."""
        assert self.agent_leg is not None
        self.state = CallState.DIALLING
        self.agent_answered = True
        self.citizen = self._next_leg("citizen")
        self.citizen_gone = False
        self._voice.hush()
        self._voice.play(self.agent_leg, self.plan.ringback)
        ring_ms = self.plan.dial_ms
        names = {Direction.OUTBOUND: str(self.call), Direction.INBOUND: f"{self.call}{BACK}"}
        record = names.get(self.direction)
        call_in = do.CallIn(
            leg=self.citizen, party=Party.CITIZEN, endpoint=self._endpoint, ring_ms=ring_ms, record=record
        )
        self._work.add(call_in)
        self._work.start(Timer.RING, ring_ms + self.plan.ring_grace_ms)

    def _party_answered(self) -> None:
        assert self.citizen is not None
        assert self.agent_leg is not None
        self._work.cancel(Timer.RING)
        self._voice.hush()
        self._work.start(Timer.JOIN, self.plan.join_ms)
        self._work.add(do.Connect(citizen_leg=self.citizen, agent_leg=self.agent_leg))

    def _party_joined(self) -> None:
        self._work.add(do.Note(event=ev.Dialled(outcome=DialOutcome.REACHED)))
        self._connected()

    def _party_missed(self, cause: HangupCause) -> None:
        """The other did not come; their leg is gone or asked to go."""
        agent, leg = self.agent, self.agent_leg
        self._release_callee(cause)
        self._forget_agent()
        self._let_go(agent, leg, OfferOutcome.WITHDRAWN)
        self._undialled(DIAL_OUTCOMES[cause])

    def _dialler_left(self, outcome: OfferOutcome) -> None:
        """The agent did not answer, put the phone down, or gave up."""
        agent, leg = self.agent, self.agent_leg
        self._forget_agent()
        if self.citizen is not None and not self.citizen_gone:
            self._hang_up(self.citizen)  # a colleague is free when their phone has stopped ringing
        else:
            self._release_callee(HangupCause.LOST)
        self._let_go(agent, leg, outcome)
        self._undialled(DialOutcome.WITHDRAWN)

    def _undialled(self, outcome: DialOutcome) -> None:
        self._work.cancel(Timer.RING, Timer.JOIN)
        self._voice.hush()
        self._work.add(do.Note(event=ev.Dialled(outcome=outcome)))
        self.state = CallState.ABANDONED if self.direction is Direction.INBOUND else CallState.ENDED
        self.ended_ms = self._work.now_ms

    def _release_callee(self, cause: HangupCause) -> None:
        if self.callee is not None:
            talked = self.state is not CallState.DIALLING
            outcome = OfferOutcome.PASSED_ON if talked else OFFER_OUTCOMES[cause]
            self._work.add(do.ReleaseAgent(agent=self.callee, outcome=outcome))
            self.callee = None

    def _dial_rings_on(self) -> None:
        if not self.agent_answered:
            self._dialler_left(OfferOutcome.NO_ANSWER)
        elif self.citizen is not None:
            self._hang_up(self.citizen, HangupCause.NO_ANSWER)
            self._party_missed(HangupCause.NO_ANSWER)

    # ---- a place kept

    def _keep_place(self) -> None:
        """The citizen wants to be called when their turn comes."""
        assert self.citizen is not None
        if self.keeping or self.caller_number is None or self.plan.outside is None:
            return
        self.keeping = True
        self._endpoint = self.plan.outside.format(number=self.caller_number)
        self._work.add(do.Note(event=ev.PlaceKept()))
        self._work.cancel(Timer.COMFORT, Timer.MAX_WAIT)
        self._voice.hush()
        if self._voice.play(self.citizen, self.plan.place_kept):
            self._work.start(Timer.PROMPT, self.plan.prompt_ms)
        else:
            self._hang_up(self.citizen)
