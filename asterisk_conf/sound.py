"""Samples: mono float arrays in -1..1 at a rate in Hz; read, resampled, levelled and written as 16-bit PCM WAV."""

import os
import tempfile
import wave
from functools import cache
from math import gcd
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from asterisk_conf.errors import SoundRefused

Samples: TypeAlias = NDArray[np.float64]

RATES = {".wav": 8000, ".wav16": 16000}
"""The two files of each sound: Asterisk's format_wav reads both, and takes the one nearest to the phone's codec."""

SPEECH_DB = -22.0
"""Active speech, dB of full scale: a little above the -26 dBov of conversation (ITU-T P.56, P.830)."""

_PEAK = 0.9
_HALF_TAPS = 24
_KAISER = 8.0
_EDGE = 0.95
"""The filter's middle, as a part of the new band: its slope ends about where the band does."""
_BLOCK = 8192
_SILENT_BELOW = 0.01
_FULL_SCALE_16 = 32768.0


def read_wav(path: Path) -> tuple[Samples, int]:
    """A PCM WAV file of any rate, 16, 24 or 32 bits, its channels mixed to one. Raises SoundRefused."""
    try:
        with wave.open(str(path), "rb") as file:
            rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError, OSError) as wrong:
        raise SoundRefused(f"{path} cannot be read: give a PCM WAV file ({wrong})") from wrong
    if width not in (2, 3, 4) or not data:
        raise SoundRefused(f"{path}: 16, 24 or 32 bits a sample and at least one sample are needed")
    raw = np.frombuffer(data, np.uint8).reshape(-1, width)
    wide = np.zeros((len(raw), 4), np.uint8)
    wide[:, 4 - width :] = raw
    samples = wide.view("<i4")[:, 0].astype(np.float64) / 2.0**31
    return samples.reshape(-1, channels).mean(axis=1), rate


def write_wav(path: Path, samples: Samples, rate: int) -> None:
    """Write 16-bit PCM in one step: a reader sees the old file or the new one."""
    pcm = np.clip(np.round(samples * _FULL_SCALE_16), -_FULL_SCALE_16, _FULL_SCALE_16 - 1).astype("<i2")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file, wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(rate)
            out.writeframes(pcm.tobytes())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def resample(samples: Samples, rate: int, to: int) -> Samples:
    """The same sound at another rate, band-limited: a Kaiser-windowed sinc, one kernel for each phase of the ratio."""
    if rate == to:
        return samples
    up, down = to // gcd(rate, to), rate // gcd(rate, to)
    kernels = _kernels(up, down)
    taps = kernels.shape[1]
    surroundings = np.lib.stride_tricks.sliding_window_view(np.pad(samples, taps // 2), taps)
    count = len(samples) * up // down
    result = np.empty(count)
    for start in range(0, count, _BLOCK):
        ticks = np.arange(start, min(start + _BLOCK, count)) * down
        result[start : start + _BLOCK] = np.einsum("ij,ij->i", surroundings[ticks // up + 1], kernels[ticks % up])
    return result


@cache
def _kernels(up: int, down: int) -> Samples:
    cut = min(1.0, up / down)
    reach = round(_HALF_TAPS / cut)
    distance = np.arange(up)[:, None] / up - (np.arange(2 * reach) - reach + 1)
    window = np.i0(_KAISER * np.sqrt(np.clip(1 - (distance / reach) ** 2, 0, None))) / np.i0(_KAISER)
    kernels: Samples = _EDGE * cut * np.sinc(_EDGE * cut * distance) * window
    return kernels


def trim(samples: Samples, rate: int, *, lead_ms: int, tail_ms: int) -> Samples:
    """Without the silence around it, but with so many ms of it before and behind."""
    loud = np.flatnonzero(np.abs(samples) > _SILENT_BELOW * (np.abs(samples).max() or 1.0))
    if not len(loud):
        return samples
    kept = samples[loud[0] : loud[-1] + 1]
    return np.pad(kept, (rate * lead_ms // 1000, rate * tail_ms // 1000))


def level(samples: Samples, rate: int, target_db: float = SPEECH_DB) -> Samples:
    """At the given level while it speaks (frames of 20 ms within 30 dB of the loudest), and never clipped."""
    size = rate // 50
    frames = samples[: len(samples) // size * size].reshape(-1, size) if len(samples) >= size else samples[None, :]
    power = (frames**2).mean(axis=1)
    active = power[power > power.max() / 1000]
    if not len(active):
        return samples
    gain = 10 ** (target_db / 20) / float(np.sqrt(active.mean()))
    return samples * min(gain, _PEAK / float(np.abs(samples).max()))
