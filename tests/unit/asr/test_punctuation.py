import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.punctuation import Punctuated, asks
from asr.transcript import Word
from asr.written import Written

NAMES = ("光明小区", "三里屯", "八一街")
GAP_MS = 20


def words(said: str) -> list[Word]:
    """`我 要(400) 反映`: words parted by spaces, a pause in ms after a word in brackets."""
    out: list[Word] = []
    at = 0
    for token in said.split():
        text, pause = re.fullmatch(r"([^(]+)(?:\((\d+)\))?", token).groups()  # type: ignore[union-attr]
        end = at + 200 * len(text)
        out.append(Word(text=text, start_ms=at, end_ms=end, confidence=1.0))
        at = end + int(pause or GAP_MS)
    return out


@pytest.fixture
def punctuated() -> Punctuated:
    return Punctuated(Written(NAMES), NAMES)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("您好(200) 我 要 反映 光明小区 暖气 不 热 的 问题", "您好，我要反映光明小区暖气不热的问题。"),
        ("我 要 反映(340) 暖气 不 热", "我要反映暖气不热。"),
        ("我 家 暖气 不 热(360) 老人 受 不 了", "我家暖气不热，老人受不了。"),
        ("家里 温度 只有 十五(600) 度(500) 老人 孩子 受 不 了", "家里温度只有15度，老人孩子受不了。"),
        ("幺 三 八(700) 零 零 零 零(1200) 零 零 零 零", "13800000000。"),
        ("电话 是 幺 三 八 零 零 零 零 零 零 零 零(1000) 我 姓 王", "电话是13800000000，我姓王。"),
        ("我 住 光明(500) 小区 三(400) 号楼", "我住光明小区3号楼。"),
        ("在 三 里(400) 屯", "在三里屯。"),
        ("这个 事(400) 呢(150) 已经 说 过 了", "这个事，呢，已经说过了。"),
        ("是 这样 的 啊(150) 我 们 小区 停水 了", "是这样的啊，我们小区停水了。"),
        ("是 这样 的 啊(80) 我 们 小区 停水 了", "是这样的啊我们小区停水了。"),
        ("停水 的话(150) 找 谁", "停水的话，找谁？"),
        ("请问 您 家 的 具体 地址 在 哪里", "请问您家的具体地址在哪里？"),
        ("请问 您 贵姓(400) 您 的 电话 是 多少", "请问您贵姓，您的电话是多少？"),
        ("您 贵姓", "您贵姓？"),
        ("能 不 能 派 人 来 看看", "能不能派人来看看？"),
        ("已经 三 天 了(500) 有 没 有 人 管", "已经三天了，有没有人管？"),
        ("我 不 知道 怎么办", "我不知道怎么办。"),
        ("也 没 说 什么 时候 来", "也没说什么时候来。"),
        ("你 知道 怎么 办 吗", "你知道怎么办吗？"),
        ("他 还 没 来 呢", "他还没来呢。"),
        ("怎么 还 没 来 呢", "怎么还没来呢？"),
        ("什么 时候 能 修好", "什么时候能修好？"),
        ("好", "好。"),
        ("谢谢(200) 再见", "谢谢，再见。"),
        ("", ""),
    ],
)
def test_stops_stand_where_a_speaker_pauses(punctuated: Punctuated, said: str, written: str) -> None:
    assert punctuated.sentence(words(said)) == written


def test_what_is_not_finished_has_no_stops(punctuated: Punctuated) -> None:
    assert punctuated.hypothesis("您好我家十五度") == "您好我家15度"


@pytest.mark.parametrize(
    ("clause", "question"),
    [
        ("热不热", False),
        ("你是不是本人", True),
        ("我想问一下什么时候供暖", False),
        ("请问什么时候供暖", True),
        ("几号楼", True),
        ("第几次了", False),
        ("谁", True),
        ("没有人管", False),
        ("您住哪里", True),
        ("您看还有什么需要补充", True),
        ("凭什么收我的钱呢", True),
        ("为什么不给修", True),
    ],
)
def test_a_question_is_told_by_its_words(clause: str, question: bool) -> None:
    assert asks(clause) is question


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["您好", "我", "三", "十五", "度", "光明", "小区", "吗", "啊"]), st.integers(0, 1500)
        ),
        max_size=12,
    )
)
def test_stops_are_all_that_is_added(spoken: list[tuple[str, int]]) -> None:
    said = " ".join(f"{text}({pause})" for text, pause in spoken)
    text = Punctuated(str, NAMES).sentence(words(said))
    assert re.sub("[，。？]", "", text) == "".join(each for each, _ in spoken)
    assert not re.search("[，。？]{2}|^[，。？]", text)
    assert bool(text) is bool(spoken)
