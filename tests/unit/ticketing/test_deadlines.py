from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.deadlines import Suspension, ahead_of, choose_rule, due_at, due_in, extended, resumed
from ticketing.errors import CalendarUnknown
from ticketing.pack_deadlines import DeadlineRule, Span, Unit
from ticketing.site import default_site_dir, load_site
from ticketing.vocabulary import RequestType, Urgency
from ticketing.work_calendar import WorkCalendar

SITE = load_site(default_site_dir())
SHANGHAI = WorkCalendar.of_site(SITE)
RULES = sorted(SITE.deadlines.rules)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + "+08:00")


def due(rule: str, dispatched: str, suspensions: Sequence[Suspension] = ()) -> str:
    result = due_at(SITE.rule(rule), at(dispatched), SHANGHAI, suspensions)
    return result.due_at.astimezone(SITE.zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("rule", "dispatched", "expected"),
    [
        # 5 working days: the day of dispatch is not counted
        ("dl-general", "2026-11-02T09:00", "2026-11-09 17:30"),
        ("dl-general", "2026-11-02T23:59", "2026-11-09 17:30"),
        ("dl-general", "2026-11-03T00:00", "2026-11-10 17:30"),
        # dispatched at a weekend: Monday is the first day
        ("dl-general", "2026-11-07T10:00", "2026-11-13 17:30"),
        # National Day 2026: 1-7 October closed, Saturday 10 October worked (调休)
        ("dl-general", "2026-09-28T10:00", "2026-10-10 17:30"),
        # Sunday 20 September 2026 worked (调休), so it counts
        ("dl-consult", "2026-09-18T10:00", "2026-09-21 17:30"),
        # Spring Festival 2026: 15-23 February closed, Saturdays 14 and 28 worked
        ("dl-consult", "2026-02-13T18:00", "2026-02-24 17:30"),
        # hours and minutes run on
        ("dl-urgent", "2026-10-01T08:05", "2026-10-02 08:05"),
        ("dl-emerg", "2026-11-21T23:10", "2026-11-22 01:10"),
        # tourism: the day of dispatch until midnight, from 21:00 the next noon
        ("dl-sameday", "2026-11-21T00:00", "2026-11-22 00:00"),
        ("dl-sameday", "2026-11-21T20:59", "2026-11-22 00:00"),
        ("dl-sameday", "2026-11-21T21:00", "2026-11-22 12:00"),
        ("dl-sameday", "2026-11-21T23:59", "2026-11-22 12:00"),
    ],
)
def test_due_times_by_the_packs_rules(rule: str, dispatched: str, expected: str) -> None:
    assert due(rule, dispatched) == expected


def test_the_steps_can_be_checked_by_a_person() -> None:
    counted = due_at(SITE.rule("dl-consult"), at("2026-09-30T10:00"), SHANGHAI).counted
    assert counted[0] == "咨询类：派单后 2 个工作日内答复"
    assert counted[1] == "2026-09-30 10:00 派单，当日不计"
    assert "10-01 周四 国庆节放假，不计" in counted
    assert "10-08 周四 工作日，第 1 日" in counted
    assert counted[-1] == "到期 2026-10-09 17:30"


def test_midnight_is_said_as_the_end_of_the_day() -> None:
    assert due_at(SITE.rule("dl-sameday"), at("2026-11-21T09:00"), SHANGHAI).counted[-1] == "到期 2026-11-21 24:00"


def test_an_unpublished_year_is_marked_never_guessed_silently() -> None:
    result = due_at(SITE.rule("dl-general"), at("2026-12-28T10:00"), SHANGHAI)
    assert result.due_at == at("2027-01-05T17:30")
    assert len(result.warnings) == 1
    assert "2027 年放假安排尚未公布" in result.warnings[0]
    assert due_at(SITE.rule("dl-urgent"), at("2026-12-31T10:00"), SHANGHAI).warnings == ()


def test_a_site_may_refuse_unpublished_years() -> None:
    strict = WorkCalendar(SITE.zone, beyond="refuse")
    with pytest.raises(CalendarUnknown, match="2027"):
        due_at(SITE.rule("dl-general"), at("2026-12-28T10:00"), strict)


def test_overrides_stand_above_the_published_calendar() -> None:
    days = {date(2026, 11, 3): False, date(2026, 11, 7): True, date(2027, 1, 1): False, date(2027, 1, 4): True}
    calendar = WorkCalendar(SITE.zone, overrides=days, beyond="refuse")
    assert due_at(SITE.rule("dl-general"), at("2026-11-02T09:00"), calendar).due_at == at("2026-11-09T17:30")
    assert calendar.describe(date(2026, 11, 3)) == "站点日历放假"
    assert calendar.is_published(date(2027, 1, 4))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        due_at(SITE.rule("dl-general"), datetime(2026, 11, 2, 9), SHANGHAI)  # noqa: DTZ001 - the fault under test


def test_suspended_days_and_hours_do_not_count() -> None:
    days = [Suspension(start=at("2026-11-04T10:00"), end=at("2026-11-06T09:00"))]  # the 4th and 5th end suspended
    assert due("dl-general", "2026-11-02T09:00", days) == "2026-11-11 17:30"
    hours = [Suspension(start=at("2026-11-02T10:00"), end=at("2026-11-02T13:30"))]
    assert due("dl-urgent", "2026-11-02T09:00", hours) == "2026-11-03 12:30"
    after = [Suspension(start=at("2026-11-05T10:00"), end=at("2026-11-06T13:30"))]
    assert due("dl-urgent", "2026-11-02T09:00", after) == "2026-11-03 09:00"


@pytest.mark.parametrize(
    ("before", "by", "after"),
    [
        ("2026-11-09T17:30", Span(amount=5, unit=Unit.WORKING_DAY), "2026-11-16 17:30"),
        ("2026-11-03T09:00", Span(amount=3, unit=Unit.NATURAL_DAY), "2026-11-07 00:00"),
        ("2026-11-07T00:00", Span(amount=1, unit=Unit.NATURAL_DAY), "2026-11-08 00:00"),
        ("2026-11-03T09:00", Span(amount=2, unit=Unit.HOUR), "2026-11-03 11:00"),
    ],
)
def test_an_extension_counts_on_from_the_due_time(before: str, by: Span, after: str) -> None:
    result = extended(at(before), by, SHANGHAI).due_at.astimezone(SITE.zone)
    assert result.strftime("%Y-%m-%d %H:%M") == after


@pytest.mark.parametrize(
    ("due_time", "by", "expected"),
    [
        ("2026-11-09T17:30", Span(amount=1, unit=Unit.WORKING_DAY), "2026-11-06 17:30"),
        ("2026-10-10T17:30", Span(amount=3, unit=Unit.WORKING_DAY), "2026-09-30 17:30"),
        ("2026-11-09T17:30", Span(amount=4, unit=Unit.HOUR), "2026-11-09 13:30"),
        ("2026-11-09T00:00", Span(amount=30, unit=Unit.MINUTE), "2026-11-08 23:30"),
        ("2026-11-09T17:30", Span(amount=2, unit=Unit.NATURAL_DAY), "2026-11-07 17:30"),
    ],
)
def test_reminders_are_counted_back(due_time: str, by: Span, expected: str) -> None:
    assert ahead_of(at(due_time), by, SHANGHAI).astimezone(SITE.zone).strftime("%Y-%m-%d %H:%M") == expected


def test_an_extension_of_no_length_is_refused() -> None:
    with pytest.raises(ValueError, match="must have a length"):
        extended(at("2026-11-03T09:00"), Span(amount=0, unit=Unit.HOUR), SHANGHAI)


@pytest.mark.parametrize(
    ("category", "request_type", "urgency", "rule"),
    [
        ("010101", RequestType.COMPLAINT, Urgency.CRITICAL, "dl-emerg"),
        ("010101", RequestType.ENQUIRY, Urgency.NORMAL, "dl-general"),
        ("010303", RequestType.HELP, Urgency.URGENT, "dl-utility"),
        (None, RequestType.ENQUIRY, Urgency.NORMAL, "dl-consult"),
        (None, RequestType.COMPLAINT, Urgency.NORMAL, "dl-general"),
        (None, None, Urgency.URGENT, "dl-general"),
    ],
)
def test_the_rule_follows_the_packs_precedence(
    category: str | None, request_type: RequestType | None, urgency: Urgency, rule: str
) -> None:
    chosen, why = choose_rule(SITE.deadlines, SITE.category(category) if category else None, request_type, urgency)
    assert chosen == rule
    assert why


# ---- properties

KNOWN = st.datetimes(datetime(2020, 1, 1), datetime(2026, 10, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
ZONES = st.sampled_from(["Asia/Shanghai", "UTC", "America/New_York", "Pacific/Kiritimati", "Australia/Lord_Howe"])
SPANS = st.builds(Span, amount=st.integers(1, 30), unit=st.sampled_from(Unit))


def rule_of(span: Span, reply_by: str | None = None) -> DeadlineRule:
    return DeadlineRule(name="规则", dispatch=span, first_contact=span, reply=span, max_extensions=0, reply_by=reply_by)


RULE = st.one_of(
    st.builds(rule_of, SPANS),
    st.builds(
        rule_of,
        st.builds(Span, amount=st.integers(1, 9), unit=st.sampled_from([Unit.WORKING_DAY, Unit.NATURAL_DAY])),
        st.sampled_from(["09:00", "17:30", "24:00"]),
    ),
    st.sampled_from([SITE.rule(rule) for rule in RULES]),
)


@given(RULE, KNOWN, ZONES)
def test_a_due_time_lies_after_its_dispatch(rule: DeadlineRule, dispatched: datetime, zone: str) -> None:
    assert due_at(rule, dispatched, WorkCalendar(ZoneInfo(zone))).due_at > dispatched


@given(RULE, KNOWN, st.timedeltas(timedelta(0), timedelta(days=20)), ZONES)
def test_who_is_dispatched_later_is_not_due_earlier(
    rule: DeadlineRule, dispatched: datetime, later: timedelta, zone: str
) -> None:
    calendar = WorkCalendar(ZoneInfo(zone))
    assert due_at(rule, dispatched, calendar).due_at <= due_at(rule, dispatched + later, calendar).due_at


@given(st.integers(1, 30), KNOWN, ZONES)
def test_working_days_are_never_due_on_a_closed_day(amount: int, dispatched: datetime, zone: str) -> None:
    calendar = WorkCalendar(ZoneInfo(zone))
    due_day = due_at(rule_of(Span(amount=amount, unit=Unit.WORKING_DAY)), dispatched, calendar).due_at
    local = due_day.astimezone(calendar.zone)
    assert calendar.is_working(local.date())
    assert local.strftime("%H:%M") == "17:30"


@given(st.integers(1, 30), KNOWN)
def test_exactly_so_many_working_days_lie_between(amount: int, dispatched: datetime) -> None:
    due_local = due_at(rule_of(Span(amount=amount, unit=Unit.WORKING_DAY)), dispatched, SHANGHAI).due_at
    first, last = dispatched.astimezone(SITE.zone).date(), due_local.astimezone(SITE.zone).date()
    between = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    assert sum(SHANGHAI.is_working(day) for day in between) == amount


@given(RULE, KNOWN, st.timedeltas(timedelta(0), timedelta(days=5)), st.timedeltas(timedelta(0), timedelta(days=9)))
def test_a_suspension_never_brings_the_due_time_forward(
    rule: DeadlineRule, dispatched: datetime, until: timedelta, length: timedelta
) -> None:
    stop = [Suspension(start=dispatched + until, end=dispatched + until + length)]
    assert due_at(rule, dispatched, SHANGHAI, stop).due_at >= due_at(rule, dispatched, SHANGHAI).due_at


@given(RULE, KNOWN)
def test_the_zone_a_time_is_written_in_changes_nothing(rule: DeadlineRule, dispatched: datetime) -> None:
    elsewhere = dispatched.astimezone(ZoneInfo("America/New_York"))
    assert due_at(rule, dispatched, SHANGHAI) == due_at(rule, elsewhere, SHANGHAI)


@given(
    st.builds(rule_of, SPANS),
    KNOWN,
    st.timedeltas(timedelta(0), timedelta(days=5)),
    st.timedeltas(timedelta(minutes=1), timedelta(days=9)),
)
def test_resuming_gives_what_counting_without_the_suspension_gives(
    rule: DeadlineRule, dispatched: datetime, until: timedelta, length: timedelta
) -> None:
    pause = Suspension(start=dispatched + until, end=dispatched + until + length)
    before = due_at(rule, dispatched, SHANGHAI).due_at
    assert (
        resumed(rule, dispatched, before, pause, SHANGHAI).due_at == due_at(rule, dispatched, SHANGHAI, [pause]).due_at
    )


@given(SPANS, KNOWN)
def test_a_span_counts_as_a_rules_reply_does(span: Span, begin: datetime) -> None:
    assert due_in(span, begin, SHANGHAI).due_at == due_at(rule_of(span), begin, SHANGHAI).due_at


@given(
    st.integers(1, 12),
    KNOWN,
    ZONES,
    st.dictionaries(st.dates(date(2024, 1, 1), date(2026, 12, 31)), st.booleans(), max_size=40),
    st.timedeltas(timedelta(0), timedelta(days=3)),
)
def test_days_a_site_opens_or_closes_by_itself_count_as_it_says(
    amount: int, dispatched: datetime, zone: str, days: dict[date, bool], later: timedelta
) -> None:
    calendar = WorkCalendar(ZoneInfo(zone), overrides=days)
    rule = rule_of(Span(amount=amount, unit=Unit.WORKING_DAY))
    first = due_at(rule, dispatched, calendar).due_at
    assert calendar.is_working(first.astimezone(calendar.zone).date())
    assert due_at(rule, dispatched + later, calendar).due_at >= first


@given(st.integers(1, 10), KNOWN, ZONES)
def test_an_extension_is_later_and_never_due_on_a_closed_day(amount: int, dispatched: datetime, zone: str) -> None:
    calendar = WorkCalendar(ZoneInfo(zone))
    rule = rule_of(Span(amount=3, unit=Unit.WORKING_DAY))
    due_first = due_at(rule, dispatched, calendar).due_at
    later = extended(due_first, Span(amount=amount, unit=Unit.WORKING_DAY), calendar).due_at
    assert later > due_first
    assert calendar.is_working(later.astimezone(calendar.zone).date())


@given(st.dates(date(2024, 1, 1), date(2026, 11, 30)), st.integers(1, 10), ZONES)
def test_midnight_is_where_the_day_of_dispatch_changes(day: date, amount: int, zone: str) -> None:
    calendar = WorkCalendar(ZoneInfo(zone))
    midnight = datetime(day.year, day.month, day.day, tzinfo=calendar.zone)
    rule = rule_of(Span(amount=amount, unit=Unit.NATURAL_DAY))
    before = due_at(rule, (midnight.astimezone(UTC) - timedelta(microseconds=1)), calendar).due_at
    after = due_at(rule, midnight, calendar).due_at
    days = (after.astimezone(calendar.zone).date() - before.astimezone(calendar.zone).date()).days
    assert days == 1
    assert due_at(rule, midnight.astimezone(UTC) + timedelta(hours=20), calendar).due_at == after
