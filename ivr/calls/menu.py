"""The short menu (语音导航): data from the site, never in a caller's way. Silence or 0 leads to a person."""

import msgspec

from ivr.calls.vocabulary import Skill

TO_A_PERSON = "0"
DTMF = frozenset("0123456789*#ABCD")


class MenuOption(msgspec.Struct, frozen=True, kw_only=True):
    """One key and the skill it asks for."""

    key: str
    skill: Skill


class Menu(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller may choose. Without options there is no menu and everybody goes to `default`.

    GB/T 33358-2016 discourages menus, so this one is one level deep, may be skipped with a key before it begins, and
    ends by itself `wait_ms` after its prompt. Raises `ValueError` for a key that is no DTMF digit or stands twice.
    """

    default: Skill
    options: tuple[MenuOption, ...] = ()
    sounds: tuple[str, ...] = ()
    wait_ms: int = 3_000

    def __post_init__(self) -> None:
        keys = [option.key for option in self.options]
        for key in keys:
            if key not in DTMF or key == TO_A_PERSON:
                raise ValueError(f"menu key {key!r} must be one DTMF digit other than 0, which always means a person")
            if keys.count(key) > 1:
                raise ValueError(f"menu key {key!r} stands twice; give each option its own key")

    def choose(self, digit: str) -> Skill | None:
        """The skill a digit asks for; None where it means nothing."""
        if digit == TO_A_PERSON:
            return self.default
        return next((option.skill for option in self.options if option.key == digit), None)
