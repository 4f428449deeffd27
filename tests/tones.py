"""Tones for tests: made, written as sound files, and found again in what was heard."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SPEAKING = 1000
"""Amplitude past which something is being said; µ-law silence and comfort noise stay far below."""


_PART = 160


def tone(hz: float, ms: int, rate: int = 8000, amplitude: int = 12000) -> NDArray[np.int16]:
    """A sine."""
    time = np.arange(rate * ms // 1000) / rate
    samples: NDArray[np.int16] = np.rint(amplitude * np.sin(2 * np.pi * hz * time)).astype(np.int16)
    return samples


def loudest_hz(samples: NDArray[np.int16], rate: int = 8000) -> float | None:
    """The strongest frequency of the parts that are not silent; None when there is nothing of 100 ms or more."""
    parts = samples[: len(samples) // _PART * _PART].reshape(-1, _PART)
    heard = parts[np.abs(parts).max(axis=1, initial=0) > SPEAKING].ravel()
    if len(heard) < rate // 10:
        return None
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard)), 4 * rate))
    return float(np.argmax(spectrum)) / 4


def write_wav(path: Path, samples: NDArray[np.int16], rate: int = 8000) -> None:
    """A mono 16-bit file."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples.astype("<i2").tobytes())
