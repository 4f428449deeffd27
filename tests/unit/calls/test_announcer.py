"""What a waiting citizen is told, and that the wait told never grows."""

from hypothesis import given
from hypothesis import strategies as st

from ivr.calls import effects as do
from ivr.calls.announcer import Announcer
from ivr.calls.menu import Menu
from ivr.calls.plan import CallPlan, QueueSounds
from ivr.calls.work import Work
from tests.unit.calls.world import CALL, CITIZEN, GENERAL

SOUNDS = QueueSounds(
    places=(("next",), ("one-ahead",)),
    far=("many",),
    busy=("busy",),
    waits=(("soon",), *((f"{minutes}-minutes",) for minutes in range(1, 11))),
    notice=("notice",),
    comforts=(("comfort-1",), ("comfort-2",)),
)


class Voice:
    """An announcer, and the ears of the citizen."""

    def __init__(self, sounds: QueueSounds = SOUNDS) -> None:
        self.work = Work()
        self.announcer = Announcer(CALL, CallPlan(menu=Menu(default=GENERAL), queue=sounds), self.work)

    def heard(self) -> tuple[str, ...]:
        sounds = tuple(name for effect in self.work.take() if isinstance(effect, do.Play) for name in effect.sounds)
        self.announcer.ended(self.announcer.playback)
        return sounds

    def moved(self, after_ms: int, ahead: int, wait_ms: int | None) -> tuple[str, ...]:
        self.work.now_ms += after_ms
        self.announcer.moved(CITIZEN, ahead, wait_ms)
        return self.heard()

    def comfort(self, after_ms: int = 30_000) -> tuple[str, ...]:
        self.work.now_ms += after_ms
        self.announcer.comfort(CITIZEN)
        return self.heard()


def test_place_and_wait_then_what_there_is_to_know() -> None:
    voice = Voice()
    assert voice.moved(0, 2, 170_000) == ("many", "3-minutes", "notice")
    assert voice.comfort() == ("comfort-1",)
    assert voice.comfort() == ("comfort-2",)
    assert voice.moved(30_000, 1, 100_000) == ("one-ahead", "2-minutes")
    assert voice.comfort() == ("comfort-1",)
    assert voice.moved(30_000, 0, 59_000) == ("next", "soon")


def test_a_wait_that_grew_is_not_told() -> None:
    voice = Voice()
    assert voice.moved(0, 2, 60_000) == ("many", "1-minutes", "notice")
    assert voice.moved(30_000, 1, 400_000) == ("one-ahead",)
    assert voice.moved(30_000, 0, 50_000) == ("next", "soon")
    assert voice.moved(30_000, 1, 61_000) == ("one-ahead",)


def test_a_wait_too_long_to_tell_is_not_told() -> None:
    voice = Voice()
    assert voice.moved(0, 2, 11 * 60_000) == ("many", "notice")
    assert voice.moved(30_000, 1, None) == ("one-ahead",)
    assert voice.comfort() == ("comfort-1",)


def test_without_comforts_the_place_is_said_again() -> None:
    voice = Voice(QueueSounds(places=(("next",),), busy=("busy",)))
    assert voice.comfort() == ("busy",)
    assert voice.moved(30_000, 0, 10_000) == ("next",)
    assert voice.comfort() == ("next",)


@given(
    st.lists(
        st.tuples(st.integers(0, 40_000), st.integers(0, 3), st.none() | st.integers(0, 900_000), st.booleans()),
        max_size=40,
    )
)
def test_the_wait_told_never_grows(steps: list[tuple[int, int, int | None, bool]]) -> None:
    voice = Voice()
    told: list[int] = []
    for after_ms, ahead, wait_ms, timer in steps:
        sounds = voice.comfort(after_ms) if timer else voice.moved(after_ms, ahead, wait_ms)
        told += [n for n, wait in enumerate(SOUNDS.waits) if wait[0] in sounds]
    assert told == sorted(told, reverse=True)
