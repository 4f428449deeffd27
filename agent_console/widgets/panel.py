"""What the other widgets are made of: text and frames that are drawn again only when they differ.

An update of the view shows everything anew; most of it is as it was, and a layout of the whole screen for nothing is
what makes a terminal slow.
"""

from textual import events
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static


class Line(Static):
    """A text in a place of fixed size; one whose size follows it is put with `resize`."""

    _put: Content | None = None

    def put(self, text: Content, *, resize: bool = False) -> None:
        """Show this text."""
        if self._put is None or not self._put.is_same(text):
            self._put = text
            self.update(text, layout=resize)


class Panel(Vertical):
    """A frame with a title above and a word below; it has the class `-here` while the cursor is in it.

    Not the style sheet's focus-within, for which Textual styles the whole panel anew at every step of the cursor.
    """

    _title: Content | None = None
    _foot: Content | None = None

    # Textual calls the handlers of every class, so one that is defined again below does not hide these.

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The cursor came, or moved within."""
        self.set_class(self.has_focus_within, "-here")

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """The cursor left, or moved within."""
        self.set_class(self.has_focus_within, "-here")

    def entitle(self, title: Content) -> None:
        """Name it."""
        if self._title is None or not self._title.is_same(title):
            self._title = title
            self.border_title = title

    def foot(self, words: Content) -> None:
        """Say something below; empty for nothing."""
        if self._foot is None or not self._foot.is_same(words):
            self._foot = words
            self.border_subtitle = words if words.plain else ""
