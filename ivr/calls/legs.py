"""What every part of a call's machine stands on: its state, its legs, and how legs are let go."""

from ivr.calls import effects as do
from ivr.calls.announcer import Announcer
from ivr.calls.guests import Guest
from ivr.calls.plan import CallPlan
from ivr.calls.vocabulary import (
    AgentId,
    CallId,
    CallState,
    Direction,
    HangupCause,
    LegId,
    OfferOutcome,
    PlaybackId,
    Skill,
)
from ivr.calls.work import Timer, Work


class Legs:
    """A call's state; see `CallSession` for what its fields mean."""

    def __init__(self, call: CallId, plan: CallPlan) -> None:
        self.call = call
        self.plan = plan
        self.state = CallState.ARRIVED
        self.direction = Direction.INBOUND
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
        self.callee: AgentId | None = None
        self.held = False
        self.muted = False
        self.guests: dict[LegId, Guest] = {}
        self.keeping = False
        self.giving_back = False
        self.cut = False
        self.leaving: set[LegId] = set()
        self.gone: set[LegId] = set()
        self._agent_left = False
        self._withdrawn: dict[LegId, AgentId] = {}
        self._chosen: Skill | None = None
        self._numbers: dict[str, int] = {}
        self._unanswered_offers = 0
        self._work = Work()
        self._voice = Announcer(call, plan, self._work)

    @property
    def playback(self) -> PlaybackId | None:
        """What is played at the moment."""
        return self._voice.playback

    @property
    def timers(self) -> dict[Timer, int]:
        """The timers that run and when they are due."""
        return dict(self._work.timers)

    def _next_leg(self, role: str) -> LegId:
        self._numbers[role] = self._numbers.get(role, 0) + 1
        return LegId(f"{self.call}-{role}-{self._numbers[role]}")

    def _count(self, leg: LegId) -> None:
        """Never give out the number of a leg that stands, even one this session did not make."""
        role, _, number = leg.removeprefix(f"{self.call}-").rpartition("-")
        if number.isdecimal():
            self._numbers[role] = max(self._numbers.get(role, 0), int(number))

    def _hang_up(self, leg: LegId, cause: HangupCause = HangupCause.NORMAL) -> None:
        self.leaving.add(leg)
        self._work.add(do.HangUp(leg=leg, cause=cause))
        self._work.start(Timer.LEGS, self.plan.hang_up_ms)

    def _stray(self, leg: LegId) -> None:
        """Nobody's leg, or one held for gone that was answered after all."""
        if leg not in (self.citizen, self.agent_leg) and leg not in self.guests:
            self.gone.discard(leg)
            self._count(leg)
            self._hang_up(leg)

    def _let_go(self, agent: AgentId | None, leg: LegId | None, outcome: OfferOutcome) -> None:
        if leg is not None:
            self._hang_up(leg, HangupCause.NO_ANSWER if outcome is OfferOutcome.NO_ANSWER else HangupCause.NORMAL)
        if agent is None:
            return
        if leg is not None and outcome is OfferOutcome.WITHDRAWN:
            self._withdrawn[leg] = agent  # free for the next call, but not while this one still rings
        else:
            self._work.add(do.ReleaseAgent(agent=agent, outcome=outcome))

    def _forget_agent(self) -> None:
        self.agent = None
        self.agent_leg = None
        self.agent_answered = False
        self._agent_left = False
