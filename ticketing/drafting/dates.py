"""The day something happened, as callers fix it: 昨晚, 上周三, 八号, 三月十五. Pure.

Days are the site's days. Only words that fix one day count; 前几天, 上个月 and 最近 fix none. A day is passed over
where it is another matter's: a promise or a wish (明天, 月底前), an earlier call to the hotline, a routine (天天,
每周三).
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from ticketing.drafting.numerals import value
from ticketing.views import Utterance
from ticketing.vocabulary import Speaker

_NUM = "[零〇一二两三四五六七八九十]"
_WEEKDAY = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6, "末": 5}
_BACK = [
    (re.compile(r"大前[天晚]"), 3),
    (re.compile(r"前(?:天|晚|日|一天|夜里)(?!半)"), 2),
    (re.compile(r"昨(?:天|晚|日|夜|儿|个|下午|上午|早)"), 1),
    (re.compile(r"今(?:天|早|晚|日|儿|个|上午|下午|中午|一早)|刚刚|刚才|就在刚|这会儿|眼下|一大早"), 0),
]
_WEEK = re.compile(rf"(?P<which>上上个?|上个?|这个?|本)?(?:周|星期|礼拜)(?P<day>[一二三四五六日天])(?!{_NUM})")
_DAY = re.compile(
    rf"(?:(?P<year>二零[零〇一二三四五六七八九]{{2}}|去|今|前)年)?(?:(?P<month>{_NUM}{{1,2}}|上个?|这个?|"
    rf"本)月(?:份)?(?:的)?)?(?P<day>{_NUM}{{1,3}})[号日](?!楼|院|线|门|桌|车|店|机|地|坑|窗|井|厅|库|桥|"
    rf"房|柜|馆|仓|公|铺|路)"
)
_MONTH_DAY = re.compile(rf"(?P<month>{_NUM}{{1,2}})月(?P<day>{_NUM}{{2,3}})(?![号日个])")
_FESTIVAL = {
    "国庆那天": (10, 1),
    "元旦": (1, 1),
    "五一那天": (5, 1),
    "劳动节": (5, 1),
    "儿童节": (6, 1),
    "教师节": (9, 10),
    "情人节": (2, 14),
    "平安夜": (12, 24),
    "圣诞": (12, 25),
    "双十一": (11, 11),
}
_DAYS_AGO = re.compile(rf"(?P<n>{_NUM}{{1,2}})天(?:之?前|以前)")
_FUTURE = re.compile(r"(之前|以前|前[办答完交回解给]|截止|到期|期限|为止|之内|以内|答复|回复|预产)")
_OTHER = re.compile(
    r"(打过|反映过|登记过|投诉过|打的电话|给你们打|报过|每周|每个|天天|一到|逢|平时|下周|下个|下礼拜|"
    r"下星期|明天|后天|生的|出生|生日|预约|打的(你们|热线|电话|一二)|反映的|登记的|写着|写的是|截止|到期|"
    r"开学|报名|考试|几号)"
)
_UNTIL = re.compile(r"(到|至|等|等到|拖到|直到|看看|预报|下个|明|后|让)$")
_STILL = re.compile(r"^(都|是|还|第|才|仍|依然|也|已经|为止|没)")
_ROUTINE = re.compile(r"(礼拜六礼拜|周六周|星期六星期|周末)")


class Day(NamedTuple):
    """A day and the utterance it was said in."""

    day: date
    evidence: str
    sure: float


def occurred_on(utterances: Sequence[Utterance], started_at: datetime) -> Day | None:
    """The day the matter happened or began; `started_at` is the call's start in the site's zone."""
    today = started_at.date()
    best: Day | None = None
    for said in utterances:
        if said.speaker is not Speaker.CITIZEN:
            continue
        for day, at, end, sure in _days(said.text, today):
            near = said.text[max(0, at - 8) : end + 10]
            if day > today or _OTHER.search(near) or _FUTURE.match(said.text[end : end + 5]) or _ROUTINE.search(near):
                continue
            if _UNTIL.search(said.text[:at]) or (day == today and _STILL.match(said.text[end:])):
                continue
            if best is None or sure > best.sure + 0.15:
                best = Day(day, said.id, sure)
    return best


def _days(text: str, today: date) -> list[tuple[date, int, int, float]]:
    """Every day fixed in `text`: the day, where its words stand, how surely it is meant."""
    found: list[tuple[date, int, int, float]] = []
    for pattern, back in _BACK:
        found += [
            (today - timedelta(back), hit.start(), hit.end(), 0.6 if back else 0.4) for hit in pattern.finditer(text)
        ]
    found += [
        (today - timedelta(n), hit.start(), hit.end(), 0.5)
        for hit in _DAYS_AGO.finditer(text)
        if (n := value(hit["n"]))
    ]
    for hit in _WEEK.finditer(text):
        back = (today.weekday() - _WEEKDAY[hit["day"]]) % 7
        monday = today - timedelta(today.weekday())
        which = hit["which"] or ""
        if which.startswith("上上"):
            day = monday + timedelta(_WEEKDAY[hit["day"]] - 14)
        elif which.startswith("上"):
            day = monday + timedelta(_WEEKDAY[hit["day"]] - 7)
        else:
            day = today - timedelta(back)
        found.append((day, hit.start(), hit.end(), 0.7 if which else 0.5))
    for hit in _DAY.finditer(text):
        fixed = _numbered(hit, today)
        if fixed:
            found.append((fixed, hit.start(), hit.end(), 0.75 if hit["month"] else 0.6))
    for hit in _MONTH_DAY.finditer(text):
        month, number = value(hit["month"]), value(hit["day"])
        if month and number and (fixed := _latest(today, month, number)):
            found.append((fixed, hit.start(), hit.end(), 0.7))
    for words, (month, number) in _FESTIVAL.items():
        at = text.find(words)
        if at >= 0 and (fixed := _latest(today, month, number)):
            found.append((fixed, at, at + len(words), 0.5))
    return sorted(found, key=lambda f: f[1])


def _numbered(hit: re.Match[str], today: date) -> date | None:
    """八号, 上月三十号, 三月十五号, 去年十月二号."""
    number = value(hit["day"])
    if not number or number > 31 or (hit[0].endswith("日") and not hit["month"]):
        return None
    month, year = hit["month"], hit["year"]
    if year:
        fixed = {"去": today.year - 1, "今": today.year, "前": today.year - 2}.get(year) or value(year)
        count = value(month) if month and month[0] in "零一二三四五六七八九十" else None
        return _date(fixed, count, number)
    if month and month.startswith("上"):
        before = today.replace(day=1) - timedelta(1)
        return _date(before.year, before.month, number)
    if month is None or month[0] in "这本":
        day = _date(today.year, today.month, number)
        if month is None and (day is None or day > today):
            before = today.replace(day=1) - timedelta(1)
            return _date(before.year, before.month, number)
        return day
    count = value(month)
    return _latest(today, count, number) if count else None


def _latest(today: date, month: int, day: int) -> date | None:
    """The last such day that is not after today."""
    fixed = _date(today.year, month, day)
    return fixed if fixed is None or fixed <= today else _date(today.year - 1, month, day)


def _date(year: int | None, month: int | None, day: int) -> date | None:
    try:
        return date(year, month, day) if year and month else None
    except ValueError:
        return None
