"""SIP transactions over one UDP socket of 127.0.0.1 (RFC 3261 section 17), with the timers of its table 4."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

from ivr.demo.sip.message import SipMessage, SipSyntaxError
from ivr.ports import HotlineError

Address: TypeAlias = tuple[str, int]
_KEEP_RESPONSES = 256  # answered requests remembered for retransmissions; the oldest is forgotten
_KEEP_REPLIES = 32  # responses of one transaction not yet looked at; more are dropped, the other side repeats them


class SipTimeout(HotlineError):
    """The other side did not reply in time."""


@dataclass(frozen=True)
class SipTimers:
    """T1 and T2 of RFC 3261 in milliseconds; a transaction gives up after 64 times T1."""

    t1_ms: int = 500
    t2_ms: int = 4000

    @property
    def give_up_s(self) -> float:
        """Timers B, F and H."""
        return 64 * self.t1_ms / 1000

    def next_wait(self, wait_s: float) -> float:
        """The wait after `wait_s`, doubled up to T2."""
        return min(2 * wait_s, self.t2_ms / 1000)


class SipTransactions(asyncio.DatagramProtocol):
    """Sends requests until they are answered, and answers repeated requests with what was said before.

    `on_request` gets every request not seen before, and every ACK; `on_stray_ok` every 2xx to an INVITE whose
    transaction is over (RFC 3261 13.2.2.4: it must be acknowledged again).
    """

    def __init__(
        self,
        on_request: Callable[[SipMessage, Address], None],
        on_stray_ok: Callable[[SipMessage], None],
        timers: SipTimers,
    ) -> None:
        self.timers = timers
        self._on_request = on_request
        self._on_stray_ok = on_stray_ok
        self._transport: asyncio.DatagramTransport | None = None
        self._pending: dict[tuple[str, str], asyncio.Queue[SipMessage]] = {}
        self._said: OrderedDict[tuple[str, str], tuple[bytes, Address] | None] = OrderedDict()
        self._cut_off = False

    async def open(self, port: int = 0) -> None:
        """Bind a port of 127.0.0.1, any free one for 0."""
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", port))

    def close(self) -> None:
        """Release the port."""
        if self._transport is not None:
            self._transport.close()

    def vanish(self) -> None:
        """Send nothing and hear nothing any more, the port still bound."""
        self._cut_off = True

    @property
    def port(self) -> int:
        """The bound UDP port."""
        assert self._transport is not None
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    def via(self, branch: str | None = None) -> tuple[str, str]:
        """A Via header for a new transaction, or for the one of `branch`."""
        return ("via", f"SIP/2.0/UDP 127.0.0.1:{self.port};rport;branch={branch or new_branch()}")

    def send(self, message: SipMessage, to: Address) -> None:
        """Put one datagram on the wire, once."""
        self._put(message.render(), to)

    def respond(self, request: SipMessage, response: SipMessage, to: Address) -> None:
        """Answer, and answer the same to every repetition of the request."""
        key = _key(request)
        if key in self._said:
            self._said[key] = (response.render(), to)
        self.send(response, to)

    async def request(self, message: SipMessage, to: Address) -> SipMessage:
        """Send a request other than INVITE until its final response; raises SipTimeout."""
        async with aclosing(self.responses(message, to)) as responses:
            async for response in responses:
                if response.status >= 200:
                    return response
        raise SipTimeout(f"no final response to {message.method}")

    async def responses(self, message: SipMessage, to: Address) -> AsyncGenerator[SipMessage, None]:
        """Every response up to the final one. An INVITE is repeated until the first response, any other until the last.

        Raises SipTimeout when nothing came within 64 T1; a ringing INVITE waits for ever.
        """
        key = (message.branch, message.method)
        queue = self._pending[key] = asyncio.Queue(_KEEP_REPLIES)
        loop = asyncio.get_running_loop()
        gives_up_at, wait_s = loop.time() + self.timers.give_up_s, self.timers.t1_ms / 1000
        proceeding = False
        try:
            self.send(message, to)
            while True:
                waits = not (proceeding and message.method == "INVITE")
                try:
                    async with asyncio.timeout(wait_s if waits else None):
                        response = await queue.get()
                except TimeoutError:
                    if loop.time() >= gives_up_at:
                        raise SipTimeout(f"no reply to {message.method}") from None
                    self.send(message, to)
                    wait_s = 2 * wait_s if message.method == "INVITE" else self.timers.next_wait(wait_s)
                    continue
                proceeding = True
                yield response
                if response.status >= 200:
                    return
        finally:
            del self._pending[key]

    def _put(self, datagram: bytes, to: Address) -> None:
        if self._transport is not None and not self._cut_off:
            self._transport.sendto(datagram, to)

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # typeshed: datagram protocols get datagram transports
        """asyncio's: the port is bound."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """asyncio's: sort one datagram; what is not SIP is dropped, as RFC 3261 18.3 asks."""
        if self._cut_off:
            return
        try:
            message = SipMessage.parse(data)
            if message.status:
                self._take_response(message)
            else:
                self._take_request(message, addr)
        except SipSyntaxError:
            return

    def _take_response(self, response: SipMessage) -> None:
        method = response.cseq[1]
        queue = self._pending.get((response.branch, method))
        if queue is not None:
            if not queue.full():
                queue.put_nowait(response)
        elif method == "INVITE" and 200 <= response.status < 300:
            self._on_stray_ok(response)

    def _take_request(self, request: SipMessage, addr: Address) -> None:
        if request.method != "ACK":
            key = _key(request)
            if key in self._said:
                before = self._said[key]
                if before is not None:
                    self._put(*before)
                return
            self._said[key] = None
            if len(self._said) > _KEEP_RESPONSES:
                self._said.popitem(last=False)
        self._on_request(request, addr)


def new_branch() -> str:
    """A fresh transaction id with RFC 3261's magic cookie."""
    return "z9hG4bK" + secrets.token_hex(8)


def _key(request: SipMessage) -> tuple[str, str]:
    return request.branch, request.method
