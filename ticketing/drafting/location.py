"""Where the matter is: which of the places spoken of is meant, and the address as it was said. Pure.

Callers name places they only pass, come from or compare with. The place of the matter is chosen by how exact it is, how
early and how often it is named, by the address words that follow it (三号楼, 门口, 对面), by the agent's question it
answers, and against words that turn it away (不是…, 从…过来, 去过…). Where one name fits several
counties and nothing said settles it, the question is ready.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ticketing.pack import Category, PlaceKind
from ticketing.places import Gazetteer, PlaceMatch
from ticketing.views import Utterance
from ticketing.vocabulary import PlaceId, Speaker

_EXACT = {
    PlaceKind.COUNTY: 0.0,
    PlaceKind.SUBDISTRICT: 0.25,
    PlaceKind.TOWN: 0.35,
    PlaceKind.ROAD: 0.8,
    PlaceKind.VILLAGE: 0.95,
    PlaceKind.GOVERNMENT: 0.65,
}
_FIRM = 0.78
_TOWNS = frozenset({PlaceKind.SUBDISTRICT, PlaceKind.TOWN})
_CONFIRMED = re.compile(r"(对吗|是吗|对吧|是吧|位置是|您说的是|您是在|地址是)")
_AWAY = re.compile(
    r"(不是|别跟|不叫|搞混|跟|比|听说|像|以前在|老家|户口在|户口是|来自|从|绕到|路过了?|骑到|开到|经过|"
    r"嫁到|(同事|别人|亲戚|朋友|邻居)家(住|在)?|离|往|想去|去过|送到|转到|拉到|亲戚在|上班在|我在.{0,4}上班)$"
)
_ORIGIN = re.compile(r"^(市|县|区)?(的)?(户口|户籍|人$|人我|那边的|老家|口音|牌照|上学|念书|打工)")
_HERE = re.compile(
    r"(在|住|位于|就在|地址是|地址|我们|我家|我是|我住|咱|我们是|这里是|反映|说的是|家住|家在|那个|这个)$"
)
_ASKED = re.compile(
    r"(哪里|哪个|什么地方|位置|地址|具体在|哪儿|在哪|几号楼|哪条|哪一段|哪段|什么路|哪个区|哪个县|哪个村|小区)"
)
_NUMBERED = (
    r"[零一二两三四五六七八九十百幺]+(?:号院|号楼|号|栋|幢|单元|层|楼|室|户|排|期|区|组|队|街|段|号线|号门|"
    r"地块|号地块|门|米|里地|里来地|里路|公里)"
)
_SIDE = (
    r"(?:[东西南北]{1,2}|[前后左右]|大|小|侧|正|旁|斜)(?:边|面|侧|头|段|区|门口|门|口|户|街|院墙|院|半截|"
    r"墙外头|墙外|墙根|墙|坡|角|路口|山墙|半边|对面|对过)(?:外头|里头|外面|里面|外|里|上|下)?"
)
_BESIDE = (
    r"斜?对[面过门]|旁边|边上|隔壁|附近|跟前|门口|门前|后头|前头|里面|里头|外面|外头|外边|楼下|楼上|楼顶|"
    r"顶楼|底下|底商|顶上|中间|中段|临街|临路|路口|十字路口|十字|丁字路口|交叉口|拐角处?|拐弯处?|"
    r"桥下|桥上|桥头|桥洞|桥面|引桥|涵洞|隧道口|上游|下游|河滩上?|河边|沟边|渠边|坡地上|地头|地里|地下室|"
    r"地下车库|地库|车库|天台|楼道|电梯|单元门|院里|院内|院子|村口|村头|村里|村委会|"
    r"镇政府|乡政府|卫生院|小卖部|超市|幼儿园|学校|饭店|饭馆|烧烤店|药店|药房|网吧|市场|公交站|站牌|"
    r"红绿灯|加油站|工地|篮球场|活动室|写字楼|商铺|门面|门市|小区|停车场|急诊|门诊|非机动车道|人行道|"
    r"机动车道"
)
_WAY = (
    r"往[^我你他她在有]{1,5}?(?:走|去|拐|的)|过了?[^我你他她有]{1,5}?(?=那|这|的)|从[^我你他她有]{1,7}?(?:到|"
    r"往|至)[^我你他她有]{1,6}?(?=那|这|的|$)"
)
_PIECE = (
    rf"(?:村?{_NUMBERED}(?:到{_NUMBERED})?|"
    rf"[零一二三四五六七八九十幺]{{3,4}}(?![零一二三四五六七八九十百千万块元])|村?{_SIDE}|{_BESIDE}|{_WAY}|的)"
)
_MEASURE = r"(?:那|这)(?:一|边|里|儿)?(?:个|家|条|栋|截|段|排|座|片|块|口|根|间|所|处|溜|带|道|堆|圈|户|棵)"
_STOP = r"(?=$|[我你他她它有没在被把给让就都也不又是会要能说看从跟还老天每往正已经做开卖掉全])"
_ADDRESS = re.compile(rf"^{_PIECE}+")
_THERE = re.compile(
    rf"^(?:{_MEASURE}|[零一二两三四五六七八九十]{{1,2}}[块个家条])(?:[\u4e00-\u9fff]{{1,7}}?{_STOP})?|"
    rf"^(?:那边|那块|那儿|那片|这边|这块|这片|那里)"
)


_KINDS = (
    (re.compile(r"教育|学校|校园|校门|幼儿|培训"), frozenset({PlaceKind.SCHOOL})),
    (re.compile(r"医|卫生"), frozenset({PlaceKind.HOSPITAL})),
    (re.compile(r"物业|住房|电梯|房屋|小区|供热|供水|楼道|维修资金|房地产"), frozenset({PlaceKind.COMPOUND})),
    (re.compile(r"公园|园林"), frozenset({PlaceKind.PARK, PlaceKind.ROAD})),
    (re.compile(r"旅游|景区|文物"), frozenset({PlaceKind.SCENIC})),
    (re.compile(r"农业|农村|乡村|村务|宅基|惠农|林业"), frozenset({PlaceKind.VILLAGE, PlaceKind.TOWN})),
    (re.compile(r"道路|桥梁|路灯|交通|井盖|停车|排水"), frozenset({PlaceKind.ROAD, PlaceKind.BRIDGE})),
    (re.compile(r"市场|消费|市容|价格|餐饮"), frozenset({PlaceKind.MARKET, PlaceKind.LANDMARK})),
    (re.compile(r"窗口|政务|作风|婚姻登记|不动产登记"), frozenset({PlaceKind.GOVERNMENT, PlaceKind.TOWN})),
)


def likely_at(category: Category | None) -> frozenset[PlaceKind]:
    """The kinds of place a category's matters are usually at, by its names."""
    if category is None:
        return frozenset()
    names = category.level1 + category.level2 + category.level3
    return frozenset().union(*(kinds for pattern, kinds in _KINDS if pattern.search(names)))


class Location(NamedTuple):
    """The place of the matter, `label` its name as it was said.

    `place_id` and the ids above it are empty where they are not known; `rivals` are further places it could be, best
    first; `ask` is the question that would settle it; `firm` says that it was heard letter by letter or nearly so, and
    not in passing.
    """

    place_id: PlaceId
    label: str
    county_id: PlaceId
    subdistrict_id: PlaceId
    address: str
    sure: float
    evidence: tuple[str, ...]
    rivals: tuple[PlaceMatch, ...]
    ask: str
    firm: bool


NOWHERE = Location(PlaceId(""), "", PlaceId(""), PlaceId(""), "", 0.0, (), (), "", firm=False)


class _Mention(NamedTuple):
    match: PlaceMatch
    said: Utterance
    at: int
    weight: float
    away: bool


class Locator:
    """Chooses the place of the matter among all places a conversation names."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._found: dict[str, list[PlaceMatch]] = {}
        rows = Counter(place.county_id for place in gazetteer.places if place.county_id)
        self._home = rows.most_common(1)[0][0] if rows else PlaceId("")

    def locate(self, utterances: Sequence[Utterance], likely: frozenset[PlaceKind] = frozenset()) -> Location:
        """The place, `NOWHERE` where the site has none that was named. `likely`: where such matters are."""
        mentions = self._mentions(utterances, likely)
        if not mentions:
            return NOWHERE
        counties = self._counties(mentions)
        ranked: dict[PlaceId, float] = {}
        first: dict[PlaceId, _Mention] = {}
        for mention in mentions:
            place = mention.match
            weight = mention.weight
            if counties and place.county_id:
                weight += 0.5 if place.county_id in counties else -0.6
            if place.place_id in ranked:
                ranked[place.place_id] = max(ranked[place.place_id], weight) + 0.15
                if weight > first[place.place_id].weight + 0.3 and mention.said.speaker is Speaker.CITIZEN:
                    first[place.place_id] = mention
            else:
                ranked[place.place_id] = weight
                first[place.place_id] = mention
        order = sorted(ranked, key=lambda p: (-ranked[p], first[p].at, p))
        best = first[order[0]]
        rivals = [first[p].match for p in order[1:] if ranked[p] > 0.3][:3]
        same = [m for m in rivals if m.label == best.match.label and m.county_id != best.match.county_id]
        evidence = tuple(dict.fromkeys(m.said.id for m in mentions if m.match.place_id == best.match.place_id))
        sure = max(0.0, min(1.0, best.match.score * (0.75 + 0.2 * min(1.0, max(0.0, ranked[order[0]] - 0.8)))))
        name = self._name(best)
        address = self._address(utterances, best, name)
        firm = best.match.score >= _FIRM and not best.away
        if same and abs(ranked[same[0].place_id] - ranked[order[0]]) < 0.2:
            names = "、".join(self._gazetteer.by_id[m.county_id].name for m in [best.match, *same] if m.county_id)
            ask = f"请问是哪个县（市、区）的{best.match.label}？有 {names}"
            home = next((m for m in (best.match, *same) if m.county_id == self._home), None)
            if home is not None:
                others = tuple(m for m in (best.match, *rivals) if m.place_id != home.place_id)
                return Location(
                    home.place_id, name, home.county_id, home.subdistrict_id, address, 0.5, evidence, others, ask, firm
                )
            return Location(
                PlaceId(""),
                best.match.label,
                PlaceId(""),
                PlaceId(""),
                address,
                0.3,
                evidence,
                (best.match, *rivals),
                ask,
                firm=False,
            )
        if best.match.kind is PlaceKind.COUNTY and sure < 0.5:
            return NOWHERE
        return Location(
            best.match.place_id,
            name,
            best.match.county_id,
            best.match.subdistrict_id or self._subdistrict(mentions, best.match.county_id),
            address,
            sure,
            evidence,
            tuple(rivals),
            "",
            firm,
        )

    def _mentions(self, utterances: Sequence[Utterance], likely: frozenset[PlaceKind]) -> list[_Mention]:
        found: list[_Mention] = []
        asked = False
        for at, said in enumerate(utterances):
            if len(said.text) < 2:
                continue
            matches = self._find(said.text)
            for match in matches:
                before, after = said.text[: match.start], said.text[match.end :]
                weight = match.score + _EXACT.get(match.kind, 1.0) - 0.02 * min(at, 12)
                if match.kind in likely:
                    weight += 0.25
                if match.how == "crossing":
                    weight += 0.4
                if said.speaker is Speaker.AGENT:
                    weight -= 0.55
                away = _AWAY.search(before[-6:]) is not None or _ORIGIN.match(after) is not None
                if away:
                    weight -= 0.55
                elif _HERE.search(before[-5:]):
                    weight += 0.2
                if re.match(r"(都|也)?(绕|过来|回来|上班|打工|买|去)", after) and not _ADDRESS.match(after):
                    weight -= 0.15
                if _ADDRESS.match(after):
                    weight += 0.25
                if asked and said.speaker is Speaker.CITIZEN:
                    weight += 0.35
                found.append(_Mention(match, said, at, weight, away))
            asked = said.speaker is Speaker.AGENT and _ASKED.search(said.text) is not None
        told = {m.match.place_id for m in found if m.said.speaker is Speaker.CITIZEN}
        return [
            m
            for m in found
            if m.match.score > 0.5 and (m.match.place_id in told or _CONFIRMED.search(m.said.text) is not None)
        ]

    def _find(self, text: str) -> list[PlaceMatch]:
        if text not in self._found:
            if len(self._found) > 4096:
                self._found.clear()
            self._found[text] = self._gazetteer.find(text, limit=14)
        return self._found[text]

    @staticmethod
    def _counties(mentions: Sequence[_Mention]) -> set[PlaceId]:
        """Counties named by themselves or by one of their towns, best heard first."""
        return {
            m.match.county_id
            for m in mentions
            if m.match.kind in {PlaceKind.COUNTY, PlaceKind.TOWN, PlaceKind.SUBDISTRICT}
            and m.match.score >= 0.78
            and not m.away
        }

    @staticmethod
    def _subdistrict(mentions: Sequence[_Mention], county: PlaceId) -> PlaceId:
        """The town named beside a place of which the gazetteer does not know the town."""
        for mention in mentions:
            match = mention.match
            if match.county_id == county and match.score >= 0.9 and match.kind in _TOWNS:
                return match.subdistrict_id
        return PlaceId("")

    @staticmethod
    def _name(best: _Mention) -> str:
        """The name as it was said where it was heard letter by letter, else as the gazetteer writes it."""
        match = best.match
        exact = match.how in {"name", "alias", "partial", "crossing"}
        return best.said.text[match.start : match.end] if exact else match.label

    def _address(self, utterances: Sequence[Utterance], best: _Mention, name: str) -> str:
        """The address words around the place, the name itself as the gazetteer writes it."""
        text, match = best.said.text, best.match
        tail = _tail(text[match.end :])
        if not tail and match.kind is not PlaceKind.COUNTY:
            for said in utterances[best.at + 1 : best.at + 7]:
                if said.speaker is Speaker.CITIZEN and (
                    piece := re.search(
                        r"[零一二三四五六七八九十]+(号楼|单元|栋|层|"
                        r"室)[零一二三四五六七八九十号楼单元层室栋户东西中门]*",
                        said.text,
                    )
                ):
                    tail = piece[0]
                    break
        return (name + tail)[:40]


def _tail(after: str) -> str:
    """The address words a text begins with: 对面那截人行道, 三号楼二单元, 门口."""
    found = _ADDRESS.match(after)
    tail = found[0] if found else ""
    if there := _THERE.match(after[len(tail) :]):
        tail += there[0]
    return tail.rstrip("的")[:24]
