"""Sample arithmetic: 16-bit mono PCM in, 16-bit mono PCM out. Levels are in dBFS (0 = a full-scale square wave)."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

SAMPLE_BYTES: Final = 2
_HALF_WIDTH: Final = 16
"""Zero crossings of the resampling filter on each side: 32 taps at equal rates, more when the rate falls."""


def samples_of(pcm: bytes) -> Samples:
    """PCM16 little-endian as an array, without a copy. Raises ValueError when a sample is cut in two."""
    return np.frombuffer(pcm, dtype="<i2")


def swap(big_endian: bytes) -> bytes:
    """PCM16 from network byte order (RFC 3551, L16) to little-endian."""
    return np.frombuffer(big_endian, dtype=">i2").astype("<i2").tobytes()


def level_dbfs(samples: Samples) -> float:
    """Root mean square of the samples; -120 for digital silence and for none."""
    if not samples.size:
        return -120.0
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return max(-120.0, 10 * math.log10(power / 32768**2)) if power else -120.0


class Resampler:
    """One stream from one rate to another, fed in pieces of any length: a windowed-sinc polyphase filter.

    The output is the input delayed by nothing: sample n of the output is the input at n / target seconds, however the
    input was cut. `flush` gives the tail that still waited for later samples.
    """

    def __init__(self, source: int, target: int) -> None:
        if source <= 0 or target <= 0:
            raise ValueError(f"sample rates must be positive, not {source} and {target} Hz")
        shared = math.gcd(source, target)
        self._up, self._down = target // shared, source // shared
        cutoff = min(1.0, target / source) * 0.95
        self._reach = math.ceil(_HALF_WIDTH / cutoff)
        offsets = np.arange(-self._reach + 1, self._reach + 1)
        phases = np.arange(self._up)[:, None] / self._up
        distance = offsets[None, :] - phases
        window = np.cos(np.pi * distance / (2 * (self._reach + 1))) ** 2
        taps = np.sinc(distance * cutoff) * window
        self._taps = taps / taps.sum(axis=1, keepdims=True)
        self._offsets = offsets
        self._held = np.zeros(self._reach, dtype=np.float64)
        self._held_from = -self._reach
        self._made = 0

    def feed(self, samples: Samples) -> Samples:
        """Every output sample whose surroundings are known by now."""
        if self._up == self._down:
            return samples
        self._held = np.concatenate([self._held, samples.astype(np.float64)])
        return self._make(self._held_from + len(self._held) - self._reach)

    def flush(self) -> Samples:
        """The rest, as if silence followed. The resampler is spent afterwards."""
        if self._up == self._down:
            return np.zeros(0, dtype=np.int16)
        known = self._held_from + len(self._held)
        self._held = np.concatenate([self._held, np.zeros(self._reach + 1)])
        return self._make(known)

    def _make(self, before: int) -> Samples:
        """Output samples that stand at input positions < `before`."""
        end = max(self._made, -(-before * self._up // self._down))
        index = np.arange(self._made, end, dtype=np.int64) * self._down
        whole, phase = index // self._up, index % self._up
        gathered = self._held[(whole - self._held_from)[:, None] + self._offsets[None, :]]
        made: npt.NDArray[np.float64] = np.einsum("ij,ij->i", gathered, self._taps[phase])
        self._made = end
        keep_from = end * self._down // self._up - self._reach
        if keep_from > self._held_from:
            self._held = self._held[keep_from - self._held_from :]
            self._held_from = keep_from
        rounded: Samples = np.clip(np.rint(made), -32768, 32767).astype(np.int16)
        return rounded
