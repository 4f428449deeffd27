"""When a ticket is due: which rule applies, and how its days and hours are counted. Pure; every time is aware.

How days are counted (the pack's `clock`, after 民法典 第二百零一条 and 第二百零三条): the day of dispatch is not
counted, the last day ends when business ends (`day_end` for working days, midnight for natural days). `reply_by` of a
rule makes the day of dispatch the first one counted. Hours and minutes run on over nights and holidays.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from ticketing.pack import Category
from ticketing.pack_deadlines import DeadlineRule, DeadlineRules, Span, Unit
from ticketing.vocabulary import RequestType, Urgency
from ticketing.work_calendar import WorkCalendar

_WEEKDAYS = "一二三四五六日"
_UNIT_NAMES = {Unit.WORKING_DAY: "个工作日", Unit.NATURAL_DAY: "个自然日", Unit.HOUR: "小时", Unit.MINUTE: "分钟"}


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A due time (UTC) and how it came about.

    `counted` are steps a person can check, in Chinese; `warnings` say what of it is not certain and are to be shown
    wherever the time is shown.
    """

    due_at: datetime
    counted: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class Suspension(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch during which the clock stood still (挂起)."""

    start: datetime
    end: datetime


def choose_rule(
    rules: DeadlineRules, category: Category | None, request_type: RequestType | None, urgency: Urgency
) -> tuple[str, str]:
    """The rule that applies and why (Chinese), asked in the pack's order of precedence."""
    for way in rules.precedence:
        if way == "by_urgency" and urgency in rules.by_urgency:
            return rules.by_urgency[urgency], f"紧急程度“{urgency}”"
        if way == "category" and category is not None:
            return category.deadline_rule_id, f"分类“{category.level3}”"
        if way == "by_request_type" and request_type is not None and request_type in rules.by_request_type:
            return rules.by_request_type[request_type], f"诉求类型“{request_type}”"
    return rules.default_rule, "缺省规则"


def due_at(
    rule: DeadlineRule, dispatched_at: datetime, calendar: WorkCalendar, suspensions: Sequence[Suspension] = ()
) -> Due:
    """When the reply is due that was dispatched at `dispatched_at`.

    Time suspended does not count: hours are added, a day on whose end the ticket was suspended is not counted.
    Raises `ValueError` for a naive time, `CalendarUnknown` as the calendar does.
    """
    begin = _local(dispatched_at, calendar)
    title = f"{rule.name}：派单后 {rule.reply.amount} {_UNIT_NAMES[rule.reply.unit]}内答复"
    late = rule.late_from is not None and begin >= _end_of(begin.date(), rule.late_from, calendar)
    if late and rule.late_reply_by is not None:
        due = _prolong(_end_of(begin.date() + timedelta(days=1), rule.late_reply_by, calendar), suspensions)
        why = f"{_minute(begin)} 派单，{rule.late_from} 后顺延至次日 {rule.late_reply_by}"
        return Due(due_at=due, counted=(title, why, f"到期 {_end(due, calendar)}"))
    return _count(rule.reply, begin, calendar, suspensions, title=title, reply_by=rule.reply_by, verb="派单")


def due_in(span: Span, begin: datetime, calendar: WorkCalendar) -> Due:
    """The time a span after `begin`, counted as a rule's reply is."""
    title = f"{span.amount} {_UNIT_NAMES[span.unit]}内"
    return _count(span, _local(begin, calendar), calendar, (), title=title, reply_by=None, verb="起算")


def extended(due: datetime, by: Span, calendar: WorkCalendar) -> Due:
    """The new due time of an extension (延期) that counts on from `due`; a due time at midnight ends the day before.

    Raises `ValueError` for an extension of no length.
    """
    if by.amount == 0:
        raise ValueError("an extension must have a length")
    begin = _local(due, calendar)
    title = f"原到期 {_end(due, calendar)}，延期 {by.amount} {_UNIT_NAMES[by.unit]}"
    if by.unit in (Unit.WORKING_DAY, Unit.NATURAL_DAY):
        begin -= timedelta(microseconds=1)
    return _count(by, begin, calendar, (), title=title, reply_by=None, verb="原到期")


def ahead_of(due: datetime, by: Span, calendar: WorkCalendar) -> datetime:
    """The time `by` before `due`: for working days the same time of day so many working days earlier (UTC)."""
    if by.unit is Unit.MINUTE:
        return due.astimezone(UTC) - timedelta(minutes=by.amount)
    if by.unit is Unit.HOUR:
        return due.astimezone(UTC) - timedelta(hours=by.amount)
    local = _local(due, calendar)
    day, left = local.date(), by.amount
    while left > 0:
        day -= timedelta(days=1)
        left -= by.unit is Unit.NATURAL_DAY or calendar.is_working(day)
    return datetime.combine(day, local.time(), calendar.zone).astimezone(UTC)


def resumed(
    rule: DeadlineRule, dispatched_at: datetime, due: datetime, pause: Suspension, calendar: WorkCalendar
) -> Due:
    """The due time after a suspension that has ended: what was suspended of it is added to `due`.

    Hours are added as they are; of the days counted since dispatch, those on whose end the ticket was suspended. One
    that was overdue already when it was suspended gains nothing.
    """
    title = f"原到期 {_end(due, calendar)}，挂起不计"
    if pause.start >= due:
        return Due(due_at=due, counted=(title, "挂起时已超期，时限不变"))
    if rule.reply.unit in (Unit.HOUR, Unit.MINUTE):
        later = due + (pause.end - pause.start)
        return Due(due_at=later, counted=(title, f"到期 {_end(later, calendar)}"))
    ends_at = rule.reply_by or (calendar.day_end if rule.reply.unit is Unit.WORKING_DAY else "24:00")
    lost, first = 0, _local(dispatched_at, calendar).date() + timedelta(days=0 if rule.reply_by else 1)
    day = max(first, _local(pause.start, calendar).date() - timedelta(days=1))
    while (end := _end_of(day, ends_at, calendar)) < pause.end:
        open_day = rule.reply.unit is Unit.NATURAL_DAY or calendar.is_working(day)
        lost += open_day and end >= pause.start
        day += timedelta(days=1)
    if lost == 0:
        return Due(due_at=due, counted=(title, "挂起未跨过计时日，时限不变"))
    begin = _local(due, calendar) - timedelta(microseconds=1)
    later, days, warnings = _count_days(Span(amount=lost, unit=rule.reply.unit), begin, calendar, (), ends_at)
    return Due(due_at=later, counted=(title, *days, f"到期 {_end(later, calendar)}"), warnings=warnings)


def _count(
    span: Span,
    begin: datetime,
    calendar: WorkCalendar,
    suspensions: Sequence[Suspension],
    *,
    title: str,
    reply_by: str | None,
    verb: str,
) -> Due:
    counted = [title]
    warnings: tuple[str, ...] = ()
    if span.unit in (Unit.HOUR, Unit.MINUTE):
        length = timedelta(hours=span.amount) if span.unit is Unit.HOUR else timedelta(minutes=span.amount)
        due = _prolong(begin.astimezone(UTC) + length, suspensions)
        counted.append(f"{_minute(begin)} {verb}，昼夜连续计时，节假日不停")
        for one in suspensions:
            start, end = _local(one.start, calendar), _local(one.end, calendar)
            counted.append(f"{_minute(start)} 至 {_minute(end)} 挂起，不计")
    else:
        counted.append(f"{_minute(begin)} {verb}，{'当日计入' if reply_by else '当日不计'}")
        ends_at = reply_by or (calendar.day_end if span.unit is Unit.WORKING_DAY else "24:00")
        due, days, warnings = _count_days(span, begin, calendar, suspensions, ends_at, count_first=bool(reply_by))
        counted += days
    counted.append(f"到期 {_end(due, calendar)}")
    return Due(due_at=due, counted=tuple(counted), warnings=warnings)


def _count_days(
    span: Span,
    begin: datetime,
    calendar: WorkCalendar,
    suspensions: Sequence[Suspension],
    ends_at: str,
    *,
    count_first: bool = False,
) -> tuple[datetime, list[str], tuple[str, ...]]:
    """The end of the last of `span.amount` days after `begin`, the days passed over, and what of them is uncertain."""
    working = span.unit is Unit.WORKING_DAY
    due = begin.astimezone(UTC)
    day = begin.date() if count_first else begin.date() + timedelta(days=1)
    steps: list[str] = []
    warnings: dict[str, None] = {}
    number = 0
    while number < span.amount:
        end = _end_of(day, ends_at, calendar)
        what = f"{day:%m-%d} 周{_WEEKDAYS[day.weekday()]} {calendar.describe(day) if working else ''}".rstrip()
        if working and not calendar.is_published(day):
            warnings[f"{day.year} 年放假安排尚未公布，暂按周末和法定固定节日推算，公布后须重算"] = None
        if end <= due:
            steps.append(f"{what}，已过 {ends_at}，不计")
        elif working and not calendar.is_working(day):
            steps.append(f"{what}，不计")
        elif any(one.start <= end < one.end for one in suspensions):
            steps.append(f"{what}，挂起，不计")
        else:
            number += 1
            steps.append(f"{what}，第 {number} 日")
            due = end
        day += timedelta(days=1)
    return due, steps, tuple(warnings)


def _prolong(due: datetime, suspensions: Sequence[Suspension]) -> datetime:
    for one in sorted(suspensions, key=lambda one: one.start):
        if one.start < due:
            due += one.end - one.start
    return due


def _end_of(day: date, at: str, calendar: WorkCalendar) -> datetime:
    """The instant (UTC) of a time of day; "24:00" is the midnight that ends the day."""
    if at == "24:00":
        return datetime.combine(day + timedelta(days=1), time(), calendar.zone).astimezone(UTC)
    return datetime.combine(day, time.fromisoformat(at), calendar.zone).astimezone(UTC)


def _local(at: datetime, calendar: WorkCalendar) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be counted from")
    return at.astimezone(calendar.zone)


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _end(due: datetime, calendar: WorkCalendar) -> str:
    """A due time as people say it: midnight is 24:00 of the day it ends."""
    local = _local(due, calendar)
    if local.time() == time():
        return f"{local.date() - timedelta(days=1):%Y-%m-%d} 24:00"
    return _minute(local)
