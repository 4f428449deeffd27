"""Title and content of the work order: 时间 地点 人物 起因 诉求, in written Chinese and short. Pure.

The content is put together from what was said, not copied: clauses are chosen by how much they tell, rewritten
(`written`), and a bare yes or no is joined with the question it answers.
"""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import NamedTuple

from ticketing.drafting.features import words
from ticketing.drafting.numerals import arabic
from ticketing.drafting.written import clause, loosen, punctuate
from ticketing.views import Utterance
from ticketing.vocabulary import RequestType, Speaker

CONTENT_LIMIT = 330
"""Characters a content is kept to; the rule of the field is at most 600, and shorter is read."""
TITLE_LIMIT = 25

_NOTHING = re.compile(
    r"^(对|嗯|好|好的|行|是|是的|对对|没有|有|在|在呢|可以|谢谢|谢谢你|麻烦|再见|好嘞|好好|知道了|明白了|"
    r"行吧|那行|好吧|那好吧|就这个|不用|没事|拜拜|喂|您好|你好|你说|您说|您讲|请讲|就是|没|没错|辛苦了|"
    r"那就麻烦你们?了|麻烦你们?了?|行行|成|可以可以|嗯嗯|哦|哦哦|快点(弄)?吧|尽快吧|妥了|中|懂了|明白|"
    r"记下了|好谢谢|了)+$"
)
_NUMBER_READ = re.compile(r"[幺一二三四五六七八九零]{7,}")
_COURTESY = re.compile(
    r"(您好|请讲|贵姓|怎么称呼|联系电话|您的电话|请稍等|感谢来电|再见|慢走|不客气|请问有什么|有什么可以|"
    r"请问什么事|登记好了|您说$|记下了|知道您|慢慢说|别着急|理解您)"
)
_WISH_ASKED = re.compile(r"(您希望|您的?(诉求|要求|意见)|有什么要求|想怎么|希望怎么|您想|要求是|还有.{0,4}(诉求|要求))")
_WISH = re.compile(
    r"(希望|要求|能不能(?!用|报|领|办|补|算)|可不可以|赶紧|尽快|得有人|来个?人|查一查|查查|管一?管|"
    r"退给?我|退钱|退款|赔|说法|恢复|整改|处理一下|解决|建议|道歉|派个?人|派人|修好|拆了|清走|弄走|拉走|"
    r"给我们?(办|修|换|装|弄|退|补)|快点|早点)"
)
_AMOUNT = re.compile(
    r"有没有|能不能|是不是|可不可以|怎么|什么|[零一二三四五六七八九十百千万幺]{2}|以主管|为准|最新|您|请问|一二三四五"
)
_YES = re.compile(r"^(对对|对|是的|是呀|是啊|是|嗯|没错|可不嘛|可不)")
_NO = re.compile(r"^(没有|没|不是|还没|未|从来没)$")
_ASKS_YES = re.compile(r"(对吗|是吗|是吧|对吧|对不对|是不是|吗|没有)$")


class Digest(NamedTuple):
    """A title, a content, and the utterances each rests on."""

    title: str
    title_evidence: tuple[str, ...]
    content: str
    content_evidence: tuple[str, ...]


class Matter(NamedTuple):
    """What is known of a call when it is written down; `place` is the address as said, `label` the place's name."""

    kind: RequestType | None
    topic: str
    place: str
    label: str
    person: str
    day: date | None
    answered: bool
    urgent: bool


class _Piece(NamedTuple):
    text: str
    utterance: str
    weight: float
    wish: bool


def digest(
    utterances: Sequence[Utterance], matter: Matter, *, skipped: Collection[str], weigh: Callable[[str], float]
) -> Digest:
    """Write title and content. `weigh` says how much a plain text tells of the matter (0 and up); utterances whose ids
    are `skipped` tell of the caller, not of the matter.
    """
    spoken = "。".join(arabic(u.text) for u in utterances)
    pieces = _told(utterances, skipped, weigh)
    replies = _replies(utterances, weigh) if matter.answered else []
    title, title_evidence = _title(pieces, matter, _terms(utterances, weigh) if matter.answered else [])
    room = CONTENT_LIMIT - len(title) - 30
    wishes = _choose([p for p in pieces if p.wish], room * 0.35)
    used = sum(len(p.text) + 1 for p in wishes)
    told = _choose([p for p in pieces if not p.wish], room * (0.55 if replies else 1.0) - used)
    used += sum(len(p.text) + 1 for p in told)
    answers = _choose(replies, room - used)
    parts = [_head(matter, told), "，".join(punctuate(loosen(p.text, spoken)) for p in told)]
    if wishes:
        parts.append(("。" if told else "") + "诉求：" + "，".join(punctuate(loosen(p.text, spoken)) for p in wishes))
    if answers:
        parts.append("。话务员答复：" + "；".join(punctuate(loosen(p.text, spoken)) for p in answers))
    content = "".join(parts).rstrip("，。：") + "。"
    evidence = tuple(dict.fromkeys(p.utterance for p in (*told, *wishes, *answers)))
    return Digest(title, title_evidence, content[:600], evidence)


def _head(matter: Matter, told: Sequence[_Piece]) -> str:
    """Who says when and where, up to the matter itself."""
    who = f"来电人{matter.person}{'某' if len(matter.person) == 1 else ''}"
    verb = {
        RequestType.ENQUIRY: "咨询",
        RequestType.SUGGESTION: "建议",
        RequestType.PRAISE: "来电表扬",
        RequestType.REPORT: "举报",
        RequestType.HELP: "求助",
    }.get(matter.kind or RequestType.COMPLAINT, "反映")
    when = f"{matter.day.month}月{matter.day.day}日" if matter.day else ""
    where = matter.place if matter.place and not any(matter.place[:4] in arabic_free(p.text) for p in told) else ""
    place = f"{when}{'在' if when and where else ''}{where}"
    return f"{who}{verb}：{place}{'，' if place else ''}"


def arabic_free(text: str) -> str:
    """A text without digits, to compare places whose numbers are written either way."""
    return re.sub(r"\d+", "", text)


def _told(utterances: Sequence[Utterance], skipped: Collection[str], weigh: Callable[[str], float]) -> list[_Piece]:
    """What the citizen said of the matter, in order, with what the agent asked where it is needed."""
    found: list[_Piece] = []
    question = ""
    for said in utterances:
        if said.speaker is Speaker.AGENT:
            question = said.text
            continue
        text = said.text
        if (said.id in skipped and len(text) < 22) or _NUMBER_READ.search(text):
            continue
        asked_wish = _WISH_ASKED.search(question) is not None
        restated = _restated(question, text)
        if restated:
            found.append(_Piece(restated, said.id, 0.7 * weigh(question), asked_wish))
        if _NOTHING.match(text) or len(text) < 3:
            question = ""
            continue
        written = clause(_YES.sub("", text) if restated else text)
        if len(written) > 1:
            wish = asked_wish or (len(text) < 40 and _WISH.search(text) is not None)
            found.append(_Piece(written, said.id, weigh(text) + (0.5 if wish else 0.0), wish))
        question = ""
    return found


def _restated(question: str, answer: str) -> str:
    """What the agent asked, as a statement, where the answer is a mere yes or no; empty where it tells nothing."""
    if len(question) < 6 or _COURTESY.search(question) or not (_ASKS_YES.search(question) or "有没有" in question):
        return ""
    core = clause(_ASKS_YES.sub("", question)).replace("您", "其").replace("请问", "").lstrip("那好的")
    if _NO.match(answer):
        if "有无" in core:
            return core.replace("有无", "无")
        return f"未{core.removeprefix('其')}" if 3 < len(core) < 10 else ""
    if _YES.match(answer) and re.search(r"(对吗|是吗|是吧|对吧)$", question):
        return re.sub(r"^(其|所以|其说是|也就是)?(说的?是|是想|是)", "", core)
    return ""


def _replies(utterances: Sequence[Utterance], weigh: Callable[[str], float]) -> list[_Piece]:
    """What the agent answered from the knowledge base."""
    return [
        _Piece(clause(said.text).replace("您", "本人"), said.id, weigh(said.text) + 0.2, wish=False)
        for said in utterances
        if said.speaker is Speaker.AGENT
        and len(said.text) > 5
        and not _COURTESY.search(said.text)
        and not _ASKS_YES.search(said.text)
    ]


def _choose(pieces: Sequence[_Piece], budget: float) -> list[_Piece]:
    """The pieces that tell most within `budget` characters, in the order they were said."""
    kept: list[int] = []
    used = 0
    for at in sorted(range(len(pieces)), key=lambda i: -pieces[i].weight):
        size = len(pieces[at].text) + 1
        if used + size <= budget:
            kept.append(at)
            used += size
    return [pieces[at] for at in sorted(kept)]


def _terms(utterances: Sequence[Utterance], weigh: Callable[[str], float]) -> list[str]:
    """The longer words of a call that tell most of its matter, best first."""
    found = {
        word for said in utterances for word in words(said.text) if 3 <= len(word) <= 8 and not _AMOUNT.search(word)
    }
    return sorted(found, key=lambda word: (-weigh(word), word))[:4]


def _title(pieces: Sequence[_Piece], matter: Matter, terms: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Place and matter in 10 to 25 characters; with a clause of the citizen's where there is room or no place."""
    best = max((p for p in pieces if len(p.text) >= 4), key=lambda p: p.weight / (8 + len(p.text)), default=None)
    evidence = (best.utterance,) if best else ()
    place = matter.label[:12]
    topic = _topic(matter.topic, pieces)
    if not topic or matter.urgent:
        told = _cut(best.text, TITLE_LIMIT - len(place)) if best else ""
        return (place + told if told else place + topic)[:TITLE_LIMIT], evidence
    lead = {RequestType.ENQUIRY: "咨询", RequestType.SUGGESTION: "建议改进", RequestType.PRAISE: "表扬"}.get(
        matter.kind or RequestType.COMPLAINT, ""
    )
    title = f"{lead}{place}{topic}"
    if not lead and len(title) <= TITLE_LIMIT - 2 and not topic.endswith("问题"):
        title += "问题"
    fresh = [term for term in terms if term not in title]
    if not place and fresh and len(title) + len(fresh[0]) < TITLE_LIMIT:
        title = f"{title}：{fresh[0]}"
        if len(fresh) > 1 and len(title) + len(fresh[1]) < TITLE_LIMIT:
            title = f"{title}、{fresh[1]}"
    elif not place and best and len(title) + 5 <= TITLE_LIMIT:
        title = f"{title.removesuffix('问题')}：{_cut(best.text, TITLE_LIMIT - len(title) + 1)}"
    return title[:TITLE_LIMIT].rstrip("：，"), evidence


def _topic(name: str, pieces: Sequence[_Piece]) -> str:
    """A category's name, cut to the half that was spoken of where it names two things."""
    halves = re.split(r"与|和|及", name)
    if len(name) <= 6 or len(halves) == 1:
        return name.replace("等", "")
    told = "".join(p.text for p in pieces)
    fitting = [half for half in halves if any(half[i : i + 2] in told for i in range(len(half) - 1))]
    return fitting[0] if len(fitting) == 1 and len(fitting[0]) >= 3 else name


def _cut(text: str, limit: int) -> str:
    """`text` cut to `limit` characters between words."""
    kept = ""
    for word in words(text):
        if len(kept) + len(word) > limit:
            break
        kept += word
    return kept
