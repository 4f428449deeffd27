"""What the hotline has yet to hear, bounded."""

import asyncio
from typing import TypeAlias

from ivr.calls.events import LineEvent
from ivr.ports import LinkDown, LinkUp, PhoneSeen, RequestRefused

Heard: TypeAlias = LineEvent | LinkUp | LinkDown | PhoneSeen


class Outbox:
    """Between telephony and its one listener. Past its bound everything in it is forgotten and the link reported down.

    Down, and not up again before a fresh snapshot: a listener that has missed events must be told the truth anew.
    """

    def __init__(self, bound: int) -> None:
        self._queue: asyncio.Queue[Heard | RequestRefused | None] = asyncio.Queue(bound)
        self._listener_up = False

    def put(self, heard: Heard) -> bool:
        """Queue something; False when the listener was too far behind and all was forgotten."""
        if not self._queue.full():
            self._queue.put_nowait(heard)
            return True
        self._forget()
        if self._listener_up:
            self._queue.put_nowait(LinkDown())
        return False

    def end(self, error: RequestRefused | None = None) -> None:
        """Let the listener end, after what is queued; with an error if there is one."""
        if self._queue.full():
            self._forget()
        self._queue.put_nowait(error)

    async def get(self) -> Heard | None:
        """The next thing heard, None at the end. Raises the error it ended with."""
        heard = await self._queue.get()
        if heard is None or isinstance(heard, RequestRefused):
            self._queue.put_nowait(heard)  # the end stays the end
            if heard is None:
                return None
            raise heard
        if isinstance(heard, LinkUp | LinkDown):
            self._listener_up = isinstance(heard, LinkUp)
        return heard

    def _forget(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
