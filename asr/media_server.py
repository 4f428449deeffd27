"""The one UDP socket all taps send to; a stream is known by the port it comes from.

Asterisk tells a tap's source port only in the reply that creates it, so its first packets may come before anybody has
registered: they wait here a moment. Nothing here blocks and nothing grows.
"""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

logger = logging.getLogger(__name__)

Sink = Callable[[bytes], None]
"""Takes one datagram, on the event loop; must neither block nor raise."""

EARLY_PACKETS: Final = 50
"""Datagrams kept for a port nobody has registered: one second of a tap. The oldest goes first."""
EARLY_PORTS: Final = 256
"""Unregistered ports kept for at once; datagrams of further ones are dropped and counted."""
EARLY_MS: Final = 2000
"""How long they wait. A call must never hear what another left behind."""
LINGER_MS: Final = 500
"""After a stream ends, what still comes from its port is dropped this long and not kept for the port's next user."""
_RECEIVE_BUFFER: Final = 8 * 1024 * 1024
_DATAGRAM: Final = 2048
_BATCH: Final = 256
"""Datagrams read in one go before the loop's other work gets its turn."""


@dataclass(slots=True)
class MediaCounts:
    """Datagrams met: `received` in all, `unknown` of them given to nobody."""

    received: int = 0
    unknown: int = 0


@dataclass(slots=True)
class _Early:
    since_ms: int
    datagrams: deque[bytes]


class MediaServer:
    """Receives the taps' RTP on one socket. An async context manager: the socket lives as long as the block.

    `sender` is the host taps come from; datagrams of any other host are counted as unknown and dropped. Raises
    OSError when the address cannot be bound.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, sender: str = "127.0.0.1") -> None:
        self.counts = MediaCounts()
        self._bind_to = (host, port)
        self._sender = sender
        self._socket: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sinks: dict[int, Sink] = {}
        self._early: dict[int, _Early] = {}
        self._left_ms: dict[int, int] = {}

    async def __aenter__(self) -> Self:
        """Bind and listen."""
        self._loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            sock.bind(self._bind_to)
        except OSError:
            sock.close()
            raise
        self._socket = sock
        self._loop.add_reader(sock.fileno(), self._drain)
        granted = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        logger.info("media: listening, receive buffer %d bytes", granted)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening; what comes later is lost."""
        if self._socket is not None and self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
        self._sinks.clear()
        self._early.clear()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to name as a tap's `external_host`."""
        if self._socket is None:
            raise RuntimeError("the media server is not open")
        host, port = self._socket.getsockname()
        return str(host), int(port)

    def register(self, source_port: int, sink: Sink) -> None:
        """Give what comes from `source_port` to `sink`, beginning with what came in the last two seconds.

        Raises ValueError when the port has a sink already: two calls must not share one.
        """
        if source_port in self._sinks:
            raise ValueError(f"source port {source_port} is registered already; unregister it first")
        self._sinks[source_port] = sink
        early = self._early.pop(source_port, None)
        if early is not None and self._now_ms() - early.since_ms <= EARLY_MS:
            for datagram in early.datagrams:
                sink(datagram)

    def unregister(self, source_port: int) -> None:
        """Stop giving, after what has arrived by now; quiet when it was not registered."""
        if source_port in self._sinks:
            self._drain()
            del self._sinks[source_port]
            now = self._now_ms()
            self._forget(now)
            self._left_ms[source_port] = now

    def _now_ms(self) -> int:
        assert self._loop is not None
        return int(self._loop.time() * 1000)

    def _drain(self) -> None:
        assert self._socket is not None
        sinks, sender = self._sinks, self._sender
        for _ in range(_BATCH):
            try:
                datagram, (host, port) = self._socket.recvfrom(_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            self.counts.received += 1
            sink = sinks.get(port)
            if sink is not None and host == sender:
                sink(datagram)
            else:
                self._keep(host, port, datagram)

    def _keep(self, host: str, port: int, datagram: bytes) -> None:
        now = self._now_ms()
        if host != self._sender or now - self._left_ms.get(port, now - LINGER_MS) < LINGER_MS:
            self.counts.unknown += 1
            return
        self._left_ms.pop(port, None)
        early = self._early.get(port)
        if early is None or now - early.since_ms > EARLY_MS:
            if early is not None:
                self.counts.unknown += len(early.datagrams)
                del self._early[port]
            self._forget(now)
            if len(self._early) >= EARLY_PORTS:
                self.counts.unknown += 1
                return
            early = self._early[port] = _Early(now, deque(maxlen=EARLY_PACKETS))
        self.counts.unknown += len(early.datagrams) == EARLY_PACKETS
        early.datagrams.append(datagram)

    def _forget(self, now: int) -> None:
        """Drop what waited too long, and the memory of ports long left."""
        for port in [port for port, early in self._early.items() if now - early.since_ms > EARLY_MS]:
            self.counts.unknown += len(self._early.pop(port).datagrams)
        for port in [port for port, left in self._left_ms.items() if now - left >= LINGER_MS]:
            del self._left_ms[port]
