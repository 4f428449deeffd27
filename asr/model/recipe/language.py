"""The language model: what is likely to be said next, as weighted counts that can be kept, added to and compiled.

Counts are over tokens. A token is a word or a class in angle brackets (`<place>`) that stands for any of its members,
so that a name seen nowhere in the text is as likely at its place as one seen often. Small and artificial text makes
n-grams too sure of themselves; therefore a good part of every history's mass goes to its back-off, whatever the counts
say, and the last resort is not this text but a dictionary's frequencies.
"""

import lzma
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

START, END = "<s>", "</s>"
CLASSES = ("<place>", "<agency>", "<surname>")

_TEXT_SHARE = 0.5
_CHARACTER_SHARE = 0.02
_BIGRAM_FLOOR = 0.45
_TRIGRAM_FLOOR = 0.25
_TRIGRAM_LEAST = 3.0
_UNKNOWN_COUNT = 3.0
_GROUP_SHARE = 0.4
_GROUP_ARCS = 40_000
_GROUP_OF_PART = {
    "uj": "的", "ul": "了", "uz": "了", "ug": "了", "uv": "地", "ud": "地", "ns": "name", "nr": "name", "d": "adverb",
    "r": "pronoun", "m": "number", "q": "measure", "p": "preposition", "c": "conjunction", "f": "locative", "t": "time",
    "i": "idiom", "l": "idiom", "b": "adjective", "z": "adjective",
}  # fmt: skip


@dataclass(slots=True)
class Counts:
    """What a language model is estimated from.

    `general` is each word's frequency in ordinary text, `members` the words of each class with their weights, `grams`
    how often two or three tokens followed each other (START and END are tokens), weighted by the trust in their text.
    `parts` is the part of speech of words (jieba's letters), `follows` how probable a kind of word is after a group.
    """

    general: dict[str, float] = field(default_factory=dict)
    members: dict[str, dict[str, float]] = field(default_factory=lambda: {name: {} for name in CLASSES})
    grams: dict[tuple[str, ...], float] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    follows: dict[str, dict[str, float]] = field(default_factory=dict)

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
        for name, members in self.members.items():
            lines += [f"m\t{name}\t{word}\t{weight:g}" for word, weight in sorted(members.items())]
        lines += [f"p\t{word}\t{part}" for word, part in sorted(self.parts.items())]
        for group, kinds in sorted(self.follows.items()):
            lines += [f"f\t{group}\t{kind}\t{p:.4g}" for kind, p in sorted(kinds.items())]
        lines += [f"g\t{count:g}\t{' '.join(gram)}" for gram, count in sorted(self.grams.items())]
        path.write_bytes(lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME))

    @classmethod
    def read(cls, path: Path) -> "Counts":
        """Take up counts that `write` kept."""
        counts = cls()
        for line in lzma.decompress(path.read_bytes()).decode().splitlines():
            kind, first, *rest = line.split("\t")
            if kind == "w":
                counts.general[first] = float(rest[0])
            elif kind == "m":
                counts.members[first][rest[0]] = float(rest[1])
            elif kind == "p":
                counts.parts[first] = rest[0]
            elif kind == "f":
                counts.follows.setdefault(first, {})[rest[0]] = float(rest[1])
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
    """Interpolated trigram in back-off form; below it what follows a part of speech, below that single words."""
    unigram = _unigrams(counts)
    groups = _Groups(counts, unigram)
    rows: dict[tuple[str, ...], dict[str, float]] = dict(groups.rows)
    back = dict.fromkeys(groups.rows, 1 - _GROUP_SHARE)
    followers: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for gram, count in counts.grams.items():
        if len(gram) == 2 or count >= _TRIGRAM_LEAST:
            followers[gram[:-1]][gram[-1]] = count
    for history, after in sorted(followers.items(), key=lambda item: len(item[0])):
        if len(history) == 1:
            below = groups.state(history[0])
            floor = _BIGRAM_FLOOR
        elif history[1:] in rows:
            below, floor = history[1:], _TRIGRAM_FLOOR
        else:
            continue
        lower = {word: _below(word, below, rows, back, groups, unigram) for word in after}
        back[history], rows[history] = _discounted(after, floor, lower)
    return _automaton(counts, unigram, groups, rows, back)


class _Groups:
    """Histories of one part of speech: a group's row holds the words it makes most likelier than they are anyway."""

    def __init__(self, counts: Counts, unigram: dict[str, float]) -> None:
        self._parts = counts.parts
        self._follows = counts.follows
        mass: dict[str, float] = defaultdict(float)
        kinds = {word: _kind(word, part) for word, part in counts.parts.items() if word in counts.general}
        for word, kind in kinds.items():
            mass[kind] += unigram[word]
        gains: list[tuple[float, str, str, float]] = []
        for group, row in counts.follows.items():
            for word, kind in kinds.items():
                p = row.get(kind, 0.0) * unigram[word] / mass[kind]
                mixed = _GROUP_SHARE * p + (1 - _GROUP_SHARE) * unigram[word]
                if mixed > 1.3 * (1 - _GROUP_SHARE) * unigram[word]:
                    gain = p * math.log(mixed / unigram[word] / (1 - _GROUP_SHARE))
                    gains.append((gain, group, word, mixed))
        gains.sort(reverse=True)
        self.rows: dict[tuple[str, ...], dict[str, float]] = {("group", name): {} for name in counts.follows}
        for _, group, word, mixed in gains[:_GROUP_ARCS]:
            self.rows["group", group][word] = mixed

    def state(self, token: str) -> tuple[str, ...]:
        """The group's history after a token, or () where there are no groups."""
        if not self._follows:
            return ()
        if token == START:
            return ("group", "start")
        if token in CLASSES:
            return ("group", "name")
        part = self._parts.get(token, "n")
        alone = len(token) == 1
        name = _GROUP_OF_PART.get(part)
        if name is None:
            name = {"v": "verb", "a": "adjective"}.get(part[0], "noun")
            name = f"character {name}" if alone else name
        return ("group", name)


def _kind(word: str, part: str) -> str:
    return ("S" if len(word) == 1 else "B") + part


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
    rows: dict[tuple[str, ...], dict[str, float]],
    back: dict[tuple[str, ...], float],
    groups: _Groups,
    unigram: dict[str, float],
) -> float:
    share = 1.0
    while history:
        found = rows[history].get(word)
        if found is not None:
            return share * found
        share *= back[history]
        history = () if history[0] == "group" else groups.state(history[0])
    return share * unigram[word]


def _automaton(
    counts: Counts,
    unigram: dict[str, float],
    groups: _Groups,
    rows: dict[tuple[str, ...], dict[str, float]],
    back: dict[tuple[str, ...], float],
) -> Acceptor:
    arcs: list[Arc] = []
    finals: dict[tuple[str, ...], float] = {}

    def longest(tokens: tuple[str, ...]) -> tuple[str, ...]:
        """The longest known history of these last tokens."""
        for cut in range(len(tokens)):
            if tokens[cut:] in rows:
                return tokens[cut:]
        return groups.state(tokens[-1])

    def shorter(history: tuple[str, ...]) -> tuple[str, ...]:
        if history[0] == "group":
            return ()
        return longest(history[1:]) if len(history) == 2 else groups.state(history[0])

    def reached(history: tuple[str, ...], token: str) -> tuple[str, ...]:
        return longest((*history, token)[-2:]) if history[:1] != ("group",) else longest((token,))

    def inside(name: str, target: tuple[str, ...]) -> tuple[str, ...]:
        return ("class", name, *target)

    entered: set[tuple[str, tuple[str, ...]]] = set()
    for history, after in [((), unigram), *rows.items()]:
        for token, p in after.items():
            cost = -math.log(p)
            if token == END:
                finals[history] = cost
            elif token in counts.members:
                # after the class the history is the class alone: one copy of its members for all who enter
                target = longest((token,))
                entered.add((token, target))
                arcs.append(Arc(history, "", cost, inside(token, target)))
            else:
                arcs.append(Arc(history, token, cost, reached(history, token)))
        if history:
            arcs.append(Arc(history, "", -math.log(back[history]), shorter(history)))
    for name, target in sorted(entered):
        total = sum(counts.members[name].values())
        for word, weight in counts.members[name].items():
            arcs.append(Arc(inside(name, target), word, -math.log(weight / total), target))
    return Acceptor(longest((START,)), arcs, finals)
