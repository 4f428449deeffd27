"""The language model: what is likely to be said next, as weighted counts that can be kept, added to and compiled.

Counts are over tokens. A token is a word or a class in angle brackets (`<place>`) that stands for any of its members,
so that a name seen nowhere in the text is as likely at its place as one seen often. Small and artificial text makes
n-grams too sure of themselves; therefore a good part of every history's mass goes to its back-off, whatever the counts
say, and the last resort is not this text but a dictionary's frequencies.
"""

import gzip
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

START, END = "<s>", "</s>"
CLASSES = ("<place>", "<agency>", "<surname>")

_TEXT_SHARE = 0.5
_CHARACTER_SHARE = 0.02
_BIGRAM_FLOOR = 0.35
_TRIGRAM_FLOOR = 0.2
_UNKNOWN_COUNT = 3.0
_NAME_WEIGHT = 400.0
_ORDINARY = 300


@dataclass(slots=True)
class Counts:
    """What a language model is estimated from.

    `general` is each word's frequency in ordinary text, `members` the words of each class with their weights, `grams`
    how often two or three tokens followed each other (START and END are tokens), weighted by the trust in their text.
    """

    general: dict[str, float] = field(default_factory=dict)
    members: dict[str, dict[str, float]] = field(default_factory=lambda: {name: {} for name in CLASSES})
    grams: dict[tuple[str, ...], float] = field(default_factory=dict)

    def words(self) -> list[str]:
        """Every word that can be recognised, sorted."""
        seen = {word for gram in self.grams for word in gram if not word.startswith("<")}
        return sorted(seen | set(self.general) | {word for group in self.members.values() for word in group})

    def add(self, tokens: Sequence[str], weight: float = 1.0) -> None:
        """Count one sentence."""
        line = (START, *tokens, END)
        for size in (2, 3):
            for i in range(len(line) - size + 1):
                gram = line[i : i + size]
                self.grams[gram] = self.grams.get(gram, 0.0) + weight

    def write(self, path: Path) -> None:
        """Keep the counts as compressed text; the same counts make the same bytes."""
        lines = [f"w\t{word}\t{count:g}" for word, count in sorted(self.general.items())]
        for name, group in self.members.items():
            lines += [f"m\t{name}\t{word}\t{weight:g}" for word, weight in sorted(group.items())]
        lines += [f"g\t{count:g}\t{' '.join(gram)}" for gram, count in sorted(self.grams.items())]
        path.write_bytes(gzip.compress("\n".join(lines).encode(), 9, mtime=0))

    @classmethod
    def read(cls, path: Path) -> "Counts":
        """Take up counts that `write` kept."""
        counts = cls()
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            kind, first, *rest = line.split("\t")
            if kind == "w":
                counts.general[first] = float(rest[0])
            elif kind == "m":
                counts.members[first][rest[0]] = float(rest[1])
            else:
                counts.grams[tuple(rest[0].split(" "))] = float(first)
        return counts


@dataclass(frozen=True, slots=True)
class Arc:
    """From a history to the next: `word` is empty on a back-off or class arc, `cost` is -log probability."""

    source: tuple[str, ...]
    word: str
    cost: float
    target: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Acceptor:
    """The language model as an automaton over words; histories are its states."""

    start: tuple[str, ...]
    arcs: list[Arc]
    finals: dict[tuple[str, ...], float]


def estimate(counts: Counts) -> Acceptor:
    """Interpolated trigram with floors on the back-off mass, in back-off form."""
    unigram = _unigrams(counts)
    followers: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for gram, count in counts.grams.items():
        if len(gram) == 2 or count >= 2:
            followers[gram[:-1]][gram[-1]] = count
    bigram: dict[tuple[str, ...], dict[str, float]] = {}
    trigram: dict[tuple[str, ...], dict[str, float]] = {}
    back: dict[tuple[str, ...], float] = {}
    for history, after in followers.items():
        if len(history) == 1:
            share, rows = _discounted(after, _BIGRAM_FLOOR, unigram)
            back[history] = share
            bigram[history] = rows
    for history, after in followers.items():
        if len(history) == 2 and history[1:] in bigram:
            below = {w: _below(w, history[1:], bigram, back, unigram) for w in after}
            share, rows = _discounted(after, _TRIGRAM_FLOOR, below)
            back[history] = share
            trigram[history] = rows
    return _automaton(counts, unigram, {**bigram, **trigram}, back)


def _unigrams(counts: Counts) -> dict[str, float]:
    """The text's tokens by the number of their contexts, the dictionary's words by frequency, mixed."""
    contexts: Counter[str] = Counter(gram[1] for gram in counts.grams if len(gram) == 2)
    seen = sum(contexts.values())
    total = sum(counts.general.values())
    vocabulary = [*counts.words(), END, *(name for name, group in counts.members.items() if group)]
    characters = [word for word in vocabulary if len(word) == 1]
    out = {}
    for word in vocabulary:
        general = counts.general.get(word, 0.0 if word.startswith("<") else _UNKNOWN_COUNT) / total
        out[word] = _TEXT_SHARE * contexts[word] / max(seen, 1) + (1 - _TEXT_SHARE - _CHARACTER_SHARE) * general
        if len(word) == 1:
            out[word] += _CHARACTER_SHARE / len(characters)
    mass = sum(out.values())
    return {word: p / mass for word, p in out.items() if p > 0}


def _discounted(after: dict[str, float], floor: float, below: dict[str, float]) -> tuple[float, dict[str, float]]:
    """Back-off share by Witten and Bell, but no less than `floor`; and the probability of every follower."""
    count = sum(after.values())
    share = max(len(after) / (count + len(after)), floor)
    return share, {w: (1 - share) * c / count + share * below[w] for w, c in after.items()}


def _below(
    word: str,
    history: tuple[str, ...],
    bigram: dict[tuple[str, ...], dict[str, float]],
    back: dict[tuple[str, ...], float],
    unigram: dict[str, float],
) -> float:
    return bigram[history].get(word) or back[history] * unigram[word]


def _automaton(
    counts: Counts,
    unigram: dict[str, float],
    rows: dict[tuple[str, ...], dict[str, float]],
    back: dict[tuple[str, ...], float],
) -> Acceptor:
    arcs: list[Arc] = []
    finals: dict[tuple[str, ...], float] = {}

    def longest(tokens: tuple[str, ...]) -> tuple[str, ...]:
        while tokens and tokens not in rows:
            tokens = tokens[1:]
        return tokens

    def inside(name: str, target: tuple[str, ...]) -> tuple[str, ...]:
        return ("class", name, *target)

    entered: set[tuple[str, tuple[str, ...]]] = set()
    for history, after in [((), unigram), *rows.items()]:
        for token, p in after.items():
            cost = -math.log(p)
            if token == END:
                finals[history] = cost
                continue
            target = longest((*history, token)[-2:])
            if token in counts.members:
                # after the class the history is the class alone: one copy of its members for all who enter
                target = longest((token,))
                entered.add((token, target))
                arcs.append(Arc(history, "", cost, inside(token, target)))
            else:
                arcs.append(Arc(history, token, cost, target))
        if history:
            arcs.append(Arc(history, "", -math.log(back[history]), longest(history[1:])))
    for name, target in sorted(entered):
        total = sum(counts.members[name].values())
        for word, weight in counts.members[name].items():
            arcs.append(Arc(inside(name, target), word, -math.log(weight / total), target))
    return Acceptor(longest((START,)), arcs, finals)


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
