import msgspec
import pytest

from tests.unit.drafting.speech import citizen, conversation
from ticketing.drafting.people import caller_name, spelled
from ticketing.views import Utterance


def _name(said: list[Utterance]) -> str | None:
    found = caller_name(said, said)
    return found.text if found else None


@pytest.mark.parametrize(
    ("answer", "surname"),
    [
        ("姓樊", "樊"),
        ("免贵姓张弓长张", "张"),
        ("柴", "柴"),
        ("我姓池水池的池", "池"),
        ("童儿童的童", "童"),
        ("姓上官复姓", "上官"),
        ("姓莘草字头下面辛苦的辛", "莘"),
    ],
)
def test_a_surname_is_heard_from_the_answer(answer: str, surname: str) -> None:
    assert _name(conversation("话务 您贵姓", f"市民 {answer}")) == surname


def test_a_spelled_full_name_is_kept_whole() -> None:
    assert _name(conversation("话务 贵姓", "市民 岳建民建设的建人民的民")) == "岳建民"


def test_the_agents_title_is_taken_over() -> None:
    assert _name(conversation("话务 您贵姓", "市民 姓方", "话务 好的方女士给您转")) == "方女士"


@pytest.mark.parametrize(
    "text", ["那个李经理说让我等", "我是陶村张良村的", "不用记我名字", "老板姓什么我不知道", "他们村有好几个同名同姓的"]
)
def test_people_spoken_of_are_not_the_caller(text: str) -> None:
    assert _name(citizen(text)) is None


def test_who_will_not_say_is_not_guessed() -> None:
    assert _name(conversation("话务 您贵姓", "市民 不方便说免了吧")) is None


def test_a_misheard_surname_stands_for_the_commonest_that_sounds_alike() -> None:
    heard = conversation("话务 您规姓", "市民 姓汪", "话务 王先生给您转")
    readable = [msgspec.structs.replace(u, text=u.text.replace("规", "贵")) for u in heard]
    found = caller_name(heard, readable)
    assert found is not None
    assert found.text == "王先生"
    assert found.evidence == ("u1", "u2")


def test_spelling_by_parts_and_by_words() -> None:
    assert spelled("弓长张") == ["张"]
    assert spelled("申请的申") == ["申"]
