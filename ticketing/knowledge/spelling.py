"""What was typed, taken apart: hanzi by letter and sound, pinyin in full, initials. Pure."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import rjieba
from pypinyin.constants import PINYIN_DICT

from ticketing.sound import readings, slack_key, slack_of

_RUN = re.compile(r"[\u3400-\u9fff]+|[a-zA-Z]+|\d+")
_HANZI = re.compile(r"[\u3400-\u9fff]")
_SYLLABLES = frozenset(
    reading for code in PINYIN_DICT if 0x4E00 <= code <= 0x9FFF for reading in readings(chr(code)) if reading.isascii()
) - {"m", "n", "ng", "hm", "hng", "r", "k"}
_PARTS = frozenset(syllable[:i] for syllable in _SYLLABLES for i in range(1, len(syllable)))
_jieba = rjieba.Jieba()
_EMPTY = frozenset("的了在是我有和就不人都一也很到说要去你会着没吗呢吧啊把被给让怎么什能可以里这那")
QUERY_LIMIT = 60
"""Characters of a query that are looked at."""


class Typed(NamedTuple):
    """A query by parts: letters (hanzi, digits, Latin words), slack codes of syllables with the hanzi they were typed
    as (empty for pinyin), and rows of initials.
    """

    letters: tuple[str, ...]
    sounds: tuple[tuple[str, str], ...]
    initials: tuple[str, ...]


def tokens(text: str) -> list[str]:
    """What a text is indexed by: single letters, pairs of letters within a run of hanzi, Latin words, digits."""
    found: list[str] = []
    for run in _RUN.findall(text):
        if _HANZI.match(run):
            found += run
            found += [run[i : i + 2] for i in range(len(run) - 1)]
        else:
            found.append(run.lower())
    return found


def sound_tokens(text: str) -> list[str]:
    """Slack codes of the hanzi of a text, one by one and in pairs."""
    found: list[str] = []
    for run in _RUN.findall(text):
        if _HANZI.match(run):
            key = slack_key(run)
            found += key
            found += [key[i : i + 2] for i in range(len(key) - 1)]
    return found


def initials(text: str) -> str:
    """First letters of a text's syllables; Latin and digits stand for themselves."""
    return "".join(readings(c)[0][0] if _HANZI.match(c) else c.lower() for c in text if c.isalnum())


def initial_tokens(text: str) -> list[str]:
    """Pairs and triples of the initials of each run of hanzi."""
    found: list[str] = []
    for run in _RUN.findall(text):
        row = initials(run)
        found += [row[i : i + 2] for i in range(len(row) - 1)]
        found += [row[i : i + 3] for i in range(len(row) - 2)]
    return found


@lru_cache(maxsize=4096)
def syllables_of(latin: str) -> tuple[tuple[str, ...], str] | None:
    """`latin` read as whole syllables and perhaps one only begun, the fewest; None where it cannot be."""
    size = len(latin)
    best: list[tuple[str, ...] | None] = [()] + [None] * size
    for end in range(1, size + 1):
        for start in range(max(0, end - 6), end):
            before = best[start]
            if before is not None and latin[start:end] in _SYLLABLES:
                trial = (*before, latin[start:end])
                known = best[end]
                if known is None or len(trial) < len(known):
                    best[end] = trial
    whole = best[size]
    if whole:
        return whole, ""
    for start in range(size - 1, max(0, size - 6), -1):
        before = best[start]
        if before and latin[start:] in _PARTS:
            return before, latin[start:]
    return None


def weighed(letters: str) -> list[tuple[str, float]]:
    """What to look up of a run of letters: pairs inside a word in full, pairs across words and lone letters less."""
    if len(letters) < 2 or not _HANZI.match(letters):
        return [(letters, 1.0)]
    borders = {0}
    found: list[tuple[str, float]] = []
    at = 0
    for word in map(str, _jieba.cut(letters)):
        if len(word) == 1 and word not in _EMPTY:
            found.append((word, 0.5))
        at += len(word)
        borders.add(at)
    for i in range(len(letters) - 1):
        inside = i + 1 not in borders
        empty = letters[i] in _EMPTY or letters[i + 1] in _EMPTY
        found.append((letters[i : i + 2], 1.0 if inside else 0.15 if empty else 0.5))
    return found


def pairs_of(key: str, letters: str) -> list[tuple[str, str]]:
    """The slack codes of a run two by two, each with the letters it was typed as (empty for pinyin)."""
    if len(key) < 2:
        return [(key, letters)]
    return [(key[i : i + 2], letters[i : i + 2]) for i in range(len(key) - 1)]


def take_apart(query: str) -> Typed:
    """The parts of a query as typed; nothing in it can make this fail."""
    letters: list[str] = []
    sounds: list[tuple[str, str]] = []
    rows: list[str] = []
    for run in _RUN.findall(query[:QUERY_LIMIT]):
        if not run[0].isascii() or run.isdigit():
            letters.append(run)
            if not run.isdigit():
                sounds.append((slack_key(run), run))
            continue
        latin = run.lower().replace("ü", "v")
        read = syllables_of(latin)
        if read and sum(map(len, read[0])) >= 2 * len(read[0]) - (len(read[0]) > 2):
            sounds.append(("".join(slack_of(s) for s in read[0]), ""))
        if not read or all(len(s) <= 2 for s in read[0]):
            rows.append(latin)
        letters.append(latin)
    return Typed(tuple(letters), tuple(sounds), tuple(rows))


class Lexicon:
    """Which words a row of initials or of sounds may stand for, from the words a site's articles use."""

    def __init__(self, texts: Iterable[str]) -> None:
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(w for w in map(str, _jieba.cut_for_search(text)) if 2 <= len(w) <= 6 and _HANZI.match(w))
        by_initials: dict[str, list[tuple[str, float]]] = {}
        by_sound: dict[str, list[tuple[str, float]]] = {}
        for word, count in counts.most_common():
            row = initials(word)
            if row.isascii():
                by_initials.setdefault(row, []).append((word, float(count)))
                by_sound.setdefault(slack_key(word), []).append((word, float(count)))
        self._by_initials = {row: words[:6] for row, words in by_initials.items()}
        self._by_sound = {key: words[:4] for key, words in by_sound.items()}

    def of_initials(self, row: str) -> list[tuple[str, float]]:
        """Words parts of `row` may stand for, each with a weight 0..1: longer parts and commoner words weigh more."""
        return _covered(row, self._by_initials)

    def of_sound(self, key: str) -> list[tuple[str, float]]:
        """Words parts of a row of slack codes may stand for, weighed in the same way."""
        return _covered(key, self._by_sound)

    def spelled(self, key: str) -> list[list[str]]:
        """A row of slack codes cut into as few known words as cover most of it; for each the words it may be."""
        best: list[tuple[int, list[list[str]]]] = [(0, [])]
        for end in range(1, len(key) + 1):
            options = [(best[end - 1][0] + 2, best[end - 1][1])]
            options += [
                (best[start][0] + 1, [*best[start][1], [word for word, _ in words]])
                for start in range(max(0, end - 6), end - 1)
                if (words := self._by_sound.get(key[start:end]))
            ]
            best.append(min(options, key=lambda option: option[0]))
        return best[-1][1]

    def meant(self, typed: Typed) -> list[list[str]]:
        """The words of a query that an article should hold, each with what else it may have been."""
        groups: list[list[str]] = []
        for key, hanzi in typed.sounds:
            if not hanzi:
                groups += self.spelled(key)
                continue
            groups += [
                [word, *(other for other, _ in self._by_sound.get(slack_key(word), ()))]
                for word in map(str, _jieba.cut(hanzi))
                if len(word) > 1
            ]
        return groups


def _covered(row: str, known: dict[str, list[tuple[str, float]]]) -> list[tuple[str, float]]:
    found: dict[str, float] = {}
    for start in range(len(row)):
        for end in range(start + 2, min(len(row), start + 6) + 1):
            words = known.get(row[start:end], ())
            total = sum(count for _, count in words) or 1.0
            for word, count in words:
                weight = (end - start) / len(row) * (0.4 + 0.6 * count / total)
                found[word] = max(found.get(word, 0.0), weight)
    return sorted(found.items(), key=lambda ww: -ww[1])[:24]
