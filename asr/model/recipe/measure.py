"""How well a model hears: held-out voices say held-out sentences over a telephone line.

Loads Vosk, therefore never in the process that makes a graph.
"""

import json
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import vosk
from numpy.typing import NDArray
from pypinyin import Style, lazy_pinyin
from scipy.signal import resample_poly

from asr.model.recipe import artefact, channel, describe, espeak, site_text
from asr.model.recipe.speech import HELD_OUT
from asr.model.recipe.spent import Spent, cpu_s

CHUNK_BYTES = 3200
"""100 ms at 16 kHz, as a call's audio arrives."""
_RATES = (150, 175, 200, 225)
_PITCHES = (30, 50, 70)
_PLACES = 300


@dataclass(slots=True)
class Score:
    """Errors against the reference: characters, and syllables without tone; both in edits per reference unit."""

    characters: int = 0
    character_errors: int = 0
    syllable_errors: int = 0
    sentences: int = 0
    exact: int = 0
    worst: list[tuple[str, str]] = field(default_factory=list)

    def add(self, said: str, heard: str) -> None:
        """Count one utterance."""
        errors = distance(said, heard)
        self.characters += len(said)
        self.character_errors += errors
        self.syllable_errors += distance(toneless(said), toneless(heard))
        self.sentences += 1
        self.exact += errors == 0
        if errors:
            self.worst.append((said, heard))

    def summary(self) -> dict[str, float]:
        """Percentages for the manifest."""
        return {
            "sentences": self.sentences,
            "cer_percent": round(100 * self.character_errors / self.characters, 2),
            "toneless_syllable_percent": round(100 * self.syllable_errors / self.characters, 2),
            "exact_percent": round(100 * self.exact / self.sentences, 1),
        }


@dataclass(frozen=True, slots=True)
class Condition:
    """A line: G.711 law, and pink noise at a signal-to-noise ratio in dB if any."""

    law: str
    snr_db: float | None = None


def distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Levenshtein's distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def toneless(text: str) -> list[str]:
    """Syllables of a sentence without tone."""
    return list(lazy_pinyin(text))


def pinyin_of(text: str) -> str:
    """A sentence as toned pinyin, a space between syllables."""
    return " ".join(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True, v_to_u=False))


def rendered(
    voice: espeak.Voice, text: str, variant: str, condition: Condition, rng: random.Random, *, hanzi: bool = False
) -> NDArray[np.int16]:
    """The sentence as 16 kHz samples off a telephone line, 0.3 s of line before and after."""
    language = espeak.HANZI if hanzi else espeak.PINYIN
    manner = espeak.Manner(f"{language}+{variant}", rng.choice(_RATES), rng.choice(_PITCHES))
    spoken, _ = voice.speak(text if hanzi else pinyin_of(text), manner)
    x = resample_poly(spoken.astype(np.float64), 320, 441)
    x = np.concatenate([np.zeros(4800), x / (np.max(np.abs(x)) + 1e-9) * 0.5, np.zeros(4800)])
    if condition.snr_db is not None:
        noise = channel.coloured_noise(len(x), np.random.default_rng(rng.randrange(2**32)), 0.5)
        x = channel.with_noise(x, noise, condition.snr_db)
    return channel.quantised(channel.telephone(x, condition.law)).astype(np.int16)


def heard(model: vosk.Model, samples: NDArray[np.int16], rate: int = 16000) -> str:
    """What the model hears in one stream, without spaces."""
    recogniser = vosk.KaldiRecognizer(model, rate)
    data, texts = samples.tobytes(), list[str]()
    step = CHUNK_BYTES * rate // 16000
    for start in range(0, len(data), step):
        if recogniser.AcceptWaveform(data[start : start + step]):
            texts.append(json.loads(recogniser.Result())["text"])
    texts.append(json.loads(recogniser.FinalResult())["text"])
    return "".join(texts).replace(" ", "")


def sentences(
    model: vosk.Model,
    lines: Sequence[str],
    condition: Condition,
    *,
    variants: Sequence[str] = HELD_OUT,
    voices_each: int = 2,
    hanzi: bool = False,
) -> Score:
    """Every line by `voices_each` voices in turn, two lines at a time."""
    rng = random.Random(7)  # noqa: S311 - measuring, not secrets
    score = Score()

    def jobs() -> Iterator[tuple[str, NDArray[np.int16]]]:
        with espeak.Voice() as voice:
            for index, line in enumerate(lines):
                for turn in range(voices_each):
                    variant = variants[(index + turn * (len(variants) // voices_each)) % len(variants)]
                    yield line, rendered(voice, line, variant, condition, rng, hanzi=hanzi)

    for line, samples in jobs():
        score.add(line, heard(model, samples))
    return score


def places(model: vosk.Model, site: Path, carriers: Sequence[str], condition: Condition) -> tuple[int, int]:
    """How many of 300 random place names in frames are heard to the character, and of how many."""
    rng = random.Random(11)  # noqa: S311 - measuring, not secrets
    names = rng.sample(sorted(site_text.load(site).places), _PLACES)
    right = 0
    with espeak.Voice() as voice:
        for index, name in enumerate(names):
            line = carriers[index % len(carriers)].replace("{}", name)
            right += name in heard(model, rendered(voice, line, HELD_OUT[index % len(HELD_OUT)], condition, rng))
    return right, len(names)


def wordless(model: vosk.Model) -> dict[str, str]:
    """What is heard in a minute each of tones, keys, music and noise: should be nothing at all."""
    count = 60 * channel.RATE
    rng = np.random.default_rng(99)
    chord = np.mean([np.sin(2 * np.pi * f * np.arange(count) / channel.RATE) for f in (261.6, 329.6, 392.0)], axis=0)
    sounds = {
        "ringback": channel.ringback(count),
        "busy": channel.busy(count),
        "dtmf": channel.dtmf(count, rng),
        "chord": chord,
        "music": channel.music(count, rng),
        "music 2": channel.music(count, rng),
        "music 3": channel.music(count, rng),
        "white noise": channel.coloured_noise(count, rng, 0) / 4,
        "pink noise": channel.coloured_noise(count, rng, 0.5) / 4,
        "brown noise": channel.coloured_noise(count, rng, 1) / 4,
        "silence": np.zeros(count),
    }
    out = {}
    for name, sound in sounds.items():
        loud = sound * 0.3
        out[name] = "".join(
            heard(model, channel.quantised(line).astype(np.int16)) for line in (loud, channel.telephone(loud, "a"))
        )
    return out


def speed(folder: Path, lines: Sequence[str]) -> dict[str, float]:
    """Load time in s, real-time factor of one long stream on one core, memory of the process in MB."""
    started = time.perf_counter()
    model = vosk.Model(str(folder))
    load = time.perf_counter() - started
    rng = random.Random(3)  # noqa: S311 - measuring, not secrets
    with espeak.Voice() as voice:
        samples = [rendered(voice, line, HELD_OUT[0], Condition("a"), rng) for line in lines[:40]]
    started = time.process_time()
    heard(model, np.concatenate(samples))  # one recogniser for all, as on a call
    seconds = sum(map(len, samples)) / channel.RATE
    return {
        "load_s": round(load, 3),
        "rtf": round((time.process_time() - started) / seconds, 4),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def everything(folder: Path, site: Path, tests: Path, voices_each: int) -> dict[str, object]:
    """All of the manifest's scores."""
    vosk.SetLogLevel(-1)
    lines = {name: (tests / f"{name}.txt").read_text("utf-8").split() for name in ("hotline", "general")}
    carriers = (tests / "place-carriers.txt").read_text("utf-8").split()
    timing = speed(folder, lines["hotline"])
    model = vosk.Model(str(folder))
    conditions = {"µ-law": Condition("u"), "A-law": Condition("a"), "A-law, pink noise 15 dB": Condition("a", 15.0)}
    jobs = [(name, label) for name in lines for label in conditions]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(
            lambda job: sentences(model, lines[job[0]], conditions[job[1]], voices_each=voices_each).summary(), jobs
        )
        scores = {f"{name}, {label}": summary for (name, label), summary in zip(jobs, found, strict=True)}
    right, of = places(model, site, carriers, Condition("a"))
    return {
        "held_out_voices": list(HELD_OUT),
        "sentences": {name: len(texts) for name, texts in lines.items()},
        "scores": scores,
        "places_right_percent": round(100 * right / of, 1),
        "words_in_wordless_sound": {name: len(text) for name, text in wordless(model).items()},
        "speed": timing,
    }


def main() -> None:
    """`python -m asr.model.recipe.measure MODEL SITE TESTS VOICES MADE`: measure and write the manifest.

    MADE is a JSON file of what the manifest says of the making.
    """
    folder, site, tests = (Path(text) for text in sys.argv[1:4])
    spent = Spent(Path(sys.argv[5]).with_name("spent.json"))
    scores = everything(folder, site, tests, int(sys.argv[4]))
    spent.charge("measuring", cpu_s())
    made = {**json.loads(Path(sys.argv[5]).read_text("utf-8")), "spent": spent.summary()}
    (folder / "README.md").write_text(describe.readme(scores, made), "utf-8")
    artefact.manifest(folder, scores, made)
    sys.stdout.write(json.dumps(scores, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
