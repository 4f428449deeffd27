"""How single things are written."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from agent_console import formats
from tests.console.scenes import NOW

YUNCHENG = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "00:00"), (59.9, "00:59"), (134, "02:14"), (3600, "1:00:00"), (-3, "00:00")]
)
def test_clock(seconds: float, shown: str) -> None:
    assert formats.clock(seconds) == shown


def test_times_are_the_sites() -> None:
    assert formats.time_of_day(NOW, YUNCHENG) == "14:22:31"
    assert formats.day_and_time(NOW + timedelta(days=1), YUNCHENG, NOW) == "11-22 14:22"
    assert formats.day_and_time(datetime(2026, 12, 31, 16, 0, tzinfo=UTC), YUNCHENG, NOW) == "2027-01-01 00:00"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("11-22 14:22", datetime(2026, 11, 22, 6, 22, tzinfo=UTC)),
        ("11/22 9:05", datetime(2026, 11, 22, 1, 5, tzinfo=UTC)),
        ("11-22 9：05", datetime(2026, 11, 22, 1, 5, tzinfo=UTC)),
        (" 2027-1-2 08:00 ", datetime(2027, 1, 2, 0, 0, tzinfo=UTC)),
        ("1-2 08:00", datetime(2027, 1, 2, 0, 0, tzinfo=UTC)),
        ("11-21 00:01", datetime(2026, 11, 20, 16, 1, tzinfo=UTC)),
        ("13-01 08:00", None),
        ("11-31 08:00", None),
        ("2-29 08:00", None),
        ("11-22 24:00", None),
        ("明天下午", None),
        ("", None),
    ],
)
def test_a_due_time_is_read_as_people_write_it(text: str, moment: datetime | None) -> None:
    assert formats.read_day_and_time(text, YUNCHENG, NOW) == moment


@given(st.integers(0, 360 * 24 * 60))
def test_a_due_time_that_is_shown_can_be_read_back(minutes: int) -> None:
    moment = datetime(2026, 11, 20, 16, 0, tzinfo=UTC) + timedelta(minutes=minutes)
    shown = formats.day_and_time(moment, YUNCHENG, NOW)
    assert formats.read_day_and_time(shown, YUNCHENG, NOW) == moment


@pytest.mark.parametrize(
    ("part", "of", "shown"),
    [(0, 0, ""), (0, 3, "0.0%"), (3, 3, "100%"), (9499, 10000, "94.9%"), (9999, 10000, "99.9%"), (1, 3, "33.3%")],
)
def test_a_rate_never_promises_more_than_there_is(part: int, of: int, shown: str) -> None:
    assert formats.rate(part, of) == shown


def test_numbers_are_grouped() -> None:
    assert formats.group_digits("13812345678") == "138 1234 5678"
    assert formats.group_digits("2611210042") == "261121 0042"
    assert formats.group_digits("138****5678") == "138****5678"
    assert formats.group_digits("03590000123") == "03590000123"


def test_confidence_is_cut() -> None:
    assert [formats.confidence(value) for value in (0.0, 0.586, 0.58, 0.9999, 1.0)] == ["0", "58", "58", "99", "100"]


def test_matches() -> None:
    assert formats.matches("室温不低于\x0218\x03度") == [("室温不低于", False), ("18", True), ("度", False)]
    assert formats.matches("") == []


def broken(text: str, width: int) -> list[str]:
    cuts = [0, *formats.line_breaks(text, width), len(text)]
    return [text[begin:end] for begin, end in pairwise(cuts)]


def test_lines_break_where_chinese_allows_it() -> None:
    assert broken("我家暖气一点都不热，四天了", 18) == ["我家暖气一点都不", "热，四天了"]
    assert broken("请拨打12345热线", 10) == ["请拨打", "12345热线"]
    assert broken("一\n二", 10) == ["一\n", "二"]
    assert broken("", 10) == [""]


@given(
    st.text(alphabet="暖气不热，。！“”（）13812345678 ab\n", max_size=60),
    st.integers(4, 40),
)
def test_broken_lines_lose_nothing_and_fit(text: str, width: int) -> None:
    lines = broken(text, width)
    assert "".join(lines) == text
    assert all(cell_len(line.rstrip("\n")) <= width for line in lines)
    assert formats.line_breaks(text, width) == sorted(set(formats.line_breaks(text, width)))
