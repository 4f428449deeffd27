import pytest

from tests.unit.drafting.speech import citizen, conversation
from ticketing.drafting.amounts import sums


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("一共花了两千六", [2600.0]),
        ("二百八十八年初就交清了", [288.0]),
        ("收我一块六一度", [1.6]),
        ("还差二万七没结", [27_000.0]),
        ("交了三十二万首付", [320_000.0]),
        ("押金一千五百块钱不退", [1500.0]),
    ],
)
def test_sums_are_read_as_people_say_them(text: str, expected: list[float]) -> None:
    assert [s.yuan for s in sums(citizen(text))] == expected


@pytest.mark.parametrize(
    "text",
    [
        "我们小区三百二十户",
        "跑了四五趟",
        "六零一的住户",
        "那三块篮球场",
        "住了十七年",
        "第三回了",
        "二零零九年入住",
        "三千多亩地",
    ],
)
def test_other_numbers_are_no_money(text: str) -> None:
    assert sums(citizen(text)) == []


def test_a_bare_number_is_money_where_money_was_asked_for() -> None:
    assert [s.yuan for s in sums(conversation("话务 结账是多少钱", "市民 三百八十八"))] == [388.0]
    assert sums(conversation("话务 门牌是多少", "市民 三百八十八")) == []
