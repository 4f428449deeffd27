"""The worst continuous 24 hours, found exactly. Pure.

GB/T 33358-2016 asks for 95 % in any continuous 24 hours. A window is [begin, begin + 24 h), wholly inside the period
looked at; calls belong to the window they arrived in. As its begin moves on, a window changes only just after an
arrival, which leaves it, and just after 24 h before one, which enters it: these begins show every window there is. A
period shorter than a day is one window.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import accumulate

from ivr.calls.figures import CallFigures
from ivr.calls.ratios import Ratio

DAY = timedelta(hours=24)
TICK = timedelta(microseconds=1)
"""The smallest step of time there is here: a window that begins a tick after a call does not hold it."""


def worst_day(
    calls: Sequence[CallFigures],
    good: Callable[[CallFigures], bool] = lambda call: call.answered_ms is not None,
    *,
    name: str = "worst 24 h answer rate",
    period: tuple[datetime, datetime] | None = None,
) -> tuple[datetime, Ratio] | None:
    """The lowest share of `good` calls over any continuous 24 h, and when that began; the earliest of equals.

    `calls` in order of arrival; the undecided are left out. `period` is [begin, end) and by default reaches from the
    first arrival through the last. None without a decided call.
    """
    decided = [call for call in calls if call.decided]
    if not decided:
        return None
    arrivals = [call.arrived_at for call in decided]
    counted = [0, *accumulate(int(good(call)) for call in decided)]
    begin, end = period or (arrivals[0], arrivals[-1] + TICK)
    left_out = (("undecided", len(calls) - len(decided)),)

    def window(first: datetime, until: datetime) -> tuple[int, int]:
        low, high = bisect_left(arrivals, first), bisect_left(arrivals, until)
        return counted[high] - counted[low], high - low

    last = end - DAY
    if last < begin:
        part, of = window(begin, end)
        return (begin, Ratio(name=name, part=part, of=of, left_out=left_out)) if of else None
    edges = {begin, *(at + TICK for at in arrivals), *(at - DAY + TICK for at in arrivals)}
    worst: tuple[datetime, int, int] | None = None
    for edge in sorted(edge for edge in edges if begin <= edge <= last):
        part, of = window(edge, edge + DAY)
        if of and (worst is None or part * worst[2] < worst[1] * of):
            worst = (edge, part, of)
    if worst is None:
        return None
    return worst[0], Ratio(name=name, part=worst[1], of=worst[2], left_out=left_out)
