"""Text of several lines, broken where Chinese allows it."""

from textual import events
from textual.content import Content

from agent_console.formats import line_breaks
from agent_console.widgets.panel import Line


class Prose(Line):
    """A text that is broken anew when its width changes."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 Textual's own name for it
        super().__init__(id=id)
        self._prose = Content("")
        self._across = 0

    def put(self, text: Content, *, resize: bool = True) -> None:
        """Show this text."""
        if not self._prose.is_same(text):
            self._prose = text
            self._break()

    def on_resize(self, event: events.Resize) -> None:
        """Break it anew."""
        if event.size.width != self._across:
            self._across = event.size.width
            self._break()

    def _break(self) -> None:
        if not self._across:
            super().put(self._prose, resize=True)
            return
        lines = self._prose.divide(line_breaks(self._prose.plain, self._across)) or [self._prose]
        super().put(Content("\n").join(line.rstrip() for line in lines), resize=True)
