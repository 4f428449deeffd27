"""The desks' websocket: signs people in, reads what they ask, sends what changes. Decides nothing itself.

A connection says who it is within `SIGN_IN_S`; nothing else is read before. Whoever does not read what is sent to them
is cut off and resumes with the whole view.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ivr.calls.vocabulary import AgentId
from ivr.desk import tokens
from ivr.desk.office import Office, Refusal
from ivr.desk.seats import Outbox, Seat
from ivr.desk.wire import (
    PROTOCOL,
    SUBPROTOCOL,
    AnyFromDesk,
    FromServer,
    Resume,
    SignIn,
    SignOut,
    Welcome,
    decode_from_desk,
    encode,
)
from ivr.ports import Clock

_log = logging.getLogger(__name__)

SIGN_IN_S = 10.0
LARGEST_MESSAGE = 64 * 1024
PING_S = 5.0
CLOSE_TRY_AGAIN = 1013  # RFC 6455 registry: try again later
CLOSE_BAD_DATA = 1007
CLOSE_POLICY = 1008

Authenticate = Callable[[str, str], Awaitable[AgentId]]
"""Agent number and password to the agent. Raises `Refusal`."""


class _Leave(Exception):
    """The connection is done."""


class DeskServer:
    """Accepts desks for one `Office`; `secret` signs the tokens they resume with."""

    def __init__(
        self, office: Office, authenticate: Authenticate, *, secret: str, site: str, zone: str, clock: Clock
    ) -> None:
        self._office = office
        self._authenticate = authenticate
        self._secret = secret
        self._site = site
        self._zone = zone
        self._clock = clock
        self._left: dict[AgentId, datetime] = {}

    @asynccontextmanager
    async def listening(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
        """Serve for as long as the block runs, by wss with `tls`. Raises OSError when the address cannot be bound."""
        async with serve(
            self._connected,
            host,
            port,
            ssl=tls,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            max_size=LARGEST_MESSAGE,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            compression=None,
            server_header=None,
        ) as server:
            yield server

    async def _connected(self, socket: ServerConnection) -> None:
        outbox = Outbox()
        try:
            async with asyncio.timeout(SIGN_IN_S):
                agent, seat = await self._welcome(socket, outbox)
        except (TimeoutError, _Leave, ConnectionClosed):
            return
        _log.info("desk connected: agent %s", agent)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send(socket, outbox), name=f"desk {agent} send")
                group.create_task(self._cut_off(socket, outbox), name=f"desk {agent} watch")
                group.create_task(self._read(socket, agent, outbox), name=f"desk {agent} read")
        except* (_Leave, ConnectionClosed):
            pass
        finally:
            seat.unwatch(outbox)
            _log.info("desk gone: agent %s", agent)

    async def _welcome(self, socket: ServerConnection, outbox: Outbox) -> tuple[AgentId, Seat]:
        while True:
            message = await self._next(socket)
            try:
                agent = await self._identify(message)
            except Refusal as why:
                await socket.send(encode(why.to(message.request)), text=True)
                continue
            seat = self._office.desk_came(agent)
            seat.watch(outbox)
            now = self._clock.now()
            welcome = Welcome(
                request=message.request,
                token=tokens.issue(self._secret, agent, now),
                site=self._site,
                zone=self._zone,
                now=now,
                seq=seat.seq,
                view=seat.view,
            )
            try:
                await socket.send(encode(welcome), text=True)
            except BaseException:
                seat.unwatch(outbox)
                raise
            return agent, seat

    async def _identify(self, message: AnyFromDesk) -> AgentId:
        if isinstance(message, SignIn | Resume) and message.protocol != PROTOCOL:
            raise Refusal("refused.protocol", desk=str(message.protocol), server=str(PROTOCOL))
        match message:
            case SignIn(agent=agent, password=password):
                return await self._authenticate(agent, password)
            case Resume(token=token):
                try:
                    agent_id, issued = tokens.read(self._secret, token, self._clock.now())
                except tokens.TokenInvalid:
                    raise Refusal("refused.token_unknown") from None
                if self._left.get(agent_id, issued) > issued or not self._office.knows(agent_id):
                    raise Refusal("refused.token_unknown")
                return agent_id
            case _:
                raise Refusal("refused.not_signed_in")

    async def _next(self, socket: ServerConnection) -> AnyFromDesk:
        try:
            return decode_from_desk(await socket.recv())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            _log.warning("desk said what the protocol does not allow: %s", type(error).__name__)
            await socket.close(CLOSE_BAD_DATA, "not a message of this protocol")
            raise _Leave from None

    async def _read(self, socket: ServerConnection, agent: AgentId, outbox: Outbox) -> None:
        while True:
            message = await self._next(socket)
            outbox.put(await self._answer(agent, message))
            if isinstance(message, SignOut) and not self._office.signed_in(agent):
                self._left[agent] = self._clock.now()

    async def _answer(self, agent: AgentId, message: AnyFromDesk) -> FromServer:
        try:
            return await self._office.carry_out(agent, message)
        except Refusal as why:
            return why.to(message.request)

    async def _send(self, socket: ServerConnection, outbox: Outbox) -> None:
        while True:
            await socket.send(encode(await outbox.get()), text=True)

    async def _cut_off(self, socket: ServerConnection, outbox: Outbox) -> None:
        await outbox.overflowed.wait()
        _log.warning("desk does not read: cut off")
        await socket.close(CLOSE_TRY_AGAIN, "too slow")
        raise _Leave
