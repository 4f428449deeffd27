"""Whether recognition is dead or far behind: a probe of the watchman."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from asr.pipeline import Pipeline
from ivr.calls.seen import CallSeen
from ivr.calls.vocabulary import CallState

FAILED_FOR_S = 10.0
HEARD_AFTER = timedelta(seconds=8)
BEHIND_MS = 10_000


class Deafness:
    """True where recognition is not what it should be.

    A recogniser that failed counts for a while after; so does a conversation nobody listens to.
    """

    def __init__(self, pipeline: Pipeline, calls: Callable[[], list[CallSeen]]) -> None:
        self._pipeline = pipeline
        self._calls = calls
        self._restarts = 0
        self._failed_at: float | None = None

    def __call__(self) -> bool:
        """Look."""
        now = time.monotonic()
        stats = self._pipeline.stats()
        if stats.tally.restarts > self._restarts:
            self._failed_at = now
        self._restarts = stats.tally.restarts
        failed = self._failed_at is not None and now - self._failed_at < FAILED_FOR_S
        unheard = any(
            call.state is CallState.CONNECTED
            and not call.hearing
            and call.answered_at is not None
            and datetime.now(UTC) - call.answered_at > HEARD_AFTER
            for call in self._calls()
        )
        return failed or unheard or stats.backlog_ms > BEHIND_MS
