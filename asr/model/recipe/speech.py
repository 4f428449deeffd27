"""Training speech: what is said, by which voice, over which line, and which sound is heard in every frame."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rjieba
from numpy.typing import NDArray
from pypinyin.constants import PINYIN_DICT
from scipy.signal import resample_poly

from asr.model.recipe import channel, dictionary, espeak, features, invented, units
from asr.model.recipe.alignment import SILENCE, Span, align
from asr.model.recipe.pronounce import readings
from asr.model.recipe.site_text import SiteText
from asr.model.recipe.syllables import NotPinyin, common_syllables, split

HELD_OUT = ("m5", "f3", "klatt", "Gene", "belinda", "steph", "m8", "robert", "travis", "anika")
"""Voice variants that no training frame comes from; chosen before the first training run of this recipe."""

_STRANGE = frozenset(
    (
        "whisper", "whisperf", "croak", "Demonic", "UniRobot", "AnxiousAndy", "fast", "Tweaky", "Storm", "announcer",
    )
)  # fmt: skip
_WARPS = (1.0, 1.0, 0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.18, 1.25)
_WORDLESS_SHARE = 0.06
_HANZI_SHARE = 0.35


@dataclass(frozen=True, slots=True)
class Texts:
    """What may be said: segmented sentences, words with weights, and every toned syllable."""

    sentences: Sequence[Sequence[str]]
    words: Sequence[str]
    weights: Sequence[float]


def training_variants() -> list[str]:
    """All packaged variants but the held-out ones; strange ones once, ordinary ones three times."""
    names = [name for name in espeak.variants() if name not in HELD_OUT and not name.startswith(("iven", "robosoft"))]
    ordinary = [name for name in names if name not in _STRANGE]
    machines = [name for name in espeak.variants() if name.startswith(("iven", "robosoft")) or name in _STRANGE]
    return ordinary * 3 + machines


class Speaker:
    """Makes labelled utterances; the same seed and texts make the same ones.

    `voices` is a folder of `invented.folder`, whose voices then speak instead of the packaged ones.
    """

    def __init__(self, texts: Texts, seed: int, voices: Path | None = None) -> None:
        self._texts = texts
        self._random = random.Random(seed)  # noqa: S311 - training data, not secrets
        self._rng = np.random.default_rng(seed)
        self._syllables = common_syllables(PINYIN_DICT)
        self._variants = training_variants() if voices is None else invented.names()
        self._voice = espeak.Voice(voices)
        self._babble: list[NDArray[np.float64]] = []
        self.rejected = 0

    def close(self) -> None:
        """End the synthesiser."""
        self._voice.close()

    def utterance(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Features (frames, DIM) and the pdf heard in each frame."""
        if self._random.random() < _WORDLESS_SHARE:
            return self._wordless()
        while True:
            spoken = self._spoken()
            if spoken is not None:
                return spoken
            self.rejected += 1

    def _wordless(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        count = int(channel.RATE * self._random.uniform(1.5, 6))
        found = features.extract(channel.quantised(channel.lined(channel.wordless(count, self._rng), self._rng)))
        return found, np.zeros(len(found), np.uint8)

    def _text(self) -> list[list[str]]:
        """Words, each as toned syllables."""
        kind = self._random.random()
        if kind < 0.35:
            words = list(self._random.choice(self._texts.sentences))
        elif kind < 0.8:
            words = self._random.choices(self._texts.words, self._texts.weights, k=self._random.randint(2, 8))
        else:
            sizes = [self._random.choice([1, 2, 2, 2, 3, 4]) for _ in range(self._random.randint(2, 6))]
            return [[self._random.choice(self._syllables) for _ in range(size)] for size in sizes]
        return [list(found[0]) for word in words if (found := readings(word))]

    def _manner(self, language: str) -> espeak.Manner:
        variant = self._random.choice(self._variants) if self._random.random() < 0.97 else ""
        return espeak.Manner(
            voice=f"{language}+{variant}" if variant else language,
            rate=int(self._random.triangular(110, 340, 185)),
            pitch=self._random.randint(5, 95),
            range=self._random.randint(20, 90),
        )

    def _spoken(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]] | None:
        if self._random.random() < _HANZI_SHARE:
            words = list(self._random.choice(self._texts.sentences))
            if self._random.random() < 0.5:
                words = self._random.choices(self._texts.words, self._texts.weights, k=self._random.randint(2, 8))
            said = [list(found[0]) for word in words if (found := readings(word))]
            if len(said) != len(words):
                return None
            text, manner = "".join(words), self._manner(espeak.HANZI)
            samples, phonemes = self._voice.speak(text, manner)
            _, expected = self._voice.speak(" ".join(s for word in said for s in word), espeak.Manner(espeak.PINYIN))
            if [p.name for p in phonemes if p.name[:1] != "_"] != [p.name for p in expected if p.name[:1] != "_"]:
                return None
        else:
            said = self._text()
            if not said:
                return None
            samples, phonemes = self._voice.speak(self._render(said), self._manner(espeak.PINYIN))
        try:
            syllables = [split(pinyin) for word in said for pinyin in word]
        except NotPinyin:
            return None
        if len(samples) < espeak.RATE // 6:
            return None
        spans = align(phonemes, syllables, len(samples))
        return None if spans is None else self._heard(samples, spans)

    def _render(self, words: list[list[str]]) -> str:
        """Pinyin with syllables joined or not and commas now and then."""
        joint = self._random.choice([" ", " ", ""])
        comma = self._random.choice([0, 0.05, 0.15])
        text = ""
        for word in words:
            text += word[0]
            for syllable in word[1:]:
                text += (" " if syllable[0] in "aoe" or syllable.startswith("yu") else joint) + syllable
            text += ", " if self._random.random() < comma else " "
        return text.strip(", ")

    def _heard(self, samples: NDArray[np.int16], spans: list[Span]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        at_16k = resample_poly(samples.astype(np.float64) / 32768, 320, 441)
        self._remember(at_16k)
        warp = self._random.choice(_WARPS)  # formants, pitch and speed together
        down = round(100 * warp)
        voice = at_16k if warp == 1 else resample_poly(at_16k, 100, down)
        before, after = (int(channel.RATE * self._random.choice([0, 0.05, 0.2, 0.3, 0.5, 1.0])) for _ in range(2))
        padded = np.concatenate([np.zeros(before), voice, np.zeros(after)])
        found = features.extract(channel.augmented(padded, self._rng, self._babble))
        scale = len(at_16k) / len(samples) * 100 / down
        return found, labels(len(found), spans, before, scale)

    def _remember(self, voice: NDArray[np.float64]) -> None:
        """Keep some speech to talk in the background of later utterances."""
        if len(self._babble) < 60:
            self._babble.append(voice + np.roll(voice[::-1], len(voice) // 3))
        elif self._random.random() < 0.05:
            place = self._random.randrange(60)
            self._babble[place] = voice + np.resize(self._babble[self._random.randrange(60)], len(voice)) * 0.7


def labels(frames: int, spans: list[Span], offset: int, scale: float) -> NDArray[np.uint8]:
    """The pdf at the centre of every frame; a span's sample s is heard at offset + s * scale (16 kHz)."""
    centres = np.arange(frames) * 160 + 200.0
    out = np.zeros(frames, np.uint8)
    for span in spans:
        if span.base == SILENCE:
            continue
        start, end = offset + span.start * scale, offset + span.end * scale
        states = units.pdfs(span.base)
        inside = (centres >= start) & (centres < end)
        out[inside] = states[0]
        if len(states) == 2:
            out[inside & (centres >= (start + end) / 2)] = states[1]
    return out


def write_part(path: Path, texts: Texts, seed: int, count: int, voices: Path | None = None) -> None:
    """Make `count` utterances and store them; the file is whole or absent. `voices` as for Speaker."""
    speaker = Speaker(texts, seed, voices)
    found: list[NDArray[np.float16]] = []
    heard: list[NDArray[np.uint8]] = []
    try:
        for _ in range(count):
            frames, pdfs = speaker.utterance()
            found.append(frames.astype(np.float16))
            heard.append(pdfs)
    finally:
        speaker.close()
    part = path.with_name(path.name + ".part.npz")
    lengths = np.array([len(x) for x in found], np.int64)
    np.savez(part, features=np.concatenate(found), pdfs=np.concatenate(heard), lengths=lengths)
    part.replace(path)


def training_texts(site: SiteText) -> Texts:
    """What the training voices say: the site's phrases and names, and the dictionary's usual words."""
    words = {
        word: entry.frequency**0.4
        for word, entry in dictionary.entries().items()
        if entry.frequency >= 20 and len(word) < 6 and readings(word)
    }
    spoken = [*site.phrases, *site.places, *site.agencies]
    sentences = [list(rjieba.cut(sentence)) for sentence in spoken]
    return Texts(sentences=sentences, words=list(words), weights=list(words.values()))
