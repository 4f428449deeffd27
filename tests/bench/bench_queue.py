"""The queue engine: how long a decision takes, and a city's year of calls against queueing theory.

python -m tests.bench.bench_queue [calls]
"""

import random
import sys
import time
from itertools import count

from ivr.calls.acd import Acd, Demand, Server, Step
from ivr.calls.estimate import Estimator
from ivr.calls.vocabulary import AgentId, CallerClass, CallId, Skill
from tests.bench.measure import memory, say, took
from tests.erlang import erlang_a, erlang_c
from tests.simulation import Centre, corrected, run

YEAR = 9_400_000
"""Calls of a year in the largest city (上海, reported)."""
BATCH = 5_000
AGENTS, WAITING = 1_000, 5_000
NEAR = 0.01
VECTOR = Centre(rate=100 / 1800, handle_s=180, agents=14)
IMPATIENT = Centre(rate=100 / 1800, handle_s=180, agents=10, patience_s=120)


def decisions() -> bool:
    """Agents and callers of ten skills, four levels and classes, with overflow; half the agents kept busy by nobody."""
    dice = random.Random(1)
    skills = [Skill(f"s{n}") for n in range(10)]
    acd, estimator = Acd(), Estimator()

    def demand(at: int) -> Demand:
        wanted, overflow = dice.sample(skills[:9], 2)
        kind = dice.choice(list(CallerClass))
        steps = (
            Step(skill=wanted, least_level=dice.randint(1, 3)),
            Step(skill=wanted, after_ms=20_000),
            Step(skill=overflow, after_ms=60_000, anybody=dice.random() < 0.5),
        )
        return Demand(steps=steps, entered_ms=at, caller=kind, ahead_ms=30_000 if kind != CallerClass.ORDINARY else 0)

    def server(*of: Skill) -> Server:
        kept = frozenset({CallerClass.EMERGENCY}) if dice.random() < 0.1 else frozenset[CallerClass]()
        return Server(levels={skill: dice.randint(1, 4) for skill in of}, rank=next(ranks), kept_for=kept)

    ranks, calls = count(), count()
    now = 0
    for _ in range(WAITING):
        now += 10
        acd.join(CallId(f"c{next(calls)}"), demand(now), now)
    for n in range(AGENTS):  # idle, but none of those who wait may have them
        agent = AgentId(f"idle{n}")
        estimator.arrived(agent, frozenset({skills[9]}))
        acd.agent_free(agent, server(skills[9]))

    def decide(n: int) -> None:
        nonlocal now
        now += 10
        busy = AgentId(f"busy{n % AGENTS}")
        acd.agent_free(busy, server(*dice.sample(skills[:9], 3)))
        acd.agent_busy(busy)
        call = CallId(f"c{next(calls)}")
        acd.join(call, demand(now), now)
        acd.advance(now)
        if call in acd:
            acd.ahead(call)
            estimator.wait_ms(acd, call)
        while len(acd) > WAITING:
            acd.withdraw(next(iter(acd.calls)))

    return took(f"a decision, {AGENTS} agents, {WAITING} waiting", decide, range(5_000), limit_ms=1, at=0.99)


def compare(name: str, centre: Centre, calls: int, seed: int) -> bool:
    """One run against theory."""
    began, worked = time.perf_counter(), time.process_time()
    batches = list(run(centre, calls, seed, BATCH))
    wall, cpu = time.perf_counter() - began, time.process_time() - worked
    patience = centre.patience_s
    theory = (
        erlang_c(centre.rate, centre.handle_s, centre.agents, centre.within_s)
        if patience is None
        else erlang_a(centre.rate, centre.handle_s, centre.agents, patience, centre.within_s)
    )
    say(f"{name}: {calls} calls in {wall:.0f} s ({cpu / calls * 1e6:.1f} us of processor a call), {memory()}")
    kept = True
    for figure, of, expected in (
        ("mean wait, s", lambda batch: batch.asa, theory.asa),
        (f"answered within {centre.within_s:g} s", lambda batch: batch.within, theory.within),
        ("abandoned", lambda batch: batch.abandoned, theory.abandoned),
    ):
        if not expected:
            continue
        mean, error = corrected(centre, batches, of)
        off = mean / expected - 1
        kept = kept and abs(off) <= NEAR
        say(
            f"  {figure}: {mean:.5f} (standard error {error / expected:.2%}), theory {expected:.5f}, {off:+.2%}; "
            f"goal within 1 %: {'kept' if abs(off) <= NEAR else 'MISSED'}"
        )
    return kept


if __name__ == "__main__":
    year = int(sys.argv[1]) if len(sys.argv) > 1 else YEAR
    results = [
        decisions(),
        compare("Erlang C, 100 calls in 30 min, 180 s, 14 agents", VECTOR, year, seed=2026),
        compare("Erlang A, the same load on 10 agents, patience 120 s", IMPATIENT, year // 5, seed=2026),
    ]
    sys.exit(0 if all(results) else 1)
