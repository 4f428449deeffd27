"""What a SIP party says and hears: RTP with G.711 µ-law in 20 ms packets, and digits (RFC 3550, 3551, 4733)."""

import asyncio
import re
import secrets
import struct
import wave
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.int16]
"""Linear PCM, 8000 Hz, mono."""

RATE_HZ = 8000
PACKET_SAMPLES = 160
PACKET_S = 0.02
_PCMU = 0
_DIGITS = "0123456789*#ABCD"
_DIGIT_PACKETS = 8  # five of the pressed key, three that say it was released: 160 ms in all
_DIGIT_PAUSE_PACKETS = 4
_HEADER = struct.Struct("!BBHII")
_KEEP_PACKETS = 30 * 60 * 50  # half an hour heard is kept, older packets fall out


def _encode_table() -> NDArray[np.uint8]:
    linear = np.arange(-32768, 32768)
    sign = np.where(linear < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(linear), 32635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(int) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    table: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return table


def _decode_table() -> Samples:
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 132) << ((code >> 4) & 7)) - 132
    table: Samples = np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)
    return table


_ENCODE = _encode_table()
_DECODE = _decode_table()
_SILENCE = bytes([int(_ENCODE[32768])]) * PACKET_SAMPLES


def encode_ulaw(samples: Samples) -> bytes:
    """Linear PCM to G.711 µ-law."""
    return _ENCODE[samples.astype(np.int32) + 32768].tobytes()


def decode_ulaw(coded: bytes) -> Samples:
    """G.711 µ-law to linear PCM."""
    return _DECODE[np.frombuffer(coded, np.uint8)]


def read_wav(path: Path) -> Samples:
    """A mono 16-bit wav of 8000 or 16000 Hz as 8000 Hz samples; raises ValueError for any other."""
    with wave.open(str(path), "rb") as sound:
        shape = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate())
        samples: Samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.int16)
    if shape == (1, 2, RATE_HZ):
        return samples
    if shape == (1, 2, 2 * RATE_HZ):
        return _halve(samples)
    raise ValueError(
        f"{path.name}: {shape[0]} channels, {8 * shape[1]} bits, {shape[2]} Hz; wanted mono, 16 bits, 8000 or 16000 Hz"
    )


def _halve(samples: Samples) -> Samples:
    taps = np.arange(-31, 32)
    low_pass = np.sinc(taps / 2) * np.hamming(len(taps))
    smooth = np.convolve(samples.astype(np.float64), low_pass / low_pass.sum(), mode="same")
    return np.clip(np.rint(smooth[::2]), -32768, 32767).astype(np.int16)


@dataclass(frozen=True)
class HeardPacket:
    """20 ms that arrived; `at` is seconds of the event loop's clock."""

    at: float
    coded: bytes


class Heard:
    """Everything a party heard, the oldest dropped after half an hour."""

    def __init__(self) -> None:
        self.packets: deque[HeardPacket] = deque(maxlen=_KEEP_PACKETS)
        self.digits: list[str] = []

    def samples(self, since: float = 0.0) -> Samples:
        """What arrived at or after `since` (event loop's clock), packets laid end to end."""
        return decode_ulaw(b"".join(packet.coded for packet in self.packets if packet.at >= since))


class _Item:
    """Something to be sent; `over` when it was sent to its end (`sent`) or will never be."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.sent = False


class _Utterance(_Item):
    def __init__(self, samples: Samples) -> None:
        super().__init__()
        self.samples = samples
        self.position = 0


class _Digit(_Item):
    def __init__(self, event: int) -> None:
        super().__init__()
        self.event = event
        self.packet = 0
        self.stamp = 0


class Voice(asyncio.DatagramProtocol):
    """One RTP stream each way. It speaks what it is given, one thing after the other, and silence otherwise."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.digit_type = 101
        self._queue: deque[_Item] = deque()
        self._pause = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._remote: tuple[str, int] | None = None
        self._sequence = secrets.randbelow(1 << 15)
        self._stamp = secrets.randbelow(1 << 31)
        self._source = secrets.randbelow(1 << 32)
        self._muted = False

    async def open(self) -> None:
        """Bind a port of 127.0.0.1."""
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))

    def close(self) -> None:
        """Release the port; what was still to be said will not be."""
        if self._transport is not None:
            self._transport.close()
        for item in self._queue:
            item.over.set()
        self._queue.clear()

    def vanish(self) -> None:
        """Send nothing and hear nothing any more, the port still bound: a phone that lost its network."""
        self._muted = True

    @property
    def port(self) -> int:
        """The bound UDP port."""
        assert self._transport is not None
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    def sdp(self) -> str:
        """Our offer or answer."""
        lines = [
            "v=0",
            f"o=- {self._source} 1 IN IP4 127.0.0.1",
            "s=-",
            "c=IN IP4 127.0.0.1",
            "t=0 0",
            f"m=audio {self.port} RTP/AVP {_PCMU} {self.digit_type}",
            f"a=rtpmap:{_PCMU} PCMU/8000",
            f"a=rtpmap:{self.digit_type} telephone-event/8000",
            f"a=fmtp:{self.digit_type} 0-15",
            "a=ptime:20",
            "a=sendrecv",
        ]
        return "\r\n".join(lines) + "\r\n"

    def meet(self, sdp: str) -> None:
        """Take the other side's address and digit payload type from its SDP; one without audio changes nothing."""
        audio = re.search(r"^m=audio (\d+) ", sdp, re.MULTILINE)
        host = re.search(r"^c=IN IP4 (\S+)", sdp, re.MULTILINE)
        if audio is None or host is None:
            return
        self._remote = (host[1], int(audio[1]))
        digits = re.search(r"^a=rtpmap:(\d+) telephone-event/8000", sdp, re.MULTILINE)
        if digits is not None:
            self.digit_type = int(digits[1])

    async def say(self, samples: Samples) -> bool:
        """Speak after what was asked for before; True when the last packet is sent, False when the call ended first."""
        return await self._queued(_Utterance(samples))

    async def press(self, digit: str) -> bool:
        """Send one digit as an RFC 4733 event; True when the key is released, False when the call ended first."""
        if len(digit) != 1 or digit not in _DIGITS:
            raise ValueError(f"{digit!r} is not a telephone key")
        return await self._queued(_Digit(_DIGITS.index(digit)))

    async def _queued(self, item: _Item) -> bool:
        if self._transport is None or self._transport.is_closing():
            return False
        self._queue.append(item)
        await item.over.wait()
        return item.sent

    async def speak(self) -> None:
        """Send a packet every 20 ms until cancelled; lateness is made up, so the stream keeps its pace."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._send_next()
            due += PACKET_S
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _send_next(self) -> None:
        item = self._queue[0] if self._queue and not self._pause else None
        if isinstance(item, _Digit):
            self._send_digit(item)
        elif isinstance(item, _Utterance):
            samples = item.samples[item.position : item.position + PACKET_SAMPLES]
            item.position += PACKET_SAMPLES
            self._send(_PCMU, encode_ulaw(samples).ljust(PACKET_SAMPLES, _SILENCE[:1]), self._stamp)
            if item.position >= len(item.samples):
                self._finish(item)
        else:
            self._pause = max(0, self._pause - 1)
            self._send(_PCMU, _SILENCE, self._stamp)
        self._stamp = (self._stamp + PACKET_SAMPLES) & 0xFFFFFFFF

    def _send_digit(self, digit: _Digit) -> None:
        if digit.packet == 0:
            digit.stamp = self._stamp
        released = digit.packet >= _DIGIT_PACKETS - 3
        duration = min(digit.packet + 1, _DIGIT_PACKETS - 2) * PACKET_SAMPLES
        payload = struct.pack("!BBH", digit.event, (0x80 if released else 0) | 10, duration)
        self._send(self.digit_type, payload, digit.stamp, marker=digit.packet == 0)
        digit.packet += 1
        if digit.packet == _DIGIT_PACKETS:
            self._pause = _DIGIT_PAUSE_PACKETS
            self._finish(digit)

    def _finish(self, item: _Item) -> None:
        self._queue.popleft()
        item.sent = True
        item.over.set()

    def _send(self, payload_type: int, payload: bytes, stamp: int, *, marker: bool = False) -> None:
        if self._transport is None or self._remote is None or self._muted:
            return
        header = _HEADER.pack(0x80, payload_type | (0x80 if marker else 0), self._sequence, stamp, self._source)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._transport.sendto(header + payload, self._remote)

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # typeshed: datagram protocols get datagram transports
        """asyncio's: the port is bound."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """asyncio's: keep what is heard; packets that are not RTP of ours are dropped."""
        if self._muted or len(data) <= _HEADER.size or data[0] >> 6 != 2:
            return
        payload_type, payload = data[1] & 0x7F, data[_HEADER.size + 4 * (data[0] & 0x0F) :]
        if payload_type == _PCMU:
            self.heard.packets.append(HeardPacket(asyncio.get_running_loop().time(), payload))
        elif payload_type == self.digit_type and data[1] & 0x80 and payload and payload[0] < len(_DIGITS):
            self.heard.digits.append(_DIGITS[payload[0]])
