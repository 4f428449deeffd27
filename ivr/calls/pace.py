"""How many calls an agent is offered in an hour, where there is a limit (限量接听). Pure; the caller has the clock."""

from collections import defaultdict, deque

from ivr.calls.roster import Agent
from ivr.calls.vocabulary import AgentId

HOUR_MS = 3_600_000


class Pace:
    """Remembers the last hour's calls of agents that have a limit."""

    def __init__(self) -> None:
        self._taken: defaultdict[AgentId, deque[int]] = defaultdict(deque)

    def took(self, agent: Agent, now_ms: int) -> None:
        """The agent talks to somebody."""
        if agent.most_per_hour:
            self._taken[agent.id].append(now_ms)

    def free_at(self, agent: Agent, now_ms: int) -> int | None:
        """When the agent may be offered a call again; None for at once."""
        taken = self._taken.get(agent.id)
        if taken is None:
            return None
        while taken and taken[0] <= now_ms - HOUR_MS:
            taken.popleft()
        if len(taken) < agent.most_per_hour:
            return None
        return taken[-agent.most_per_hour] + HOUR_MS
