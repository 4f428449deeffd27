"""Lists under the fingers: a digit takes the line of that number, Enter the highlighted one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from agent_console.tones import Piece, Tone, content


@dataclass(frozen=True, slots=True)
class Entry:
    """A line: `id` is what picking it means."""

    id: str
    pieces: tuple[Piece, ...]


class NumberedList(OptionList):
    """Entries, the first nine with their digit in front."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(str(digit), f"pick({digit})", show=False) for digit in range(1, 10)
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 Textual's own name for it
        super().__init__(id=id, compact=True, markup=False)
        self._entries: tuple[Entry, ...] = ()

    def offer(self, entries: Sequence[Entry]) -> None:
        """Show these instead; the highlight stays on the same entry, or goes to the first."""
        if tuple(entries) == self._entries:
            return
        kept = self.picked
        self._entries = tuple(entries)
        self.set_options(
            Option(content([Piece(f"{number} " if number < 10 else "  ", Tone.FAINT), *entry.pieces]), id=f"n{number}")
            for number, entry in enumerate(entries, 1)
        )
        places = [place for place, entry in enumerate(entries) if entry.id == kept]
        self.highlighted = places[0] if places else 0 if entries else None

    @property
    def picked(self) -> str | None:
        """The id under the highlight."""
        if self.highlighted is None or self.highlighted >= len(self._entries):
            return None
        return self._entries[self.highlighted].id

    def action_pick(self, number: int) -> None:
        """Take the entry of that number, where there is one."""
        if number <= len(self._entries):
            self.highlighted = number - 1
            self.action_select()
