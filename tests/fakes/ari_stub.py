"""A scripted ARI server for faults a real Asterisk shows once a year: it refuses, stalls, drops, freezes, reorders."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from ivr.ari.account import AriAccount
from tests.until import until

_log = logging.getLogger(__name__)
_log.setLevel(logging.WARNING)  # what the hotline logs is looked at in tests, not what the stub would


@dataclass(frozen=True)
class Asked:
    """A request as it arrived, over whichever carrier."""

    via: str
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class Answer:
    """A response, after `after_s`; `never` is a request Asterisk sits on for good."""

    status: int = 204
    body: Any = None
    after_s: float = 0.0
    never: bool = False


Script = Callable[[Asked], Answer | None]


@dataclass
class AriStub:
    """Serves `/ari/events` and every verb on one port of 127.0.0.1.

    `script` answers what it wants to; otherwise GETs show an empty Asterisk and everything else succeeds. `handshake`
    is the status websockets are met with. `close_at_once` closes them cleanly after the handshake.
    """

    script: Script = lambda _: None
    handshake: int = 101
    close_at_once: bool = False
    hold_answers: int = 0
    asked: list[Asked] = field(default_factory=list)
    handshakes: int = 0
    _server: asyncio.Server | None = None
    _socket: "_Socket | None" = None
    _group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    _serving: set[asyncio.Task[None]] = field(default_factory=set)
    port: int = 0

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.vanish()
        for task in self._serving:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    async def listen(self) -> None:
        """Open the port, the same one as before."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def vanish(self) -> None:
        """Close the port."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    @property
    def account(self) -> AriAccount:
        return AriAccount(url=f"http://127.0.0.1:{self.port}/ari", user="hotline", password="secret")

    async def connected(self) -> "_Socket":
        """The websocket that stands, once there is one."""
        return await until(lambda: self._socket if self._socket and self._socket.open else None, "a websocket")

    async def event(self, **event: object) -> None:
        """Send an event."""
        (await self.connected()).send_text(json.dumps(event))

    async def text(self, text: str) -> None:
        """Send anything."""
        (await self.connected()).send_text(text)

    async def drop(self) -> None:
        """Break the TCP connection without a close frame."""
        (await self.connected()).abort()

    async def close(self) -> None:
        """Close the websocket cleanly."""
        (await self.connected()).close()

    async def freeze(self) -> None:
        """Neither read nor write on the websocket that stands, and leave it open: the half-open connection."""
        (await self.connected()).frozen = True

    def asked_for(self, method: str, path: str) -> list[Asked]:
        """The requests of a method whose path begins so."""
        return [asked for asked in self.asked if asked.method == method and asked.path.startswith(path)]

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        scripted = self.script(asked)
        if scripted is not None:
            return scripted
        if asked.method != "GET":
            return Answer(200, {"id": "x", "name": "x", "state": "Down", "caller": {}, "dialplan": {}})
        if asked.path == "asterisk/info":
            return Answer(200, {"status": {"startup_time": "2026-11-21T06:00:00.000+0000"}})
        if asked.path.startswith("applications/"):
            return Answer(200, {"name": "hotline", "channel_ids": []})
        return Answer(200, [])

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._group.create_task(self._serve(reader, writer), name="ari stub connection")
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b"upgrade: websocket" in head.lower():
                    await self._serve_socket(head, reader, writer)
                    return
                await self._serve_request(head, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _serve_request(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = head.decode().split("\r\n")
        method, target, _ = first.split(" ")
        lengths = [int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")]
        body = await reader.readexactly(lengths[0]) if lengths else b""
        parts = urlsplit(target)
        path = unquote(parts.path.removeprefix("/ari/"))
        asked = Asked("http", method, path, dict(parse_qsl(parts.query)), json.loads(body) if body else None)
        answer = self.answer(asked)
        await _wait(answer)
        text = b"" if answer.body is None else json.dumps(answer.body).encode()
        reason = HTTPStatus(answer.status).phrase
        writer.write(f"HTTP/1.1 {answer.status} {reason}\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
        await writer.drain()

    async def _serve_socket(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.handshakes += 1
        if self.handshake != 101:
            status = HTTPStatus(self.handshake)
            refusal = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            writer.write(refusal.encode())
            await writer.drain()
            return
        socket = _Socket(writer)
        socket.begin(head)
        self._socket = socket
        if self.close_at_once:
            socket.close()
        await socket.run(reader, self._on_text)

    async def _on_text(self, socket: "_Socket", text: str) -> None:
        request = json.loads(text)
        query = {pair["name"]: pair["value"] for pair in request.get("query_strings", [])}
        body = json.loads(request["message_body"]) if "message_body" in request else None
        answer = self.answer(Asked("ws", request["method"], unquote(request["uri"]), query, body))
        await _wait(answer)
        reply = {
            "type": "RESTResponse",
            "transaction_id": request["transaction_id"],
            "request_id": request["request_id"],
            "status_code": answer.status,
            "reason_phrase": HTTPStatus(answer.status).phrase,
            "uri": request["uri"],
            "message_body": "" if answer.body is None else json.dumps(answer.body),
        }
        socket.answer(json.dumps(reply), self.hold_answers)


class _Socket:
    """One websocket, frame by frame."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.open = True
        self.frozen = False
        self._writer = writer
        self._protocol = ServerProtocol(logger=_log)
        self._held: list[str] = []

    def begin(self, head: bytes) -> None:
        self._protocol.receive_data(head)
        (request,) = self._protocol.events_received()
        assert isinstance(request, Request)
        self._protocol.send_response(self._protocol.accept(request))
        self._flush()

    async def run(self, reader: asyncio.StreamReader, on_text: Callable[["_Socket", str], Awaitable[None]]) -> None:
        """One request after the other, as Asterisk serves them: a slow one delays what follows, pings too."""
        try:
            while data := await reader.read(65536):
                while self.frozen:  # noqa: ASYNC110  a frozen peer does nothing at all, for ever
                    await asyncio.sleep(0.01)
                self._protocol.receive_data(data)
                for frame in self._protocol.events_received():
                    if getattr(frame, "opcode", None) is Opcode.TEXT:
                        await on_text(self, frame.data.decode())  # type: ignore[union-attr]  # frames only, by the opcode
                self._flush()
        finally:
            self.open = False

    def answer(self, text: str, hold: int) -> None:
        """Send an answer; with `hold`, only when so many are held, the last first."""
        self._held.append(text)
        if len(self._held) >= hold:
            for held in reversed(self._held):
                self.send_text(held)
            self._held.clear()

    def send_text(self, text: str) -> None:
        self._protocol.send_text(text.encode())
        self._flush()

    def close(self) -> None:
        self.open = False
        self._protocol.send_close(1000)
        self._flush()

    def abort(self) -> None:
        self.open = False
        self._writer.transport.abort()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._writer.write(data)
            else:
                self._writer.close()


async def _wait(answer: Answer) -> None:
    if answer.never:
        await asyncio.Event().wait()
    await asyncio.sleep(answer.after_s)
