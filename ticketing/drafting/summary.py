"""Title and content of the work order: 时间 地点 人物 起因 诉求, in written Chinese and short. Pure.

The content is put together from what was said, not copied: clauses are chosen by how much they tell, rewritten
(`written`), and a short yes or no is joined with the question it answers.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from ticketing.drafting.written import clause, loosen
from ticketing.views import Utterance
from ticketing.vocabulary import RequestType, Speaker

CONTENT_LIMIT = 330
"""Characters a content is kept to; the rule of the field is at most 600, and shorter is read."""
TITLE_LIMIT = 25

_NOTHING = re.compile(
    r"^(对|嗯|好|好的|行|是|是的|对对|没有|有|在|在呢|可以|谢谢|麻烦|再见|好嘞|好好|知道了|明白了|行吧|那行|好吧|就这个|不用|没事|拜拜|喂|您好|你好|您说|您讲|请讲|就是|没|没错|"
    r"好的谢谢|辛苦了|麻烦你们?了?|那就麻烦你们?了|那好吧|行行|成|可以可以|嗯嗯|哦|哦哦)+$"
)
_PERSONAL = re.compile(
    r"^(我|免贵|就)?(姓|叫).{1,8}$|^[幺一二三四五六七八九零]{7,}|(幺|一)[三五七八九幺][零一幺二三四五六七八九]{5,}"
)
_COURTESY = re.compile(
    r"(您好|请讲|贵姓|怎么称呼|联系电话|您的电话|请稍等|感谢来电|再见|慢走|不客气|请问有什么|有什么可以|请问什么事|登记好了|您说|记下了|知道您)"
)
_WISH_ASKED = re.compile(r"(您希望|您的(诉求|要求|意见)|有什么要求|想怎么|希望怎么|您想|要求是)")
_WISH = re.compile(
    r"(希望|要求|能不能|可不可以|赶紧|尽快|给我|帮我|请你们|你们得|应该|得有人|来人|查一查|查查|管管|退给?我|退钱|赔|给个说法|恢复|整改|处理一下|解决|建议|道歉)"
)
_YES = re.compile(r"^(对|是|嗯|是的|对的|没错|在|有|可以)")
_NO = re.compile(r"^(没有|没|不是|不|还没|未|从来没)")
_TAG = re.compile(r"(对吗|是吗|是吧|对吧|对不对|是不是|吗|呢)$")


class Digest(NamedTuple):
    """A title, a content, and the utterances each rests on."""

    title: str
    title_evidence: tuple[str, ...]
    content: str
    content_evidence: tuple[str, ...]


class Piece(NamedTuple):
    """A clause in written form, the utterance it came from and how much it tells."""

    text: str
    utterance: str
    weight: float
    wish: bool


def digest(
    utterances: Sequence[Utterance],
    *,
    kind: RequestType | None,
    topic: str,
    place: str,
    person: str,
    day: date | None,
    answered: bool,
    weigh: Callable[[str], float],
) -> Digest:
    """Write title and content. `weigh` says how much a plain text tells of the matter (0 and up); `topic` names it."""
    spoken = "。".join(clause_spoken(u.text) for u in utterances)
    pieces = _pieces(utterances, weigh)
    replies = _replies(utterances, weigh) if answered else []
    title, title_evidence = _title(pieces, kind, topic, place)
    room = CONTENT_LIMIT - 40
    budget = room * (0.5 if replies else 1.0)
    told = _choose([p for p in pieces if not p.wish], budget * 0.8)
    wishes = _choose([p for p in pieces if p.wish], budget * (0.35 if told else 1.0))
    answers = _choose(replies, room - sum(len(p.text) + 1 for p in (*told, *wishes)))
    head = (f"{day.month}月{day.day}日，" if day else "") + (person or "来电人")
    verb = "咨询" if kind is RequestType.ENQUIRY else "反映"
    if kind is RequestType.PRAISE:
        verb = "来电表扬"
    elif kind is RequestType.SUGGESTION:
        verb = "建议"
    parts = [f"{head}{verb}：" + (f"{place}，" if place and told and place not in told[0].text else "")]
    parts.append("，".join(loosen(p.text, spoken) for p in told))
    if wishes:
        parts.append(("。" if told else "") + "诉求：" + "，".join(loosen(p.text, spoken) for p in wishes))
    if answers:
        parts.append("。已答复：" + "；".join(loosen(p.text, spoken) for p in answers))
    content = "".join(parts).rstrip("，。：") + "。"
    evidence = tuple(dict.fromkeys(p.utterance for p in (*told, *wishes, *answers)))
    return Digest(title, title_evidence, content[:600], evidence)


def clause_spoken(text: str) -> str:
    """The transcript in the form `loosen` compares with: as said, numerals in Arabic digits."""
    from ticketing.drafting.numerals import arabic

    return arabic(text)


def _pieces(utterances: Sequence[Utterance], weigh: Callable[[str], float]) -> list[Piece]:
    """What the citizen said of the matter, in order."""
    found: list[Piece] = []
    question = ""
    for said in utterances:
        if said.speaker is Speaker.AGENT:
            question = said.text
            continue
        text = said.text
        if _PERSONAL.search(text) and len(text) < 24:
            continue
        if _NOTHING.match(text) or len(text) < 3:
            joined = _joined(question, text)
            if joined:
                found.append(Piece(joined, said.id, 0.6 * weigh(question), _WISH_ASKED.search(question) is not None))
            continue
        written = clause(text)
        if len(written) < 2:
            continue
        wish = _WISH_ASKED.search(question) is not None or len(text) < 40 and _WISH.search(text) is not None
        found.append(Piece(written, said.id, weigh(text) + (0.5 if wish else 0.0), wish))
        question = ""
    return found


def _joined(question: str, answer: str) -> str:
    """A question and its bare answer as one statement; empty where the question tells nothing."""
    if len(question) < 5 or _COURTESY.search(question) or not _TAG.search(question) and "有没有" not in question:
        return ""
    core = clause(_TAG.sub("", question)).replace("您", "").replace("请问", "").lstrip("那好的")
    if _YES.match(answer):
        return core.replace("有无", "有")
    if _NO.match(answer):
        return core.replace("有无", "无") if "有无" in core else f"未{core}" if len(core) < 8 else ""
    return ""


def _replies(utterances: Sequence[Utterance], weigh: Callable[[str], float]) -> list[Piece]:
    """What the agent answered from the knowledge base."""
    return [
        Piece(clause(said.text).replace("您", "本人"), said.id, weigh(said.text) + 0.2, False)
        for said in utterances
        if said.speaker is Speaker.AGENT
        and len(said.text) > 7
        and not _COURTESY.search(said.text)
        and not _TAG.search(said.text)
    ]


def _choose(pieces: Sequence[Piece], budget: float) -> list[Piece]:
    """The pieces that tell most for their length within `budget` characters, in the order they were said."""
    kept: list[int] = []
    used = 0
    for at in sorted(range(len(pieces)), key=lambda i: -pieces[i].weight):
        size = len(pieces[at].text) + 1
        if used + size <= budget or not kept:
            kept.append(at)
            used += size
    return [pieces[at] for at in sorted(kept)]


def _title(pieces: Sequence[Piece], kind: RequestType | None, topic: str, place: str) -> tuple[str, tuple[str, ...]]:
    """Place and matter in 10 to 25 characters; the topic where no clause is short enough."""
    lead = "咨询" if kind is RequestType.ENQUIRY else "建议" if kind is RequestType.SUGGESTION else ""
    short = place[: TITLE_LIMIT - 8]
    best = max((p for p in pieces if len(p.text) >= 4), key=lambda p: p.weight, default=None)
    evidence = (best.utterance,) if best else ()
    if not topic and best:
        return (lead + short + best.text)[:TITLE_LIMIT], evidence
    title = f"{lead}{short}{topic}"
    room = TITLE_LIMIT - len(title)
    if best and room >= 6 and not short:
        title += "：" + best.text[: room - 1]
    return title[:TITLE_LIMIT], evidence
