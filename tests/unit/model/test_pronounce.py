import pytest

from asr.model.recipe.graph import pronunciations
from asr.model.recipe.pronounce import readings


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("暖气", "nuan3 qi4"),
        ("银行", "yin2 hang2"),
        ("解州", "xie4 zhou1"),
        ("绿化", "lv4 hua4"),
        ("幺", "yao1"),
        ("的", "de5"),
    ],
)
def test_the_usual_reading_comes_first(word: str, first: str) -> None:
    assert " ".join(readings(word)[0]) == first


@pytest.mark.parametrize(
    ("word", "also"), [("不是", "bu2 shi4"), ("一个", "yi2 ge4"), ("一起", "yi4 qi3"), ("行", "hang2")]
)
def test_sandhi_and_heteronyms_are_readings_too(word: str, also: str) -> None:
    assert tuple(also.split()) in readings(word)


def test_an_ordinal_keeps_its_tone() -> None:
    assert readings("十一月") == (("shi2", "yi1", "yue4"),)


@pytest.mark.parametrize("word", ["", "KTV", "4S店", "A座"])
def test_what_has_letters_cannot_be_read(word: str) -> None:
    assert readings(word) == ()
    assert pronunciations(word) == []


def test_a_second_reading_costs() -> None:
    costs = [cost for _, cost in pronunciations("行")]
    assert costs[0] == 0
    assert all(cost > 0 for cost in costs[1:])
