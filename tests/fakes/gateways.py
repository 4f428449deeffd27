"""A way to an agency that fails as it is told."""

import asyncio
from collections.abc import Awaitable, Callable

from ticketing.payload import Dispatch, Message, Notice


class ScriptedGateway:
    """Fails as told, then takes everything; remembers what it took and that nothing came twice at once.

    `meanwhile` happens once, while the next message is on its way.
    """

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.taken: list[Dispatch] = []
        self.told: list[Notice] = []
        self._sending: set[str] = set()
        self.twice_at_once = False
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def send(self, message: Message) -> None:
        self.twice_at_once |= message.key in self._sending
        self._sending.add(message.key)
        await asyncio.sleep(0)
        if (meanwhile := self.meanwhile) is not None:
            self.meanwhile = None
            await meanwhile()
        self._sending.discard(message.key)
        if self.failures:
            raise self.failures.pop(0)
        if isinstance(message, Dispatch):
            self.taken.append(message)
        else:
            self.told.append(message)
