"""How long people did what: a fold over the changes of their states, and the occupancy (利用率) made of it. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from ivr.calls.ratios import Ratio
from ivr.calls.vocabulary import AgentId, AgentState, PauseReason

MS = timedelta(milliseconds=1)
AT_WORK = (AgentState.ON_CALL, AgentState.WRAP_UP)


class AgentMoved(msgspec.Struct, frozen=True, kw_only=True):
    """From `at` (UTC) on an agent does that. `reason` is of a pause."""

    agent: AgentId
    at: datetime
    state: AgentState
    reason: PauseReason | None = None


def times(moves: Iterable[AgentMoved], begin: datetime, end: datetime) -> dict[AgentId, dict[AgentState, int]]:
    """How many milliseconds of [begin, end) each agent spent in each state. `moves` in order of time, of all agents.

    A move before `begin` says in what state an agent came into the period; without one they were logged out.
    """
    standing: dict[AgentId, tuple[datetime, AgentState]] = {}
    spent: dict[AgentId, dict[AgentState, int]] = defaultdict(lambda: defaultdict(int))

    def stood(agent: AgentId, until: datetime) -> None:
        since, state = standing.get(agent, (begin, AgentState.LOGGED_OUT))
        lasted = min(until, end) - max(since, begin)
        if lasted > timedelta(0):
            spent[agent][state] += lasted // MS

    for move in moves:
        stood(move.agent, move.at)
        standing[move.agent] = (move.at, move.state)
    for agent in standing:
        stood(agent, end)
    return {agent: dict(states) for agent, states in spent.items()}


def occupancy(spent: Iterable[Mapping[AgentState, int]], *, left_out: tuple[tuple[str, int], ...] = ()) -> Ratio:
    """(talk + hold + after-call work) / (that + available), in milliseconds. Ringing and pauses are left out."""
    total: dict[AgentState, int] = defaultdict(int)
    for states in spent:
        for state, ms in states.items():
            total[state] += ms
    busy = sum(total[state] for state in AT_WORK)
    apart = (
        ("ms reserved", total[AgentState.RESERVED]),
        ("ms paused", total[AgentState.PAUSED]),
        *left_out,
    )
    return Ratio(name="occupancy", part=busy, of=busy + total[AgentState.AVAILABLE], left_out=apart)
