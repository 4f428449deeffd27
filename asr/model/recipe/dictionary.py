"""General Mandarin words with their frequencies: the dictionary of jieba (MIT)."""

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import jieba


class Entry(NamedTuple):
    """How often jieba's reference text has the word, and its part of speech (ICTCLAS letters)."""

    frequency: int
    part: str


@lru_cache(maxsize=1)
def entries() -> dict[str, Entry]:
    """All words of hanzi only."""
    path = Path(str(jieba.__file__)).with_name("dict.txt")
    found: dict[str, Entry] = {}
    for line in path.read_text("utf-8").splitlines():
        word, count, part = line.split(" ")
        if re.fullmatch(r"[\u4e00-\u9fff]+", word):
            found[word] = Entry(int(count), part)
    return found
