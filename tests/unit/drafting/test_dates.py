from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.drafting.speech import citizen
from ticketing.drafting.dates import occurred_on

_FRIDAY = datetime(2026, 11, 20, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai"))


def _day(text: str, now: datetime = _FRIDAY) -> date | None:
    found = occurred_on(citizen(text), now)
    return found.day if found else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("昨天晚上停的水", date(2026, 11, 19)),
        ("大前天下午摔的", date(2026, 11, 17)),
        ("上周三来的人", date(2026, 11, 11)),
        ("礼拜二早上", date(2026, 11, 17)),
        ("八号那天交的钱", date(2026, 11, 8)),
        ("上月三十号买的", date(2026, 10, 30)),
        ("三月十五号签的合同", date(2026, 3, 15)),
        ("十二月二十号", date(2025, 12, 20)),
        ("三天前打的农药", date(2026, 11, 17)),
    ],
)
def test_a_fixed_day_is_found(text: str, expected: date) -> None:
    assert _day(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "前几天的事",
        "上个月登记的",
        "天天这样",
        "明天就要开学了",
        "让我等到下周一",
        "到十八号手续就过期了",
        "八号楼三单元",
        "每周三都停水",
        "前几天打过你们电话说三天回复",
        "大理五日游",
    ],
)
def test_what_fixes_no_day_of_the_matter_is_passed_over(text: str) -> None:
    assert _day(text) is None


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 12, 31)))  # noqa: DTZ001 - the zone is given below
def test_yesterday_is_the_day_before_in_the_sites_zone(now: datetime) -> None:
    local = now.replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    assert _day("昨天断的电", local) == local.date() - timedelta(1)


@given(st.integers(1, 31), st.datetimes(datetime(2020, 1, 1), datetime(2035, 12, 31)))  # noqa: DTZ001 - as above
def test_a_numbered_day_is_never_in_the_future(day: int, now: datetime) -> None:
    local = now.replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    numerals = ["", *"一二三四五六七八九"]
    said = numerals[day] if day < 10 else f"{'' if day < 20 else numerals[day // 10]}十{numerals[day % 10]}"
    found = _day(f"{said}号那天", local)
    assert found is None or found <= local.date()
