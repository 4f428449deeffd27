"""What happens to a voice before it reaches the recogniser: rooms, noise, the telephone band, companding.

Samples are float64 at 16 kHz with full scale 1.0 unless said otherwise; every function takes its own random generator,
so that a seed repeats the same audio.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import fftconvolve, resample_poly

Samples = NDArray[np.float64]
RATE = 16000

_DTMF_LOW = (697.0, 770.0, 852.0, 941.0)
_DTMF_HIGH = (1209.0, 1336.0, 1477.0, 1633.0)
_TONE_HZ = 450.0  # ringback and busy tone in China, YD/T 1040 / ITU-T E.180 supplement 2


def companded(x8: Samples, law: str) -> Samples:
    """G.711 there and back: `u` for µ-law, `a` for A-law."""
    if law == "u":
        mu = 255.0
        y = np.sign(x8) * np.log1p(mu * np.abs(x8)) / np.log1p(mu)
        y = np.round((y + 1) / 2 * 255) / 255 * 2 - 1
        return np.asarray(np.sign(y) * ((1 + mu) ** np.abs(y) - 1) / mu)
    a = 87.6
    size = np.abs(x8)
    y = np.where(size < 1 / a, a * size / (1 + np.log(a)), (1 + np.log(np.maximum(a * size, 1))) / (1 + np.log(a)))
    y = np.round(y * np.sign(x8) * 127.5 - 0.5) / 127.5 + 0.5 / 127.5
    size = np.abs(y)
    back = np.where(size < 1 / (1 + np.log(a)), size * (1 + np.log(a)) / a, np.exp(size * (1 + np.log(a)) - 1) / a)
    return np.asarray(np.sign(y) * back)


def filtered(x: Samples, rate: int, gain: Callable[[Samples], Samples]) -> Samples:
    """`x` at `rate` Hz with every frequency multiplied by its gain; padded to a length that transforms fast."""
    size = int(next_fast_len(len(x), real=True))
    return np.asarray(
        irfft(rfft(x, size) * gain(np.asarray(np.fft.rfftfreq(size, 1 / rate), np.float64)), size)[: len(x)]
    )


def telephone(x: Samples, law: str, *, narrow: bool = True) -> Samples:
    """Through an 8 kHz G.711 line and back to 16 kHz; `narrow` cuts to 300-3400 Hz first."""
    x8 = resample_poly(x, 1, 2)
    if narrow:
        x8 = filtered(x8, 8000, lambda hz: 1 / (1 + (240 / np.maximum(hz, 1)) ** 6) / (1 + (hz / 3468) ** 20))
    return np.asarray(resample_poly(companded(np.clip(x8, -1, 1), law), 2, 1))


def coloured_noise(count: int, rng: np.random.Generator, slope: float) -> Samples:
    """Noise of deviation 1 whose amplitude falls as frequency**-slope: 0 white, 0.5 pink, 1 brown."""
    size = int(next_fast_len(count, real=True))
    spectrum = rfft(rng.standard_normal(size))
    spectrum /= (np.arange(len(spectrum)) + 1.0) ** slope
    noise = irfft(spectrum, size)[:count]
    return np.asarray(noise / (np.std(noise) + 1e-12))


def with_noise(x: Samples, noise: Samples, snr_db: float) -> Samples:
    """Add noise at a signal-to-noise ratio measured on the loud parts of `x`."""
    loud = x[np.abs(x) > 0.02 * np.max(np.abs(x))]
    scale = np.std(loud) / (np.std(noise) + 1e-12) * 10 ** (-snr_db / 20)
    return np.asarray(x + np.resize(noise, len(x)) * scale)


def augmented(x: Samples, rng: np.random.Generator, babble: list[Samples]) -> Samples:
    """One random way of hearing `x`: colour, room, noise, level, line. Result is on the int16 scale, rounded."""
    count = len(x)
    tilt = rng.uniform(-6, 6)
    peaks = [(rng.uniform(300, 3400), rng.uniform(100, 600), rng.uniform(-8, 6)) for _ in range(rng.integers(0, 3))]

    def colour(hz: Samples) -> Samples:
        gain = 10 ** (tilt * np.log2(np.maximum(hz, 100) / 1000) / 40)
        for centre, width, db in peaks:
            gain = gain * 10 ** (db * np.exp(-(((hz - centre) / width) ** 2)) / 20)
        return np.asarray(gain)

    x = filtered(x, RATE, colour)
    if rng.random() < 0.25:
        length = int(RATE * rng.uniform(0.05, 0.3))
        room = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length) * rng.uniform(0.02, 0.12)
        room[0] = 1.0
        x = fftconvolve(x, room)[:count]
    kind = rng.random()
    if kind < 0.6:
        x = with_noise(x, coloured_noise(count, rng, rng.uniform(0, 0.9)), rng.uniform(4, 30))
    elif kind < 0.78 and babble:
        x = with_noise(x, babble[rng.integers(len(babble))], rng.uniform(8, 25))
    return quantised(lined(x / (np.sqrt(np.mean(x**2)) + 1e-9) * 10 ** (rng.uniform(-36, -12) / 20), rng))


def lined(x: Samples, rng: np.random.Generator) -> Samples:
    """Through a random line: mostly a telephone's, sometimes none."""
    kind = rng.random()
    if kind < 0.7:
        return telephone(x, "u" if kind < 0.35 else "a")
    return telephone(x, "a", narrow=False) if kind < 0.8 else x


def quantised(x: Samples) -> Samples:
    """Full scale 1.0 to whole int16 values, kept as floats."""
    return np.asarray(np.round(np.clip(x, -1, 0.99997) * 32768))


def _tones(hz: list[float], count: int) -> Samples:
    t = np.arange(count) / RATE
    return np.asarray(np.mean([np.sin(2 * np.pi * f * t) for f in hz], axis=0))


def _cadence(hz: list[float], on_s: float, off_s: float, count: int) -> Samples:
    t = np.arange(count) / RATE
    return _tones(hz, count) * ((t % (on_s + off_s)) < on_s)


def ringback(count: int) -> Samples:
    """One second of 450 Hz, four of silence."""
    return _cadence([_TONE_HZ], 1.0, 4.0, count)


def busy(count: int) -> Samples:
    """0.35 s of 450 Hz, 0.35 s of silence."""
    return _cadence([_TONE_HZ], 0.35, 0.35, count)


def dtmf(count: int, rng: np.random.Generator) -> Samples:
    """Random keys of 60 to 250 ms."""
    out, at = np.zeros(count), 0
    while at < count:
        on, off = int(RATE * rng.uniform(0.06, 0.25)), int(RATE * rng.uniform(0.05, 0.5))
        key = _tones([float(rng.choice(_DTMF_LOW)), float(rng.choice(_DTMF_HIGH))], on)
        out[at : at + on] = key[: max(0, count - at)]
        at += on + off
    return out


def music(count: int, rng: np.random.Generator) -> Samples:
    """Random chords and tunes of decaying or held harmonic notes."""
    out = np.zeros(count)
    root = rng.uniform(80, 300)
    scale = [0, 2, 4, 5, 7, 9, 11] if rng.random() < 0.5 else [0, 2, 3, 5, 7, 8, 10]
    beat = rng.uniform(0.15, 1.2)
    decay = rng.choice([0.0, 1.0, 3.0, 8.0])
    harmonics = int(rng.integers(1, 9))
    at = 0
    while at < count:
        length = min(count - at, int(RATE * beat * rng.choice([1, 1, 2, 4])))
        t = np.arange(length) / RATE
        note = np.zeros(length)
        for degree in rng.choice(scale, size=int(rng.integers(1, 5))):
            f = root * 2 ** ((degree + 12 * int(rng.integers(0, 3))) / 12)
            for h in range(1, harmonics + 1):
                note += np.sin(2 * np.pi * f * h * t + rng.uniform(0, 6.28)) / h ** rng.uniform(0.5, 2)
        note *= (
            np.exp(-decay * t)
            * np.minimum(1, np.arange(length) / 160)
            * np.minimum(1, (length - np.arange(length)) / 160)
        )
        out[at : at + length] = note
        at += length
    return np.asarray(out / (np.max(np.abs(out)) + 1e-9))


def wordless(count: int, rng: np.random.Generator) -> Samples:
    """Sound without speech: signalling tones, keys, music, noise or nothing; full scale 1.0."""
    kind = rng.integers(0, 9)
    if kind == 0:
        out = np.roll(ringback(count), int(rng.integers(0, count)))
    elif kind == 1:
        out = busy(count)
    elif kind == 2:
        out = dtmf(count, rng)
    elif kind <= 5:
        out = music(count, rng)
    elif kind == 6:
        # single steady or gliding tones: faxes, whistles, alarms
        t = np.arange(count) / RATE
        out = np.sin(2 * np.pi * (rng.uniform(200, 3000) * t + rng.uniform(-300, 300) * t * t * rng.integers(0, 2)))
    elif kind == 7:
        noise = coloured_noise(count, rng, rng.uniform(0, 1.1))
        swell = 1 + rng.uniform(0, 1) * np.sin(2 * np.pi * rng.uniform(0.05, 4) * np.arange(count) / RATE)
        out = noise * swell / 4
    else:
        clicks = (rng.random(count) < rng.uniform(0.00002, 0.0005)) * rng.standard_normal(count)
        tail = int(RATE * 0.02)
        out = fftconvolve(clicks, coloured_noise(tail, rng, 0.3) * np.exp(-np.arange(tail) / 60))[:count] / 3
    peak = np.max(np.abs(out)) + 1e-9
    out = out / peak * 10 ** (rng.uniform(-40, -3) / 20)
    if rng.random() < 0.5:
        out = out + coloured_noise(count, rng, rng.uniform(0, 0.9)) * 10 ** (rng.uniform(-70, -35) / 20)
    return np.asarray(out)
