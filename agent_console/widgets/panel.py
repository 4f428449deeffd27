"""What the other widgets are made of: text and frames that are drawn again only when they differ.

An update of the view shows everything anew; most of it is as it was, and a layout of the whole screen for nothing is
what makes a terminal slow.
"""

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
    """A frame with a title above and a word below."""

    _title: Content | None = None
    _foot: Content | None = None

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
