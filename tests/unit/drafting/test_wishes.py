import pytest

from tests.unit.drafting.speech import citizen, conversation
from ticketing.drafting.wishes import reported_before, wants_secrecy


@pytest.mark.parametrize(
    "text",
    [
        "你们替我保密",
        "可别说是我反映的",
        "别让老板知道是我打的电话",
        "千万甭提我名字",
        "就说群众反映的行不",
        "怕他报复我",
        "我不想让人家晓得是我讲的",
        "匿名行不行",
    ],
)
def test_secrecy_is_asked_in_many_words(text: str) -> None:
    assert wants_secrecy(citizen("有个事", text)) == ("u1",)


@pytest.mark.parametrize(
    "text",
    [
        "不用保密",
        "我不说谁也不知道哪天能修好",
        "他们保密工作做得好",
        "别让车停这儿了",
        "老板不让说",
        "手机上能不能弄我们县没有网点",
    ],
)
def test_other_noes_ask_for_no_secrecy(text: str) -> None:
    assert wants_secrecy(citizen(text)) == ()


def test_an_offer_needs_a_yes() -> None:
    assert wants_secrecy(conversation("话务 需要给您保密吗", "市民 要的")) == ("u1",)
    assert wants_secrecy(conversation("话务 需要给您保密吗", "市民 不用我不怕")) == ()


def test_a_promise_is_an_answer_to_a_wish_unless_declined() -> None:
    assert wants_secrecy(conversation("市民 我跟他一个村的", "话务 给您保密")) == ("u1",)
    assert wants_secrecy(conversation("市民 我跟他一个村的", "话务 给您保密", "市民 不用公开就行")) == ()


@pytest.mark.parametrize(
    "text",
    ["上个月给你们打过电话", "这是第三次打了", "我那个工单到现在没人理", "你们上次说三天给回复", "还是上次那个事"],
)
def test_an_earlier_call_is_heard(text: str) -> None:
    assert reported_before(citizen(text)) == ("u0",)


@pytest.mark.parametrize("text", ["给物业打过三回电话", "跟村里反映过", "打了五针疫苗", "我第一次打这个电话"])
def test_having_told_others_is_no_earlier_call(text: str) -> None:
    assert reported_before(citizen(text)) == ()
