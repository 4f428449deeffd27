"""The wallboard's connections to the server: a person signed in who watches the floor and what is broken, no more."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from time import monotonic
from typing import Final

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from ivr.desk.envelope import FromDesk, FromServer, News, Refused
from ivr.desk.topics import Topic
from ivr.desk.wire import (
    PROTOCOL,
    SUBPROTOCOL,
    Resume,
    SignIn,
    Watch,
    Welcome,
    decode_from_server,
    encode,
)

logger = logging.getLogger(__name__)

TOPICS: Final = (Topic.FLOOR, Topic.FAULTS)
ANSWER_S: Final = 10.0
AGAIN_S: Final = 2.0
IDLE_S: Final = 60.0
"""How long a viewer is kept that no page listens to."""

MOST: Final = 50


class Away(Exception):
    """The server cannot be reached, or does not speak our protocol."""


class Wallboard(msgspec.Struct, frozen=True, kw_only=True):
    """What a page shows: the newest of every topic by name; `connected` is false while the server is away."""

    site: str
    zone: str
    connected: bool
    news: dict[str, News]


class Viewer:
    """One person's wallboard. `run` is its task."""

    def __init__(self, server: str, socket: ClientConnection, welcome: Welcome) -> None:
        self._server = server
        self._socket = socket
        self._token = welcome.token
        self._moved = asyncio.Condition()
        self._pages = 0
        self._left_at = monotonic()
        self._refused = False
        self.shown = Wallboard(site=welcome.site, zone=welcome.zone, connected=True, news={})

    @property
    def useless(self) -> bool:
        """Nobody looks, or the server no longer knows the person."""
        return self._refused or (self._pages == 0 and monotonic() - self._left_at > IDLE_S)

    async def states(self) -> AsyncIterator[Wallboard | None]:
        """What to show, now and whenever it changes; None every few seconds in between, and at the end."""
        self._pages += 1
        try:
            shown = None
            while not self._refused:
                if shown is not self.shown:
                    shown = self.shown
                    yield shown
                try:
                    async with asyncio.timeout(5), self._moved:
                        await self._moved.wait_for(lambda: shown is not self.shown or self._refused)  # noqa: B023 - awaited within the turn
                except TimeoutError:
                    yield None
        finally:
            self._pages -= 1
            self._left_at = monotonic()

    async def run(self) -> None:
        """Take news until the server refuses the person."""
        socket: ClientConnection | None = self._socket
        while not self._refused:
            if socket is not None:
                await self._follow(socket)
                await self._put(msgspec.structs.replace(self.shown, connected=False))
            await asyncio.sleep(AGAIN_S)
            try:
                socket, said = await _enter(self._server, Resume(request=1, protocol=PROTOCOL, token=self._token))
            except Away:
                socket = None
                continue
            if isinstance(said, Refused):
                self._refused = True
                await self._put(self.shown)
            else:
                self._token = said.token

    async def close(self) -> None:
        """Leave the server."""
        await self._socket.close()

    async def _follow(self, socket: ClientConnection) -> None:
        self._socket = socket
        await self._put(msgspec.structs.replace(self.shown, connected=True))
        try:
            for number, topic in enumerate(TOPICS, start=2):
                await socket.send(encode(Watch(request=number, topic=topic)), text=True)
            async for data in socket:
                message = decode_from_server(data)
                if isinstance(message, News):
                    news = {**self.shown.news, type(message).__name__: message}
                    await self._put(msgspec.structs.replace(self.shown, news=news))
        except (WebSocketException, msgspec.DecodeError) as gone:
            logger.info("wallboard: the server is gone: %s", type(gone).__name__)
        finally:
            await socket.close()

    async def _put(self, shown: Wallboard) -> None:
        async with self._moved:
            self.shown = shown
            self._moved.notify_all()


class Viewers:
    """All wallboards by the key of the browser's cookie."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._viewers: dict[str, tuple[Viewer, asyncio.Task[None]]] = {}

    def get(self, key: str) -> Viewer | None:
        """The viewer with this key."""
        found = self._viewers.get(key)
        return None if found is None or found[0].useless else found[0]

    async def sign_in(self, person: str, password: str) -> str | Refused:
        """A new viewer's key, or why there is none. Raises `Away`."""
        await self._sweep()
        if len(self._viewers) >= MOST:
            raise Away
        socket, said = await _enter(self._server, SignIn(request=1, protocol=PROTOCOL, agent=person, password=password))
        if isinstance(said, Refused):
            return said
        viewer = Viewer(self._server, socket, said)
        key = secrets.token_urlsafe(32)
        self._viewers[key] = (viewer, asyncio.create_task(viewer.run(), name="wallboard"))
        return key

    async def _sweep(self) -> None:
        for key, (viewer, _) in list(self._viewers.items()):
            if viewer.useless:
                await self.sign_out(key)

    async def sign_out(self, key: str) -> None:
        """End a viewer."""
        found = self._viewers.pop(key, None)
        if found is not None:
            viewer, task = found
            task.cancel()
            await asyncio.wait([task])
            await viewer.close()

    async def close(self) -> None:
        """End all."""
        for key in list(self._viewers):
            await self.sign_out(key)


async def _enter(server: str, greeting: FromDesk) -> tuple[ClientConnection, Welcome | Refused]:
    """Connect and say who we are; refused, the connection is closed. Raises `Away`."""
    try:
        async with asyncio.timeout(ANSWER_S):
            socket = await connect(server, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None)
            try:
                await socket.send(encode(greeting), text=True)
                said: FromServer = decode_from_server(await socket.recv())
            except BaseException:
                await socket.close()
                raise
    except (OSError, TimeoutError, WebSocketException, msgspec.DecodeError) as why:
        raise Away from why
    if isinstance(said, Welcome):
        return socket, said
    await socket.close()
    if isinstance(said, Refused):
        return socket, said
    raise Away
