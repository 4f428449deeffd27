"""The hotline's figures as a fold over its event log: the same log, the same numbers, each with what it is made of.

Definitions:

- offered (呼入): calls that arrived. A call still waiting is undecided and stays out of every rate, counted apart.
- answered (人工接通): citizen and agent heard each other, first time.
- abandoned (放弃): the citizen hung up before that. Short ones (under `short_ms`) are counted apart, never left out.
- given back: returned to the dialplan's fallback; an unanswered call like an abandoned one.
- GB/T 33358-2016 asks for an answer within 15 s without saying when the clock starts, so both starts are offered:
  arrival, or entry into the queue. By the second, who never came so far is left out, counted apart.

Entry into the queue is the first word of the ACD about the call: its place, or its agent.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum, StrEnum

import msgspec

from ivr.calls.events import (
    AgentReserved,
    CallArrived,
    FoundStanding,
    GivenBack,
    LegHungUp,
    LegsJoined,
    QueueMoved,
    Recorded,
)
from ivr.calls.vocabulary import CallId, LegId

DAY = timedelta(hours=24)


class ClockStart(StrEnum):
    """When the citizen's wait begins."""

    ARRIVAL = "arrival"
    QUEUE_ENTRY = "queue_entry"


class Formula(Enum):
    """Service level as ICMI numbers it. `STRICT` is the hotline's: late and lost calls both count against it."""

    FORGIVING = 1  # (answered in time + abandoned in time) / all
    ANSWERED_ONLY = 2  # answered in time / answered
    STRICT = 3  # answered in time / all
    LATE_ABANDONS = 4  # answered in time / (answered + abandoned late)
    SHORT_AS_GOOD = 5  # (answered in time + abandoned short) / all


class CallFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One call's part in the figures. Times are milliseconds since arrival; None where it did not happen."""

    call: CallId
    arrived_at: datetime
    queued_ms: int | None = None
    answered_ms: int | None = None
    left_ms: int | None = None
    given_back: bool = False

    @property
    def decided(self) -> bool:
        """Whether it is known if a person answered."""
        return self.answered_ms is not None or self.left_ms is not None

    def wait_ms(self, start: ClockStart) -> int | None:
        """How long the citizen waited for a person or until they left; None while undecided or never in the queue."""
        end = self.answered_ms if self.answered_ms is not None else self.left_ms
        begin = 0 if start is ClockStart.ARRIVAL else self.queued_ms
        return None if end is None or begin is None else max(0, end - begin)


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """A rate with what it is made of. `left_out` says what its denominator does not hold, and how many."""

    name: str
    part: int
    of: int
    left_out: tuple[tuple[str, int], ...] = ()

    @property
    def value(self) -> float | None:
        """The rate; None where there is nothing to divide by."""
        return self.part / self.of if self.of else None

    def __str__(self) -> str:
        shown = "n/a" if self.value is None else f"{self.value:.2%}"
        apart = "; ".join(f"{count} {why}" for why, count in self.left_out if count)
        return f"{self.name}: {self.part}/{self.of} = {shown}" + (f" (left out: {apart})" if apart else "")


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """How long people waited, in milliseconds; `mean_ms` rounds half up."""

    count: int
    total_ms: int
    longest_ms: int

    @property
    def mean_ms(self) -> int | None:
        """The mean; None where nobody waited."""
        return (2 * self.total_ms + self.count) // (2 * self.count) if self.count else None


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a set of calls for one start of the clock. Counts first; every rate is made of them."""

    start: ClockStart
    within_ms: int
    short_ms: int
    offered: int
    answered: int
    abandoned: int
    given_back: int
    undecided: int
    never_queued: int
    answered_within: int
    lost_within: int
    lost_short: int
    answered_waits: Waits
    lost_waits: Waits

    @property
    def lost(self) -> int:
        """Unanswered calls: abandoned and given back."""
        return self.abandoned + self.given_back

    @property
    def answer_rate(self) -> Ratio:
        """接通率: answered of offered."""
        return Ratio(name="answer rate", part=self.answered, of=self.answered + self.lost, left_out=self._left_out)

    @property
    def abandon_rate(self) -> Ratio:
        """放弃率, short ones left out of both sides."""
        part, of = self.lost - self.lost_short, self.answered + self.lost - self.lost_short
        apart = (*self._left_out, (f"left within {self.short_ms} ms", self.lost_short))
        return Ratio(name="abandon rate", part=part, of=of, left_out=apart)

    def service_level(self, formula: Formula = Formula.STRICT) -> Ratio:
        """`within_ms` 接通率 by one of the published formulas, named in the ratio."""
        in_time, every = self.answered_within, self.answered + self.lost
        part, of = {
            Formula.FORGIVING: (in_time + self.lost_within, every),
            Formula.ANSWERED_ONLY: (in_time, self.answered),
            Formula.STRICT: (in_time, every),
            Formula.LATE_ABANDONS: (in_time, every - self.lost_within),
            Formula.SHORT_AS_GOOD: (in_time + self.lost_short, every),
        }[formula]
        name = f"answered within {self.within_ms} ms of {self.start.value}, formula {formula.value}"
        return Ratio(name=name, part=part, of=of, left_out=self._left_out)

    @property
    def _left_out(self) -> tuple[tuple[str, int], ...]:
        return (("undecided", self.undecided), ("left before the queue", self.never_queued))

    def __str__(self) -> str:
        return "\n".join(
            (
                f"offered {self.offered}: answered {self.answered}, abandoned {self.abandoned} "
                f"(within {self.short_ms} ms: {self.lost_short}), given back {self.given_back}, "
                f"undecided {self.undecided}",
                str(self.answer_rate),
                str(self.service_level()),
                f"mean wait of the answered: {self.answered_waits.mean_ms} ms of {self.answered_waits.count}",
                f"longest wait: {max(self.answered_waits.longest_ms, self.lost_waits.longest_ms)} ms",
            )
        )


class Tally:
    """The fold. Add the records of each call in order of `seq`; calls may interleave."""

    def __init__(self) -> None:
        self._figures: dict[CallId, CallFigures] = {}
        self._citizens: dict[CallId, LegId] = {}

    def add(self, recorded: Recorded) -> None:
        """Count one line of the log."""
        event, ms = recorded.event, recorded.offset_ms
        figures = self._figures.get(recorded.call)
        if figures is None:
            if isinstance(event, CallArrived):
                self._citizens[recorded.call] = event.leg
                self._figures[recorded.call] = CallFigures(call=recorded.call, arrived_at=recorded.at)
            return
        match event:
            case QueueMoved() | AgentReserved() | FoundStanding() if figures.queued_ms is None:
                figures = msgspec.structs.replace(figures, queued_ms=ms)
        citizen = self._citizens[recorded.call]
        match event:
            case LegsJoined(citizen_leg=leg) if leg == citizen and not figures.decided:
                figures = msgspec.structs.replace(figures, answered_ms=ms)
            case FoundStanding(agent_leg=leg) if leg is not None and not figures.decided:
                figures = msgspec.structs.replace(figures, answered_ms=ms)
            case LegHungUp(leg=leg) if leg == citizen and not figures.decided:
                figures = msgspec.structs.replace(figures, left_ms=ms)
            case GivenBack() if not figures.decided:
                figures = msgspec.structs.replace(figures, left_ms=ms, given_back=True)
        self._figures[recorded.call] = figures

    @property
    def calls(self) -> list[CallFigures]:
        """Every call seen, in order of arrival."""
        return sorted(self._figures.values(), key=lambda call: (call.arrived_at, call.call))


def fold(log: Iterable[Recorded]) -> list[CallFigures]:
    """The calls of a log."""
    tally = Tally()
    for recorded in log:
        tally.add(recorded)
    return tally.calls


def measure(
    calls: Iterable[CallFigures],
    start: ClockStart = ClockStart.ARRIVAL,
    within_ms: int = 15_000,
    short_ms: int = 5_000,
) -> Measures:
    """The figures of `calls`. `within_ms` is GB/T 33358-2016's 15 s; in time and short both include their bound."""
    every = list(calls)
    waits = [(call, wait) for call in every if (wait := call.wait_ms(start)) is not None]
    answered = [wait for call, wait in waits if call.answered_ms is not None]
    lost = [wait for call, wait in waits if call.answered_ms is None]
    given_back = sum(call.given_back for call, _ in waits)
    undecided = sum(not call.decided for call in every)
    return Measures(
        start=start,
        within_ms=within_ms,
        short_ms=short_ms,
        offered=len(every),
        answered=len(answered),
        abandoned=len(lost) - given_back,
        given_back=given_back,
        undecided=undecided,
        never_queued=len(every) - undecided - len(waits),
        answered_within=sum(wait <= within_ms for wait in answered),
        lost_within=sum(wait <= within_ms for wait in lost),
        lost_short=sum(wait <= short_ms for wait in lost),
        answered_waits=_waits(answered),
        lost_waits=_waits(lost),
    )


def _waits(waits: Sequence[int]) -> Waits:
    return Waits(count=len(waits), total_ms=sum(waits), longest_ms=max(waits, default=0))


def worst_day(calls: Sequence[CallFigures]) -> tuple[datetime, Ratio] | None:
    """The lowest answer rate over any continuous 24 h and when that began (GB/T 33358-2016 asks for 95 % in each).

    `calls` in order of arrival. A window of 24 h ends with each arrival that lies a day or more after the first; where
    none does, all calls are the one window. None without a decided call.
    """
    decided = [call for call in calls if call.decided]
    if not decided:
        return None
    worst: tuple[datetime, int, int] | None = None
    first = answered = 0
    for last, call in enumerate(decided):
        answered += call.answered_ms is not None
        while decided[first].arrived_at <= call.arrived_at - DAY:
            answered -= decided[first].answered_ms is not None
            first += 1
        whole = call.arrived_at - decided[0].arrived_at >= DAY
        if whole or (last == len(decided) - 1 and worst is None):
            of = last - first + 1
            if worst is None or answered * worst[2] < worst[1] * of:
                worst = (decided[first].arrived_at, answered, of)
    assert worst is not None
    began, part, of = worst
    undecided = len(calls) - len(decided)
    return began, Ratio(name="worst 24 h answer rate", part=part, of=of, left_out=(("undecided", undecided),))
