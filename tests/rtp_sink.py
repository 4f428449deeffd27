"""Where taps send to in tests: one UDP port, what arrives kept by the port it came from."""

import asyncio
import struct
from collections import defaultdict
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

RATE = 16000
_HEADER = struct.Struct("!BBHII")


@dataclass(frozen=True)
class Packet:
    """One packet; `at` is of the event loop's clock."""

    at: float
    payload_type: int
    sequence: int
    payload: bytes


class RtpSink(asyncio.DatagramProtocol):
    """L16 at 16000 Hz, big-endian (RFC 3551 4.5.11)."""

    def __init__(self) -> None:
        self.packets: defaultdict[int, list[Packet]] = defaultdict(list)
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._transport is not None
        self._transport.close()
        await asyncio.sleep(0)  # the transport closes its socket in the next turn of the loop

    @property
    def address(self) -> tuple[str, int]:
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")
        return host, port

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        _, kind, sequence, _, _ = _HEADER.unpack_from(data)
        packet = Packet(asyncio.get_running_loop().time(), kind & 0x7F, sequence, data[_HEADER.size :])
        self.packets[addr[1]].append(packet)

    def samples(self, source_port: int, since: float = 0.0) -> NDArray[np.int16]:
        """What came from a port, laid end to end."""
        sound = b"".join(packet.payload for packet in self.packets[source_port] if packet.at >= since)
        return np.frombuffer(sound, ">i2").astype(np.int16)
