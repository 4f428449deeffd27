"""Today's rates: the measures folded as events are recorded, from midnight to midnight of the site's zone. Pure.

The wait counts from entry into the queue: the greeting and the recording notice are the hotline's time, not a person's.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ivr.calls.events import CallArrived, Recorded
from ivr.calls.figures import ClockStart, Tally
from ivr.calls.measures import Measures, Sums


class Today:
    """The figures of the calls that arrived today. `now` is the wall clock (UTC)."""

    def __init__(
        self, zone: ZoneInfo, now: Callable[[], datetime], within_ms: int, log: Iterable[Recorded] = ()
    ) -> None:
        self._zone = zone
        self._now = now
        self._within_ms = within_ms
        self._day = self._date(now())
        self._begin()
        for recorded in log:
            self.add(recorded)

    def add(self, recorded: Recorded) -> None:
        """Count an event; calls of an earlier day are left out, those of a new one begin it."""
        self._turn_over()
        if isinstance(recorded.event, CallArrived) and self._date(recorded.at) != self._day:
            return
        self._tally.add(recorded)

    def measures(self) -> Measures:
        """The figures now."""
        self._turn_over()
        return self._sums.measures()

    def _turn_over(self) -> None:
        today = self._date(self._now())
        if today != self._day:
            self._day = today
            self._begin()

    def _begin(self) -> None:
        self._sums = Sums(start=ClockStart.QUEUE_ENTRY, within_ms=self._within_ms)
        self._tally = Tally(self._sums.changed)

    def _date(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()
