"""The events websocket: kept connected, read without ever waiting, and used to carry requests."""

import asyncio
import base64
import itertools
import logging
import random
from collections import Counter
from enum import Enum
from typing import NoReturn, TypeAlias

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from ivr.ari.account import AriAccount, LinkTimes
from ivr.ari.backoff import Backoff
from ivr.ari.tape import Tape
from ivr.ari.verdicts import fatal
from ivr.ports import AsteriskUnavailable, RequestRefused

_log = logging.getLogger(__name__)
_wire_log = logging.getLogger(f"{__name__}.wire")
_wire_log.setLevel(logging.WARNING)  # below it, websockets quotes every frame, and frames hold callers' numbers
_INBOX = 10_000
_MAX_FRAME = 1 << 20


class Marker(Enum):
    """The link's own news between the frames."""

    UP = "up"
    DOWN = "down"


Frame: TypeAlias = bytes | Marker
"""One event as Asterisk sent it (JSON), or a change of the link."""


class RestCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request. `what` names it in errors; `path` is below `/ari/`, its parts percent-encoded."""

    what: str
    method: str
    path: str
    query: dict[str, str] = {}
    body: object = None


class RestReply(msgspec.Struct, frozen=True):
    """A response: HTTP status, its reason, and the body's JSON."""

    status: int
    reason: str
    body: bytes


class _Head(msgspec.Struct):
    """What the reader looks at; anything else is the translator's."""

    type: str
    request_id: str = ""
    status_code: int = 0
    reason_phrase: str = ""
    message_body: str = ""


class Link:
    """One application's websocket. `run` keeps it connected; `next` gives what it heard, in order.

    The reader only enqueues. The inbox holds 10 000 frames; when nobody takes them the connection is dropped and
    everything in it forgotten, for after the reconnection a snapshot tells the truth and a late event would not.
    """

    def __init__(self, account: AriAccount, times: LinkTimes, tape: Tape | None = None, inbox: int = _INBOX) -> None:
        self.account = account
        self.times = times
        self.counts: Counter[str] = Counter()
        self._tape = tape
        self._inbox: asyncio.Queue[Frame] = asyncio.Queue(inbox)
        self._socket: ClientConnection | None = None
        self._waiting: dict[str, asyncio.Future[RestReply | None]] = {}
        self._overdue: set[str] = set()
        self._numbers = itertools.count(1)
        self._decode = msgspec.json.Decoder(_Head).decode

    @property
    def usable(self) -> bool:
        """Connected, and not stalled by a request Asterisk has been sitting on past its deadline."""
        return self._socket is not None and not self._overdue

    async def next(self) -> Frame:
        """The next frame or marker."""
        return await self._inbox.get()

    def waiting_frames(self) -> list[Frame]:
        """What has been heard and not yet been taken, taken now."""
        return [self._inbox.get_nowait() for _ in range(self._inbox.qsize())]

    async def drop(self) -> None:
        """Close the connection; `run` opens the next."""
        if self._socket is not None:
            await self._socket.close()

    async def request(self, call: RestCall, deadline_ms: int) -> RestReply:
        """Send a request through the websocket and wait for its response; raises AsteriskUnavailable."""
        socket = self._socket
        if socket is None:
            raise AsteriskUnavailable(f"{call.what}: no connection to Asterisk")
        number = str(next(self._numbers))
        pending: asyncio.Future[RestReply | None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = pending
        text = _encode(call, number)
        try:
            async with asyncio.timeout(deadline_ms / 1000):
                self._note_out(text)
                await socket.send(text)
                reply = await pending
        except TimeoutError:
            self._overdue.add(number)
            self.counts["deadline"] += 1
            raise AsteriskUnavailable(f"{call.what}: no reply within {deadline_ms} ms") from None
        except ConnectionClosed:
            reply = None
        finally:
            del self._waiting[number]
        if reply is None:
            raise AsteriskUnavailable(f"{call.what}: the connection to Asterisk broke before its reply")
        return reply

    async def run(self) -> NoReturn:
        """Connect, read, reconnect, until cancelled. Raises RequestRefused for what only a person can mend."""
        loop = asyncio.get_running_loop()
        pauses = Backoff(self.times.retry_from_ms, self.times.retry_to_ms, random.uniform)
        refused_since: float | None = None
        while True:
            began = loop.time()
            try:
                await self._connection()
                refused_since = None
            except (OSError, TimeoutError, WebSocketException) as failure:
                now = loop.time()
                if not isinstance(failure, InvalidStatus):
                    refused_since = None
                elif refused_since is None:
                    refused_since = began
                refused_ms = 0.0 if refused_since is None else (now - refused_since) * 1000
                if verdict := fatal(failure, self.account, refused_ms, self.times):
                    raise RequestRefused(verdict) from failure
                _log.warning("ari connection failed: %s", type(failure).__name__)
            if (loop.time() - began) * 1000 >= self.times.settled_ms:
                pauses.settle()
            pause_ms = pauses.next_ms()
            self.counts["reconnect"] += 1
            _log.info("ari reconnects in %d ms", pause_ms)
            await asyncio.sleep(pause_ms / 1000)

    async def _connection(self) -> None:
        """One connection from its handshake to its end, which is never an error."""
        credentials = f"{self.account.user}:{self.account.password}".encode()
        async with connect(
            f"{self.account.events_url}?app={self.account.app}",
            additional_headers={"Authorization": "Basic " + base64.b64encode(credentials).decode()},
            proxy=None,
            compression=None,
            max_size=_MAX_FRAME,
            open_timeout=self.times.connect_ms / 1000,
            ping_interval=self.times.ping_every_ms / 1000,
            ping_timeout=self.times.pong_within_ms / 1000,
            close_timeout=self.times.close_ms / 1000,
            logger=_wire_log,
        ) as socket:
            _log.info("ari connected")
            self._up(socket)
            try:
                while True:
                    self._take(await socket.recv(decode=False))
            except _Overflow:
                _log.error("ari events are not taken: connection dropped, %d forgotten", self._forget())
            except ConnectionClosed as end:
                _log.warning("ari connection ended: %s", end)
            finally:
                self._down()

    def _up(self, socket: ClientConnection) -> None:
        self._socket = socket
        if self._tape is not None:
            self._tape.note("up")
        self._mark(Marker.UP)

    def _down(self) -> None:
        self._socket = None
        self._overdue.clear()
        if self._tape is not None:
            self._tape.note("down")
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_result(None)
        self._mark(Marker.DOWN)

    def _take(self, frame: bytes) -> None:
        if self._tape is not None:
            self._tape.note("in", frame.decode(errors="replace"))
        try:
            head = self._decode(frame)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self.counts["malformed"] += 1
            return
        if head.type == "RESTResponse":
            self._answer(head)
        elif head.type == "ApplicationReplaced":
            raise RequestRefused(
                f"another program took over the ARI application {self.account.app!r}: only one server may serve it"
            )
        else:
            try:
                self._inbox.put_nowait(frame)
            except asyncio.QueueFull:
                raise _Overflow from None

    def _answer(self, head: _Head) -> None:
        self._overdue.discard(head.request_id)
        reply = self._waiting.get(head.request_id)
        if reply is not None and not reply.done():
            reply.set_result(RestReply(head.status_code, head.reason_phrase, head.message_body.encode()))

    def _mark(self, marker: Marker) -> None:
        if self._inbox.full():
            self._forget()
        self._inbox.put_nowait(marker)

    def _forget(self) -> int:
        lost = len(self.waiting_frames())
        self.counts["forgotten"] += lost
        return lost

    def _note_out(self, text: str) -> None:
        if self._tape is not None:
            self._tape.note("out", text)


class _Overflow(Exception):
    """Nobody takes the frames."""


def _encode(call: RestCall, number: str) -> str:
    request: dict[str, object] = {
        "type": "RESTRequest",
        "transaction_id": number,
        "request_id": number,
        "method": call.method,
        "uri": call.path,
    }
    if call.query:
        request["query_strings"] = [{"name": name, "value": value} for name, value in call.query.items()]
    if call.body is not None:
        request["content_type"] = "application/json"
        request["message_body"] = msgspec.json.encode(call.body).decode()
    return msgspec.json.encode(request).decode()
