"""Voices nobody wrote: random variants of eSpeak NG, so that the model does not know only the packaged ones.

A variant is a short text file of the synthesiser's (pitch, formants, voicing, breath, echo); the folder made here links
the rest to the packaged data.
"""

import random
from pathlib import Path

import espeakng_loader

COUNT = 240
PREFIX = "invented"


def names() -> list[str]:
    """The invented variants' names."""
    return [f"{PREFIX}{index:03d}" for index in range(COUNT)]


def folder(path: Path) -> Path:
    """Fill `path` with the synthesiser's data and the invented variants; the same ones every time."""
    packaged = Path(str(espeakng_loader.get_data_path()))
    variants = path / "voices" / "!v"
    variants.mkdir(parents=True, exist_ok=True)
    (path / "lang").mkdir(exist_ok=True)
    # of the languages only Chinese ones: the synthesiser lists no more than 350 voices and variants
    linked = [(entry, path / entry.name) for entry in packaged.iterdir() if entry.name not in ("voices", "lang")]
    for entry, link in [*linked, (packaged / "lang/sit", path / "lang/sit")]:
        if not link.exists():
            link.symlink_to(entry)
    rng = random.Random(17)  # noqa: S311 - voices, not secrets
    for name in names():
        (variants / name).write_text(_variant(name, rng))
    return path


def _variant(name: str, rng: random.Random) -> str:
    low = 60 * (230 / 60) ** rng.random()
    size = rng.uniform(0.82, 1.3)
    lines = ["language variant", f"name {name}", f"pitch {low:.0f} {low * rng.uniform(1.2, 2.0):.0f}"]
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
        lines.append("breath " + " ".join(str(rng.randint(0, 6)) for _ in range(8)))
    if rng.random() < 0.3:
        tones = zip((100, 600, 1200, 2000, 3000), (rng.randint(10, 255) for _ in range(5)), strict=True)
        lines.append("tone " + " ".join(f"{hz} {strength}" for hz, strength in tones))
    return "\n".join(lines) + "\n"


def _formant(
    number: int, hz_percent: float, strength: tuple[int, int], width: tuple[int, int], rng: random.Random
) -> str:
    return f"formant {number} {hz_percent:.0f} {rng.randint(*strength)} {rng.randint(*width)}"
