"""Whatever comes over the desks' socket: it is a message, or the connection is closed; nobody gets in by it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ivr.calls.vocabulary import AgentId
from ivr.desk import wire
from ivr.desk.counters import Counters
from ivr.desk.door import Door
from ivr.desk.envelope import Done
from ivr.desk.newsroom import Newsroom
from ivr.desk.office import Office
from ivr.desk.refusal import Refusal
from ivr.desk.seats import Outbox, Seat
from ivr.desk.server import LARGEST_MESSAGE, DeskServer
from ivr.desk.staff import Staff
from ivr.desk.tokens import TokenInvalid, read
from tests.console.scenes import IDLE
from tests.fakes.clock import LoopClock
from ticketing.vocabulary import Role

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
kinds = st.sampled_from([kind.__name__ for kind in wire.AnyFromDesk.__args__])


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A message of the protocol whose fields may be anything."""
    fields = ("request", "protocol", "agent", "password", "token", "call", "draft", "field", "value", "reason", "query")
    body: dict[str, Any] = {name: draw(values) for name in fields if draw(st.booleans())}
    return json.dumps({"type": draw(kinds), "request": draw(st.integers(0, 9)), **body}).encode()


frames = messages() | st.binary(max_size=80) | values.map(lambda value: json.dumps(value).encode())


@given(frames)
def test_the_reader_knows_only_messages_and_errors(frame: bytes) -> None:
    try:
        message = wire.decode_from_desk(frame)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    assert wire.decode_from_desk(wire.encode(message)) == message


@given(st.text(max_size=200), st.text(max_size=10))
def test_no_invented_token_is_one(token: str, secret: str) -> None:
    with pytest.raises(TokenInvalid):
        read(secret, token, datetime.now(UTC))


class DummyDesk:
    """Door, office and counters in one: lets in whom it is told to, and notes who did what."""

    def __init__(self) -> None:
        self.asked: list[wire.AnyFromDesk] = []

    async def sign_in(self, person: str, password: str) -> Staff:
        if (person, password) != ("1001", "right"):
            raise Refusal("refused.bad_credentials")
        return Staff(id=AgentId(person), name="", role=Role.AGENT, extension="1001")

    async def known(self, person: AgentId) -> Staff:
        raise Refusal("refused.token_unknown")

    def take_phone(self, *_: object, **__: object) -> None:
        """Any phone will do."""

    def desk_came(self, agent: AgentId) -> Seat:
        return Seat(IDLE)

    async def carry_out(self, staff: Staff, message: wire.AnyFromDesk, outbox: Outbox) -> Done:
        self.asked.append(message)
        return Done(request=message.request)


@asynccontextmanager
async def served(tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[str, DummyDesk]]:
    desk = DummyDesk()
    server = DeskServer(
        cast(Door, desk),
        cast(Office, desk),
        Newsroom(),
        cast(Counters, desk),
        secret="s",
        site="x",
        zone="Asia/Shanghai",
        clock=LoopClock(),
    )
    async with server.listening("127.0.0.1", 0, tls) as listening:
        yield f"ws://127.0.0.1:{next(iter(listening.sockets)).getsockname()[1]}", desk


def dial(address: str) -> connect:
    return connect(address, subprotocols=[Subprotocol(wire.SUBPROTOCOL)], proxy=None, close_timeout=1)


async def sign_in(socket: ClientConnection) -> None:
    await socket.send(wire.encode(wire.SignIn(request=1, protocol=wire.PROTOCOL, agent="1001", password="right")))
    while not isinstance(wire.decode_from_server(await socket.recv()), wire.Welcome):
        continue


async def thrown(address: str, rows: list[bytes], *, signed_in: bool) -> None:
    async with dial(address) as socket:
        if signed_in:
            await sign_in(socket)
        try:
            for row in rows:
                await socket.send(row)
            await socket.send(b"the end")
            async with asyncio.timeout(5):
                while True:
                    await socket.recv()
        except ConnectionClosed as end:
            assert end.rcvd is not None
            assert end.rcvd.code in (1007, 1009, 1013), "closed by the protocol's rules, not by a fault"


@pytest.mark.parametrize("signed_in", [False, True])
def test_nothing_thrown_at_the_socket_breaks_the_server_or_gets_anybody_in(signed_in: bool) -> None:
    @settings(max_examples=25, deadline=None)
    @given(st.lists(frames, max_size=6))
    def throw(rows: list[bytes]) -> None:
        async def run() -> None:
            async with served() as (address, desk):
                await thrown(address, rows, signed_in=signed_in)
                assert signed_in or desk.asked == []
                async with dial(address) as socket:
                    await sign_in(socket)

        asyncio.run(run())

    throw()


@pytest.mark.parametrize(
    "row", [b'{"type":"SignIn","x":' + b"[" * 60_000, b"[" * 60_000, b"x" * (LARGEST_MESSAGE + 1), b"\xff\xfe"]
)
async def test_depth_size_and_bad_text_close_the_connection_and_no_more(row: bytes) -> None:
    async with served() as (address, _):
        await thrown(address, [row], signed_in=False)
        async with dial(address) as socket:
            await sign_in(socket)
