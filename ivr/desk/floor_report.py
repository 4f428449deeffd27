"""大屏: the floor as those who watch it see it, told whenever it changed, at most once a second."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from ivr.calls.events import Recorded
from ivr.calls.roster import Seat
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.calls.vocabulary import CallId, CallState
from ivr.desk.cards import agent_card
from ivr.desk.newsroom import Newsroom
from ivr.desk.topics import Topic
from ivr.desk.views import FloorCall, QueueCard
from ivr.desk.wire import FloorNews
from ivr.ports import Clock
from ticketing.masking import mask_number

EVERY_MS = 1_000


class FloorReport:
    """A watcher of the switchboard. `run` is its task; nothing is made while nobody watches."""

    def __init__(
        self,
        seats: Callable[[], list[Seat]],
        queue: Callable[[], QueueCard],
        newsroom: Newsroom,
        clock: Clock,
    ) -> None:
        self._seats = seats
        self._queue = queue
        self._newsroom = newsroom
        self._clock = clock
        self._calls: dict[CallId, tuple[CallSeen, datetime]] = {}
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Tell the floor, for ever."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            if self._newsroom.watched(Topic.FLOOR):
                self._newsroom.tell(Topic.FLOOR, self.news())
            await self._clock.sleep(EVERY_MS)

    def watched(self, topic: Topic) -> None:
        """Somebody began to watch: what they see must be of now."""
        if topic is Topic.FLOOR:
            self._moved.set()

    def news(self) -> FloorNews:
        """The whole floor now."""
        seats = tuple(agent_card(seat) for seat in self._seats())
        calls = tuple(
            FloorCall(
                id=seen.call,
                state=seen.state,
                masked_number=mask_number(seen.caller_number),
                arrived_at=seen.arrived_at,
                since=since,
                agent=seen.agent,
            )
            for seen, since in sorted(self._calls.values(), key=lambda known: (known[0].arrived_at, known[0].call))
        )
        return FloorNews(queue=self._queue(), seats=seats, calls=calls)

    def call_changed(self, call: CallSeen) -> None:
        """See `watchers.Watcher`."""
        known = self._calls.get(call.call)
        if call.over or call.state in (CallState.ENDED, CallState.ABANDONED):
            self._calls.pop(call.call, None)
        else:
            since = known[1] if known is not None and known[0].state is call.state else self._clock.now()
            self._calls[call.call] = (call, since)
        self._moved.set()

    def agent_changed(self, seat: Seat) -> None:
        """See `watchers.Watcher`."""
        self._moved.set()

    def queue_changed(self, queue: QueueSeen) -> None:
        """See `watchers.Watcher`."""
        self._moved.set()

    def recorded(self, record: Recorded) -> None:
        """See `watchers.Watcher`; what moves the rates moves a call too."""

    def link_changed(self, *, up: bool) -> None:
        """See `watchers.Watcher`; the faults tell it."""
