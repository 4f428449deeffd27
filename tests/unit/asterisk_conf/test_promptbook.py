from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_conf.errors import PromptRefused
from asterisk_conf.numerals import date_sounds, digit_sounds, number_sounds, vocabulary
from asterisk_conf.promptbook import PromptBook

SAID = vocabulary()


def said(sounds: tuple[str, ...]) -> str:
    return "".join(SAID[sound] for sound in sounds)


def numeral(number: int) -> str:
    """The textbook rule, written otherwise than the code: place by place, one 零 a gap, 一十 only after hundreds."""
    if number == 0:
        return "零"
    if number == 2:
        return "两"
    pairs = zip(f"{number:03d}", "百十个", strict=True)
    text = "".join(f"{'零一二三四五六七八九'[int(d)]}{unit}" if d != "0" else "零" for d, unit in pairs)
    text = text.replace("个", "").strip("零").replace("零零", "零")
    return text.removeprefix("一") if 10 <= number < 20 else text


@given(st.integers(0, 999))
def test_a_number_is_said_as_the_textbook_says(number: int) -> None:
    assert said(number_sounds(number)) == numeral(number)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *[
            (0, "零"),
            (2, "两"),
            (10, "十"),
            (12, "十二"),
            (20, "二十"),
            (22, "二十二"),
            (100, "一百"),
            (101, "一百零一"),
        ],
        *[(102, "一百零二"), (110, "一百一十"), (112, "一百一十二"), (200, "二百"), (222, "二百二十二")],
    ],
)
def test_numbers_people_trip_over(number: int, text: str) -> None:
    assert said(number_sounds(number)) == text


@pytest.mark.parametrize("number", [-1, 1000])
def test_a_number_out_of_reach_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="0 to 999"):
        number_sounds(number)


@given(st.text("0123456789", min_size=1, max_size=20))
def test_digits_are_read_one_by_one(digits: str) -> None:
    assert said(digit_sounds(digits)) == "".join("零幺二三四五六七八九"[int(digit)] for digit in digits)


@pytest.mark.parametrize("text", ["", "12a", "１２", "-1"])
def test_what_is_no_digit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="one by one"):
        digit_sounds(text)


@given(st.dates())
def test_a_date_is_month_and_day(day: date) -> None:
    text = said(date_sounds(day))
    month, _, rest = text.partition("月")
    numbers = {numeral(number).replace("两", "二"): number for number in range(1, 32)}
    assert (numbers[month], numbers[rest.removesuffix("日")]) == (day.month, day.day)


BOOK = PromptBook(
    {
        "recording": "本次通话将被录音。",
        "queue_position": "您前面还有{position}位来电人在等待。",
        "callback_confirmed": "已经登记您的号码，尾号{tail}，请保持电话畅通。",
        "progress": "{ref}，目前状态是{state}，预计{due}前答复。",
        "menu.intro": "您好。",
    },
    words=("办理中", "已办结"),
)


def test_a_plain_text_is_one_sound_of_its_name() -> None:
    assert BOOK.sounds_for("recording") == ("recording",)
    assert BOOK.sounds_for("menu.intro") == ("menu.intro",)
    assert BOOK.texts()["recording"] == "本次通话将被录音。"


def test_a_text_with_places_is_cut_at_them() -> None:
    assert BOOK.sounds_for("queue_position", position=3) == ("queue_position.1", "number.3", "queue_position.2")
    assert BOOK.texts()["queue_position.1"] == "您前面还有"
    assert BOOK.texts()["queue_position.2"] == "位来电人在等待。"
    assert "queue_position" not in BOOK.texts()


def test_each_kind_of_value_is_said_its_own_way() -> None:
    assert BOOK.sounds_for("callback_confirmed", tail="0017") == (
        "callback_confirmed.1", "digit.0", "digit.0", "digit.1", "digit.7", "callback_confirmed.2"
    )  # fmt: skip
    sounds = BOOK.sounds_for("progress", ref="21", state="办理中", due=date(2026, 2, 12))
    texts = BOOK.texts()
    assert "".join(texts[sound] for sound in sounds) == "二幺，目前状态是办理中，预计二月十二日前答复。"
    assert BOOK.fields("progress") == ("ref", "state", "due")


DIGITS = st.text("0123456789", min_size=1, max_size=10)
STATES = st.sampled_from(["办理中", "已办结"])


@given(st.integers(0, 999), DIGITS, st.dates(), STATES)
def test_every_sound_that_can_be_asked_for_has_a_text(position: int, digits: str, due: date, state: str) -> None:
    texts = BOOK.texts()
    assert all(sound in texts for sound in BOOK.sounds_for("queue_position", position=position))
    assert all(sound in texts for sound in BOOK.sounds_for("callback_confirmed", tail=digits))
    assert all(sound in texts for sound in BOOK.sounds_for("progress", ref=digits, state=state, due=due))


def test_an_unknown_announcement_is_refused() -> None:
    with pytest.raises(PromptRefused, match="no announcement 'weather'"):
        BOOK.sounds_for("weather")


@pytest.mark.parametrize("values", [{}, {"position": 1, "minutes": 2}, {"place": 1}])
def test_missing_and_superfluous_values_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(PromptRefused, match="differ in"):
        BOOK.sounds_for("queue_position", **values)


def test_a_value_that_cannot_be_said_is_refused_without_showing_it() -> None:
    with pytest.raises(PromptRefused, match="the value for tail cannot be said") as caught:
        BOOK.sounds_for("callback_confirmed", tail="王小明")
    assert "王小明" not in str(caught.value)
    with pytest.raises(PromptRefused, match="position"):
        BOOK.sounds_for("queue_position", position=1000)


@pytest.mark.parametrize(
    ("texts", "named"),
    [
        ({"Queue": "您好"}, "small letters"),
        ({"../etc": "您好"}, "small letters"),
        ({"a": "您好{"}, "announcement 'a'"),
        ({"a": "您好{0}"}, "write a place"),
        ({"a": "您好{b!r}"}, "write a place"),
        ({"a": "您好{b:>3}"}, "write a place"),
        ({"a": "。"}, "says nothing"),
        ({"a": "{b}"}, "says nothing"),
        ({"a": "一{b}", "a.1": "二"}, "two texts"),
        ({"number.3": "三"}, "two texts"),
    ],
)
def test_a_text_that_cannot_be_used_is_named(texts: dict[str, str], named: str) -> None:
    with pytest.raises(PromptRefused, match=named):
        PromptBook(texts)


def test_a_site_may_word_the_built_in_ones() -> None:
    assert "leave_message" in PromptBook({}).texts()
    assert PromptBook({"leave_message": "请留言"}).texts()["leave_message"] == "请留言"
