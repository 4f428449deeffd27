import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.drafting.speech import conversation
from ticketing.drafting.repair import Repairer
from ticketing.drafting.summary import Digest, Matter, digest
from ticketing.drafting.written import LONGEST_COPY, clause, loosen, punctuate
from ticketing.vocabulary import RequestType

TEXTS = [
    "暖气一点都不热",
    "马上撒盐铲雪",
    "请您撒盐",
    "热力公司来测温",
    "家里停水了",
    "派人来修管子",
    "人行道结冰路滑",
    "公交车不停站",
] * 3


def write(*lines: str, kind: RequestType = RequestType.COMPLAINT, place: str = "", topic: str = "暖气不热") -> Digest:
    matter = Matter(
        kind=kind,
        topic=topic,
        place=place,
        label=place,
        person="",
        day=None,
        answered=kind is RequestType.ENQUIRY,
        urgent=False,
    )
    return digest(conversation(*lines), matter, skipped=(), weigh=lambda text: float(len(text)))


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("我家里没水了", "其家里没水了"),
        ("这到底咋办啊", "这到底如何处理"),
        ("我妈七十了", "其母亲70了"),
        ("是这样的我家暖气不热", "其家暖气不热"),
        ("交了两千六百块呢", "交了2600块"),
        ("你们能不能派人来", "希望能派人来"),
    ],
)
def test_speech_becomes_written_language(spoken: str, written: str) -> None:
    assert clause(spoken) == written


@given(st.text(alphabet="我家的水管漏了三天都没人来修就给物业打电话他们说不管", min_size=1, max_size=80))
def test_long_stretches_are_reworded_where_a_word_can_be(text: str) -> None:
    changed = loosen(text, text)
    if any(word in text for word in ("的", "就", "都", "给")) and len(text) > 3 * LONGEST_COPY:
        assert changed != text or len(text) <= LONGEST_COPY


@given(st.text(max_size=60))
def test_commas_add_nothing_else(text: str) -> None:
    assert punctuate(text).replace("，", "") == text.replace("，", "")


def test_a_bare_answer_is_joined_with_its_question() -> None:
    written = write("话务 现场有没有施工公示牌", "市民 没有", "话务 您说的是夜间施工对吗", "市民 对吵得睡不着")
    assert "无施工公示牌" in written.content
    assert "夜间施工" in written.content


def test_small_talk_and_the_callers_number_stay_out() -> None:
    written = write(
        "话务 您好", "市民 你好", "市民 暖气不热好几天了", "话务 电话", "市民 幺三八零零幺二三四五六", "市民 好谢谢"
    )
    assert "你好" not in written.content
    assert "138" not in written.content
    assert "谢谢" not in written.content


def test_a_wish_is_set_apart() -> None:
    written = write("市民 暖气从前天开始就没热过", "话务 您的诉求是", "市民 来人把管子换了")
    assert "诉求：" in written.content
    assert written.content.index("暖气") < written.content.index("诉求：") < written.content.index("管子")


def test_an_answered_enquiry_holds_the_answer() -> None:
    written = write(
        "市民 取暖费怎么报停",
        "话务 供暖前带身份证去营业厅签报停协议",
        "市民 好",
        kind=RequestType.ENQUIRY,
        topic="热费报停",
    )
    assert written.title.startswith("咨询")
    assert "营业厅" in written.content


def test_limits_hold_for_a_very_long_call() -> None:
    lines = [f"市民 第{'一二三四五六七八九'[i % 9]}件事是楼道里的灯坏了没有人来修理我们都很着急" for i in range(80)]
    written = write(*lines, place="运纺小区")
    assert 10 <= len(written.title) <= 25
    assert len(written.content) <= 600


def test_title_and_content_name_what_they_rest_on() -> None:
    written = write("市民 暖气不热好几天了", "话务 好", "市民 孩子都冻感冒了")
    assert set(written.title_evidence) <= {"u0", "u2"}
    assert written.content_evidence == ("u0", "u2")


def test_a_misheard_word_is_put_back() -> None:
    repairer = Repairer(TEXTS)
    assert repairer.repair("马上萨盐铲雪").text == "马上撒盐铲雪"
    assert repairer.misheard(["马上萨盐铲雪", "热力公思来厕温"])


@pytest.mark.parametrize("text", TEXTS[:8])
def test_a_clean_text_stays(text: str) -> None:
    repairer = Repairer(TEXTS)
    assert repairer.repair(text).text == text
    assert repairer.repair(text).gain == 0.0
    assert not repairer.misheard([text])


@given(st.text(max_size=40))
def test_repair_keeps_length_and_numerals(text: str) -> None:
    repaired = Repairer(TEXTS).repair(text).text
    assert len(repaired) == len(text)
    for before, after in zip(text, repaired, strict=True):
        if before in "一二三四五六七八九十":
            assert after == before


def test_nothing_said_is_nothing_misheard() -> None:
    assert not Repairer(TEXTS).misheard([])
    assert Repairer([]).repair("暖气不热").text == "暖气不热"
