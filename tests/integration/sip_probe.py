"""A caller of few words: sends requests, tells the final answer, and in a call sends a tone and keeps what it hears."""

import asyncio
import re
import struct
import uuid
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from asterisk_conf.settings import AsteriskSettings

_FRAME = 160
_RINGING_OR_LESS = 200


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue(maxsize=10_000)

    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:
        self.inbox.put_nowait(data)


class SipProbe:
    """One UDP party, as an async context. `number` is what it calls itself."""

    def __init__(self, settings: AsteriskSettings, number: str = "13800000000", *, host: str = "127.0.0.1") -> None:
        self._server = (settings.sip_host, settings.sip_port)
        self._number, self._host = number, host
        self._call = uuid.uuid4().hex
        self._tag = uuid.uuid4().hex[:8]
        self._sequence = 0
        self._target = self._to = ""
        self._media_to: tuple[str, int] | None = None
        self._frame = 0
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._sip, self._answers = await loop.create_datagram_endpoint(_Datagrams, local_addr=(self._host, 0))
        self._rtp, self._audio = await loop.create_datagram_endpoint(_Datagrams, local_addr=(self._host, 0))
        self._stack.callback(self._sip.close)
        self._stack.callback(self._rtp.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def request(self, method: str, user: str, *, body: str = "", kind: str = "application/sdp") -> int:
        """The final status of a request outside a call; an INVITE's 200 is acknowledged."""
        self._target = f"sip:{user}@{self._server[0]}:{self._server[1]}"
        self._to = f"<{self._target}>"
        self._send(method, body, kind)
        while True:
            text = (await asyncio.wait_for(self._answers.inbox.get(), 10)).decode()
            status = re.match(r"SIP/2\.0 (\d+)", text)
            if status is None or int(status[1]) < _RINGING_OR_LESS:
                continue
            if method == "INVITE":
                self._establish(text, int(status[1]))
            return int(status[1])

    async def invite(self, user: str) -> int:
        """Call `user`; the final status."""
        port = self._rtp.get_extra_info("sockname")[1]
        audio = f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
        origin = f"o=- 1 1 IN IP4 {self._host}\r\ns=-\r\nc=IN IP4 {self._host}\r\nt=0 0\r\n"
        return await self.request("INVITE", user, body=f"v=0\r\n{origin}{audio}")

    async def talk(self, seconds: float, frequency: float = 1000.0) -> None:
        """Send a tone for so long, in real time; the next talk goes on in the same stream."""
        assert self._media_to is not None, "no call"
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number in range(1, round(seconds * 50) + 1):
            time = (np.arange(_FRAME) + self._frame * _FRAME) / 8000
            payload = _to_ulaw(8000 * np.sin(2 * np.pi * frequency * time))
            header = struct.pack("!BBHII", 0x80, 0, self._frame, self._frame * _FRAME, 7)
            self._rtp.sendto(header + payload, self._media_to)
            self._frame += 1
            await asyncio.sleep(max(0.0, start + 0.02 * number - loop.time()))

    def heard(self) -> NDArray[np.float64]:
        """All samples heard since the last time, -1..1."""
        packets = [self._audio.inbox.get_nowait()[12:] for _ in range(self._audio.inbox.qsize())]
        return _from_ulaw(b"".join(packets))

    async def bye(self) -> None:
        """Hang up."""
        self._send("BYE")

    async def wait_bye(self, seconds: float) -> None:
        """Return when the other side has hung up."""
        async with asyncio.timeout(seconds):
            while not (text := (await self._answers.inbox.get()).decode()).startswith("BYE"):
                continue
        kept = [line for line in text.split("\r\n") if re.match(r"(Via|From|To|Call-ID|CSeq):", line)]
        self._sip.sendto("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode(), self._server)

    def _establish(self, text: str, status: int) -> None:
        to = re.search(r"^To: (.*)\r$", text, re.MULTILINE)
        contact = re.search(r"^Contact: <([^>]+)>", text, re.MULTILINE)
        assert to is not None
        self._to = to[1]
        if status == 200 and contact is not None:
            self._target = contact[1]
            port = re.search(r"m=audio (\d+)", text)
            host = re.search(r"c=IN IP4 (\S+)\r", text)
            assert port is not None and host is not None
            self._media_to = (host[1], int(port[1]))
        self._send("ACK")

    def _send(self, method: str, body: str = "", kind: str = "application/sdp") -> None:
        if method != "ACK":
            self._sequence += 1
        port = self._sip.get_extra_info("sockname")[1]
        me = f"{self._host}:{port}"
        lines = [
            f"{method} {self._target} SIP/2.0",
            f"Via: SIP/2.0/UDP {me};rport;branch=z9hG4bK{uuid.uuid4().hex[:16]}",
            "Max-Forwards: 70",
            f"From: <sip:{self._number}@{self._host}>;tag={self._tag}",
            f"To: {self._to}",
            f"Call-ID: {self._call}",
            f"CSeq: {self._sequence} {method}",
            f"Contact: <sip:{self._number}@{me}>",
            *([f"Content-Type: {kind}"] if body else []),
            f"Content-Length: {len(body.encode())}",
        ]
        self._sip.sendto("\r\n".join([*lines, "", body]).encode(), self._server)


_CODES = np.arange(256, dtype=np.int64) ^ 0xFF
_LINEAR: NDArray[np.float64] = (
    np.where(_CODES & 0x80, -1, 1) * (((((_CODES & 15) << 3) + 132) << ((_CODES >> 4) & 7)) - 132) / 32768.0
)
"""What each µ-law code means (ITU-T G.711)."""


def _from_ulaw(data: bytes) -> NDArray[np.float64]:
    return _LINEAR[np.frombuffer(data, np.uint8)]


def _to_ulaw(samples: NDArray[np.float64]) -> bytes:
    order = np.argsort(_LINEAR)
    nearest = np.searchsorted(_LINEAR[order], samples / 32768.0).clip(0, 255)
    return bytes(order[nearest].astype(np.uint8))
