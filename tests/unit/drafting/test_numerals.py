import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.drafting.numerals import arabic, numbers, value
from ticketing.drafting.spoken import plain

_DIGITS = "零一二三四五六七八九"


def _said(number: int) -> str:
    """A number as it is read out in full, 0 to 99,999,999."""
    if number < 10:
        return _DIGITS[number]
    parts: list[str] = []
    zero = False
    high, low = divmod(number, 10_000)
    if high:
        parts.append(_said(high) + "万")
        zero = 0 < low < 1000
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = low // unit % 10
        if digit:
            if zero:
                parts.append("零")
                zero = False
            parts.append(_DIGITS[digit] + name)
        elif parts and low % unit:
            zero = True
    return "".join(parts)


@given(st.integers(min_value=0, max_value=99_999_999))
def test_a_number_read_out_in_full_has_its_value(number: int) -> None:
    assert value(_said(number)) == number


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("二百五", 250),
        ("三千二", 3200),
        ("三千零二", 3002),
        ("两万七", 27_000),
        ("一万二", 12_000),
        ("十五", 15),
        ("六零二", 602),
        ("幺二零", 120),
    ],
)
def test_numbers_are_read_as_people_say_them(said: str, expected: int) -> None:
    assert value(said) == expected


@pytest.mark.parametrize("said", ["二三百", "万千", ""])
def test_what_is_not_one_number_has_no_value(said: str) -> None:
    assert value(said) is None


def test_decimals_are_part_of_the_number() -> None:
    assert [n.value for n in numbers("室温十四点五度收了三百")] == [14.5, 300.0]


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("交了两千六百块", "交了2600块"),
        ("住六零一", "住601"),
        ("四五里地", "四五里地"),
        ("一个三楼", "一个三楼"),
        ("万一着火", "万一着火"),
    ],
)
def test_only_real_numbers_are_written_in_arabic_digits(said: str, written: str) -> None:
    assert arabic(said) == written


@given(st.text())
def test_plain_text_has_no_signs_and_no_arabic_digits(text: str) -> None:
    result = plain(text)
    assert not any(c.isspace() or c in "0123456789，。！？,.!?" for c in result)
    assert plain(result) == result
