"""Which kind of word follows which: jieba's part-of-speech statistics (MIT).

jieba's tagger knows how often a part of speech, at the end of a word, is followed by another at the start of one. That
is enough to prefer a noun after 的 and a verb after 不, which small texts cannot teach for every word.
"""

import math

from jieba.posseg.prob_start import P as STARTS
from jieba.posseg.prob_trans import P as TRANSITIONS

GROUPS = {
    "的": ("S", "uj"),
    "了": ("S", "ul"),
    "地": ("S", "uv"),
    "noun": ("E", "n"),
    "character noun": ("S", "n"),
    "name": ("E", "ns"),
    "character verb": ("S", "v"),
    "verb": ("E", "v"),
    "adverb": ("S", "d"),
    "pronoun": ("S", "r"),
    "number": ("S", "m"),
    "measure": ("S", "q"),
    "preposition": ("S", "p"),
    "adjective": ("E", "a"),
    "character adjective": ("S", "a"),
    "conjunction": ("E", "c"),
    "locative": ("S", "f"),
    "time": ("E", "t"),
    "idiom": ("E", "i"),
}
"""Groups of histories, each with the state of jieba's tagger that speaks for it."""


def follows() -> dict[str, dict[str, float]]:
    """For every group and for `start`, how probable each kind of word is next; a kind is `Bn`, `Sv`, as `kind` says."""
    out = {name: _row(TRANSITIONS[state]) for name, state in GROUPS.items()}
    out["start"] = _row(STARTS)
    return out


def _row(logs: dict[tuple[str, str], float]) -> dict[str, float]:
    row = {place + part: math.exp(cost) for (place, part), cost in logs.items() if place in "BS" and cost > -15}
    total = sum(row.values())
    return {kind: p / total for kind, p in row.items()}
