"""Puts back the hanzi a recogniser meant, where what it wrote is no word and something that sounds alike is. Pure.

A noisy channel over words: every stretch of a text may stand for a known word of the same sound
(`ticketing.sound`), the likeliest row of words wins by how common words and pairs of words are in the site's own
texts, less a price for every hanzi changed. A text is changed only where the whole conversation reads as misheard;
a clean transcript stays as it is.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import rjieba

from ticketing.drafting.features import words
from ticketing.drafting.numerals import DIGIT
from ticketing.sound import slack_key, syllable

_SAME_SOUND, _NEAR_SOUND, _LONE = 4.4, 6.4, 1.4
"""Price of a changed hanzi, in nats: the same toneless syllable, or only the same slack code; and more for a word of
one hanzi, which has nothing but its neighbours to speak for it.
"""

_LONGEST = 6
_BEAM = 6
_MISHEARD = 0.3
"""Nats a character that repairing must win over the first utterances before a conversation counts as misheard."""

_jieba = rjieba.Jieba()


class Repaired(NamedTuple):
    """A text with its hanzi put back, and how many nats likelier it reads than what was written."""

    text: str
    gain: float


class _Best(NamedTuple):
    score: float
    start: int
    before: str


class Repairer:
    """Knows the words of a site's texts and how they follow each other."""

    def __init__(self, texts: Iterable[str]) -> None:
        single: Counter[str] = Counter()
        pairs: Counter[tuple[str, str]] = Counter()
        for text in texts:
            row = words(text)
            single.update(row)
            pairs.update(zip(["", *row], row, strict=False))
        total = sum(single.values()) or 1
        self._log = {word: math.log(count / total) for word, count in single.items()}
        self._after = {
            (one, two): math.log(0.6 * count / single.get(one, total / 20) + 0.4 * single[two] / total)
            for (one, two), count in pairs.items()
        }
        self._unknown = math.log(0.3 / total)
        self._listed = math.log(0.7 / total)
        self._alike: dict[str, list[str]] = {}
        for word in single:
            if len(word) <= _LONGEST:
                self._alike.setdefault(slack_key(word), []).append(word)
        self.repair = lru_cache(maxsize=4096)(self._repair)

    def misheard(self, texts: Sequence[str]) -> bool:
        """Whether a conversation's texts read as misheard often enough to put hanzi back."""
        length = sum(map(len, texts))
        return length > 0 and sum(self.repair(text).gain for text in texts) / length > _MISHEARD

    def _repair(self, text: str) -> Repaired:
        size, key = len(text), slack_key(text)
        table: list[dict[str, _Best]] = [{} for _ in range(size + 1)]
        table[0][""] = _Best(0.0, 0, "")
        for start in range(size):
            paths = sorted(table[start].items(), key=lambda p: -p[1].score)[:_BEAM]
            for end in range(start + 1, min(size, start + _LONGEST) + 1):
                for word, alone, price in self._candidates(text[start:end], key[start:end]):
                    for before, best in paths:
                        score = best.score + max(alone, self._after.get((before, word), alone)) - price
                        known = table[end].get(word)
                        if known is None or known.score < score:
                            table[end][word] = _Best(score, start, before)
        if not size:
            return Repaired(text, 0.0)
        word, best = max(table[size].items(), key=lambda p: p[1].score)
        result: list[str] = []
        end, score = size, best.score
        while end:
            result.append(word)
            best = table[end][word]
            end, word = best.start, best.before
        changed = "".join(reversed(result))
        return Repaired(changed, score - self._written(text) if changed != text else 0.0)

    def _candidates(self, written: str, key: str) -> list[tuple[str, float, float]]:
        """Words a stretch may stand for: `(word, log likelihood, price)`; a stretch that is no word only alone."""
        found = []
        for word in self._alike.get(key, ()):
            if any(a != b and a in DIGIT for a, b in zip(written, word, strict=True)):
                continue
            price = sum(
                _SAME_SOUND if syllable(a) == syllable(b) else _NEAR_SOUND
                for a, b in zip(word, written, strict=True)
                if a != b
            )
            found.append((word, self._log[word], price + (_LONE if price and len(word) == 1 else 0.0)))
        if written not in self._log:
            if len(written) == 1:
                found.append((written, self._unknown, 0.0))
            elif _jieba.has_word(written):
                found.append((written, self._listed, 0.0))
        return found

    def _written(self, text: str) -> float:
        """How likely the text reads as it stands."""
        total, before = 0.0, ""
        for word in words(text):
            alone = self._log.get(word)
            if alone is None:
                alone = self._listed if len(word) > 1 and _jieba.has_word(word) else self._unknown * len(word)
            total += max(alone, self._after.get((before, word), alone))
            before = word
        return total
