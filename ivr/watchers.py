"""Those who want to know what happens to calls, agents and the queue."""

import logging
from collections.abc import Callable
from typing import Protocol

from ivr.calls.events import Recorded
from ivr.calls.roster import Seat
from ivr.calls.seen import CallSeen, QueueSeen

_log = logging.getLogger(__name__)


class Watcher(Protocol):
    """Told at once, from the loop's thread; must return quickly. What it raises is logged and goes no further."""

    def call_changed(self, call: CallSeen) -> None:
        """A call appeared, moved on or is over."""
        ...

    def agent_changed(self, seat: Seat) -> None:
        """An agent does something else, or asked for a pause."""
        ...

    def queue_changed(self, queue: QueueSeen) -> None:
        """The queue is longer or shorter; at most once a second."""
        ...

    def recorded(self, record: Recorded) -> None:
        """An event of a call was recorded."""
        ...

    def link_changed(self, *, up: bool) -> None:
        """Asterisk can be heard and told again, or no longer."""
        ...


class Watchers:
    """All watchers as one."""

    def __init__(self) -> None:
        self._watchers: list[Watcher] = []

    def add(self, watcher: Watcher) -> None:
        """Tell it from now on."""
        self._watchers.append(watcher)

    def remove(self, watcher: Watcher) -> None:
        """Tell it no longer."""
        self._watchers.remove(watcher)

    def call_changed(self, call: CallSeen) -> None:
        """Tell all."""
        self._tell(lambda watcher: watcher.call_changed(call))

    def agent_changed(self, seat: Seat) -> None:
        """Tell all."""
        self._tell(lambda watcher: watcher.agent_changed(seat))

    def queue_changed(self, queue: QueueSeen) -> None:
        """Tell all."""
        self._tell(lambda watcher: watcher.queue_changed(queue))

    def recorded(self, record: Recorded) -> None:
        """Tell all."""
        self._tell(lambda watcher: watcher.recorded(record))

    def link_changed(self, *, up: bool) -> None:
        """Tell all."""
        self._tell(lambda watcher: watcher.link_changed(up=up))

    def _tell(self, tell: Callable[[Watcher], None]) -> None:
        for watcher in tuple(self._watchers):
            try:
                tell(watcher)
            except Exception as error:  # a watcher's fault must not reach the calls
                _log.error("%s failed: %s", type(watcher).__name__, type(error).__name__)
