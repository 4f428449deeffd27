import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.sound import loosen, slack_key, syllable, syllables


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("圣惠", "神会"),
        ("女士", "绿四"),
        ("小区", "小曲"),
        ("汽贸城", "汽锚层"),
        ("停车", "听册"),
        ("南湖", "兰湖"),
        ("府东", "虎东"),
    ],
)
def test_what_is_heard_as_one_another_has_one_key(one: str, other: str) -> None:
    assert slack_key(one) == slack_key(other)


@pytest.mark.parametrize(("one", "other"), [("学校", "小学"), ("北城", "南城"), ("东街", "西街"), ("重阳", "红阳")])
def test_what_sounds_different_has_not(one: str, other: str) -> None:
    assert slack_key(one) != slack_key(other)


def test_readings_have_no_tone() -> None:
    assert syllables("绿女重") == ["lv", "nv", "zhong"]
    assert syllable("a") == "a"


def test_loosened_spellings() -> None:
    assert loosen("zheng") == loosen("zen") == "zen"
    assert loosen("zhong") == "zong"
    assert loosen("fu") == "hu"


@given(st.text())
def test_a_key_has_a_code_for_every_character(text: str) -> None:
    assert len(slack_key(text)) == len(text)
