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
    """Plays to the citizen's leg. `playback` is what runs now; `ahead` the place last heard of."""

    call: CallId
    plan: CallPlan
    work: Work
    playback: PlaybackId | None = None
    ahead: int | None = None
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

    def moved(self, leg: LegId, ahead: int) -> None:
        """The place in the queue; said at once unless one was said a moment ago."""
        self.ahead = ahead
        rested = self._told_ms is None or self.work.now_ms - self._told_ms >= self.plan.announce_gap_ms
        if ahead != self._told and rested:
            self.comfort(leg)

    def comfort(self, leg: LegId) -> None:
        """Tell the place, or that all are busy where it is not known; the next time comes by itself."""
        self.work.start(Timer.COMFORT, self.plan.announce_every_ms)
        if self.playback is None and self.play(leg, self.plan.queue.place(self.ahead)):
            self._told = self.ahead
            self._told_ms = self.work.now_ms
