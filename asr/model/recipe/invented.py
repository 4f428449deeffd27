"""Voices nobody wrote: random variants of eSpeak NG, so that the model does not know only the packaged ones.

A variant is a short text file of the synthesiser's (pitch, formants, voicing, breath, echo; its format is documented in
eSpeak NG's docs/voices.md); the folder made here links the rest to the packaged data. Most invented voices could be a
person's; the others go as far as the settings go, because people who write variants do so too.
"""

import random
from collections.abc import Sequence
from pathlib import Path

import espeakng_loader

COUNT = 240
"""Voices in one folder: with them and the packaged data, the synthesiser comes near its limit of 350."""
PREFIX = "invented"
_ODD_SHARE = 0.4


def names() -> list[str]:
    """The invented variants' names, the same in every folder."""
    return [f"{PREFIX}{index:03d}" for index in range(COUNT)]


def folder(path: Path, seed: int) -> Path:
    """Fill `path` with the synthesiser's data and the invented variants of a seed; the same ones every time."""
    packaged = Path(str(espeakng_loader.get_data_path()))
    variants = path / "voices" / "!v"
    variants.mkdir(parents=True, exist_ok=True)
    (path / "lang").mkdir(exist_ok=True)
    # of the languages only Chinese ones: the synthesiser lists no more than 350 voices and variants
    linked = [(entry, path / entry.name) for entry in packaged.iterdir() if entry.name not in ("voices", "lang")]
    for entry, link in [*linked, (packaged / "lang/sit", path / "lang/sit")]:
        if not link.exists():
            link.symlink_to(entry)
    rng = random.Random(seed)  # noqa: S311 - voices, not secrets
    for name in names():
        lines = _odd(rng) if rng.random() < _ODD_SHARE else _natural(rng)
        (variants / name).write_text("\n".join(["language variant", f"name {name}", *lines]) + "\n")
    return path


def _natural(rng: random.Random) -> list[str]:
    low = 60 * (230 / 60) ** rng.random()
    size = rng.uniform(0.82, 1.3)
    lines = [f"pitch {low:.0f} {low * rng.uniform(1.2, 2.0):.0f}"]
    if rng.random() < 0.15:
        lines.append(f"klatt {rng.randint(1, 6)}")
    lines.append(f"flutter {rng.randint(0, 20)}")
    lines.append(f"roughness {rng.choice((0, 0, 1, 2, 3, 4, 5))}")
    lines.append(_formant(0, rng.uniform(90, 115), (80, 150), (80, 150), rng))
    lines += [_formant(n, 100 * size * rng.uniform(0.92, 1.08), (60, 170), (60, 170), rng) for n in range(1, 4)]
    lines += [_formant(n, rng.uniform(60, 130), (0, 140), (50, 160), rng) for n in range(4, 9)]
    if rng.random() < 0.4:
        lines.append(f"voicing {rng.randint(30, 160)}")
    if rng.random() < 0.5:
        lines.append(f"consonants {rng.randint(20, 130)} {rng.randint(20, 130)}")
    if rng.random() < 0.25:
        lines.append(f"echo {rng.randint(10, 150)} {rng.randint(5, 50)}")
    if rng.random() < 0.3:
        lines.append("breath " + _numbers(8, 0, 6, rng))
    if rng.random() < 0.3:
        lines.append(_tone((100, 600, 1200, 2000, 3000), 10, rng))
    return lines


def _odd(rng: random.Random) -> list[str]:
    low = 43 * (300 / 43) ** rng.random()
    lines = [f"pitch {low:.0f} {low * rng.uniform(0.85, 2.4):.0f}", f"flutter {rng.randint(0, 20)}"]
    if rng.random() < 0.25:
        lines.append(f"klatt {rng.randint(1, 6)}")
    if rng.random() < 0.5:
        lines.append(f"roughness {rng.randint(0, 7)}")
    size = rng.uniform(0.75, 1.35)
    for number in range(9):
        if rng.random() < 0.2:
            continue
        spread = 0.1 if 0 < number < 4 else 0.4
        hz = 100 * rng.uniform(1 - spread, 1 + spread) * (size if 0 < number < 4 else 1)
        line = _formant(number, hz, (40, 200) if number < 4 else (0, 200), (30, 220), rng)
        lines.append(f"{line} {rng.randint(-200, 300)}" if rng.random() < 0.1 else line)
    if rng.random() < 0.6:
        lines.append(f"voicing {rng.randint(15, 220)}")
    if rng.random() < 0.6:
        lines.append(f"consonants {rng.randint(10, 220)} {rng.randint(10, 220)}")
    if rng.random() < 0.35:
        lines.append(f"echo {rng.randint(5, 240)} {rng.randint(5, 100)}")
    if rng.random() < 0.3:
        lines.append("breath " + _numbers(8, 0, rng.choice((8, 20, 75)), rng))
        if rng.random() < 0.5:
            lines.append("breathw " + _numbers(8, 60, 600, rng))
    if rng.random() < 0.3:
        lines.append(f"intonation {rng.randint(1, 10)}")
    if rng.random() < 0.3:
        lines.append("stressAdd " + _numbers(8, -20, 160, rng))
    if rng.random() < 0.3:
        lines.append("stressAmp " + _numbers(8, 10, 38, rng))
    if rng.random() < 0.6:
        lines.append(_tone(sorted(rng.sample(range(60, 5400, 20), rng.randint(2, 6))), 0, rng))
    return lines


def _numbers(count: int, low: int, high: int, rng: random.Random) -> str:
    return " ".join(str(rng.randint(low, high)) for _ in range(count))


def _tone(hertz: Sequence[int], least: int, rng: random.Random) -> str:
    return "tone " + " ".join(f"{hz} {rng.randint(least, 255)}" for hz in hertz)


def _formant(
    number: int, hz_percent: float, strength: tuple[int, int], width: tuple[int, int], rng: random.Random
) -> str:
    return f"formant {number} {hz_percent:.0f} {rng.randint(*strength)} {rng.randint(*width)}"
