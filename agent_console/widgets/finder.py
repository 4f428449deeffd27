"""Search as you type: a box, and below it what was found, moved through without leaving the box."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, OptionList

from agent_console.tones import Piece, Tone, content
from agent_console.widgets.numbered import Entry, NumberedList
from agent_console.widgets.panel import Line

DEBOUNCE: Final = 0.1
"""Seconds of quiet before what was typed is asked for."""


class SearchBox(Input):
    """Where the query is typed. Up and down move in the list below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
    ]

    @dataclass
    class Moved(Message):
        """The highlight should go up (-1) or down (1)."""

        by: int

    def action_move(self, by: int) -> None:
        """Tell the list."""
        self.post_message(self.Moved(by))


class Finder(Vertical):
    """The box and its list. What an empty box shows is its owner's business."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", show=False, priority=True)]

    @dataclass
    class Asked(Message):
        """Something is searched for."""

        finder: "Finder"
        query: str

        @property
        def control(self) -> "Finder":
            """Who asks."""
            return self.finder

    @dataclass
    class Picked(Message):
        """An entry was taken."""

        finder: "Finder"
        id: str

        @property
        def control(self) -> "Finder":
            """Whose entry."""
            return self.finder

    @dataclass
    class Closed(Message):
        """The person is done here."""

        finder: "Finder"

        @property
        def control(self) -> "Finder":
            """Which one."""
            return self.finder

    def __init__(self, placeholder: str, *, blink: bool, query: str = "") -> None:
        super().__init__()
        self._box = SearchBox(query, placeholder, compact=True, select_on_focus=False)
        self._box.cursor_blink = blink
        self._list = NumberedList()
        self._note = Line(classes="note")
        self._timer: Timer | None = None
        self._offered_for: str | None = None
        self._entered_early = False

    def compose(self) -> ComposeResult:
        """Box, list, and a note in the list's place."""
        yield self._box
        yield self._list
        yield self._note

    @property
    def query_text(self) -> str:
        """What stands in the box."""
        return self._box.value.strip()

    @property
    def in_box(self) -> bool:
        """Whether the cursor is in the box."""
        return self._box.has_focus

    def enter_box(self) -> None:
        """Put the cursor into the box."""
        self._box.focus()

    def write(self, text: str) -> None:
        """Type something more."""
        self._box.insert_text_at_cursor(text)

    def enter_list(self) -> None:
        """Put the cursor into the list, if it holds anything."""
        if self._list.picked is not None:
            self._list.focus()

    def clear_box(self) -> None:
        """Empty the box without asking for anything."""
        with self._box.prevent(Input.Changed):
            self._box.value = ""

    def offer(self, query: str, entries: Sequence[Entry], note: str) -> None:
        """Show what was found for `query`, unless the box holds something else by now; `note` where nothing was."""
        if query != self.query_text:
            return
        self._offered_for = query
        self._list.offer(entries)
        self._list.display = bool(entries)
        self._note.put(content([Piece(note, Tone.FAINT)]))
        self._note.display = not entries
        if self._entered_early:
            self._entered_early = False
            self._pick()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._entered_early = False
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(DEBOUNCE, self._ask)

    def _ask(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self.post_message(self.Asked(self, self.query_text))

    @on(SearchBox.Moved)
    def _moved(self, event: SearchBox.Moved) -> None:
        event.stop()
        if event.by > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if self._offered_for == self.query_text:
            self._pick()
        else:  # the list still answers an older query: take the first of the new one
            self._entered_early = True
            self._ask()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._pick()

    def _pick(self) -> None:
        picked = self._list.picked
        if picked is not None:
            self.post_message(self.Picked(self, picked))

    def action_close(self) -> None:
        """Esc."""
        self.post_message(self.Closed(self))
