"""A seat: one agent's view as the server keeps it, and the desks that watch it."""

import asyncio
from collections.abc import Callable

from ivr.desk.board import apply
from ivr.desk.envelope import FromServer, News
from ivr.desk.topics import Topic
from ivr.desk.views import DeskView
from ivr.desk.wire import AnyUpdate

OUTBOX = 512
"""Messages a desk may lag behind before it is cut off; it resumes with the whole view, so nothing is lost."""


class Outbox:
    """What one connected desk has yet to be sent. Bounded: a desk that does not read is marked, never waited for.

    Of a topic's news only the newest waits.
    """

    def __init__(self) -> None:
        self._queue: asyncio.Queue[FromServer | Topic] = asyncio.Queue(OUTBOX)
        self._news: dict[Topic, News] = {}
        self.overflowed = asyncio.Event()

    def put(self, message: FromServer) -> None:
        """Queue a message; past the bound the desk is marked for cutting off."""
        self._put(message)

    def put_news(self, topic: Topic, news: News) -> None:
        """Queue a topic's news in the place of those that still wait."""
        waits = topic in self._news
        self._news[topic] = news
        if not waits:
            self._put(topic)

    def _put(self, item: FromServer | Topic) -> None:
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self.overflowed.set()

    async def get(self) -> FromServer:
        """The next message."""
        item = await self._queue.get()
        return self._news.pop(item) if isinstance(item, Topic) else item


class Seat:
    """One agent's `DeskView`, its sequence number and its watchers. Every change is an update all watchers get."""

    def __init__(self, view: DeskView) -> None:
        self.view = view
        self.seq = 0
        self._watchers: set[Outbox] = set()

    @property
    def watched(self) -> bool:
        """Whether any desk is connected."""
        return bool(self._watchers)

    def watch(self, outbox: Outbox) -> None:
        """From now on `outbox` gets every update; its first message is a `Welcome` with `seq` and `view` as now."""
        self._watchers.add(outbox)

    def unwatch(self, outbox: Outbox) -> None:
        """The desk is gone."""
        self._watchers.discard(outbox)

    def tell(self, make: Callable[[int], AnyUpdate]) -> None:
        """Apply an update and send it; one that changes nothing is not sent. `make` is given its sequence number."""
        update = make(self.seq + 1)
        after = apply(self.view, update)
        if after == self.view:
            return
        self.view = after
        self.seq += 1
        for outbox in self._watchers:
            outbox.put(update)
