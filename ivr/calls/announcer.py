"""What the citizen is told: one playback at a time, and their place in the queue without tiring them."""

from dataclasses import dataclass

from ivr.calls import effects as do
from ivr.calls.plan import CallPlan
from ivr.calls.vocabulary import CallId, LegId, PlaybackId
from ivr.calls.work import Timer, Work

FOUND = 1_000
"""Playbacks of a call found without its log are numbered from here, past whatever its earlier life has played."""


@dataclass
class Announcer:
    """Plays to the citizen's leg. `playback` is what runs now; `ahead` and `wait_ms` are what was last heard of."""

    call: CallId
    plan: CallPlan
    work: Work
    playback: PlaybackId | None = None
    ahead: int | None = None
    wait_ms: int | None = None
    _told_minutes: int | None = None
    _comforts: int = 0
    _told: int | None = None
    _told_ms: int | None = None
    _plays: int = 0

    def play(self, leg: LegId, sounds: tuple[str, ...]) -> bool:
        """Begin an announcement; False where there is nothing to say."""
        if not sounds:
            return False
        self._plays += 1
        self.playback = PlaybackId(f"{self.call}-play-{self._plays}")
        self.work.add(do.Play(leg=leg, playback=self.playback, sounds=sounds))
        return True

    def hush(self) -> None:
        """Stop what is playing."""
        if self.playback is not None:
            self.work.add(do.StopPlaying(playback=self.playback))
            self.playback = None

    def ended(self, playback: PlaybackId | None) -> bool:
        """Note that a playback is over; False where it was not the one playing."""
        if playback is None or playback != self.playback:
            return False
        self.playback = None
        return True

    def number_from(self, plays: int) -> None:
        """Use no number up to `plays` any more."""
        self._plays = max(self._plays, plays)

    def moved(self, leg: LegId, ahead: int, wait_ms: int | None = None) -> None:
        """The place in the queue and the wait; said at once unless something was said a moment ago."""
        moved = ahead != self._told
        self.ahead = ahead
        self.wait_ms = wait_ms
        rested = self._told_ms is None or self.work.now_ms - self._told_ms >= self.plan.announce_gap_ms
        if moved and rested:
            self.comfort(leg)

    def comfort(self, leg: LegId) -> None:
        """Tell the place and the wait, or that all are busy; the next time comes by itself.

        The wait told never grows: where it would, only the place is told. Where nothing is new, a comfort is said.
        """
        self.work.start(Timer.COMFORT, self.plan.announce_every_ms)
        if self.playback is not None:
            return
        sounds = self._news()
        if self.play(leg, sounds):
            self._told = self.ahead
            self._told_ms = self.work.now_ms

    def _news(self) -> tuple[str, ...]:
        queue = self.plan.queue
        minutes = queue.minutes(self.wait_ms)
        if minutes is not None and self._told_minutes is not None and minutes > self._told_minutes:
            minutes = None
        first = self._told_ms is None
        if not first and queue.comforts and self.ahead == self._told and minutes in (None, self._told_minutes):
            self._comforts += 1
            return queue.comforts[(self._comforts - 1) % len(queue.comforts)]
        news = queue.place(self.ahead)
        if minutes is not None:
            self._told_minutes = minutes
            news = (*news, *queue.waits[minutes])
        return (*news, *queue.notice) if first else news
