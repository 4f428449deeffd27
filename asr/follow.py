"""A recording read while it grows: the audio that has come since it was last looked at."""

from pathlib import Path
from typing import Final

from asr.audio import Resampler
from asr.errors import RecordingUnreadable
from asr.recording import open_recording
from asr.stream import SAMPLE_RATE

_HEADER: Final = 44
"""Bytes of the shortest WAV header: before they are there, there is nothing to read."""
_MOST_MS: Final = 5_000
"""Read at once at most, so that one long recording does not hold up the others."""


class Tail:
    """One channel of a recording from `start_ms` on. Blocking; used by one thread at a time.

    Asterisk writes in pieces of 32 KiB, so audio comes one to two seconds late (2.05 s at 8 kHz).
    """

    def __init__(self, path: Path, start_ms: int, channel: int = 0) -> None:
        self._path = path
        self._start_ms = start_ms
        self._channel = channel
        self._at = -1
        self._resampler: Resampler | None = None

    def read(self) -> bytes:
        """What is new, PCM16 little-endian at `SAMPLE_RATE`; nothing while the file is not there or has not grown.

        Raises `RecordingUnreadable` for a file that is no recording.
        """
        if not self._path.exists() or self._path.stat().st_size < _HEADER:
            return b""
        recording = open_recording(self._path)
        rate = recording.sample_rate
        if self._resampler is None:
            self._resampler = Resampler(rate, SAMPLE_RATE)
            self._at = self._start_ms * rate // 1000
        stop = min(recording.frames, self._at + _MOST_MS * rate // 1000)
        if self._channel >= recording.channels:
            raise RecordingUnreadable(f"{self._path}: {recording.channels} channels, none of number {self._channel}")
        if stop <= self._at:
            return b""
        samples = recording.read(self._channel, self._at, stop)
        self._at += len(samples)
        return self._resampler.feed(samples).astype("<i2").tobytes()
