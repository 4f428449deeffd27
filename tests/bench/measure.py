"""How long things take: the same four numbers for every benchmark of pure code."""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

_Item = TypeVar("_Item")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def took(name: str, work: Callable[[_Item], object], items: Iterable[_Item], *, limit_ms: float, at: float) -> bool:
    """Time `work` on each item; whether the `at` quantile of its processor time keeps `limit_ms`.

    The goal is judged by the time the processor worked on it, so that a busy machine does not fail it; the time on the
    wall stands beside it.
    """
    cpu, wall = [], []
    for item in items:
        began, worked = time.perf_counter(), time.thread_time()
        work(item)
        cpu.append((time.thread_time() - worked) * 1000)
        wall.append((time.perf_counter() - began) * 1000)
    cuts, seen = statistics.quantiles(cpu, n=100), statistics.quantiles(wall, n=100)
    kept = cuts[round(at * 100) - 1] <= limit_ms
    say(
        f"{name}: n={len(cpu)} processor p50={cuts[49]:.2f} p95={cuts[94]:.2f} p99={cuts[98]:.2f} ms, "
        f"wall p50={seen[49]:.2f} p99={seen[98]:.2f} ms; "
        f"goal p{at * 100:.0f} <= {limit_ms:g} ms: {'kept' if kept else 'MISSED'}"
    )
    return kept


def memory() -> str:
    """The most memory this process has held."""
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
