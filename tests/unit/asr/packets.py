"""RTP packets for tests."""

import struct

import numpy as np


def packet(
    sequence: int,
    pcm: bytes,
    *,
    timestamp: int | None = None,
    ssrc: int = 7,
    payload_type: int = 118,
    marker: bool = False,
    csrcs: tuple[int, ...] = (),
    extension: bytes | None = None,
    padding: int = 0,
) -> bytes:
    """`pcm` is little-endian; `timestamp` follows the sequence at 20 ms of 16 kHz a packet unless given."""
    stamp = sequence * 320 if timestamp is None else timestamp
    first = 0x80 | (0x20 if padding else 0) | (0x10 if extension is not None else 0) | len(csrcs)
    header = struct.pack(
        "!BBHII", first, (0x80 if marker else 0) | payload_type, sequence & 0xFFFF, stamp & 0xFFFFFFFF, ssrc
    )
    header += b"".join(struct.pack("!I", each) for each in csrcs)
    if extension is not None:
        header += struct.pack("!HH", 0xBEDE, len(extension) // 4) + extension
    payload = np.frombuffer(pcm, dtype="<i2").astype(">i2").tobytes()
    return header + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


def packets(pcm: bytes, *, first: int = 0, ssrc: int = 7) -> list[bytes]:
    """20 ms each at 16 kHz."""
    return [packet(first + n, pcm[at : at + 640], ssrc=ssrc) for n, at in enumerate(range(0, len(pcm), 640))]
