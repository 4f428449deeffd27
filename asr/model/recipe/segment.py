"""Text into the model's words, names whole, and names into the classes they stand for."""

import math
from collections.abc import Iterable

from asr.model.recipe.language import Counts

_NAME_WEIGHT = 400.0
_ORDINARY = 300


class Segmenter:
    """Cuts hanzi into words of a vocabulary: fewest surprises by word frequency."""

    def __init__(self, weights: dict[str, float]) -> None:
        self._total = math.log(sum(weights.values()))
        self._cost = {word: self._total - math.log(weight) for word, weight in weights.items() if weight > 0}
        self._longest = max(map(len, self._cost))

    def cut(self, text: str) -> list[str]:
        """Words of the vocabulary; an unknown character stands alone."""
        best = [0.0] + [math.inf] * len(text)
        came = [0] * (len(text) + 1)
        for end in range(1, len(text) + 1):
            for start in range(max(0, end - self._longest), end):
                cost = self._cost.get(text[start:end])
                if cost is None:
                    if end - start > 1:
                        continue
                    cost = self._total + 5
                if best[start] + cost < best[end]:
                    best[end], came[end] = best[start] + cost, start
        words, at = [], len(text)
        while at:
            words.append(text[came[at] : at])
            at = came[at]
        return words[::-1]


def classed(words: Iterable[str], classes: dict[str, str]) -> list[str]:
    """Words with the members of a class replaced by it."""
    return [classes.get(word, word) for word in words]


def segmenter(known: Counts) -> Segmenter:
    """Cuts text into the model's words, names whole."""
    weights = dict(known.general)
    for group in ("<place>", "<agency>"):
        for name in known.members[group]:
            weights[name] = max(weights.get(name, 0.0), _NAME_WEIGHT)
    return Segmenter(weights)


def classes_of(known: Counts) -> dict[str, str]:
    """Which word stands for which class in running text; a name that is an everyday word (明天, 太阳) is that word."""
    out = {}
    for group in ("<agency>", "<place>"):
        for name in known.members[group]:
            if len(name) > 1 and known.general.get(name, 0.0) < _ORDINARY:
                out[name] = group
    return out
