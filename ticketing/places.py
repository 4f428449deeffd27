"""The gazetteer: which places of the site a text speaks of. Pure.

Only places of the site are ever answered: national address lists are wrong about a city's compounds and villages, and a
guess outside the city sends somebody to the wrong town. Where one name stands for places in several counties and the
text does not say which, all of them are answered with the same score; the caller of this module has to ask.

Scores are 0..1: 1 a full name letter by letter, about 0.9 the same sound, 0.6-0.8 one syllable misheard.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import msgspec
import rjieba

from ticketing.pack import Place, PlaceKind
from ticketing.placenames import NameIndex, Spelling, Via
from ticketing.sound import loosen, slack_key, syllable
from ticketing.vocabulary import PlaceId
from ticketing.wordlists import word_set

_ADMIN = frozenset({PlaceKind.COUNTY, PlaceKind.SUBDISTRICT, PlaceKind.TOWN})

EVERYDAY = word_set(
    "太阳 大王 开张 新城 古城 城区 城东 城西 城北 城关 水头 石门 下化 大交 三门 三路 七级 北街 南街 后宫 常乐",
    "万安 高村 新中 夏中 盐中 里望 长直 磨里 冷口 光华 横桥 清河 古交 西村 车村 通化 永乐 东镇 三管 三泉 铁牛",
    "死海 卫校 特校 三中 二中 五中 三院 二院 一院 一幼 万达 钟楼 鼓楼 孤山 龙门 东城 西城 南城 北城 中城",
    "人民医院 体育馆 文化宫 政务大厅 医保大厅 人社大厅 市政府 区政府 区医院 平安里 幸福里 火车站 高铁站 派出所",
    "公安局 地铁站 物流园 建材城 图书馆 清华园",
)
"""Names that are also everyday words or name a kind of place: alone they weigh less, a county or a tail lifts them."""

NUMERAL = frozenset("零一二三四五六七八九十百千")
_jieba = rjieba.Jieba()
_UNIT_TAIL = re.compile(r"^(街道|镇|乡|县|市|区|办事处|街办|村(?!里人))")
_PLACE_TAIL = re.compile(
    r"^(那边|这边|那块|这块|这儿|那儿|那里|这里|门口|门前|大门|院里|院内|里头|里面|急诊|门诊|停车|旁|对面|"
    r"附近|跟前|边上|底下|往[东西南北前后里]|东|西|南|北|后面|前面|"
    r"[一二三四五六七八九十]+(号楼|楼|层|单元|栋)|的)"
)
_AT = re.compile(r"(在|住|到|是|我们|咱|位于|来自|县|区|市|城里)$")
_CROSSING = re.compile(r"(交叉口|交叉路口|路口|十字路口|十字|丁字路口|交汇处|交界|拐角|红绿灯)")
_JOIN = re.compile(r"^(和|跟|与|同|到|交|跟着)$")
OUTSIDE = re.compile(
    r"(西安|太原|临汾|三门峡|渭南|郑州|洛阳|灵宝|韩城|潼关|侯马|晋城|长治|大同|吕梁|北京|上海|广州|深圳|"
    r"天津|重庆|成都|武汉|杭州|苏州|南京|"
    r"咸阳|宝鸡|石家庄|济南|青岛|西宁|兰州|银川|乌鲁木齐|新疆|内蒙|陕西|河南|河北|山东|四川|甘肃|江苏|"
    r"浙江|广东|湖北|湖南)"
)
"""Cities and provinces around; a place named straight after one of them is not ours."""

_OUTSIDE_BEFORE = re.compile(OUTSIDE.pattern + r"[市省的那边]{0,4}$")


_SLIP_WORTH = 0.7
"""What a stretch with a wrong syllable explains, against one of which every syllable is heard."""


class PlaceMatch(msgspec.Struct, frozen=True, kw_only=True):
    """One place a text may speak of. `start` and `end` cut the words out of the text; `how` is name, alias, sound, slip
    (one syllable wrong), partial or crossing. `county_id` and `subdistrict_id` are empty where the gazetteer has none.
    """

    place_id: PlaceId
    label: str
    kind: PlaceKind
    county_id: PlaceId
    subdistrict_id: PlaceId
    score: float
    start: int
    end: int
    how: str


class _Hit(NamedTuple):
    start: int
    end: int
    spelling: Spelling
    score: float
    how: str


class Gazetteer:
    """All places of a site, ready to be found in what was said."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.places: tuple[Place, ...] = tuple(places)
        self.by_id: dict[PlaceId, Place] = {place.id: place for place in self.places}
        self._index = NameIndex(self.places)

    def find(self, text: str, limit: int = 8) -> list[PlaceMatch]:
        """The places `text` speaks of, best first, at most `limit`.

        Words that overlap are claimed by the best match; several places of one name keep the same words. A county or
        town named in the same text settles which of them is meant.
        """
        hits = [hit for hit in _claim(self._hits(text)) if not self._foreign(text, hit.start)]
        counties = {
            self.places[hit.spelling.place].county_id
            for hit in hits
            if self.places[hit.spelling.place].kind in _ADMIN and hit.score >= 0.8
        }
        found: dict[tuple[PlaceId, int], PlaceMatch] = {}
        crossing = self._crossings(text, hits)
        for hit in hits:
            place = self.places[hit.spelling.place]
            score, end, how = hit.score, hit.end, hit.how
            if counties and place.kind not in _ADMIN:
                score = min(1.0, score + 0.08) if place.county_id in counties else score * 0.7
            if (hit.start, hit.end) in crossing:
                end, how = crossing[hit.start, hit.end], "crossing"
            match = PlaceMatch(
                place_id=place.id,
                label=place.name,
                kind=place.kind,
                county_id=place.county_id,
                subdistrict_id=place.subdistrict_id,
                score=round(score, 3),
                start=hit.start,
                end=end,
                how=how,
            )
            known = found.get((place.id, hit.start))
            if known is None or known.score < match.score:
                found[place.id, hit.start] = match
        ranked = sorted(found.values(), key=lambda m: (-m.score, -(m.end - m.start), m.start, m.place_id))
        return ranked[:limit]

    def _hits(self, text: str) -> list[_Hit]:
        key, index = slack_key(text), self._index
        hits: list[_Hit] = []
        size = len(key)
        for start in range(size - 1):
            first = key[start : start + 2]
            last_end = min(size, start + index.longest + 1)
            if first in index.begins:
                for end in range(start + 2, last_end + 1):
                    exact = index.exact.get(key[start:end], ())
                    hits += [self._judge(text, start, end, index.spellings[at]) for at in exact]
            whole = first in index.slip_begins
            for end in range(start + 3, last_end + 1):
                if whole or key[end - 2 : end] in index.slip_ends:
                    hits += self._slips(text, key, start, end, whole=whole)
        return [hit for hit in hits if hit.score > 0.3]

    def _slips(self, text: str, key: str, start: int, end: int, *, whole: bool) -> list[_Hit]:
        """Names that are this stretch with one syllable lost, wrong or too many; `whole`: its first pair may be so."""
        index, part = self._index, key[start:end]
        known = index.spellings
        found = [known[at] for at in index.holed.get(part, ())]
        gaps = range(2 if whole else 0, len(part)) if part[-2:] not in index.slip_ends else range(len(part))
        for gap in gaps:
            less = part[:gap] + part[gap + 1 :]
            if len(less) >= 3:
                found += [
                    known[at]
                    for at in index.holed.get(less, ())
                    if known[at].key != part and len(known[at].key) == len(part)
                ]
            if len(less) >= 4 and gap:
                found += [known[at] for at in index.exact.get(less, ())]
        return [self._slip(text, start, end, spelling) for spelling in found if spelling.via is not Via.PARTIAL]

    def _judge(self, text: str, start: int, end: int, spelling: Spelling) -> _Hit:
        """A match by sound of every syllable; the letters decide how good it is."""
        said = text[start:end]
        size = len(said)
        differ = sum(a != b for a, b in zip(said, spelling.text, strict=True))
        if differ == 0:
            score = (1.0, 0.97, 0.6)[spelling.via]
            how = ("name", "alias", "partial")[spelling.via]
        else:
            loose = sum(syllable(a) != syllable(b) for a, b in zip(said, spelling.text, strict=True))
            score = {2: 0.55, 3: 0.8, 4: 0.9}.get(size, 0.92) - 0.06 * differ / size - 0.12 * loose / size
            score -= 0.25 if spelling.via is Via.PARTIAL else 0.0
            how = "sound"
        if start and text[start] in NUMERAL and text[start - 1] in NUMERAL:
            score *= 0.4
        if size == 2 and not _UNIT_TAIL.match(text[end:]) and not _stands_alone(text, start, end):
            score = min(score, 0.4)
        if spelling.text in EVERYDAY or (size == 2 and differ):
            after, before = text[end:], text[:start]
            helped = _UNIT_TAIL.match(after) or (differ == 0 and (_AT.search(before) or _PLACE_TAIL.match(after)))
            heard = differ and size > 2 and slack_key(said) == spelling.key and _PLACE_TAIL.match(after)
            score = min(score, 0.78 if helped else 0.6 if heard else 0.45)
        return _Hit(start, end, spelling, score, how)

    @staticmethod
    def _foreign(text: str, start: int) -> bool:
        """Whether the words straight before `start` are a city or province outside, perhaps with 市, 省 or 的."""
        return _OUTSIDE_BEFORE.search(text[max(0, start - 8) : start]) is not None

    @staticmethod
    def _slip(text: str, start: int, end: int, spelling: Spelling) -> _Hit:
        """A match with one syllable wrong, lost or too many: the longer the name and the nearer, the surer."""
        said, name = text[start:end], spelling.text
        score = 0.5 + 0.04 * min(len(name), 7)
        if len(said) == len(name):
            key = slack_key(said)
            wrong = next(i for i in range(len(name)) if key[i] != spelling.key[i])
            score += 0.1 if _near(said[wrong], name[wrong]) else -0.08 if wrong < spelling.head else -0.15
        elif len(said) < len(name) <= 4:
            score -= 0.08 if name[0] not in NUMERAL else 0.2
        else:
            score += 0.04
        return _Hit(start, end, spelling, score - 0.1 * (1 - _shared(said, name) / len(name)), "slip")

    def _crossings(self, text: str, hits: list[_Hit]) -> dict[tuple[int, int], int]:
        """Roads named as A和B…路口: the words of A, and where the whole crossing ends."""
        roads = sorted(
            {(h.start, h.end) for h in hits if self.places[h.spelling.place].kind is PlaceKind.ROAD and h.score > 0.6}
        )
        found: dict[tuple[int, int], int] = {}
        for (start, end), (other, last) in pairwise(roads):
            if _JOIN.match(text[end:other]) and (corner := _CROSSING.match(text[last:].lstrip("的那个"))):
                skipped = len(text[last:]) - len(text[last:].lstrip("的那个"))
                found[start, end] = last + skipped + len(corner[0])
        return found


def _shared(one: str, other: str) -> int:
    """How many letters two texts share at their beginnings and ends."""
    if len(one) == len(other):
        return sum(a == b for a, b in zip(one, other, strict=True))
    short = min(len(one), len(other))
    head = next((i for i in range(short) if one[i] != other[i]), short)
    tail = next((i for i in range(short - head) if one[-1 - i] != other[-1 - i]), short - head)
    return head + tail


@lru_cache(maxsize=2048)
def _borders(text: str) -> frozenset[int]:
    """Where words begin and end in a text."""
    borders, at = {0}, 0
    for word in _jieba.cut(text):
        at += len(str(word))
        borders.add(at)
    return frozenset(borders)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a stretch of text is not a part cut out of longer words (张营 in 一张营业执照)."""
    borders = _borders(text)
    return start in borders and end in borders


def _near(one: str, other: str) -> bool:
    """Whether two hanzi share the beginning or the end of their sound."""
    left, right = loosen(syllable(one)), loosen(syllable(other))
    vowel = re.compile(r"[aeiouv].*$")
    ends = (vowel.search(left), vowel.search(right))
    return left[0] == right[0] or (ends[0] is not None and ends[1] is not None and ends[0][0] == ends[1][0])


def _claim(hits: list[_Hit]) -> list[_Hit]:
    """The stretches of text that together are explained best, without overlaps, with every place each may stand for.

    Weighted interval scheduling: 临猗双塔小区 is read as 临猗 and 双塔小区 rather than as 临猗双塔 and a rest.
    """
    best: dict[tuple[int, int], float] = {}
    heard: set[tuple[int, int]] = set()
    for hit in hits:
        best[hit.start, hit.end] = max(best.get((hit.start, hit.end), 0.0), hit.score)
        if hit.how != "slip":
            heard.add((hit.start, hit.end))
    spans = sorted(best, key=lambda span: (span[1], span[0]))
    worth: list[float] = [0.0]
    taken: list[tuple[int, int] | None] = [None]
    before: list[int] = [0]
    ends = [end for _, end in spans]
    for at, (start, end) in enumerate(spans, 1):
        free = bisect_right(ends, start, 0, at - 1)
        value = worth[free] + best[start, end] ** 2 * (end - start) * (1.0 if (start, end) in heard else _SLIP_WORTH)
        if value > worth[at - 1]:
            worth.append(value)
            taken.append((start, end))
            before.append(free)
        else:
            worth.append(worth[at - 1])
            taken.append(None)
            before.append(at - 1)
    chosen: set[tuple[int, int]] = set()
    at = len(spans)
    while at:
        if span := taken[at]:
            chosen.add(span)
        at = before[at]
    return [h for h in hits if (h.start, h.end) in chosen and h.score > best[h.start, h.end] - 0.15]
