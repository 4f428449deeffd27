"""The desk's keys: one an action, the same everywhere. Screen, key line and help are all made from this table."""

from dataclasses import dataclass
from typing import Final

from textual.binding import Binding, BindingType

from agent_console.state import Action


@dataclass(frozen=True, slots=True)
class Key:
    """What is pressed for an action; `others` do the same. `in_line` keys stand in the line at the bottom."""

    action: Action
    key: str
    others: tuple[str, ...] = ()
    in_line: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All that do it, the first one first."""
        return (self.key, *self.others)

    @property
    def pressed(self) -> str:
        """As a binding takes them."""
        return ",".join(self.names)

    @property
    def shown(self) -> str:
        """As it stands on the keyboard."""
        return display(self.key)


def display(key: str) -> str:
    """A key's name as people write it: F9, Ctrl+T."""
    return "+".join(part.capitalize() for part in key.split("+"))


KEYS: Final = (
    Key(Action.STATE, "f2", in_line=True),
    Key(Action.KNOWLEDGE, "f3", in_line=True),
    Key(Action.FINISH, "f8", in_line=True),
    Key(Action.SUBMIT, "f9", in_line=True),
    Key(Action.HANG_UP, "f10", in_line=True),
    Key(Action.TAKE, "ctrl+t", others=("alt+t",)),  # a browser keeps Ctrl+T and Ctrl+N to itself
    Key(Action.REVEAL, "ctrl+r"),
    Key(Action.COPY_REFERENCE, "ctrl+n", others=("alt+n",)),
    Key(Action.TRANSCRIPT_UP, "ctrl+up"),
    Key(Action.TRANSCRIPT_DOWN, "ctrl+down"),
    Key(Action.SIGN_IN_AGAIN, "ctrl+l"),
    Key(Action.SIGN_OUT, "f12", others=("ctrl+q",), in_line=True),
    Key(Action.HELP, "f1", in_line=True),
)

SHOWN: Final = {key.action: key.shown for key in KEYS}
"""The key of each action as people write it."""

GENERAL: Final = (("Tab", "about.tab"), ("Enter", "about.enter"), ("Esc", "about.escape"))
"""What the keys do that belong to no action, for the help."""


def bindings() -> list[BindingType]:
    """For the main screen. Priority, so that no field under the cursor gives a key another meaning."""
    return [Binding(key.pressed, key.action, f"about.{key.action}", show=False, priority=True) for key in KEYS]
