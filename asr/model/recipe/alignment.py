"""Which sound is heard when: eSpeak NG's phoneme events read as initials and finals.

The synthesiser states the first sample of every phoneme, so the training speech is aligned without a recogniser. Its
phoneme inventory differs from pinyin's: glides belong to the final, a nasal after a vowel closes it.
"""

import itertools
from dataclasses import dataclass

from asr.model.recipe.espeak import RATE, Phoneme
from asr.model.recipe.syllables import Syllable

SILENCE = "SIL"

_CONSONANTS = frozenset(
    [
        "p",
        "ph",
        "m",
        "f",
        "t",
        "th",
        "n",
        "l",
        "k",
        "kh",
        "h",
        "x",
        "X",
        "tS;",
        "tS;h",
        "S;",
        "ts.",
        "ts.h",
        "s.",
        "z.",
        "ts",
        "tsh",
        "s",
        "z",
        "r",
        "j",
        "w",
        ";",
        "?",
    ],
)
_GLIDES = frozenset(["j", "w", ";", "?"])
_STOPS = frozenset(["b", "p", "d", "t", "g", "k", "j", "q", "zh", "ch", "z", "c"])
_CLOSURE_S = 0.07
_GAP_S = 0.04


@dataclass(slots=True)
class Span:
    """One sound from `start` to `end` in samples; `base` is an initial, a toned final or SILENCE."""

    base: str
    start: int
    end: int


def align(phonemes: list[Phoneme], syllables: list[Syllable], samples: int) -> list[Span] | None:
    """Spans that cover the utterance without holes, or None where the synthesiser said something else."""
    starts = _starts(phonemes, syllables)
    if starts is None:
        return None
    spans: list[Span] = []
    for (base, start), (_, end) in zip(starts, [*starts[1:], ("", samples)], strict=True):
        if end <= start:
            continue
        if base == SILENCE and spans and spans[-1].base == SILENCE:
            spans[-1].end = end
        else:
            spans.append(Span(base, start, end))
    return _without_gaps(spans)


def _pause(name: str) -> bool:
    return name.startswith("_") or name in ("", "|", "'", ",")


def _starts(phonemes: list[Phoneme], syllables: list[Syllable]) -> list[tuple[str, int]] | None:
    if any(p.name.startswith("(") for p in phonemes):
        return None  # the synthesiser switched to another language
    i, out = 0, list[tuple[str, int]]()

    def pauses() -> None:
        nonlocal i
        while i < len(phonemes) and _pause(phonemes[i].name):
            out.append((SILENCE, phonemes[i].sample))
            i += 1

    for syllable in syllables:
        pauses()
        if i >= len(phonemes):
            return None
        if syllable.initial is not None:
            if phonemes[i].name not in _CONSONANTS:
                return None
            out.append((syllable.initial, phonemes[i].sample))
            i += 1
        end = _final_end(phonemes, i, syllable.final)
        if end is None:
            return None
        out.append((f"{syllable.final}{syllable.tone}", phonemes[i].sample))
        i = end
    pauses()
    return out if i == len(phonemes) else None


def _final_end(phonemes: list[Phoneme], i: int, final: str) -> int | None:
    """Index after the phonemes of a final starting at `i`, or None if there is none."""
    first, at = i, i
    while at < len(phonemes):
        name = phonemes[at].name
        if _pause(name) or (name in _CONSONANTS and not (at == first and name in _GLIDES)):
            break
        if name == "N" and at == first:
            return None
        at += 1
        if name == "N" or name.endswith("ng"):
            break
    if at == first:
        return None
    last = phonemes[at - 1].name
    nasal = phonemes[at].name if at < len(phonemes) else ""
    if (final.endswith("n") and last != "N" and nasal == "n") or (
        final.endswith("ng") and last != "N" and not last.endswith("ng") and nasal in ("N", "n")
    ):
        at += 1
    return at


def _without_gaps(spans: list[Span]) -> list[Span]:
    """A short gap before a stop is its closure, a very short one ends the final before it, the rest is silence."""
    out: list[Span] = []
    for index, span in enumerate(spans):
        if span.base != SILENCE:
            out.append(span)
            continue
        seconds = (span.end - span.start) / RATE
        following = spans[index + 1] if index + 1 < len(spans) else None
        if following is not None and following.base in _STOPS and seconds < _CLOSURE_S:
            following.start = span.start
        elif seconds < _GAP_S and out:
            out[-1].end = span.end
        else:
            out.append(span)
    for left, right in itertools.pairwise(out):
        left.end = right.start
    return out
