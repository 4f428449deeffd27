"""How long a waiting citizen has yet to wait: an honest quantile of what the queue is going to do. Pure.

While everybody is busy, agents of a skill become free at the rate (agents / mean handle time), so the wait behind `k`
others is the sum of `k + 1` such gaps: Gamma(k + 1). Told is a high quantile of it, not its mean, so that most callers
are served sooner than they were told; those who give up before them only help. Agents shared between skills serve
both: a caller of another skill who ranks before counts by the share of that skill's agents who could also serve this
one.
"""

from collections import Counter, deque
from statistics import NormalDist

from ivr.calls.acd import Acd
from ivr.calls.vocabulary import AgentId, CallId, Skill

KEPT = 200
"""Handle times remembered: the mean follows the last hour or so, not the last call."""


class Estimator:
    """What the queue is likely to do. `first_mean_ms` stands for handle times until there are some."""

    def __init__(self, first_mean_ms: int = 180_000, quantile: float = 0.8) -> None:
        self._first_mean_ms = first_mean_ms
        self._z = NormalDist().inv_cdf(quantile)
        self._handled: deque[int] = deque(maxlen=KEPT)
        self._total_ms = 0
        self._present: dict[AgentId, frozenset[Skill]] = {}
        self._having: Counter[Skill] = Counter()
        self._both: Counter[tuple[Skill, Skill]] = Counter()

    @property
    def mean_ms(self) -> float:
        """What a call takes an agent, from the offer to being free again."""
        return self._total_ms / len(self._handled) if self._handled else float(self._first_mean_ms)

    def handled(self, took_ms: int) -> None:
        """An agent was taken up for so long by a call."""
        if len(self._handled) == KEPT:
            self._total_ms -= self._handled[0]
        self._handled.append(took_ms)
        self._total_ms += took_ms

    def arrived(self, agent: AgentId, skills: frozenset[Skill]) -> None:
        """An agent is there for calls, busy or not; harmless when they were."""
        if self._present.get(agent) != skills:
            self.left(agent)
            self._present[agent] = skills
            self._count(skills, 1)

    def left(self, agent: AgentId) -> None:
        """An agent is there no longer; harmless when they were not."""
        skills = self._present.pop(agent, None)
        if skills is not None:
            self._count(skills, -1)

    def wait_ms(self, acd: Acd, call: CallId) -> int | None:
        """How much longer a waiting call will wait at most, most likely; None where nobody is there to serve it.

        Raises `KeyError` for a call that does not wait.
        """
        demand = acd.demand(call)
        skill = demand.skill
        agents = self._having[skill]
        if not agents:
            return None
        ahead = float(acd.ahead(call))
        for other in acd.waiting():
            if other != skill and (both := self._both[other, skill]):
                ahead += acd.ranked_before(other, demand.rank) * both / self._having[other]
        return round(_gamma_quantile(ahead + 1, self._z) * self.mean_ms / agents)

    def _count(self, skills: frozenset[Skill], by: int) -> None:
        for skill in skills:
            self._having[skill] += by
            for other in skills:
                self._both[skill, other] += by


def _gamma_quantile(shape: float, z: float) -> float:
    """Of Gamma(shape, 1), by Wilson and Hilferty; within 1 % for any shape from 1 on and quantiles around 0.8."""
    ninth = 1 / (9 * shape)
    return float(shape * (1 - ninth + z * ninth**0.5) ** 3)
