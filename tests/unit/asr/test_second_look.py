import json

from asr.engine import Utterance
from asr.second_look import LONGEST_S, Likeness, SecondLook
from asr.transcript import Word

RATE = 16000
SECOND = bytes(2 * RATE)


def utterance(said: str, from_ms: int = 0) -> Utterance:
    words = said.split()
    return Utterance(
        words=tuple(
            Word(text=text, start_ms=from_ms + 200 * n, end_ms=from_ms + 200 * n + 180, confidence=1.0)
            for n, text in enumerate(words)
        )
    )


class World:
    """A model that knows single characters and 小区, and hears what it is told."""

    def __init__(self, *near: Likeness) -> None:
        self.near = near
        self.asked: list[tuple[int, list[str]]] = []
        self.hears: str | None = None
        self.look = SecondLook(lambda _: self.near, lambda word: len(word) == 1 or word == "小区", self.decode, RATE)

    def decode(self, pcm: bytes, grammar: str) -> Utterance | None:
        self.asked.append((len(pcm) // len(SECOND), json.loads(grammar)))
        return None if self.hears is None else utterance(self.hears)


def test_a_name_that_fits_better_takes_its_place_at_its_time() -> None:
    world = World(Likeness(2, 6, "棠溪小区"))
    world.look.hear(SECOND)
    assert world.look.again(None) is None
    world.look.hear(SECOND)
    world.look.hear(SECOND)
    world.hears = "我 家 棠 溪 小区 吗"
    said = world.look.again(utterance("我家 汤 西小 区吗", 1000))
    assert world.asked == [(2, ["我家 汤 西小 区吗", "我家 棠 溪 小区 吗"])]
    assert said == utterance("我家 汤 西小 区吗", 1000)  # it heard something else again

    world.look.hear(SECOND)
    world.hears = "我家 棠 溪 小区 吗"
    said = world.look.again(utterance("我家 汤 西小 区吗", 3000))
    assert said is not None
    assert said.spoken == "我家 棠 溪 小区 吗"
    assert said.words[0].start_ms == 3000


def test_what_was_heard_stays_where_the_sound_does_not_fit() -> None:
    world = World(Likeness(0, 4, "棠溪小区"))
    world.look.hear(SECOND)
    for world.hears in (None, "汤 西小 区"):
        assert world.look.again(utterance("汤 西小 区")) == utterance("汤 西小 区")


def test_without_a_likeness_nothing_is_heard_again() -> None:
    world = World()
    world.look.hear(SECOND)
    assert world.look.again(utterance("您 好")) == utterance("您 好")
    assert world.asked == []


def test_a_name_of_words_the_model_lacks_is_left_alone() -> None:
    world = World(Likeness(0, 2, "Ab"))
    world.look = SecondLook(lambda _: world.near, lambda word: False, world.decode, RATE)
    world.look.hear(SECOND)
    assert world.look.again(utterance("您 好")) == utterance("您 好")
    assert world.asked == []


def test_a_very_long_utterance_is_left_as_it_was_heard() -> None:
    world = World(Likeness(0, 2, "安邑"))
    for _ in range(LONGEST_S + 2):
        world.look.hear(SECOND)
    assert world.look.again(utterance("安 一")) == utterance("安 一")
    world.look.hear(SECOND)
    world.look.again(utterance("安 一"))
    assert [seconds for seconds, _ in world.asked] == [1]
