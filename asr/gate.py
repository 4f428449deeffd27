"""Which audio is worth recognising: a voice gate that would rather let noise through than cut a word."""

from collections import deque
from typing import Final

import msgspec
import numpy as np

from asr.audio import SAMPLE_BYTES, samples_of

PREROLL_MS: Final = 400
"""Quiet audio kept while closed and given before the first loud piece: soft onsets belong to the word."""
HOLD_MS: Final = 1300
"""Quiet that must pass before closing: longer than every endpoint rule, so that the recogniser ends the utterance."""
_FRAME_MS: Final = 20
_QUIETEST: Final = 10 ** (-60 / 20)
"""Below -60 dBFS a 20 ms frame is quiet whatever came before: the idle noise of a G.711 line is about -70."""
_LOUDEST: Final = 10 ** (-48 / 20)
"""From -48 dBFS it is loud whatever came before, so a noisy line is recognised throughout and saves nothing."""
_ABOVE_FLOOR: Final = 2.0
"""Between the two, loud is 6 dB above the line's own noise."""
_FLOOR_RISE: Final = 1.07
"""Factor each 200 ms by which the believed noise floor may rise: 3 dB a second. It falls at once."""


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """Audio to recognise now; `skipped` samples before it were held back for good."""

    pcm: bytes
    skipped: int = 0


class VoiceGate:
    """One stream's gate. It closes only while nothing is being said, and gives what it kept when it opens again."""

    def __init__(self, sample_rate: int) -> None:
        self._frame = sample_rate * _FRAME_MS // 1000
        self._preroll = sample_rate * PREROLL_MS // 1000
        self._hold = sample_rate * HOLD_MS // 1000
        self._per_second = sample_rate
        self._floor = _LOUDEST
        self._open = False
        self._quiet = 0
        self._kept: deque[bytes] = deque()
        self._kept_samples = 0
        self._skipped = 0

    @property
    def is_open(self) -> bool:
        """Whether audio passes."""
        return self._open

    @property
    def kept(self) -> int:
        """Samples held back that may still be given."""
        return self._kept_samples

    @property
    def may_close(self) -> bool:
        """Whether it has been quiet long enough. The holder closes it when the recogniser has nothing pending."""
        return self._open and self._quiet >= self._hold

    def push(self, pcm: bytes) -> Admitted | None:
        """What of the stream may be recognised now that `pcm` (PCM16 little-endian) came; None to wait."""
        samples = len(pcm) // SAMPLE_BYTES
        loud = self._is_loud(pcm)
        if self._open:
            self._quiet = 0 if loud else self._quiet + samples
            return Admitted(pcm=pcm)
        if not loud:
            self._keep(pcm, samples)
            return None
        admitted = Admitted(pcm=b"".join([*self._kept, pcm]), skipped=self._skipped)
        self._kept.clear()
        self._open, self._kept_samples, self._skipped, self._quiet = True, 0, 0, 0
        return admitted

    def close(self) -> None:
        """Hold audio back until the next loud piece."""
        self._open = False

    def discard(self) -> int:
        """Close, and forget what is held back. Returns how many samples are now skipped for good."""
        skipped = self._skipped + self._kept_samples
        self._kept.clear()
        self._open, self._kept_samples, self._skipped = False, 0, 0
        return skipped

    def _keep(self, pcm: bytes, samples: int) -> None:
        self._kept.append(pcm)
        self._kept_samples += samples
        while self._kept and self._kept_samples - len(self._kept[0]) // SAMPLE_BYTES >= self._preroll:
            gone = len(self._kept.popleft()) // SAMPLE_BYTES
            self._kept_samples -= gone
            self._skipped += gone

    def _is_loud(self, pcm: bytes) -> bool:
        samples = samples_of(pcm)
        if not samples.size:
            return False
        squares = np.square(samples, dtype=np.float32)
        power = np.add.reduceat(squares, np.arange(0, samples.size, self._frame)) / self._frame
        levels = np.sqrt(power) / 32768
        quietest, loudest = float(levels.min()), float(levels.max())
        rise = _FLOOR_RISE ** (samples.size / self._per_second * 5)
        self._floor = min(max(self._floor * rise, 1e-6), max(quietest, 1e-6))
        return loudest >= min(max(self._floor * _ABOVE_FLOOR, _QUIETEST), _LOUDEST)
