"""The names of places as an index: by letters, by sound, and with one syllable wrong. Pure.

Every name is cut into a *head* that tells it apart and a *tail* that says what it is (小区, 花园, 路, 村 …). A syllable
that was misheard in the tail costs little; a head of fewer than three syllables must be heard whole.

One wrong, lost or inserted syllable is found by deletion neighbourhoods (Garbe's SymSpell): every name is also kept
under each of its spellings with one syllable left out, so looking up costs the same with 1,500 and with 50,000 names.
"""

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

from ticketing.pack import Place, PlaceKind
from ticketing.sound import slack_key

LONGEST = 12
"""Names longer than this are found by their first twelve syllables."""

TAIL = re.compile(
    r"(街道办事处|街道办|办事处|街道|人民政府|镇政府|乡政府|政府|社区居委会|居委会|社区卫生服务中心|卫生院|派出所|"
    r"家属院|家属区|宿舍|小区|社区|花园|花苑|家园|新村|新城|公寓|大厦|广场|公园|游园|湿地公园|森林公园|"
    r"农贸市场|批发市场|菜市场|集贸市场|市场|集市|商场|中医医院|中医院|人民医院|医院|诊所|"
    r"幼儿园|小学|中学|学校|大学|学院|高铁站|火车站|汽车站|站|大道|大街|东街|西街|南街|北街|东路|西路|南路|北路|"
    r"路|街|巷|立交桥|跨线桥|黄河大桥|大桥|桥|镇|乡|村|县|市|区|苑|园|府|城|湾|庄)$"
)
_WEAK_TAIL = re.compile(r"(家属院|家属区|宿舍|小区|社区居委会|居委会|社区)$")


class Via(IntEnum):
    """Which spelling of a place was indexed, best first."""

    NAME = 0
    ALIAS = 1
    PARTIAL = 2


class Spelling(NamedTuple):
    """One way to say one place: its letters, their slack code, and how many leading syllables tell it apart."""

    place: int
    text: str
    key: str
    head: int
    via: Via


def head_length(name: str) -> int:
    """Syllables before the generic tail; the whole name where nothing would be left."""
    found = TAIL.search(name)
    return found.start() if found and found.start() > 0 else len(name)


def spellings(number: int, place: Place) -> Iterator[Spelling]:
    """Every way to say `place`, each letter sequence once."""
    seen: set[str] = set()
    said = [(place.name, Via.NAME), *((alias, Via.ALIAS) for alias in place.aliases)]
    if place.kind in {PlaceKind.COMPOUND, PlaceKind.GOVERNMENT}:
        for name in (place.name, *place.aliases):
            short = _WEAK_TAIL.sub("", name)
            if len(short) >= 3 and short != name:
                said.append((short, Via.PARTIAL))
    for text, via in said:
        if text not in seen and len(text) > 1:
            seen.add(text)
            cut = text[:LONGEST]
            yield Spelling(number, cut, slack_key(cut), min(head_length(text), len(cut)), via)


class NameIndex:
    """All spellings, by slack code (`exact`) and by slack code with one syllable left out (`holed`).

    `begins` are the first pairs of all spellings; `slip_begins` and `slip_ends` the first and last pairs of those that
    are found with a wrong syllable: one of the two is always whole, so most of a text need not be looked up at all.
    """

    def __init__(self, places: Iterable[Place]) -> None:
        self.spellings: list[Spelling] = []
        exact: dict[str, list[int]] = {}
        holes: dict[str, list[int]] = {}
        for number, place in enumerate(places):
            for spelling in spellings(number, place):
                at = len(self.spellings)
                self.spellings.append(spelling)
                exact.setdefault(spelling.key, []).append(at)
                for hole in self._holes(spelling):
                    holes.setdefault(hole, []).append(at)
        self.exact = {key: tuple(found) for key, found in exact.items()}
        self.holed = {key: tuple(found) for key, found in holes.items()}
        self.begins = frozenset(spelling.key[:2] for spelling in self.spellings)
        slippery = [s for s in self.spellings if self._holes(s)]
        self.slip_begins = frozenset(s.key[:2] for s in slippery)
        self.slip_ends = frozenset(s.key[-2:] for s in slippery)
        self.longest = max((len(s.key) for s in self.spellings), default=0)

    @staticmethod
    def _holes(spelling: Spelling) -> set[str]:
        """The codes `spelling` is found under when one of its syllables is wrong."""
        key, head = spelling.key, spelling.head
        if spelling.via is Via.PARTIAL or len(key) < 4:
            return set()
        first = 0 if head >= 3 else head
        return {key[:i] + key[i + 1 :] for i in range(first, len(key))}
