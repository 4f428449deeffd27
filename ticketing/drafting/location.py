"""Where the matter is: which of the places spoken of is meant, and the address as it was said. Pure.

Callers name places they only pass, come from or compare with. The place of the matter is chosen by how exact it is, how
early and how often it is named, by the address words that follow it (三号楼, 门口, 对面), by the agent's question it
answers, and against words that turn it away (不是…, 从…过来, 去过…). Where one name fits several counties and nothing said
settles it, the place stays open and the question is ready.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ticketing.pack import PlaceKind
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
_AWAY = re.compile(
    r"(不是|别跟|不叫|搞混|跟|比|听说|像|以前在|老家|户口在|户口是|来自|从|绕到|路过了?|骑到|开到|经过|嫁到|同事家|别人家|离|往|想去|去过|送到|转到|拉到|亲戚在|上班在|我在.{0,4}上班)$"
)
_HERE = re.compile(
    r"(在|住|位于|就在|地址是|地址|我们|我家|我是|我住|咱|我们是|这里是|反映|说的是|家住|家在|那个|这个)$"
)
_ASKED = re.compile(
    r"(哪里|哪个|什么地方|位置|地址|具体在|哪儿|在哪|几号楼|哪条|哪一段|哪段|什么路|哪个区|哪个县|哪个村|小区)"
)
_PIECE = (
    r"(?:[零一二两三四五六七八九十百幺]+(?:号院|号楼|号|栋|幢|单元|层|楼|室|户|排|期|区|组|队|街|段|号线|号门|号桥墩|米|里地|公里)"
    r"|[零一二三四五六七八九十幺]{3,4}(?![零一二三四五六七八九十百千万块元])|[东西南北中]{1,2}(?:边|面|侧|头|段|区|门口|门|口|户|街|院|半截|墙外|墙|坡|角|路口)|往[东西南北上下里外前后][^我你他在有]{0,4}"
    r"|(?:斜)?对[面过]|旁边|边上|隔壁|附近|跟前|门口|门前|大门口|大门|后门|侧门|正门|后头|后面|前面|前头|里面|里头|外面|外头|外边|楼下|楼上|底下|底商|顶上|中间|路口|十字路口|十字|"
    r"丁字路口|交叉口|拐角|拐弯处|拐弯|桥下|桥上|桥头|桥洞|桥面|引桥|涵洞|隧道口|下游|上游|河滩|河边|地下室|地下车库|车库|顶楼|天台|楼顶|楼道|电梯|单元门|院里|院内|小区里|"
    r"村口|村东头|村西头|村南头|村北头|村头|村里|村东|村西|村南|村北|村委会|小卖部|超市|幼儿园|学校|饭店|饭馆|烧烤店|药店|药房|网吧|市场|广场|公交站|站牌|红绿灯|加油站|"
    r"工地|篮球场|活动室|写字楼|商铺|门面|门市|那边|那块|那儿|那片|这边|这块|这片|那条|那家|那个|那栋|那截|那段|那排|那座|一段|一带|的)"
)
_ADDRESS = re.compile(rf"^{_PIECE}+")
_NOUN_AFTER = re.compile(
    r"^(?:那|这)?(?:家|个|条|栋|截|段|排|座|片|块|口|根)([\u4e00-\u9fff]{1,6}?)(?=$|[我你他她有没在是被把给让就都也一不又这又老天每])"
)


class Location(NamedTuple):
    """The place of the matter. `place_id` and the ids above it are empty where they are not known; `rivals` are further
    places it could be, best first; `ask` is the question that would settle it.
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


NOWHERE = Location(PlaceId(""), "", PlaceId(""), PlaceId(""), "", 0.0, (), (), "")


class _Mention(NamedTuple):
    match: PlaceMatch
    said: Utterance
    at: int
    weight: float


class Locator:
    """Chooses the place of the matter among all places a conversation names."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._found: dict[str, list[PlaceMatch]] = {}

    def locate(self, utterances: Sequence[Utterance]) -> Location:
        """The place, `NOWHERE` where the site has none that was named."""
        mentions = self._mentions(utterances)
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
        address = self._address(utterances, best)
        if same and abs(ranked[same[0].place_id] - ranked[order[0]]) < 0.2:
            names = "、".join(self._gazetteer.by_id[m.county_id].name for m in [best.match, *same] if m.county_id)
            ask = f"请问是哪个县（市、区）的{best.match.label}？有 {names}"
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
            )
        if best.match.kind is PlaceKind.COUNTY and sure < 0.5:
            return NOWHERE
        return Location(
            best.match.place_id,
            best.match.label,
            best.match.county_id,
            best.match.subdistrict_id or self._subdistrict(mentions, best.match.county_id),
            address,
            sure,
            evidence,
            tuple(rivals),
            "",
        )

    def _mentions(self, utterances: Sequence[Utterance]) -> list[_Mention]:
        found: list[_Mention] = []
        asked = False
        for at, said in enumerate(utterances):
            if len(said.text) < 2:
                continue
            matches = self._find(said.text)
            for match in matches:
                before, after = said.text[: match.start], said.text[match.end :]
                weight = match.score + _EXACT.get(match.kind, 1.0) - 0.02 * min(at, 12)
                if said.speaker is Speaker.AGENT:
                    weight -= 0.55
                if _AWAY.search(before[-6:]):
                    weight -= 0.55
                elif _HERE.search(before[-5:]):
                    weight += 0.2
                if re.match(r"(都|也)?(绕|过来|回来|上班|打工|买|去)", after) and not _ADDRESS.match(after):
                    weight -= 0.15
                if _ADDRESS.match(after):
                    weight += 0.25
                if asked and said.speaker is Speaker.CITIZEN:
                    weight += 0.35
                found.append(_Mention(match, said, at, weight))
            asked = said.speaker is Speaker.AGENT and _ASKED.search(said.text) is not None
        return [m for m in found if m.match.score > 0.5]

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
            if m.match.kind in {PlaceKind.COUNTY, PlaceKind.TOWN, PlaceKind.SUBDISTRICT} and m.match.score >= 0.78
        }

    @staticmethod
    def _subdistrict(mentions: Sequence[_Mention], county: PlaceId) -> PlaceId:
        """The town named beside a place of which the gazetteer does not know the town."""
        for mention in mentions:
            if mention.match.county_id == county and mention.match.subdistrict_id and mention.match.score >= 0.9:
                if mention.match.kind in {PlaceKind.TOWN, PlaceKind.SUBDISTRICT}:
                    return mention.match.subdistrict_id
        return PlaceId("")

    def _address(self, utterances: Sequence[Utterance], best: _Mention) -> str:
        """The address words around the place, the name itself as the gazetteer writes it."""
        text, match = best.said.text, best.match
        name = text[match.start : match.end] if match.how in {"name", "alias", "partial", "crossing"} else match.label
        tail = _tail(text[match.end :])
        if not tail and match.kind is not PlaceKind.COUNTY:
            for said in utterances[best.at + 1 : best.at + 7]:
                if said.speaker is Speaker.CITIZEN and (
                    piece := re.search(
                        r"[零一二三四五六七八九十]+(号楼|单元|栋|层|室)[零一二三四五六七八九十号楼单元层室栋户东西中门]*",
                        said.text,
                    )
                ):
                    tail = piece[0]
                    break
        return (name + tail)[:40]


def _tail(after: str) -> str:
    """The address words a text begins with: 对面那截人行道, 三号楼二单元, 门口."""
    found = _ADDRESS.match(after)
    if not found:
        return ""
    tail = found[0]
    if noun := re.match(r"([\u4e00-\u9fff]{1,6}?)(?=$|[我你他她有没在被把给让就都也不又])", after[len(tail) :]):
        if tail.endswith(("那家", "那个", "那条", "那栋", "那截", "那段", "那排", "那座", "一段")):
            tail += noun[1]
    return tail.removesuffix("的").removesuffix("那个") if tail.endswith(("的", "那个")) else tail
