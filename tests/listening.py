"""A listener on telephony for tests: keeps what is heard, and lets a test wait for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from ivr.ari.outbox import Heard
from ivr.calls.events import AnyEvent, CallArrived, LineEvent
from ivr.calls.vocabulary import CallId, LegId
from ivr.ports import HotlineError, LinkUp, Snapshot, Telephony

_E = TypeVar("_E", bound=AnyEvent)


class Listener:
    """Everything heard, in order. `times` are those of the event loop's clock."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.times: list[float] = []
        self.error: HotlineError | None = None
        self._more = asyncio.Condition()

    async def listen(self, telephony: Telephony) -> None:
        try:
            async for heard in telephony.stream():
                self.heard.append(heard)
                self.times.append(asyncio.get_running_loop().time())
                async with self._more:
                    self._more.notify_all()
        except HotlineError as error:
            self.error = error
            async with self._more:
                self._more.notify_all()

    async def wait(self, found: Callable[[Heard], bool], what: str, timeout_s: float = 5.0, since: int = 0) -> int:
        """The place of the first thing heard, from the `since`-th on, for which `found` holds."""
        try:
            async with asyncio.timeout(timeout_s), self._more:
                while True:
                    for place in range(since, len(self.heard)):
                        if found(self.heard[place]):
                            return place
                    if self.error is not None:
                        raise self.error
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"not heard within {timeout_s:g} s: {what}; heard {self.heard[since:]}") from None

    async def event(self, kind: type[_E], call: CallId | None = None, timeout_s: float = 5.0, since: int = 0) -> _E:
        """The first event of a kind (of a call, from a place on)."""

        def fits(heard: Heard) -> bool:
            return isinstance(heard, LineEvent) and isinstance(heard.event, kind) and call in (None, heard.call)

        place = await self.wait(fits, kind.__name__, timeout_s, since)
        line = self.heard[place]
        assert isinstance(line, LineEvent)
        assert isinstance(line.event, kind)
        return line.event

    async def arrival(self, since: int = 0) -> tuple[CallId, LegId]:
        """The next citizen."""
        place = await self.wait(
            lambda heard: isinstance(heard, LineEvent) and isinstance(heard.event, CallArrived), "CallArrived", 5, since
        )
        line = self.heard[place]
        assert isinstance(line, LineEvent)
        assert isinstance(line.event, CallArrived)
        return line.call, line.event.leg

    async def link_up(self, since: int = 0, timeout_s: float = 5.0) -> Snapshot:
        """The next snapshot."""
        place = await self.wait(lambda heard: isinstance(heard, LinkUp), "LinkUp", timeout_s, since)
        up = self.heard[place]
        assert isinstance(up, LinkUp)
        return up.snapshot

    def of(self, call: CallId) -> list[AnyEvent]:
        """A call's events."""
        return [heard.event for heard in self.heard if isinstance(heard, LineEvent) and heard.call == call]


@asynccontextmanager
async def listening(telephony: Telephony) -> AsyncIterator[Listener]:
    """A listener that has heard the link come up; it ends with the context."""
    listener = Listener()
    task = asyncio.get_running_loop().create_task(listener.listen(telephony), name="test listener")
    try:
        await listener.link_up()
        yield listener
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
