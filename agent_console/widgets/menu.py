"""A short list the person asked for by a key; the call goes on beside it."""

from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import OptionList, Static

from agent_console.state import Action
from agent_console.tones import Piece, Tone, content
from agent_console.widgets.numbered import Entry, NumberedList
from agent_console.widgets.panel import Panel
from ivr.calls.vocabulary import PauseReason
from ivr.desk.catalogue import Catalogue
from ivr.desk.wire import Disposition, RevealReason

READY: Final = "ready"
"""The entry of the state menu that is no pause."""

CHOSEN_PAUSES: Final = tuple(r for r in PauseReason if r not in (PauseReason.NO_ANSWER, PauseReason.UNREACHABLE))
"""Pauses a person may choose; the others are the machine's."""


def entries(action: Action, words: Catalogue) -> list[Entry]:
    """What can be picked."""
    match action:
        case Action.STATE:
            pauses = [
                (reason, words.say("menu.pause", reason=words.say(f"pause.{reason}"))) for reason in CHOSEN_PAUSES
            ]
            return [
                Entry(READY, (Piece(words.say("menu.ready"), Tone.GOOD),)),
                *(Entry(reason, (Piece(said),)) for reason, said in pauses),
            ]
        case Action.FINISH:
            return [Entry(ending, (Piece(words.say(f"disposition.{ending}")),)) for ending in Disposition]
        case Action.REVEAL:
            return [Entry(reason, (Piece(words.say(f"reveal.{reason}")),)) for reason in RevealReason]
        case _:
            raise ValueError(f"no menu belongs to {action!r}")


class Menu(Panel):
    """Hidden until opened; closes when something is taken, by Esc, or when the cursor goes elsewhere."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", show=False, priority=True)]

    @dataclass
    class Taken(Message):
        """An entry was taken from the menu of `action`."""

        action: Action
        id: str

    @dataclass
    class Closed(Message):
        """It closed; `back` is true where the cursor should return to where it was."""

        back: bool

    def __init__(self, words: Catalogue) -> None:
        super().__init__(id="menu")
        self._words = words
        self._list = NumberedList()
        self._hint = Static(content([Piece(words.say("menu.hint"), Tone.FAINT)]))
        self._action = Action.STATE

    def compose(self) -> ComposeResult:
        """List and hint."""
        yield self._list
        yield self._hint

    def open(self, action: Action) -> None:
        """Show what can be picked for `action` and put the cursor on the first."""
        self._action = action
        self.entitle(content([Piece(self._words.say(f"menu.{action}"), bold=True)]))
        self._list.offer(entries(action, self._words))
        self._list.highlighted = 0
        self.screen.add_class("-menu")
        self._list.focus()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        picked = self._list.picked
        if picked is not None:
            self.post_message(self.Taken(self._action, picked))
            self.action_close()

    def action_close(self) -> None:
        """Hide, and give the cursor back."""
        self._hide(back=True)

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """The cursor went elsewhere of its own accord."""
        self._hide(back=False)

    def _hide(self, *, back: bool) -> None:
        if self.screen.has_class("-menu"):
            self.screen.remove_class("-menu")
            self.post_message(self.Closed(back))
