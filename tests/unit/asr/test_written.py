from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.numerals import cardinal, spoken_digits, written_number
from asr.written import Written

NAMES = ("三里屯", "八一街", "八一路", "五一路", "二十四户", "三路里镇", "七级镇", "三元里", "解放路")
LINES = (Path(__file__).parents[2] / "data" / "written_cases.tsv").read_text(encoding="utf-8").splitlines()
CASES = [(*line.split("\t"), line)[:2] for line in LINES if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def written() -> Written:
    return Written(NAMES)


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 200
    assert len({spoken for spoken, _ in CASES}) == len(CASES)


@pytest.mark.parametrize(("spoken", "expected"), CASES)
def test_written_form(written: Written, spoken: str, expected: str) -> None:
    assert written(spoken) == expected


def test_without_its_name_a_place_is_only_words() -> None:
    assert Written()("二十四户") == "24户"


@given(st.text("零一二三四五六七八九十百千万亿两幺点号楼度块元月年日个天第几初热暖", max_size=20))
def test_nothing_but_numbers_changes(said: str) -> None:
    """Whatever is said, the characters that are no part of a number stay, in their order."""

    def rest(text: str) -> str:
        return "".join(each for each in text if each not in "零一二三四五六七八九十百千万亿两幺点.%‰0123456789")

    assert rest(Written(NAMES)(said)) == rest(said)


@given(st.lists(st.sampled_from([*NAMES, "三号楼", "十五度", "暖气", "一二三四五"]), max_size=6))
def test_every_name_is_still_there(parts: list[str]) -> None:
    text = Written(NAMES)("，".join(parts))
    for name in NAMES:
        assert text.count(name) >= parts.count(name)


@given(st.integers(1, 99_999_999))
def test_a_number_said_in_full_is_read_back(value: int) -> None:
    assert cardinal(say_number(value)) == value


def say_number(value: int) -> str:
    """As Chinese is spoken, by another way than it is read."""
    if value >= 10_000:
        low = value % 10_000
        gap = "零" if 0 < low < 1000 else ""
        return say_number(value // 10_000) + "万" + (gap + say_number(low) if low else "")
    said = ""
    skipped = False
    for size, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // size % 10
        if digit:
            said += ("零" if skipped else "") + "零一二三四五六七八九"[digit] + unit
        skipped = bool(said) and not digit
    return said


@pytest.mark.parametrize(
    "said", ["", "十五六", "两三百", "万", "百", "零五", "二十两", "四五", "三千二百一十五六", "一万零"]
)
def test_what_is_not_one_number_is_none(said: str) -> None:
    assert cardinal(said) is None


def test_digits_and_sums() -> None:
    assert spoken_digits("幺三八") == "138"
    assert spoken_digits("十五") is None
    assert [written_number(each) for each in (0, 35_000, 30_000, 200_000_000)] == ["0", "35000", "3万", "2亿"]
