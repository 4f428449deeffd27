"""Queueing theory, for what a simulated queue must show: Erlang C (nobody leaves) and Erlang A (patience runs out)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Chances = NDArray[np.float64]


@dataclass(frozen=True)
class Theory:
    """What theory says. Times in seconds; `within` is answered within T of all; `asa` the mean wait of all calls."""

    waits: float
    within: float
    asa: float
    abandoned: float
    occupancy: float


def erlang_c(rate: float, handle_s: float, agents: int, within_s: float) -> Theory:
    """M/M/N without abandonment; `rate` calls a second."""
    load = rate * handle_s
    tail = load**agents / math.factorial(agents) * agents / (agents - load)
    waits = tail / (sum(load**k / math.factorial(k) for k in range(agents)) + tail)
    gap = handle_s / (agents - load)
    return Theory(waits, 1 - waits * math.exp(-within_s / gap), waits * gap, 0.0, load / agents)


def erlang_a(rate: float, handle_s: float, agents: int, patience_s: float, within_s: float) -> Theory:
    """M/M/N+M: a birth-death chain with death rate min(n, N) / handle + max(n - N, 0) / patience."""
    served, lost = 1 / handle_s, 1 / patience_s
    states = agents + 40 + 20 * math.ceil(math.sqrt(agents))
    weights = [1.0]
    for n in range(1, states):
        weights.append(weights[-1] * rate / (min(n, agents) * served + max(n - agents, 0) * lost))
    chance = np.array(weights) / sum(weights)
    queue = float(sum((n - agents) * chance[n] for n in range(agents, states)))
    abandoned = lost * queue / rate
    busy = float(sum(min(n, agents) * chance[n] for n in range(states)))
    in_time = float(chance[:agents].sum()) + float(
        chance[agents:] @ _served_within(states - agents, agents * served, lost, within_s)
    )
    return Theory(float(chance[agents:].sum()), in_time, queue / rate, abandoned, busy / agents)


def _served_within(places: int, served: float, lost: float, within_s: float, steps: int = 4_000) -> _Chances:
    """The chance to be served within T behind k others, for each k, while one's own patience and theirs run.

    The backward equation of the place in the queue, by Runge and Kutta.
    """
    ahead = np.arange(places)
    on = served + ahead * lost
    found = np.zeros(places)
    step = within_s / steps

    def slope(now: _Chances) -> _Chances:
        nearer = np.concatenate((np.ones(1), now[:-1]))
        change: _Chances = on * (nearer - now) - lost * now
        return change

    for _ in range(steps):
        one = slope(found)
        two = slope(found + step / 2 * one)
        three = slope(found + step / 2 * two)
        found = found + step / 6 * (one + 2 * two + 2 * three + slope(found + step * three))
    return found
