"""All measures of a period in one document with plain names, for people and programs. Pure.

Every rate carries its numerator, its denominator, what is left out of it and how often, and its definition in one
line. Rates are fractions of 1, times are seconds; both are rounded to six places. docs/reference/measures.md explains
each key.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from ivr.calls.figures import CallFigures, ClockStart
from ivr.calls.measures import Formula, Measures, measure
from ivr.calls.ratios import Mean, Ratio
from ivr.calls.redial import first_dial_rate
from ivr.calls.worst_day import DAY, worst_day

NATIONAL_MS = 15_000
"""GB/T 33358-2016: an answer within 15 s."""

DEFINITIONS = {
    Formula.FORGIVING: "(answered within T + unanswered and gone within T) / (answered + unanswered)",
    Formula.ANSWERED_ONLY: "answered within T / answered",
    Formula.STRICT: "answered within T / (answered + unanswered)",
    Formula.LATE_ABANDONS: "answered within T / (answered + unanswered and gone after T)",
    Formula.SHORT_AS_GOOD: "(answered within T + abandoned within the short time) / (answered + unanswered)",
}


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A fraction of 1, or a mean in seconds where `unit` says so; `value` is None where there is nothing to divide by.

    `numerator` and `denominator` are counts, or seconds. `exclusions` are what neither holds.
    """

    value: float | None
    numerator: float
    denominator: float
    exclusions: dict[str, float]
    definition: str
    unit: str = "fraction"


class ServiceLevel(Rate, frozen=True, kw_only=True):
    """One of the five published formulas, by ICMI's number."""

    formula: int


class WorstDay(Rate, frozen=True, kw_only=True):
    """The worst continuous 24 hours; `begin` inclusive, `end` exclusive, UTC."""

    begin: datetime
    end: datetime


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a set of calls for one start of the clock. `gone_within` counts the unanswered up to T."""

    offered: int
    answered: int
    abandoned: int
    short_abandoned: int
    given_back: int
    undecided: int
    left_before_queue: int
    answered_within: int
    gone_within: int
    missed_offers: int
    answer_rate: Rate
    fifteen_second_rate: Rate
    service_level: dict[str, ServiceLevel]
    abandonment: Rate
    asa: Rate
    aht: Rate
    longest_wait_s: float


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is made with. Milliseconds; `first_dial` is the grouping window of first dials."""

    start: ClockStart = ClockStart.QUEUE_ENTRY
    within_ms: int = NATIONAL_MS
    short_ms: int = 5_000
    first_dial: timedelta = timedelta(minutes=30)


def figures(calls: Sequence[CallFigures], terms: Terms) -> Figures:
    """The figures of `calls`."""
    found = measure(calls, terms.start, terms.within_ms, terms.short_ms)
    national = measure(calls, terms.start, NATIONAL_MS, terms.short_ms)
    return Figures(
        offered=found.offered,
        answered=found.answered,
        abandoned=found.abandoned,
        short_abandoned=found.lost_short,
        given_back=found.given_back,
        undecided=found.undecided,
        left_before_queue=found.never_queued,
        answered_within=found.answered_within,
        gone_within=found.lost_within,
        missed_offers=found.missed_offers,
        answer_rate=rate(found.answer_rate, "answered / (answered + unanswered); unanswered: abandoned or given back"),
        fifteen_second_rate=rate(national.service_level(), "answered within 15 s / (answered + unanswered)"),
        service_level={formula.name.lower(): _level(found, formula) for formula in Formula},
        abandonment=rate(found.abandon_rate, "(abandoned - short) / (answered + unanswered - short)"),
        asa=mean(found.speed_of_answer, "sum of the waits of the answered / answered"),
        aht=mean(found.handle_time, "(talk with hold + after-call work) of the handled / handled"),
        longest_wait_s=seconds(max(found.answered_waits.longest_ms, found.lost_waits.longest_ms)),
    )


def by_queue(calls: Sequence[CallFigures], terms: Terms) -> dict[str, Figures]:
    """The figures of each queue."""
    queues: dict[str, list[CallFigures]] = defaultdict(list)
    for call in calls:
        if call.queue is not None:
            queues[call.queue].append(call)
    return {queue: figures(found, terms) for queue, found in sorted(queues.items())}


def first_dials(calls: Sequence[CallFigures], terms: Terms, since: datetime | None = None) -> Rate:
    """首拨接通率; `calls` may begin one grouping window before `since`."""
    minutes = terms.first_dial / timedelta(minutes=1)
    return rate(
        first_dial_rate(calls, terms.first_dial, since),
        f"first dials answered / first dials; first: no call of the same number in the {minutes:g} minutes before",
    )


def worst_days(
    calls: Sequence[CallFigures], terms: Terms, period: tuple[datetime, datetime] | None = None
) -> dict[str, WorstDay | None]:
    """The worst continuous 24 hours by answer rate and by 15-second rate, each found exactly."""
    inside = [call for call in calls if not call.decided or call.wait_ms(terms.start) is not None]

    def in_time(call: CallFigures) -> bool:
        wait = call.wait_ms(terms.start)
        return call.answered_ms is not None and wait is not None and wait <= NATIONAL_MS

    return {
        "answer_rate": _worst(worst_day(inside, period=period), "answer rate", inside, period),
        "fifteen_second_rate": _worst(worst_day(inside, in_time, period=period), "15-second rate", inside, period),
    }


def rate(ratio: Ratio, definition: str) -> Rate:
    """A ratio as it is printed."""
    return Rate(
        value=_rounded(ratio.value),
        numerator=ratio.part,
        denominator=ratio.of,
        exclusions=dict(ratio.left_out),
        definition=definition,
    )


def mean(found: Mean, definition: str) -> Rate:
    """A mean time as it is printed: seconds."""
    value = found.value_ms
    return Rate(
        value=None if value is None else _rounded(value / 1000),
        numerator=seconds(found.total_ms),
        denominator=found.of,
        exclusions=dict(found.left_out),
        definition=definition,
        unit="s",
    )


def in_seconds(ratio: Ratio, definition: str) -> Rate:
    """A ratio of times as it is printed: both sides in seconds."""
    return Rate(
        value=_rounded(ratio.value),
        numerator=seconds(ratio.part),
        denominator=seconds(ratio.of),
        exclusions={why.replace("ms ", "s "): seconds(n) if why.startswith("ms ") else n for why, n in ratio.left_out},
        definition=definition,
    )


def seconds(ms: int) -> float:
    """Milliseconds as seconds."""
    return ms / 1000


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _level(found: Measures, formula: Formula) -> ServiceLevel:
    printed = rate(found.service_level(formula), DEFINITIONS[formula])
    return ServiceLevel(formula=formula.value, **msgspec.structs.asdict(printed))


def _worst(
    found: tuple[datetime, Ratio] | None,
    what: str,
    calls: Sequence[CallFigures],
    period: tuple[datetime, datetime] | None,
) -> WorstDay | None:
    if found is None:
        return None
    begin, ratio = found
    printed = rate(ratio, f"lowest {what} of all windows [begin, begin + 24 h) inside the period")
    last = period[1] if period is not None else calls[-1].arrived_at + timedelta(microseconds=1)
    return WorstDay(begin=begin, end=min(begin + DAY, last), **msgspec.structs.asdict(printed))
