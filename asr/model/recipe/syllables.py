"""Mandarin syllables: toned pinyin in, initial, final and tone out.

Pinyin is written as `lv4`: lower case, `v` for ü, the tone as a last digit 1-5 (5 neutral). The split follows the
spelling rules of GB/T 16159 and ISO 7098: y and w are spelling, not sound, and iu, ui, un are iou, uei, uen.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

INITIALS = ("b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "j", "q", "x", "zh", "ch", "sh", "r", "z", "c", "s")
FINALS = (
    "a",
    "o",
    "e",
    "er",
    "ai",
    "ei",
    "ao",
    "ou",
    "an",
    "en",
    "ang",
    "eng",
    "ong",
    "i",
    "ih",
    "ir",
    "ia",
    "ie",
    "iao",
    "iou",
    "ian",
    "in",
    "iang",
    "ing",
    "iong",
    "u",
    "ua",
    "uo",
    "uai",
    "uei",
    "uan",
    "uen",
    "uang",
    "ueng",
    "v",
    "ve",
    "van",
    "vn",
)
TONES = (1, 2, 3, 4, 5)

_RARE = frozenset(["o", "yo", "lo", "fiao", "cei", "eng", "tei", "den", "nun", "kei", "shei", "nia", "rua"])
_SHORT = {"iu": "iou", "ui": "uei", "un": "uen", "ue": "ve"}
_Y = {"i": "i", "in": "in", "ing": "ing", "ou": "iou", "ong": "iong"}
_LONGEST_FIRST = tuple(sorted(INITIALS, key=len, reverse=True))


class NotPinyin(ValueError):
    """The text is not one toned Mandarin syllable."""


@dataclass(frozen=True, slots=True)
class Syllable:
    """One syllable as the model hears it; `initial` is None where the syllable starts with its vowel."""

    initial: str | None
    final: str
    tone: int


@lru_cache(maxsize=4096)
def split(pinyin: str) -> Syllable:
    """Initial, final and tone of one toned syllable such as `zhuang4`. Raises NotPinyin."""
    match = re.fullmatch(r"([a-zü]+?)([1-5])", pinyin.lower())
    if match is None:
        raise NotPinyin(f"not a toned syllable: {pinyin!r}; write it like lv4, tone 5 for neutral")
    initial, final = _parts(match[1].replace("ü", "v"))
    if final not in FINALS:
        raise NotPinyin(f"no such final in {pinyin!r}: {final!r}")
    return Syllable(initial, final, int(match[2]))


def _parts(base: str) -> tuple[str | None, str]:
    if base in ("er", "r"):
        return None, "er"
    if base in ("m", "n", "ng", "hm", "hng"):
        return None, "en"
    if base[0] == "y":
        rest = base[1:]
        if rest.startswith("u"):
            return None, "v" + rest[1:]
        return None, "o" if rest == "o" else _Y.get(rest, "i" + rest)
    if base[0] == "w":
        rest = base[1:]
        return None, "u" if rest == "u" else "u" + rest
    initial = next((x for x in _LONGEST_FIRST if base.startswith(x)), None)
    if initial is None:
        return None, base
    rest = base[len(initial) :]
    if initial in ("j", "q", "x") and rest.startswith("u"):
        rest = "v" + rest[1:]
    rest = _SHORT.get(rest, rest)
    if rest == "i" and initial in ("zh", "ch", "sh", "r"):
        rest = "ir"
    elif rest == "i" and initial in ("z", "c", "s"):
        rest = "ih"
    elif rest == "o" and initial in ("b", "p", "m", "f"):
        rest = "uo"
    return initial, rest


def plain(marked: str) -> str:
    """`lǜ` as pypinyin's tables write it, as `lv4`; an unmarked syllable gets tone 5."""
    marks = {"\u0304": "1", "\u0301": "2", "\u030c": "3", "\u0300": "4"}
    tone, letters = "5", ""
    for char in unicodedata.normalize("NFD", marked):
        if char in marks:
            tone = marks[char]
        elif char == "\u0308":
            letters = letters[:-1] + "v"
        else:
            letters += char
    return letters + tone


def common_syllables(tables: dict[int, str]) -> list[str]:
    """Every toned syllable some character of the basic block is read with, rare interjections left out.

    `tables` is pypinyin's single-character table: code point to readings joined by commas.
    """
    found = set()
    for point in range(0x4E00, 0x9FA6):
        for marked in tables.get(point, "").split(","):
            pinyin = plain(marked)
            if not re.fullmatch(r"[a-z]{2,6}[1-5]|[ae][1-5]", pinyin) or pinyin[:-1] in _RARE:
                continue
            try:
                split(pinyin)
            except NotPinyin:
                continue
            found.add(pinyin)
    return sorted(found)
