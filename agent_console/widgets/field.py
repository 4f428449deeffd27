"""One field of the draft: label, editor, the machine's other idea, and whose value it is.

What is typed is written down at once, before anything else can happen (`Write`), so that no update finds a text on the
screen that the desk does not know to be the agent's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from agent_console.fields import FieldShown
from agent_console.formats import confidence
from agent_console.tones import Piece, Tone, content
from agent_console.widgets.panel import Line
from ivr.desk.catalogue import Catalogue
from ticketing.vocabulary import FieldName

Write: TypeAlias = Callable[[FieldName, str, str], None]
"""Writes down a field's new value and what a person reads for it."""


class FieldRow(Horizontal):
    """A field; subclasses bring the editor."""

    @dataclass
    class Typed(Message):
        """The agent is changing the field; more may follow."""

        field: FieldName

    @dataclass
    class Finished(Message):
        """The agent is done with the field for now."""

        field: FieldName

    def __init__(self, field: FieldName, words: Catalogue, write: Write, *, label_cells: int) -> None:
        super().__init__(id=f"field-{field}")
        self.field = field
        self.words = words
        self.write = write
        self._label = Static(Content(words.say(f"field.{field}")), classes="label")
        self._label.styles.width = label_cells
        self._idea = Line(classes="idea")
        self._mark = Line(classes="mark")
        self._shown: FieldShown | None = None
        self._locked: bool | None = None

    def compose(self) -> ComposeResult:
        """Label, editor, idea, mark."""
        yield self._label
        yield from self.editor()
        yield self._idea
        yield self._mark

    def editor(self) -> ComposeResult:
        """The widgets the value is changed in."""
        raise NotImplementedError

    def put(self, shown: FieldShown, locked: bool) -> None:
        """Show the value, unless the editor holds something newer; `locked` takes no changes."""
        raise NotImplementedError

    def show(self, shown: FieldShown, locked: bool) -> None:
        """Show the field as it stands."""
        self.put(shown, locked)
        if (shown, locked) == (self._shown, self._locked):
            return
        self._shown, self._locked = shown, locked
        self.set_class(shown.mine, "-mine")
        self.set_class(locked, "-locked")
        self._mark.put(content([shown.mark]))
        idea = shown.suggestion
        self._idea.display = idea is not None
        if idea is not None:
            label = idea.label or idea.value
            self._idea.put(content([Piece(f"← {label} {confidence(idea.confidence)}", Tone.IDEA)]), resize=True)


class LineEditor(Input):
    """A line of text that only the agent changes by key, and only while it is not locked."""

    locked = False
    putting = False

    def validate_value(self, value: str) -> str:
        """Refuse keys while locked."""
        return self.value if self.locked and not self.putting else value

    def put(self, text: str) -> None:
        """Change the text from outside; the cursor stays where it can."""
        cursor = self.cursor_position
        self.putting = True
        self.value = text
        self.putting = False
        self.cursor_position = min(cursor, len(text))


class TextField(FieldRow):
    """Free text on one line."""

    def __init__(self, field: FieldName, words: Catalogue, write: Write, *, label_cells: int, blink: bool) -> None:
        super().__init__(field, words, write, label_cells=label_cells)
        self._line = LineEditor(compact=True, select_on_focus=False, classes="editor")
        self._line.cursor_blink = blink
        self._known = ""

    def editor(self) -> ComposeResult:
        """An input."""
        yield self._line

    def put(self, shown: FieldShown, locked: bool) -> None:
        """See `FieldRow`."""
        self._line.locked = locked
        self._line.placeholder = f"?{shown.ask}" if shown.ask else ""
        if self._line.value != self._known:
            self._note()
        elif shown.text != self._known:
            self._known = shown.text
            self._line.put(shown.text)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._line.value != self._known:
            self._note()

    def _note(self) -> None:
        self._known = self._line.value
        self.write(self.field, self._known, self._known)
        self.post_message(self.Typed(self.field))

    @on(Input.Submitted)
    @on(Input.Blurred)
    def _done(self, event: Input.Submitted | Input.Blurred) -> None:
        event.stop()
        self.post_message(self.Finished(self.field))


class PageEditor(TextArea):
    """Several lines of text."""

    @dataclass
    class Left(Message):
        """The cursor went elsewhere."""

    def on_blur(self) -> None:
        """Tell the field."""
        self.post_message(self.Left())


class PageField(FieldRow):
    """Free text on many lines."""

    def __init__(self, field: FieldName, words: Catalogue, write: Write, *, label_cells: int, blink: bool) -> None:
        super().__init__(field, words, write, label_cells=label_cells)
        self._page = PageEditor(
            compact=True, highlight_cursor_line=False, soft_wrap=True, tab_behavior="focus", classes="editor"
        )
        self._page.cursor_blink = blink
        self._known = ""

    def editor(self) -> ComposeResult:
        """A text area."""
        yield self._page

    def put(self, shown: FieldShown, locked: bool) -> None:
        """See `FieldRow`."""
        self._page.read_only = locked
        self._page.placeholder = f"?{shown.ask}" if shown.ask else ""
        if self._page.text != self._known:
            self._note()
        elif shown.text != self._known:
            cursor = self._page.cursor_location
            self._known = shown.text
            self._page.load_text(shown.text)
            self._page.move_cursor(cursor)

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self._page.text != self._known:
            self._note()

    def _note(self) -> None:
        self._known = self._page.text
        self.write(self.field, self._known, self._known)
        self.post_message(self.Typed(self.field))

    @on(PageEditor.Left)
    def _done(self, event: PageEditor.Left) -> None:
        event.stop()
        self.post_message(self.Finished(self.field))
