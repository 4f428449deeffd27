"""How the queue treats whom: what a call asks for, by skill and class of caller. Made from site and settings. Pure."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from ivr.calls.acd import Demand, Server, Step
from ivr.calls.caller import Caller
from ivr.calls.roster import Seat
from ivr.calls.vocabulary import CallerClass, Skill


class Strategy(StrEnum):
    """Which of several equal idle agents is offered the call."""

    LONGEST_IDLE = "longest_idle"
    FEWEST_CALLS = "fewest_calls"


class QueueRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one hotline.

    `ahead_ms` is the head start of a class: it goes before everybody who has waited no longer than that. `steps` says
    what else a call for a skill may have as it waits; without an entry it waits for the skill alone.
    """

    strategy: Strategy = Strategy.LONGEST_IDLE
    ahead_ms: Mapping[CallerClass, int] = {}
    steps: Mapping[Skill, tuple[Step, ...]] = {}

    def demand(self, skill: Skill, caller: Caller, entered_ms: int) -> Demand:
        """What a call asks for."""
        return Demand(
            steps=self.steps.get(skill) or (Step(skill=skill),),
            entered_ms=entered_ms,
            caller=caller.kind,
            ahead_ms=self.ahead_ms.get(caller.kind, 0),
            preferred=caller.preferred,
        )

    def server(self, seat: Seat) -> Server:
        """What an available agent offers."""
        agent = seat.agent
        rank = seat.idle_rank
        if self.strategy is Strategy.FEWEST_CALLS:
            rank += seat.taken * _RANKS
        return Server(levels=agent.levels, rank=rank, kept_for=agent.kept_for)


_RANKS = 10**9
"""More than a server ever gives out."""

PLAIN_RULES = QueueRules()
"""One class of callers, the longest idle first, no overflow."""
