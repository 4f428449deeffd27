"""RTP (RFC 3550) of one tap back into a continuous row of samples.

Payload is L16 mono (RFC 3551 section 4.5.11) whatever its payload type: Asterisk sends `slin16` as type 118, 16 kHz,
big-endian, 20 ms a packet. Lost packets leave a counted hole in their place, so the samples' time stays the call's.
"""

import struct
from collections import deque
from dataclasses import dataclass
from typing import Final

import msgspec

from asr.audio import SAMPLE_BYTES, swap

REORDER_WINDOW: Final = 3
"""Packets waited for before a missing one is given up: 60 ms at 20 ms each."""
MAX_DROPOUT: Final = 3000
"""Packets a sequence may leap forward and still be the same stream (RFC 3550 appendix A.1)."""
MAX_MISORDER: Final = 100
"""Packets a sequence may fall back and still be a late packet rather than a sender that began anew (appendix A.1)."""
_RESTART_HOLE_MS: Final = 100
"""A new SSRC says nothing about time; only a hole longer than this on the arrival clock is believed."""


class NotRtp(ValueError):
    """A datagram that is no RTP packet of ours."""


class RtpPacket(msgspec.Struct, frozen=True, kw_only=True):
    """The fields we use; `timestamp` counts samples, `payload` is without CSRC list, extension and padding."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    marker: bool
    payload: bytes


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Samples in order. `hole` samples are missing before `pcm` (PCM16 little-endian); `lost` of the packets in the
    hole never came. A hole with none lost was silence the sender did not send (RFC 3551 section 4.1).
    """

    pcm: bytes
    hole: int = 0
    lost: int = 0


@dataclass(slots=True)
class Counts:
    """What was met on one tap."""

    packets: int = 0
    lost: int = 0
    late: int = 0
    duplicate: int = 0
    malformed: int = 0
    restarts: int = 0


def parse(datagram: bytes) -> RtpPacket:
    """Read one RTP packet (RFC 3550 section 5.1). Raises `NotRtp` on anything else, RTCP included."""
    if len(datagram) < 12:
        raise NotRtp(f"{len(datagram)} bytes are no RTP packet")
    first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", datagram)
    if first >> 6 != 2:
        raise NotRtp(f"RTP version {first >> 6}, not 2")
    if 200 <= second <= 207:
        raise NotRtp("RTCP")
    start, end = 12 + 4 * (first & 0x0F), len(datagram)
    if first & 0x10:
        if end < start + 4:
            raise NotRtp("cut in its header extension")
        start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4], "big")
    if first & 0x20:
        end -= datagram[-1] or len(datagram)
    if end < start:
        raise NotRtp("header, extension and padding are longer than the packet")
    if (end - start) % SAMPLE_BYTES:
        raise NotRtp("a sample cut in two")
    return RtpPacket(
        payload_type=second & 0x7F,
        sequence=sequence,
        timestamp=timestamp,
        ssrc=ssrc,
        marker=bool(second & 0x80),
        payload=datagram[start:end],
    )


def _ahead(value: int, base: int, bits: int) -> int:
    """How far `value` is ahead of `base` on a counter that wraps at 2**bits; negative when behind."""
    half = 1 << (bits - 1)
    return ((value - base + half) & ((1 << bits) - 1)) - half


class Reassembly:
    """Packets of one tap, as they come, into runs of samples in order.

    Out of order within `REORDER_WINDOW` is put right; a duplicate or a packet that comes after its hole was passed is
    dropped and counted. A new SSRC, or two packets in a row from a far-off sequence, is a sender that began anew: what
    was waiting is given out first, then the row goes on, its hole measured on the arrival clock. A timestamp that leaps
    more than a second beyond that clock is not believed.
    """

    def __init__(self, sample_rate: int) -> None:
        self.counts = Counts()
        self._rate = sample_rate
        self._ssrc: int | None = None
        self._next_sequence = 0
        self._next_timestamp = 0
        self._waiting: dict[int, RtpPacket] = {}
        self._recent: deque[int] = deque(maxlen=MAX_MISORDER)
        self._suspect: int | None = None
        self._first_ms = 0
        self._now_ms = 0
        self._given = 0

    def push(self, datagram: bytes, arrived_ms: int) -> list[Run]:
        """Take one datagram that arrived at `arrived_ms` (any monotonic clock); malformed ones are only counted."""
        try:
            packet = parse(datagram)
        except NotRtp:
            self.counts.malformed += 1
            return []
        self.counts.packets += 1
        self._now_ms = arrived_ms
        if self._ssrc is None:
            self._first_ms = arrived_ms
            self._begin(packet)
        elif packet.ssrc != self._ssrc:
            return self._restart(packet)
        ahead = _ahead(packet.sequence, self._next_sequence, 16)
        if not -MAX_MISORDER <= ahead < MAX_DROPOUT:
            if packet.sequence == self._suspect:
                return self._restart(packet)
            self._suspect = (packet.sequence + 1) & 0xFFFF
            self.counts.late += 1
            return []
        self._suspect = None
        if ahead < 0 or packet.sequence in self._waiting:
            repeated = ahead >= 0 or packet.sequence in self._recent
            self.counts.duplicate += repeated
            self.counts.late += not repeated
            return []
        self._waiting[packet.sequence] = packet
        return self._ready(REORDER_WINDOW)

    def flush(self) -> list[Run]:
        """Give out what still waits for a missing packet: the tap ended."""
        return self._ready(0)

    def _begin(self, packet: RtpPacket) -> None:
        self._ssrc = packet.ssrc
        self._next_sequence, self._next_timestamp = packet.sequence, packet.timestamp
        self._waiting.clear()
        self._recent.clear()
        self._suspect = None

    def _restart(self, packet: RtpPacket) -> list[Run]:
        runs = self._ready(0)
        self.counts.restarts += 1
        self._begin(packet)
        behind = self._behind()
        hole = behind if behind > _RESTART_HOLE_MS * self._rate // 1000 else 0
        self._next_timestamp = (packet.timestamp - hole) & 0xFFFFFFFF
        self._waiting[packet.sequence] = packet
        return runs + self._ready(REORDER_WINDOW)

    def _behind(self) -> int:
        """Samples the row lags behind the arrival clock."""
        return (self._now_ms - self._first_ms) * self._rate // 1000 - self._given

    def _ready(self, window: int) -> list[Run]:
        """Every waiting packet that is next, or whose missing forerunners are given up."""
        runs: list[Run] = []
        while self._waiting:
            packet = self._waiting.pop(self._next_sequence, None)
            lost = 0
            if packet is None:
                if len(self._waiting) <= window:
                    break
                sequence = min(self._waiting, key=lambda each: _ahead(each, self._next_sequence, 16))
                lost = _ahead(sequence, self._next_sequence, 16)
                packet = self._waiting.pop(sequence)
            runs.append(self._give(packet, lost))
        return runs

    def _give(self, packet: RtpPacket, lost: int) -> Run:
        length = len(packet.payload) // SAMPLE_BYTES
        believable = max(lost * length, self._behind() + self._rate)
        hole = min(max(0, _ahead(packet.timestamp, self._next_timestamp, 32)), believable)
        self._next_sequence = (packet.sequence + 1) & 0xFFFF
        self._next_timestamp = (packet.timestamp + length) & 0xFFFFFFFF
        self._recent.append(packet.sequence)
        self._given += hole + length
        self.counts.lost += lost
        return Run(pcm=swap(packet.payload), hole=hole, lost=lost)
