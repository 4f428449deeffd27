"""A contact centre on virtual time: callers, agents and the queue engine itself, nothing else.

Arrivals are Poisson, handle times and patience exponential: what theory assumes, so that the engine can be held to it.
Every figure is the product's own fold (`ivr.calls.measures.Sums`).
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heappop, heappush

import numpy as np

from ivr.calls.acd import Acd, Demand, Match, Server, Step
from ivr.calls.figures import CallFigures, ClockStart
from ivr.calls.measures import Measures, Sums
from ivr.calls.vocabulary import AgentId, CallId, Skill

SKILL = Skill("general")
STEPS = (Step(skill=SKILL),)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ENDS, LEAVES = 0, 1


@dataclass(frozen=True)
class Centre:
    """`rate` calls a second; times in seconds. Without `patience_s` nobody hangs up."""

    rate: float
    handle_s: float
    agents: int
    patience_s: float | None = None
    within_s: float = 20.0


@dataclass(frozen=True)
class Batch:
    """The figures of some callers; `crowded` of them would have met `agents` or more had all been served at once.

    How often that is, is known exactly whatever the queue does (`crowd`), and when by chance it is more often, waits
    are longer: so a batch's waits can be corrected for the luck of its dice (a control variate).
    """

    measures: Measures
    crowded: int

    @property
    def asa(self) -> float:
        """The mean wait of all, in seconds."""
        found = self.measures
        return (found.answered_waits.total_ms + found.lost_waits.total_ms) / 1000 / found.offered

    @property
    def within(self) -> float:
        """The share answered in time, of all."""
        return self.measures.answered_within / self.measures.offered

    @property
    def abandoned(self) -> float:
        """The share that hung up."""
        return self.measures.abandoned / self.measures.offered


def crowd(centre: Centre) -> float:
    """The chance to meet `agents` or more in a centre that serves all at once: Poisson."""
    load = centre.rate * centre.handle_s
    return 1 - sum(math.exp(-load) * load**n / math.factorial(n) for n in range(centre.agents))


def corrected(centre: Centre, batches: Sequence[Batch], figure: Callable[[Batch], float]) -> tuple[float, float]:
    """The mean of a figure and its standard error, corrected for luck by regression on the crowd."""
    y = np.array([figure(batch) for batch in batches])
    x = np.array([batch.crowded / batch.measures.offered for batch in batches]) - crowd(centre)
    slope = float(np.cov(x, y)[0, 1] / np.var(x, ddof=1))
    residue = y - slope * x
    return float(residue.mean()), float(residue.std(ddof=2) / math.sqrt(len(batches)))


def run(centre: Centre, calls: int, seed: int, batch: int, warm_up: int = 10_000) -> Iterator[Batch]:
    """The figures of each `batch` of callers, after a warm-up."""
    dice = random.Random(seed)
    exponential = dice.expovariate
    rate, handled, patience = centre.rate / 1000, 1 / (centre.handle_s * 1000), centre.patience_s
    acd = Acd()
    for n in range(centre.agents):
        acd.agent_free(AgentId(f"a{n}"), Server(levels={SKILL: 1}, rank=n))
    ranks = centre.agents
    ahead: list[tuple[int, int, str]] = []  # what is going to happen: when, what, to whom
    at_once: list[int] = []  # when those would go who are served at once
    arrived: dict[CallId, _Caller] = {}
    counts: dict[int, _Count] = {}
    now, number = 0, 0
    arrival = exponential(rate)
    total = warm_up + calls

    def settle(name: CallId, answered: bool) -> Iterator[Batch]:
        caller = arrived.pop(name)
        count = counts.get(caller.batch)
        if count is None:
            return
        waited = now - caller.at
        count.sums.add(
            CallFigures(
                call=name,
                arrived_at=BEGIN,
                queued_ms=0,
                answered_ms=waited if answered else None,
                left_ms=None if answered else waited,
            )
        )
        count.left -= 1
        if not count.left:
            del counts[caller.batch]
            yield Batch(count.sums.measures(), count.crowded)

    def seize(matches: list[Match]) -> Iterator[Batch]:
        for match in matches:
            heappush(ahead, (now + arrived[match.call].takes, ENDS, match.agent))
            yield from settle(match.call, answered=True)

    while number < total or arrived:
        if number < total and (not ahead or arrival <= ahead[0][0]):
            now = round(arrival)
            arrival += exponential(rate)
            name, takes = CallId(f"c{number}"), round(exponential(handled))
            arrived[name] = _Caller(now, takes, (number - warm_up) // batch)
            while at_once and at_once[0] <= now:
                heappop(at_once)
            if number >= warm_up:
                begun = (number - warm_up) // batch
                if begun not in counts:
                    counts[begun] = _Count(_sums(centre), min(batch, calls - begun * batch))
                counts[begun].crowded += len(at_once) >= centre.agents
            heappush(at_once, now + takes)
            number += 1
            yield from seize(acd.join(name, Demand(steps=STEPS, entered_ms=now), now))
            if patience is not None and name in acd:
                heappush(ahead, (now + round(exponential(1 / (patience * 1000))), LEAVES, name))
            continue
        now, what, who = heappop(ahead)
        if what == ENDS:
            ranks += 1
            yield from seize(acd.agent_free(AgentId(who), Server(levels={SKILL: 1}, rank=ranks)))
        elif (waiting := CallId(who)) in acd:
            acd.withdraw(waiting)
            yield from settle(waiting, answered=False)


@dataclass(slots=True)
class _Caller:
    at: int
    takes: int
    batch: int


@dataclass(slots=True)
class _Count:
    sums: Sums
    left: int
    crowded: int = 0


def _sums(centre: Centre) -> Sums:
    return Sums(start=ClockStart.QUEUE_ENTRY, within_ms=round(centre.within_s * 1000), short_ms=0)
