"""Every key with what it does. A key of the desk works from here too: it closes the help first."""

from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from agent_console.keys import GENERAL, KEYS, display
from agent_console.state import Action
from agent_console.tones import Piece, Tone, content
from ivr.desk.catalogue import Catalogue


class HelpScreen(ModalScreen[Action | None]):
    """Ends with the key that was pressed, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", show=False),
        *(Binding(key.pressed, f"pressed({key.action.value!r})", show=False, priority=True) for key in KEYS),
    ]

    def __init__(self, words: Catalogue) -> None:
        super().__init__()
        self._words = words

    def compose(self) -> ComposeResult:
        """A line a key."""
        rows = [(" / ".join(display(name) for name in key.names), f"about.{key.action}") for key in KEYS]
        rows += list(GENERAL)
        wide = max(cell_len(name) for name, _ in rows)
        lines = [
            content(
                [Piece(name + " " * (wide - cell_len(name) + 2), Tone.BUSY, bold=True), Piece(self._words.say(code))]
            )
            for name, code in rows
        ]
        lines += [Content(""), content([Piece(self._words.say("help.foot"), Tone.FAINT)])]
        with VerticalScroll(id="help") as table:
            table.border_title = content([Piece(self._words.say("help.title"), bold=True)])
            yield Static(Content("\n").join(lines))

    def action_close(self) -> None:
        """Esc."""
        self.dismiss(None)

    def action_pressed(self, name: str) -> None:
        """A key of the desk."""
        self.dismiss(None if name == Action.HELP else Action(name))
