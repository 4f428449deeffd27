"""WAV recordings as samples, whole or still growing.

The header of a recording that Asterisk is still writing says too little or nothing about its length, so the data is
read to where the file ends. Only uncompressed PCM of 8, 16, 24 or 32 bits is read, any rate, any number of channels.
"""

import struct
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import numpy as np
import numpy.typing as npt

from asr.audio import Samples
from asr.errors import RecordingUnreadable

_PCM: Final = 1
_EXTENSIBLE: Final = 0xFFFE


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how the samples stand in the file; `frames` is how many there were when it was opened."""

    path: Path
    sample_rate: int
    channels: int
    width: int
    data_at: int
    frames: int

    def read(self, channel: int, start: int = 0, stop: int | None = None) -> Samples:
        """Samples of one channel as 16 bits, frames `start` to `stop` as far as there are any."""
        stop = self.frames if stop is None else min(stop, self.frames)
        size = self.width * self.channels
        with self.path.open("rb") as file:
            file.seek(self.data_at + start * size)
            raw = file.read(max(0, stop - start) * size)
        frames = np.frombuffer(raw[: len(raw) // size * size], dtype=np.uint8).reshape(-1, self.channels, self.width)
        return _as_16_bit(frames[:, channel, :])


def open_recording(path: Path) -> Recording:
    """Read the header. Raises `RecordingUnreadable` naming what is wrong."""
    try:
        return _open(path)
    except OSError as error:
        raise RecordingUnreadable(f"{path}: {error.strerror}") from error
    except struct.error as error:
        raise RecordingUnreadable(f"{path}: cut short in its header") from error


def _open(path: Path) -> Recording:
    size = path.stat().st_size
    with path.open("rb") as file:
        riff, _, wave = struct.unpack("<4sI4s", file.read(12))
        if (riff, wave) != (b"RIFF", b"WAVE"):
            raise RecordingUnreadable(f"{path}: not a WAV file; convert it to 16-bit PCM WAV")
        layout: tuple[int, int, int] | None = None
        while True:
            name, length = struct.unpack("<4sI", file.read(8))
            if name == b"data":
                break
            body = file.read(length + length % 2)
            if name == b"fmt ":
                layout = _layout(path, body)
        data_at = file.tell()
        data = length if _chunks_follow(file, data_at + length, size) else size - data_at
    if layout is None:
        raise RecordingUnreadable(f"{path}: its format stands after its data")
    channels, rate, width = layout
    return Recording(
        path=path,
        sample_rate=rate,
        channels=channels,
        width=width,
        data_at=data_at,
        frames=data // (width * channels),
    )


def _layout(path: Path, body: bytes) -> tuple[int, int, int]:
    """Channels, rate, bytes a sample (RIFF's `fmt ` chunk)."""
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if kind == _EXTENSIBLE:
        kind = struct.unpack_from("<H", body, 24)[0]
    if kind != _PCM or bits not in (8, 16, 24, 32):
        raise RecordingUnreadable(f"{path}: format {kind} with {bits} bits is not PCM; convert it to 16-bit PCM WAV")
    if not channels or not rate:
        raise RecordingUnreadable(f"{path}: {channels} channels at {rate} Hz")
    return channels, rate, bits // 8


def _chunks_follow(file: BinaryIO, at: int, size: int) -> bool:
    """Whether whole chunks, or none, fill the file from `at` to its end: then the length that led there is true."""
    at += at % 2
    while at < size:
        file.seek(at)
        header = file.read(8)
        if len(header) < 8 or not header[:4].isalnum():
            return False
        at += 8 + int.from_bytes(header[4:], "little")
        at += at % 2
    return at in (size, size + 1)


def _as_16_bit(samples: npt.NDArray[np.uint8]) -> Samples:
    """Little-endian samples, one a row, to 16 bits; 8-bit WAV is unsigned, the rest signed."""
    width = samples.shape[1]
    if width == 1:
        return (samples[:, 0].astype(np.int16) - 128) << 8
    return np.ascontiguousarray(samples[:, -2:]).view("<i2")[:, 0]
