"""The conversation, line by line: follows its end while it is at the end, and never moves under the reader."""

from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.visual import Visual

from agent_console.formats import line_breaks
from agent_console.said import Said
from asr.transcript import Speaker
from ivr.desk.catalogue import Catalogue


class Transcript(ScrollView, can_focus=True):
    """One call's lines. What is kept of them is what `show` was last given."""

    @dataclass
    class Followed(Message):
        """The view reached its end (`following`) or left it."""

        following: bool

    def __init__(self, words: Catalogue, *, id: str | None = None) -> None:  # noqa: A002 Textual's own name for it
        super().__init__(id=id)
        self._words = words
        self._labels = {speaker: words.say(f"speaker.{speaker}") for speaker in Speaker}
        self._indent = len("00:00:00 ") + max(cell_len(label) for label in self._labels.values()) + 1
        self._said: tuple[Said, ...] = ()
        self._lit: frozenset[str] = frozenset()
        self._wrapped: dict[Said, list[Content]] = {}
        self._lines: list[Content] = []
        self._width = 0
        self.following = True

    @property
    def allow_select(self) -> bool:
        """Words can be marked with the mouse and copied."""
        return True

    def show(self, said: tuple[Said, ...], lit: frozenset[str]) -> None:
        """Show these lines; those whose ids are in `lit` are what the field under the cursor rests on."""
        if said == self._said and lit == self._lit:
            return
        if not said:
            self.following = True
        self._said, self._lit = said, lit
        self._lay()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap anew."""
        width = self.scrollable_content_region.width
        if width != self._width:
            self._width = width
            self._wrapped.clear()
        self._lay()

    def _lay(self) -> None:
        if self._width <= self._indent:
            return
        self._wrapped = {said: self._wrapped.get(said) or self._wrap(said) for said in self._said}
        self._lines = [
            line.stylize("on $lit") if said.id in self._lit else line
            for said, lines in self._wrapped.items()
            for line in lines
        ]
        self.virtual_size = Size(self._width, len(self._lines))
        if self.following:
            self.scroll_end(animate=False, force=True, x_axis=False)
        self.refresh()

    def _wrap(self, said: Said) -> list[Content]:
        if said.lost:
            text = Content.styled(self._words.say("transcript.lost"), "$warn italic")
        else:
            text = Content.styled(said.text, "$faint italic" if said.live else "$ink")
        for begin, end in said.doubts:
            text = text.stylize("underline", begin, end)
        tone = "$citizen" if said.speaker is Speaker.CITIZEN else "$officer"
        label = self._labels[said.speaker]
        head = Content.assemble((f"{said.when} ", "$faint"), (label, f"{tone} bold"))
        head = head.pad_right(self._indent - head.cell_length)
        pieces = text.divide(line_breaks(text.plain, self._width - self._indent)) or [text]
        rest = Content(" " * self._indent)
        return [(head if number == 0 else rest) + piece.rstrip() for number, piece in enumerate(pieces)]

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Notice whether the end is in view."""
        super().watch_scroll_y(old_value, new_value)
        following = self.is_vertical_scroll_end
        if following != self.following:
            self.following = following
            self.post_message(self.Followed(following))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        _, scroll_y = self.scroll_offset
        row = scroll_y + y
        width = self.size.width
        if row >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[row]
        selection = self.text_selection
        span = selection.get_span(row) if selection is not None else None
        if span is not None:
            begin, end = span
            line = line.stylize(
                "$screen-selection-foreground on $screen-selection-background", begin, None if end == -1 else end
            )
        strips = Visual.to_strips(self, line, width, 1, self.visual_style, apply_selection=False, pad=True)
        return strips[0].apply_offsets(0, row)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The marked words."""
        return selection.extract("\n".join(line.plain for line in self._lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Show what is marked."""
        self.refresh()
