"""The desks' websocket: signs people in, reads what they ask, sends what changes. Decides nothing itself.

A connection says who it is within `SIGN_IN_S`; nothing else is read before. Whoever does not read what is sent to them
is cut off and resumes with the whole view.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeAlias

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from ivr.calls.vocabulary import AgentId
from ivr.desk import tokens
from ivr.desk.counters import Counters
from ivr.desk.door import Door
from ivr.desk.envelope import Done, FromServer
from ivr.desk.newsroom import Newsroom
from ivr.desk.office import Office
from ivr.desk.refusal import Refusal
from ivr.desk.seats import Outbox, Seat
from ivr.desk.staff import Staff
from ivr.desk.wire import PROTOCOL, SUBPROTOCOL, AnyFromDesk, Resume, SignIn, SignOut, Welcome, decode_from_desk, encode
from ivr.ports import Clock

_log = logging.getLogger(__name__)

SIGN_IN_S = 10.0
LARGEST_MESSAGE = 64 * 1024
PING_S = 5.0
CLOSE_TRY_AGAIN = 1013  # RFC 6455 registry: try again later
CLOSE_BAD_DATA = 1007
CLOSE_POLICY = 1008


Web: TypeAlias = Callable[[ServerConnection, Request], Awaitable[Response | None]]
"""Answers what is no websocket; None for what is."""


class _Leave(Exception):
    """The connection is done."""


class DeskServer:
    """Accepts desks whose people come by the `door`; `secret` signs the tokens they resume with.

    `web` answers the requests that are no desk's.
    """

    def __init__(
        self,
        door: Door,
        office: Office,
        newsroom: Newsroom,
        counters: Counters,
        *,
        secret: str,
        site: str,
        zone: str,
        clock: Clock,
        web: Web | None = None,
    ) -> None:
        self._door = door
        self._office = office
        self._newsroom = newsroom
        self._counters = counters
        self._secret = secret
        self._site = site
        self._zone = zone
        self._clock = clock
        self._web = web
        self._left: dict[AgentId, datetime] = {}

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[Server]:
        """Serve for as long as the block runs. Raises OSError when the address cannot be bound."""
        async with serve(
            self._connected,
            host,
            port,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            process_request=self._web,
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
                staff, seat = await self._welcome(socket, outbox)
        except (TimeoutError, _Leave, ConnectionClosed):
            return
        _log.info("desk connected: agent %s", staff.id)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send(socket, outbox), name=f"desk {staff.id} send")
                group.create_task(self._cut_off(socket, outbox), name=f"desk {staff.id} watch")
                group.create_task(self._read(socket, staff, outbox), name=f"desk {staff.id} read")
        except* (_Leave, ConnectionClosed):
            pass
        finally:
            if seat is not None:
                seat.unwatch(outbox)
            self._newsroom.leave(outbox)
            _log.info("desk gone: agent %s", staff.id)

    async def _welcome(self, socket: ServerConnection, outbox: Outbox) -> tuple[Staff, Seat | None]:
        while True:
            message = await self._next(socket)
            try:
                staff = await self._identify(message)
                if isinstance(message, SignIn) and staff.extension is not None:
                    self._office.take_phone(staff.id, message.extension, nailed_up=message.nailed_up)
                seat = self._office.desk_came(staff.id) if staff.extension is not None else None
            except Refusal as why:
                await socket.send(encode(why.to(message.request)), text=True)
                continue
            if seat is not None:
                seat.watch(outbox)
            now = self._clock.now()
            welcome = Welcome(
                request=message.request,
                token=tokens.issue(self._secret, staff.id, now),
                person=staff,
                site=self._site,
                zone=self._zone,
                now=now,
                seq=seat.seq if seat is not None else 0,
                view=seat.view if seat is not None else None,
            )
            try:
                await socket.send(encode(welcome), text=True)
            except BaseException:
                if seat is not None:
                    seat.unwatch(outbox)
                raise
            return staff, seat

    async def _identify(self, message: AnyFromDesk) -> Staff:
        if isinstance(message, SignIn | Resume) and message.protocol != PROTOCOL:
            raise Refusal("refused.protocol", desk=str(message.protocol), server=str(PROTOCOL))
        match message:
            case SignIn(agent=agent, password=password):
                return await self._door.sign_in(agent, password)
            case Resume(token=token):
                try:
                    agent_id, issued = tokens.read(self._secret, token, self._clock.now())
                except tokens.TokenInvalid:
                    raise Refusal("refused.token_unknown") from None
                if self._left.get(agent_id, issued) > issued:
                    raise Refusal("refused.token_unknown")
                return await self._door.known(agent_id)
            case _:
                raise Refusal("refused.not_signed_in")

    async def _next(self, socket: ServerConnection) -> AnyFromDesk:
        try:
            return decode_from_desk(await socket.recv())
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            _log.warning("desk said what the protocol does not allow: %s", type(error).__name__)
            await socket.close(CLOSE_BAD_DATA, "not a message of this protocol")
            raise _Leave from None

    async def _read(self, socket: ServerConnection, staff: Staff, outbox: Outbox) -> None:
        while True:
            message = await self._next(socket)
            answer = await self._answer(staff, message, outbox)
            outbox.put(answer)
            if isinstance(message, SignOut) and isinstance(answer, Done):
                self._left[staff.id] = self._clock.now()

    async def _answer(self, staff: Staff, message: AnyFromDesk, outbox: Outbox) -> FromServer:
        try:
            return await self._counters.carry_out(staff, message, outbox)
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
