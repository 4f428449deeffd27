import pytest

from ivr.calls.menu import Menu, MenuOption
from ivr.calls.plan import QueueSounds
from ivr.calls.vocabulary import Skill

GENERAL, HEATING = Skill("general"), Skill("heating")


def test_a_key_asks_for_its_skill_and_nought_for_a_person() -> None:
    menu = Menu(default=GENERAL, options=(MenuOption(key="2", skill=HEATING),))
    assert [menu.choose(digit) for digit in "20#"] == [HEATING, GENERAL, None]


@pytest.mark.parametrize(
    ("keys", "mend"), [(("12",), "one DTMF digit"), (("0",), "other than 0"), (("1", "1"), "twice")]
)
def test_a_menu_that_cannot_be_used_is_refused(keys: tuple[str, ...], mend: str) -> None:
    with pytest.raises(ValueError, match=mend):
        Menu(default=GENERAL, options=tuple(MenuOption(key=key, skill=HEATING) for key in keys))


def test_a_place_is_said_exactly_while_there_is_a_sound_for_it() -> None:
    sounds = QueueSounds(places=(("next",), ("one",)), far=("many",), busy=("busy",))
    assert [sounds.place(ahead) for ahead in (0, 1, 2, 900, None)] == [
        ("next",),
        ("one",),
        ("many",),
        ("many",),
        ("busy",),
    ]
