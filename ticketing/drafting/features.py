"""What the models see of a text: its letters, its words and its sound. Pure.

Sound keys (see `ticketing.sound`) come beside the letters because a recogniser that mishears nearly always writes
something that sounds alike; the letters then are unknown but the sound is not.
"""

from collections.abc import Iterable
from functools import lru_cache

import rjieba

from ticketing.sound import slack_key

_jieba = rjieba.Jieba()

_STOP = frozenset(
    "的了在是我有和就不人都一个上也很到说要去你会着没看好自己这那他她它们吗呢吧啊呀嘛哦嗯您把被给让跟对还再又"
    "什么怎请问可以能想来里外下过得地之与或及等为以从向往由于"
)


def words(text: str) -> list[str]:
    """`text` cut into words."""
    return [str(word) for word in _jieba.cut(text)]


@lru_cache(maxsize=20_000)
def features(text: str) -> tuple[str, ...]:
    """The features of one plain text: `c` pairs of letters, `s` pairs of slack syllables, `w` words of one letter."""
    key = slack_key(text)
    found = [f"c{text[i : i + 2]}" for i in range(len(text) - 1)]
    found += [f"s{key[i : i + 2]}" for i in range(len(key) - 1)]
    found += [f"w{word}" for word in words(text) if len(word) == 1 and word not in _STOP]
    return tuple(found)


def bag(texts: Iterable[tuple[str, float]]) -> dict[str, float]:
    """How often each feature occurs in weighted texts; nothing runs over the border of two texts."""
    counts: dict[str, float] = {}
    for text, weight in texts:
        for feature in features(text):
            counts[feature] = counts.get(feature, 0.0) + weight
    return counts
