from pathlib import Path

import pytest

from tests.unit.drafting.speech import citizen, conversation
from ticketing.drafting.emergency import EmergencyWatch
from ticketing.drafting.spoken import plain
from ticketing.site import Site

_LINES = Path(__file__).parents[2] / "data" / "dangers.txt"


@pytest.fixture(scope="module")
def watch(site: Site) -> EmergencyWatch:
    return EmergencyWatch(site.emergency)


def _sentences() -> dict[str, list[str]]:
    """Sentences by emergency line; `无` heads those that only sound like danger."""
    found: dict[str, list[str]] = {}
    label = ""
    for line in _LINES.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            label = line[1:].split()[0]
        elif line:
            found.setdefault(label, []).append(line)
    return found


def test_one_sentence_of_danger_alerts_at_once(watch: EmergencyWatch) -> None:
    heard = total = 0
    for label, lines in _sentences().items():
        if label != "无":
            total += len(lines)
            heard += sum(watch.listen(citizen(line)) is not None for line in lines)
    assert heard / total >= 0.8


def test_what_only_sounds_like_danger_seldom_alerts(watch: EmergencyWatch) -> None:
    lines = _sentences()["无"]
    assert sum(watch.listen(citizen(line)) is not None for line in lines) <= 0.1 * len(lines)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("有人持刀在小区里追人", "110"),
        ("我家厨房着火了快来", "119"),
        ("老人突然昏倒了叫不醒", "120"),
        ("路口翻车了人压在底下", "122"),
        ("天然气漏了满屋子都是味", "em-gas"),
    ],
)
def test_each_line_has_its_words(watch: EmergencyWatch, text: str, target: str) -> None:
    danger = watch.listen(citizen("你好", text))
    assert danger is not None
    assert danger.target == target
    assert danger.evidence == ("u1",)


@pytest.mark.parametrize(
    "text",
    [
        "去年这里着火了把楼道熏黑了",
        "我怕哪天真着火了",
        "火已经灭了人没事",
        "万一有人昏倒了咋办",
        "消防演练说着火了",
        "上次打架那件事派出所怎么不立案",
    ],
)
def test_past_fear_and_supposition_are_no_danger(watch: EmergencyWatch, text: str) -> None:
    assert watch.listen(citizen(text)) is None


def test_a_no_to_the_question_whether_it_is_now_takes_it_back(watch: EmergencyWatch) -> None:
    said = conversation("市民 变压器着火了冒黑烟", "话务 现在还在着火吗", "市民 没有没有这会儿灭了就是没电")
    assert watch.listen(said[:1]) is not None
    assert watch.listen(said) is None


def test_no_breath_is_no_denial(watch: EmergencyWatch) -> None:
    said = conversation("市民 我爸倒在地上了叫不醒", "话务 现在有呼吸吗", "市民 没有呼吸了")
    danger = watch.listen(said)
    assert danger is not None
    assert danger.target == "120"


def test_an_agent_who_takes_it_as_an_ordinary_matter_settles_it(watch: EmergencyWatch) -> None:
    said = conversation("市民 狗把孩子咬得流血了", "话务 请问打疫苗了吗", "市民 打了五针", "话务 我给您登记转公安核实")
    assert watch.listen(said) is None


def test_an_agent_who_sends_for_help_settles_it(watch: EmergencyWatch) -> None:
    said = conversation("市民 桥上有个姑娘不太对劲", "话务 请不要靠近稳住她我马上转接公安请别挂断", "市民 好")
    danger = watch.listen(said)
    assert danger is not None
    assert danger.target == "110"


def test_a_cue_is_heard_through_a_wrong_hanzi(watch: EmergencyWatch) -> None:
    assert watch.listen(citizen("有人吃刀快来")) is not None


def test_the_packs_negative_phrases_stand_above_its_cues(watch: EmergencyWatch, site: Site) -> None:
    for line in site.emergency.transfers:
        for phrase in line.negative:
            assert watch.listen(citizen(plain(phrase))) is None or any(
                cue in phrase for other in site.emergency.transfers if other is not line for cue in other.positive
            )
