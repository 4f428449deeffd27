"""How hanzi sound, and which of them a recogniser or a dialect confuses. Pure.

Two keys are given for every character:

- the *syllable*: its most usual Mandarin reading without tone (`nuan`, `lv`), as pypinyin's table has it;
- the *slack code*: one private character for all syllables that are commonly heard as one another. The slack merges
  flat and retroflex initials (z/zh, c/ch, s/sh), n and l, f and h before u, and finals with and without g
  (en/eng, in/ing, an/ang). Strings of codes can be cut, compared and used as dictionary keys like text itself.

Characters that are not hanzi (digits, Latin letters) are their own syllable and code, lower-cased.
"""

import re
import unicodedata
from functools import cache

from pypinyin.constants import PINYIN_DICT

_FIRST_CODE = 0xE000  # the private use area: a code is never mistaken for a hanzi
_codes: dict[str, str] = {}
_INITIAL = re.compile(r"^(zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(.*)$")


def _toneless(reading: str) -> str:
    plain = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    return "".join(c for c in plain if not unicodedata.combining(c))


@cache
def readings(char: str) -> tuple[str, ...]:
    """All Mandarin readings of one character without tone, the most usual first; itself if it has none."""
    known = PINYIN_DICT.get(ord(char))
    if known is None:
        return (char.lower(),)
    return tuple(dict.fromkeys(_toneless(reading) for reading in known.split(",")))


def syllable(char: str) -> str:
    """The most usual reading of one character without tone."""
    return readings(char)[0]


def syllables(text: str) -> list[str]:
    """One reading for each character of `text`."""
    return [readings(char)[0] for char in text]


def loosen(reading: str) -> str:
    """The spelling all syllables share that are heard as one another: `zheng` and `zen` are both `zen`."""
    found = _INITIAL.match(reading)
    initial, final = (found[1] or "", found[2]) if found else ("", reading)
    if initial in {"zh", "ch", "sh"}:
        initial = initial[0]
    if initial == "n":
        initial = "l"
    if initial == "f" and final == "u":
        initial = "h"
    if final.endswith("ng") and final != "ong":
        final = final[:-1]
    return initial + final


@cache
def slack_of(reading: str) -> str:
    """The one-character code of a syllable."""
    if not reading.isascii() or (len(reading) == 1 and not reading.isalpha()):
        return reading
    return _codes.setdefault(loosen(reading), chr(_FIRST_CODE + len(_codes)))


@cache
def slack(char: str) -> str:
    """The slack code of one character's most usual reading; characters that are no hanzi stand for themselves."""
    known = readings(char)[0]
    return slack_of(known) if ord(char) in PINYIN_DICT else known


def slack_key(text: str) -> str:
    """Slack codes of a text, one for each character, so positions agree with the text."""
    return "".join([slack(char) for char in text])
