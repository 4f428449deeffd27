"""Sounds of ours that are not speech: music on hold, and the beep before a message."""

import numpy as np

from asterisk_conf.sound import Samples

_CHORD_S = 12.0
_BARS = ((48, 55, 64, 67, 74), (45, 52, 60, 64, 71), (41, 48, 57, 64, 67), (43, 50, 57, 62, 67))
"""Four wide chords as MIDI notes: C add 9, A minor add 9, F major 9, G suspended."""

_LEVEL = 0.05
_HARMONICS = ((1, 1.0), (2, 0.22), (3, 0.08))


def hold_music(rate: int) -> Samples:
    """48 s of slow soft chords that flow into their own beginning; no beat, no melody, nothing like a voice."""
    length = round(_CHORD_S * rate)
    whole = np.zeros(length * len(_BARS))
    for place, chord in enumerate(_BARS):
        sounded = sum((_tone(note, index, rate) for index, note in enumerate(chord)), np.zeros(2 * length))
        at = (np.arange(2 * length) + place * length) % len(whole)
        np.add.at(whole, at, sounded)
    result: Samples = whole / np.sqrt((whole**2).mean()) * _LEVEL
    return result


def _tone(note: int, index: int, rate: int) -> Samples:
    """One note over two chords' time: it swells through its own and fades through the next."""
    count = 2 * round(_CHORD_S * rate)
    time = np.arange(count) / rate
    swell = np.sin(np.pi * np.arange(count) / count) ** 2
    frequency = 440.0 * 2 ** ((note - 69) / 12)
    tone: Samples = sum(
        (weight * np.sin(2 * np.pi * frequency * harmonic * time + index) for harmonic, weight in _HARMONICS),
        np.zeros(count),
    )
    return np.asarray(tone * swell / (1 + index / 3), np.float64)


def beep(rate: int) -> Samples:
    """400 ms of 1 kHz with soft edges."""
    count = rate * 2 // 5
    time = np.arange(count) / rate
    edge = np.clip(np.minimum(np.arange(count), np.arange(count)[::-1]) / (rate / 100), 0, 1)
    tone: Samples = 0.25 * np.sin(2 * np.pi * 1000 * time) * edge
    return tone
