"""The hotline's figures as a fold over its event log: the same log, the same numbers, each with what it is made of.

Definitions:

- offered (呼入): calls that arrived. A call still waiting is undecided and stays out of every rate, counted apart.
- answered (人工接通): citizen and agent heard each other, first time.
- abandoned (放弃): the citizen hung up before that. Short ones (up to `short_ms`) are counted apart; the abandon rate
  leaves them out of both sides.
- given back: the hotline let go of the citizen (limit of the wait, no agents, a key); unanswered like an abandoned call
  in the answer rate and the service levels, as Asterisk's own queue counts it; not an abandonment.
- handled: answered, the conversation and its after-call work over. Times of work are means over these.
- GB/T 33358-2016 asks for an answer within 15 s without saying when the clock starts, so both starts are offered:
  arrival, or entry into the queue. By the second, who never came so far is left out, counted apart.

The same definitions hold for an Asterisk queue_log (`ivr.calls.queue_log`), where only the second start is known.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

import msgspec

from ivr.calls.figures import CallFigures, ClockStart, Tally, fold
from ivr.calls.ratios import Mean, Ratio, Waits
from ivr.calls.worst_day import worst_day

__all__ = [
    "CallFigures",
    "ClockStart",
    "Formula",
    "Measures",
    "Ratio",
    "Sums",
    "Tally",
    "Waits",
    "fold",
    "measure",
    "worst_day",
]


class Formula(Enum):
    """Service level as ICMI numbers it. `STRICT` is the hotline's: late and lost calls both count against it."""

    FORGIVING = 1  # (answered in time + abandoned in time) / all
    ANSWERED_ONLY = 2  # answered in time / answered
    STRICT = 3  # answered in time / all
    LATE_ABANDONS = 4  # answered in time / (answered + abandoned late)
    SHORT_AS_GOOD = 5  # (answered in time + abandoned short) / all


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a set of calls for one start of the clock. Counts first; every rate is made of them.

    `lost_within` holds the given back, `lost_short` does not. `working` are answered calls whose conversation or
    after-call work is not over; `talk_ms`, `hold_ms` (part of the talk) and `wrap_ms` are of the handled.
    """

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
    handled: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0
    missed_offers: int = 0

    @property
    def lost(self) -> int:
        """Unanswered calls: abandoned and given back."""
        return self.abandoned + self.given_back

    @property
    def working(self) -> int:
        """Answered and not over yet."""
        return self.answered - self.handled

    @property
    def answer_rate(self) -> Ratio:
        """接通率: answered of offered."""
        return Ratio(name="answer rate", part=self.answered, of=self.answered + self.lost, left_out=self._left_out)

    @property
    def abandon_rate(self) -> Ratio:
        """放弃率: (abandoned - short) / (offered - short)."""
        part, of = self.abandoned - self.lost_short, self.answered + self.lost - self.lost_short
        apart = (*self._left_out, (f"left within {self.short_ms} ms", self.lost_short))
        return Ratio(name="abandon rate", part=part, of=of, left_out=apart)

    def service_level(self, formula: Formula = Formula.STRICT) -> Ratio:
        """`within_ms` 接通率 by one of the published formulas, named in the ratio."""
        in_time, every = self.answered_within, self.answered + self.lost
        part, of, apart = {
            Formula.FORGIVING: (in_time + self.lost_within, every, 0),
            Formula.ANSWERED_ONLY: (in_time, self.answered, self.lost),
            Formula.STRICT: (in_time, every, 0),
            Formula.LATE_ABANDONS: (in_time, every - self.lost_within, self.lost_within),
            Formula.SHORT_AS_GOOD: (in_time + self.lost_short, every, 0),
        }[formula]
        name = f"answered within {self.within_ms} ms of {self.start.value}, formula {formula.value}"
        return Ratio(name=name, part=part, of=of, left_out=(*self._left_out, ("unanswered", apart)))

    @property
    def speed_of_answer(self) -> Mean:
        """平均应答时长 (ASA): the wait of the answered."""
        waits = self.answered_waits
        return Mean(
            name="average speed of answer",
            total_ms=waits.total_ms,
            of=waits.count,
            left_out=(("unanswered", self.lost), *self._left_out),
        )

    @property
    def handle_time(self) -> Mean:
        """平均处理时长 (AHT): talk, hold in it, and after-call work of the handled."""
        return Mean(
            name="average handle time",
            total_ms=self.talk_ms + self.wrap_ms,
            of=self.handled,
            left_out=(("answered and not over yet", self.working),),
        )

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


@dataclass
class _Waited:
    count: int = 0
    total_ms: int = 0
    longest_ms: int = 0
    within: int = 0

    def add(self, wait_ms: int, within_ms: int, sign: int) -> None:
        self.count += sign
        self.total_ms += sign * wait_ms
        self.longest_ms = max(self.longest_ms, wait_ms)
        self.within += sign * (wait_ms <= within_ms)

    def seen(self) -> Waits:
        return Waits(count=self.count, total_ms=self.total_ms, longest_ms=self.longest_ms)


@dataclass
class Sums:
    """Running sums of `CallFigures`, so that a day's figures cost no more at night than in the morning.

    `changed` fits `Tally`. In time and short both include their bound.
    """

    start: ClockStart = ClockStart.ARRIVAL
    within_ms: int = 15_000
    short_ms: int = 5_000
    _offered: int = 0
    _undecided: int = 0
    _never_queued: int = 0
    _given_back: int = 0
    _short: int = 0
    _handled: int = 0
    _talk_ms: int = 0
    _hold_ms: int = 0
    _wrap_ms: int = 0
    _missed_offers: int = 0
    _answered: _Waited = field(default_factory=_Waited)
    _lost: _Waited = field(default_factory=_Waited)

    def changed(self, before: CallFigures | None, after: CallFigures) -> None:
        """A call counts for something else now."""
        if before is not None:
            self.add(before, -1)
        self.add(after)

    def add(self, call: CallFigures, sign: int = 1) -> None:
        """Count a call, or with `sign` -1 take back what it counted for. Its wait is final once it has one."""
        self._offered += sign
        self._missed_offers += sign * call.missed_offers
        if not call.decided:
            self._undecided += sign
            return
        wait = call.wait_ms(self.start)
        if wait is None:
            self._never_queued += sign
            return
        if call.answered_ms is not None:
            self._answered.add(wait, self.within_ms, sign)
            if call.handled:
                self._handled += sign
                self._talk_ms += sign * call.talk_ms
                self._hold_ms += sign * call.hold_ms
                self._wrap_ms += sign * call.wrap_ms
            return
        self._lost.add(wait, self.within_ms, sign)
        self._given_back += sign * call.given_back
        self._short += sign * (wait <= self.short_ms and not call.given_back)

    def measures(self) -> Measures:
        """The figures now."""
        return Measures(
            start=self.start,
            within_ms=self.within_ms,
            short_ms=self.short_ms,
            offered=self._offered,
            answered=self._answered.count,
            abandoned=self._lost.count - self._given_back,
            given_back=self._given_back,
            undecided=self._undecided,
            never_queued=self._never_queued,
            answered_within=self._answered.within,
            lost_within=self._lost.within,
            lost_short=self._short,
            answered_waits=self._answered.seen(),
            lost_waits=self._lost.seen(),
            handled=self._handled,
            talk_ms=self._talk_ms,
            hold_ms=self._hold_ms,
            wrap_ms=self._wrap_ms,
            missed_offers=self._missed_offers,
        )


def measure(
    calls: Iterable[CallFigures],
    start: ClockStart = ClockStart.ARRIVAL,
    within_ms: int = 15_000,
    short_ms: int = 5_000,
) -> Measures:
    """The figures of `calls`. `within_ms` is GB/T 33358-2016's 15 s."""
    sums = Sums(start=start, within_ms=within_ms, short_ms=short_ms)
    for call in calls:
        sums.add(call)
    return sums.measures()
