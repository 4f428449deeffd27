"""The queue engine against queueing theory, on virtual time. The bench runs it for a city's year."""

import math
import random
from collections.abc import Callable
from heapq import heapify, heappop, heappush

import pytest

from ivr.calls.acd import Acd, Demand, Server, Step
from ivr.calls.estimate import Estimator
from ivr.calls.vocabulary import AgentId, CallId
from tests.erlang import erlang_a, erlang_c
from tests.simulation import SKILL, Batch, Centre, corrected, run

VECTOR = Centre(rate=100 / 1800, handle_s=180, agents=14)
"""100 calls in half an hour of 180 s: 10 erlangs on 14 agents."""
CERTAIN = 4.5
"""Standard errors; a fair simulation is further off once in a hundred thousand runs."""


def test_erlang_c_gives_the_published_vector() -> None:
    theory = erlang_c(VECTOR.rate, 180, 14, 20)
    found = (round(theory.waits, 5), round(theory.within, 5), round(theory.asa, 3), round(theory.occupancy, 4))
    assert found == (0.17413, 0.88835, 7.836, 0.7143)


def test_erlang_a_is_erlang_c_where_nobody_hangs_up_and_poisson_where_all_leave_like_served() -> None:
    patient, never = erlang_a(VECTOR.rate, 180, 14, 1e9, 20), erlang_c(VECTOR.rate, 180, 14, 20)
    for name in ("waits", "within", "asa", "occupancy"):
        assert getattr(patient, name) == pytest.approx(getattr(never, name), rel=1e-4)
    poisson = sum(math.exp(-10) * 10**n / math.factorial(n) for n in range(14))
    assert erlang_a(VECTOR.rate, 180, 14, 180, 20).waits == pytest.approx(1 - poisson, rel=1e-6)


def near(centre: Centre, batches: list[Batch], figure: Callable[[Batch], float], theory: float) -> None:
    """The figure is the theory's, as surely as the batches' spread allows; and the spread allows not much."""
    mean, error = corrected(centre, batches, figure)
    assert abs(mean - theory) < CERTAIN * error
    assert error < 0.05 * theory


def test_the_engine_waits_as_erlang_c_says() -> None:
    theory = erlang_c(VECTOR.rate, VECTOR.handle_s, VECTOR.agents, VECTOR.within_s)
    batches = list(run(VECTOR, 80_000, seed=1, batch=2_000, warm_up=2_000))
    assert sum(found.measures.offered for found in batches) == 80_000
    near(VECTOR, batches, lambda batch: batch.asa, theory.asa)
    near(VECTOR, batches, lambda batch: batch.within, theory.within)


def test_the_engine_loses_callers_as_erlang_a_says() -> None:
    centre = Centre(rate=100 / 1800, handle_s=180, agents=10, patience_s=120)
    theory = erlang_a(centre.rate, centre.handle_s, centre.agents, 120, centre.within_s)
    batches = list(run(centre, 60_000, seed=2, batch=2_000, warm_up=2_000))
    near(centre, batches, lambda batch: batch.asa, theory.asa)
    near(centre, batches, lambda batch: batch.within, theory.within)
    near(centre, batches, lambda batch: batch.abandoned, theory.abandoned)


def test_eight_of_ten_callers_wait_no_longer_than_they_were_told() -> None:
    """A busy centre from which nobody hangs up; each caller is told once, on joining the line."""
    dice = random.Random(3)
    acd, estimator = Acd(), Estimator(first_mean_ms=180_000)
    ends: list[tuple[float, str]] = []
    for n in range(20):
        estimator.arrived(AgentId(f"a{n}"), frozenset({SKILL}))
        ends.append((dice.expovariate(1 / 180_000), f"a{n}"))
    heapify(ends)
    told: dict[CallId, tuple[float, int]] = {}
    kept: list[bool] = []
    arrival = 0.0
    for n in range(6_000):
        arrival += dice.expovariate(20.4 / 180_000)  # a little more than they can do
        while ends[0][0] <= arrival:
            at, agent = heappop(ends)
            matches = acd.agent_free(AgentId(agent), Server(levels={SKILL: 1}, rank=0))
            for match in matches:
                since, promised = told.pop(match.call)
                kept.append(at - since <= promised)
                takes = dice.expovariate(1 / 180_000)
                estimator.handled(round(takes))
                heappush(ends, (at + takes, agent))
            if not matches:
                acd.agent_busy(AgentId(agent))
                heappush(ends, (at + 1_000, agent))
        call = CallId(f"c{n}")
        acd.join(call, Demand(steps=(Step(skill=SKILL),), entered_ms=round(arrival)), round(arrival))
        promised_ms = estimator.wait_ms(acd, call)
        assert promised_ms is not None
        told[call] = (arrival, promised_ms)
    assert len(kept) > 4_000
    assert 0.75 <= sum(kept) / len(kept) <= 0.9
