"""A hand on the desk: speaks the console protocol as an agent's desk does, for the demonstration and the tests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ivr.desk.board import apply
from ivr.desk.envelope import FromDesk, FromServer, News, Refused, Update
from ivr.desk.views import DeskView
from ivr.desk.wire import PROTOCOL, SUBPROTOCOL, AnyFromServer, Resume, SignIn, Welcome, decode_from_server, encode
from ivr.ports import HotlineError

_Answer = TypeVar("_Answer", bound=FromServer)
ANSWER_S = 10.0


class HandRefused(HotlineError):
    """The server did not do what the hand asked; `code` says why."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(f"the server refused: {code}")


class DeskHand:
    """One signed-in connection: `view` is what its desk would show now, `news` the newest of what it watches."""

    def __init__(self, socket: ClientConnection, welcome: Welcome) -> None:
        self._view = welcome.view
        self.person = welcome.person
        self.news: dict[type[News], News] = {}
        self.token = welcome.token
        self._seq = welcome.seq
        self._socket = socket
        self._requests = 1
        self._answers: dict[int, asyncio.Future[AnyFromServer]] = {}
        self._moved = asyncio.Condition()

    @classmethod
    @asynccontextmanager
    async def at(
        cls,
        address: str,
        *,
        agent: str = "",
        password: str = "",
        token: str = "",
        extension: str | None = None,
        nailed_up: bool = False,
    ) -> AsyncIterator[Self]:
        """Sign in, or resume with a token; ends with the block. Raises `HandRefused`."""
        async with connect(address, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None) as socket:
            first: FromDesk = (
                Resume(request=1, protocol=PROTOCOL, token=token)
                if token
                else SignIn(
                    request=1,
                    protocol=PROTOCOL,
                    agent=agent,
                    password=password,
                    extension=extension,
                    nailed_up=nailed_up,
                )
            )
            await socket.send(encode(first), text=True)
            welcome = decode_from_server(await socket.recv())
            if isinstance(welcome, Refused):
                raise HandRefused(welcome.code)
            if not isinstance(welcome, Welcome):
                raise HandRefused("no welcome")
            hand = cls(socket, welcome)
            reader = asyncio.create_task(hand._read(), name=f"desk hand {agent}")
            try:
                yield hand
            finally:
                reader.cancel()
                await asyncio.wait([reader])

    async def ask(self, message: FromDesk, answer: type[_Answer]) -> _Answer:
        """Send a request and wait for its answer. Raises `HandRefused`, TimeoutError."""
        future: asyncio.Future[AnyFromServer] = asyncio.get_running_loop().create_future()
        self._answers[message.request] = future
        await self._socket.send(encode(message), text=True)
        async with asyncio.timeout(ANSWER_S):
            got = await future
        if isinstance(got, Refused):
            raise HandRefused(got.code)
        if not isinstance(got, answer):
            raise HandRefused(f"unexpected {type(got).__name__}")
        return got

    @property
    def view(self) -> DeskView:
        """What the seat's desk would show now. Raises `HandRefused` for a person without a seat."""
        if self._view is None:
            raise HandRefused("no seat")
        return self._view

    def number(self) -> int:
        """The next request's number."""
        self._requests += 1
        return self._requests

    async def until(self, seen: Callable[[DeskView], bool], what: str, timeout_s: float = 30.0) -> DeskView:
        """Wait until the desk would show it. Raises TimeoutError naming `what`."""
        try:
            async with asyncio.timeout(timeout_s), self._moved:
                await self._moved.wait_for(lambda: seen(self.view))
        except TimeoutError:
            raise TimeoutError(f"the desk did not show within {timeout_s:g} s: {what}") from None
        return self.view

    async def _read(self) -> None:
        try:
            async for data in self._socket:
                await self._take(decode_from_server(data))
        except ConnectionClosed:
            return

    async def _take(self, message: AnyFromServer) -> None:
        if isinstance(message, News):
            async with self._moved:
                self.news[type(message)] = message
                self._moved.notify_all()
        elif isinstance(message, Update):
            if message.seq != self._seq + 1:
                raise HandRefused(f"update {self._seq + 1} is missing")
            self._seq = message.seq
            async with self._moved:
                self._view = apply(self.view, message)
                self._moved.notify_all()
        elif not isinstance(message, Welcome):
            waiting = self._answers.pop(message.request, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
