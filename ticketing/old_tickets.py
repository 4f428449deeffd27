"""Tickets of an earlier system, read from a sheet: each row becomes a ticket with the steps it must have taken. Pure.

Every row is judged whole: what is wrong with it is told by column, with the mend.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

import msgspec

from ticketing.deadlines import choose_rule, due_at
from ticketing.errors import CalendarUnknown
from ticketing.lifecycle import steps as s
from ticketing.lifecycle.life import Life, after
from ticketing.pack import Agency, Category
from ticketing.service import category_path
from ticketing.sheets import Row
from ticketing.site import Site
from ticketing.vocabulary import AgencyId, CategoryCode, Closure, Medium, PlaceId, Reference, RequestType, Urgency
from ticketing.work_calendar import WorkCalendar

_Word = TypeVar("_Word", bound=StrEnum)

NUMBER = "工单编号"
CREATED = "受理时间"
TYPE = "诉求类型"
CATEGORY = "问题分类"
TITLE = "标题"
CONTENT = "主要内容"
STATE = "工单状态"
LEAD = "主办单位"
HELPERS = "协办单位"
NAME = "来电人"
PHONE = "联系电话"
ADDRESS = "地址"
PLACE = "地点"
URGENCY = "紧急程度"
MEDIUM = "受理渠道"
CONFIDENTIAL = "是否保密"
DISPATCHED = "派单时间"
CLOSED = "办结时间"
CLOSURE = "办结方式"
RESULT = "办理结果"
PUBLIC = "公开答复"
SOLVED = "是否解决"
SATISFIED = "是否满意"

REQUIRED = (NUMBER, CREATED, TYPE, CATEGORY, TITLE, CONTENT, STATE)
COLUMNS = (
    *REQUIRED, LEAD, HELPERS, NAME, PHONE, ADDRESS, PLACE, URGENCY, MEDIUM, CONFIDENTIAL,
    DISPATCHED, CLOSED, CLOSURE, RESULT, PUBLIC, SOLVED, SATISFIED,
)  # fmt: skip
"""The headings, those every row must fill first."""

CLOSURES: Mapping[str, Closure] = {
    "已解决": Closure.SOLVED,
    "解释说明": Closure.EXPLAINED,
    "列入计划": Closure.PLANNED,
    "直接答复": Closure.ANSWERED,
    "转紧急电话": Closure.TRANSFERRED,
    "不予受理": Closure.REFUSED,
}
_WRITTEN = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]*(\d{1,2})[:：](\d{1,2})(?:[:：](\d{1,2}))?)?")
"""A time as people and spreadsheets write it: 2026/10/8 9:30, 2026年10月8日."""

STATES = ("办理中", "办结", "归档", "撤单")


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why a row is refused: its number in the sheet, the column, what is wrong and how it is mended (Chinese)."""

    row: int
    column: str
    why: str
    mend: str


class OldTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as it was, and its steps in order."""

    row: int
    number: str
    reference: Reference | None
    created_at: datetime
    medium: Medium
    category: Category
    lead: Agency
    place_id: PlaceId | None
    address: str
    name: str
    phone: str
    confidential: bool
    title: str
    content: str
    urgency: Urgency
    rule_id: str
    request_type: RequestType
    steps: tuple[tuple[datetime, s.AnyStep], ...]

    def lives(self) -> tuple[Life, ...]:
        """What the ticket was before its first step, and after each."""
        found = [Life()]
        for at, step in self.steps:
            found.append(after(found[-1], at, step))
        return tuple(found)


class _Refused(Exception):
    """One cell will not do."""

    def __init__(self, column: str, why: str, mend: str) -> None:
        self.column, self.why, self.mend = column, why, mend
        super().__init__(column)


class Reader:
    """Reads rows by one site's words. `now`: nothing may lie after it."""

    def __init__(self, site: Site, now: datetime) -> None:
        self._site = site
        self._now = now
        self._calendar = WorkCalendar.of_site(site)
        self._categories = {category_path(one): one for one in site.categories.values()}
        leaves = [one.level3 for one in site.categories.values()]
        self._leaves = {one.level3: one for one in site.categories.values() if leaves.count(one.level3) == 1}
        self._agencies = {
            name: one for one in site.agencies.values() for name in (*one.aliases, one.short_name, one.name)
        }
        self._media = {channel.name: channel.id for channel in site.info.channels} | {one.value: one for one in Medium}
        self._places = {site.place_path(one): one.id for one in site.places.values()}

    def missing(self, headings: tuple[str, ...]) -> list[Fault]:
        """The headings a sheet cannot do without, and those nobody knows."""
        lacking = [
            Fault(row=1, column=one, why="缺少此列", mend="在首行加上此列并逐行填写")
            for one in REQUIRED
            if one not in headings
        ]
        unknown = [
            Fault(row=1, column=one, why="不认识的列", mend=f"改用其中之一或删去：{'、'.join(COLUMNS)}")
            for one in headings
            if one and one not in COLUMNS
        ]
        return lacking + unknown

    def read(self, row: Row) -> OldTicket | list[Fault]:
        """The row's ticket, or everything that is wrong with it."""
        faults: list[Fault] = []
        cells = row.cells

        def take(column: str, how: Callable[[str], _T], *, needed: bool = False) -> _T | None:
            text = cells.get(column, "")
            try:
                if not text and (needed or column in REQUIRED):
                    raise _Refused(column, "为空", "填写此格")
                return how(text) if text else None
            except _Refused as refused:
                faults.append(Fault(row=row.number, column=column, why=refused.why, mend=refused.mend))
                return None

        number = take(NUMBER, _as_it_is(NUMBER, 60))
        created = take(CREATED, self._time(CREATED))
        request_type = take(TYPE, _word(TYPE, RequestType))
        category = take(CATEGORY, self._category)
        title = take(TITLE, _as_it_is(TITLE, 300))
        content = take(CONTENT, _as_it_is(CONTENT, 20_000))
        state = take(STATE, _one_of(STATE, STATES))
        closure = take(CLOSURE, lambda text: CLOSURES[_one_of(CLOSURE, tuple(CLOSURES))(text)])
        dispatched = take(DISPATCHED, self._time(DISPATCHED))
        closed = take(CLOSED, self._time(CLOSED), needed=state in ("办结", "归档", "撤单"))
        direct = closure in (Closure.ANSWERED, Closure.TRANSFERRED, Closure.REFUSED)
        lead = take(LEAD, self._agency(LEAD), needed=state in ("办结", "归档", "办理中") and not direct)
        helpers = take(HELPERS, lambda text: tuple(self._agency(HELPERS)(one).id for one in _parts(text))) or ()
        urgency = take(URGENCY, _word(URGENCY, Urgency)) or Urgency.NORMAL
        medium = take(MEDIUM, lambda text: self._media[_one_of(MEDIUM, tuple(self._media))(text)]) or Medium.PHONE
        phone = take(PHONE, _phone) or ""
        place = take(PLACE, self._place)
        secret, solved, satisfied = (take(one, _yes_or_no(one)) for one in (CONFIDENTIAL, SOLVED, SATISFIED))
        for column, moment, since in ((DISPATCHED, dispatched, created), (CLOSED, closed, dispatched or created)):
            if moment is not None and since is not None and moment < since:
                faults.append(Fault(row=row.number, column=column, why="早于前一环节", mend="改为之后的时间"))
        if direct and dispatched is not None:
            why = f"{cells[CLOSURE]}的工单没有派单"
            faults.append(Fault(row=row.number, column=DISPATCHED, why=why, mend="清空派单时间，或改办结方式"))
        if faults or not (number and created and request_type and category and title and content and state):
            return faults
        lead = lead or self._site.agency(self._site.info.hotline_agency_id)
        rule, _ = choose_rule(self._site.deadlines, category, request_type, urgency)
        begun = s.Submitted(
            request_type=request_type,
            category_code=category.code,
            lead_agency_id=lead.id,
            co_agency_ids=tuple(one for one in helpers if one != lead.id),
            urgency=urgency,
            deadline_rule_id=rule,
        )
        try:
            taken = self._steps(
                begun, lead, created, dispatched, closed, state, closure, solved, satisfied,
                cells.get(RESULT, ""), cells.get(PUBLIC, ""),
            )  # fmt: skip
        except CalendarUnknown as error:
            return [Fault(row=row.number, column=CREATED, why=str(error), mend="补充站点日历")]
        kept = number if len(number) == 10 and number.isdecimal() else None
        same_day = kept is not None and kept.startswith(created.astimezone(self._site.zone).strftime("%y%m%d"))
        return OldTicket(
            row=row.number,
            number=number,
            reference=Reference(kept) if kept and same_day and not kept.endswith("0000") else None,
            created_at=created,
            medium=medium,
            category=category,
            lead=lead,
            place_id=place,
            address=cells.get(ADDRESS, ""),
            name=cells.get(NAME, ""),
            phone=phone,
            confidential=bool(secret),
            title=title,
            content=content,
            urgency=urgency,
            rule_id=rule,
            request_type=request_type,
            steps=taken,
        )

    def _steps(
        self,
        begun: s.Submitted,
        lead: Agency,
        created: datetime,
        dispatched: datetime | None,
        closed: datetime | None,
        state: str,
        closure: Closure | None,
        solved: bool | None,
        satisfied: bool | None,
        result: str,
        public: str,
    ) -> tuple[tuple[datetime, s.AnyStep], ...]:
        """What must have happened for the ticket to be where it was."""
        if (
            state != "撤单"
            and closed is not None
            and closure in (Closure.ANSWERED, Closure.TRANSFERRED, Closure.REFUSED)
        ):
            ended: dict[Closure, s.AnyStep] = {
                Closure.ANSWERED: s.AnsweredDirectly(),
                Closure.TRANSFERRED: s.TransferredOut(target=""),
                Closure.REFUSED: s.Refused(reason_id=""),
            }
            direct = [(closed, ended[closure])]
            return tuple(direct if state != "归档" else [*direct, (closed, s.Archived())])
        at = dispatched or created
        steps: list[tuple[datetime, s.AnyStep]] = [(created, begun)]
        if state == "撤单" and dispatched is None:
            return (*steps, (closed or created, s.Withdrawn()))
        rule = self._site.rule_for(begun.deadline_rule_id, lead.id, at)
        due = due_at(rule, at, self._calendar).due_at
        steps += [
            (at, s.Dispatched(agency_id=lead.id, dispatched_at=at, due_at=due)),
            (at, s.Signed(by_itself=True)),
        ]
        if state == "办理中":
            return tuple(steps)
        assert closed is not None  # it was asked for
        if state == "撤单":
            return (*steps, (closed, s.Withdrawn()))
        how = closure or Closure.SOLVED
        steps += [
            (closed, s.Replied(closure=how, result=result or "（原系统未记录）", public_reply=public)),
            (closed, s.ReplyApproved()),
        ]
        if solved is not None or satisfied is not None:
            steps.append((closed, s.Visited(reached=True, solved=solved, satisfied=satisfied)))
        else:
            steps.append((closed, s.Closed(closure=how)))
        return (*steps, (closed, s.Archived())) if state == "归档" else tuple(steps)

    def _time(self, column: str) -> Callable[[str], datetime]:
        def read(text: str) -> datetime:
            try:
                if (found := _WRITTEN.fullmatch(text)) is not None:
                    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
                    moment = datetime(year, month, day, hour, minute, second, tzinfo=self._site.zone)
                else:
                    moment = datetime.fromisoformat(text)
            except ValueError:
                raise _Refused(column, f"不是时间：{text[:30]}", "写成 2026-11-02 09:30") from None
            moment = moment.replace(tzinfo=self._site.zone) if moment.tzinfo is None else moment
            if moment > self._now + timedelta(minutes=5):
                raise _Refused(column, "在将来", "改为实际时间")
            return moment

        return read

    def _category(self, text: str) -> Category:
        code = text.zfill(6) if text.isdecimal() else text  # a spreadsheet takes the leading zero away
        if (known := self._site.categories.get(CategoryCode(code))) is not None:
            return known
        path = "/".join(part.strip() for part in text.replace("->", "/").replace(">", "/").split("/"))
        found = self._categories.get(path) or self._leaves.get(path)
        if found is None:
            raise _Refused(CATEGORY, f"没有这个分类：{text[:30]}", "填六位分类编码，或“一级/二级/三级”")
        return found

    def _agency(self, column: str) -> Callable[[str], Agency]:
        def read(text: str) -> Agency:
            found = self._site.agencies.get(AgencyId(text)) or self._agencies.get(text)
            if found is None:
                raise _Refused(column, f"没有这个单位：{text[:30]}", "填单位编号或全称，见 agencies.csv")
            return found

        return read

    def _place(self, text: str) -> PlaceId:
        if PlaceId(text) in self._site.places:
            return PlaceId(text)
        if text in self._places:
            return self._places[text]
        raise _Refused(PLACE, f"没有这个地点：{text[:30]}", "填地名库编号，或把文字放到地址列")


_T = TypeVar("_T")


def _as_it_is(column: str, longest: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if len(text) > longest:
            raise _Refused(column, f"超过 {longest} 字", "缩短")
        return text

    return read


def _word(column: str, words: type[_Word]) -> Callable[[str], _Word]:
    def read(text: str) -> _Word:
        return words(_one_of(column, tuple(one.value for one in words))(text))

    return read


def _one_of(column: str, words: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise _Refused(column, f"不认识：{text[:30]}", f"填其中之一：{'、'.join(words)}")
        return text

    return read


def _yes_or_no(column: str) -> Callable[[str], bool]:
    yes, no = ("是", "yes", "1", "true", "已解决", "满意", "保密"), ("否", "no", "0", "false", "未解决", "不满意")

    def read(text: str) -> bool:
        if text.lower() not in (*yes, *no):
            raise _Refused(column, f"不认识：{text[:30]}", "填 是 或 否")
        return text.lower() in yes

    return read


def _phone(text: str) -> str:
    digits = text.replace("-", "").replace(" ", "").removeprefix("+86")
    if not (digits.isdecimal() and 3 <= len(digits) <= 20):
        raise _Refused(PHONE, "不是电话号码", "只填数字，3 到 20 位；没有就留空")
    return digits


def _parts(text: str) -> list[str]:
    return [one.strip() for one in text.replace("、", "|").replace("，", "|").split("|") if one.strip()]
