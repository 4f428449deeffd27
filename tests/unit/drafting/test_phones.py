import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.drafting.speech import citizen, conversation
from ticketing.drafting.phones import callback

_READ = "零幺二三四五六七八九"
_PAUSES = st.sampled_from(["", "嗯", "然后", "那个", "啊"])
_mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


def _read(digits: str) -> str:
    return "".join(_READ[int(d)] for d in digits)


@given(_mobiles, st.lists(st.integers(1, 10), max_size=3, unique=True), _PAUSES)
def test_a_number_is_heard_however_it_is_grouped(number: str, cuts: list[int], pause: str) -> None:
    borders = [0, *sorted(cuts), 11]
    groups = [_read(number[a:b]) for a, b in itertools.pairwise(borders)]
    found = callback(citizen("打这个吧" + pause.join(groups)), None)
    assert found is not None
    assert found.digits == number


@given(_mobiles, st.integers(3, 8))
def test_a_number_may_be_read_over_two_utterances(number: str, cut: int) -> None:
    said = conversation("话务 您的电话是", f"市民 {_read(number[:cut])}", "话务 嗯您说", f"市民 {_read(number[cut:])}")
    found = callback(said, None)
    assert found is not None
    assert found.digits == number
    assert found.evidence == ("u1", "u3")


def test_second_thoughts_replace_what_was_said() -> None:
    found = callback(citizen("幺三五九三五零零幺幺不对是幺三八零零幺二三四五六"), None)
    assert found is not None
    assert found.digits == "13800123456"


def test_digits_heard_as_other_words_still_count() -> None:
    found = callback(citizen("一三吧零零一二三四五六"), None)
    assert found is not None
    assert found.digits == "13800123456"


def test_the_calling_number_is_not_another_number() -> None:
    assert callback(citizen("就打这个幺三八零零幺二三四五六"), "13800123456") is None


@pytest.mark.parametrize(
    "text",
    [
        "他的电话是幺三八零零幺二三四五六",
        "水表走了二百三十四个字",
        "房子住了十七年一百二十户",
        "打一二三四五打了三回",
        "拨零三五一加一二三四五",
    ],
)
def test_other_numbers_are_no_callback(text: str) -> None:
    assert callback(citizen(text), None) is None


def test_an_agents_reading_back_makes_it_surer() -> None:
    alone = callback(citizen("幺三九九四五九零六零八"), None)
    confirmed = callback(
        conversation("市民 幺三九九四五九零六零八", "话务 幺三九九四五九零六零八对吗", "市民 对"), None
    )
    assert alone is not None
    assert confirmed is not None
    assert confirmed.sure > alone.sure or confirmed.sure == 1.0
    assert confirmed.evidence == ("u0", "u1")
