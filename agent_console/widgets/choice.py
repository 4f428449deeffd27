"""Fields that are chosen, not written: from a list found by typing, or between yes and no."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from agent_console.fields import SEVERAL, YES, FieldShown
from agent_console.formats import confidence
from agent_console.tones import Piece, Tone, content
from agent_console.widgets.field import FieldRow, Write
from agent_console.widgets.finder import Finder
from agent_console.widgets.numbered import Entry
from agent_console.widgets.panel import Line, Panel
from ivr.desk.catalogue import Catalogue
from ticketing.views import Choice
from ticketing.vocabulary import FieldName

LABELS = "\u3001"
"""Between the names of several chosen values: the Chinese enumeration comma."""


class DraftForm(Panel):
    """What fields stand in, line below line."""


class ValueBox(Line, can_focus=True):
    """A value that is not typed into. Enter, space, or the first letters of what is wanted begin to change it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space,down", "change", show=False),
        Binding("backspace,delete", "clear", show=False),
    ]

    @dataclass
    class Changing(Message):
        """The person wants another value; `begun` is what they have typed already."""

        begun: str = ""

    @dataclass
    class Cleared(Message):
        """The person wants no value."""

    def action_change(self) -> None:
        """Open."""
        self.post_message(self.Changing())

    def action_clear(self) -> None:
        """Empty."""
        self.post_message(self.Cleared())

    def on_key(self, event: events.Key) -> None:
        """Any letter begins the search, hanzi from an input method too."""
        if event.is_printable and event.character is not None and not event.character.isspace():
            event.stop()
            self.post_message(self.Changing(event.character))

    def on_paste(self, event: events.Paste) -> None:
        """So does what an input method hands over at once."""
        lines = event.text.splitlines()
        if lines:
            event.stop()
            self.post_message(self.Changing(lines[0]))

    def on_click(self) -> None:
        """And a click."""
        self.action_change()


class ChoiceList(Finder):
    """The list in which a value is found: it opens below its field's line, and the form makes room for it.

    Not an overlay: Textual loses wide characters of an overlay where a widget below it ends (its issue 6357).
    """

    @dataclass
    class Left(Message):
        """The cursor went elsewhere."""

    def __init__(self, row: "ChoiceField", placeholder: str, *, blink: bool, query: str) -> None:
        super().__init__(placeholder, blink=blink, query=query)
        self.row = row

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Close once nothing in the list has the cursor."""
        self.call_after_refresh(self._look)

    def _look(self) -> None:
        if self.is_attached and not self.has_focus_within:
            self.post_message(self.Left())

    @on(Finder.Asked)
    def _asked(self, event: Finder.Asked) -> None:
        event.stop()
        self.row.post_message(ChoiceField.Wanted(self.row, event.query))

    @on(Finder.Picked)
    async def _picked(self, event: Finder.Picked) -> None:
        event.stop()
        await self.row.pick(event.id)

    @on(Finder.Closed)
    async def _finder_closed(self, event: Finder.Closed) -> None:
        event.stop()
        await self.row.shut(back=True)

    @on(Left)
    async def _left(self, event: Left) -> None:
        event.stop()
        await self.row.shut(back=False)


class ChoiceField(FieldRow):
    """A field that holds an id, or several: picking one that is in takes it out again."""

    @dataclass
    class Wanted(Message):
        """What could this field be, for what was typed?"""

        row: "ChoiceField"
        query: str

    def __init__(self, field: FieldName, words: Catalogue, write: Write, *, label_cells: int, blink: bool) -> None:
        super().__init__(field, words, write, label_cells=label_cells)
        self.box = ValueBox(classes="value editor")
        self._blink = blink
        self._list: ChoiceList | None = None
        self._choices: dict[str, Choice] = {}

    def editor(self) -> ComposeResult:
        """The value; its list comes when it is wanted."""
        yield self.box

    def put(self, shown: FieldShown, locked: bool) -> None:
        """See `FieldRow`."""
        if shown == self._shown:
            return
        if shown.text:
            self.box.put(content([Piece(shown.text, Tone.MINE if shown.mine else Tone.INK, bold=shown.mine)]))
        else:
            self.box.put(content([Piece(f"?{shown.ask}" if shown.ask else "", Tone.WARN)]))

    @on(ValueBox.Changing)
    async def _open(self, event: ValueBox.Changing) -> None:
        event.stop()
        if self._list is not None:
            self._list.write(event.begun)  # an input method hands over several at once, before the list has the cursor
            return
        if self._locked:
            return
        self._list = ChoiceList(self, self.words.say("draft.search"), blink=self._blink, query=event.begun)
        line = self if isinstance(self.parent, DraftForm) else self.parent
        form = next(node for node in self.ancestors if isinstance(node, DraftForm))
        await form.mount(self._list, after=line if isinstance(line, Widget) else None)
        self._list.enter_box()
        self.offer(self._list.query_text, self._shown.alternatives if self._shown is not None else (), "draft.looking")
        self.post_message(self.Wanted(self, self._list.query_text))

    def offer(self, query: str, choices: Sequence[Choice], note: str = "draft.nothing_found") -> None:
        """Show what the field could be; `note` is the catalogue's code for none."""
        if self._list is None:
            return
        self._choices = {choice.value: choice for choice in choices}
        chosen = self._chosen()
        entries = [
            Entry(
                choice.value,
                (
                    Piece("● " if choice.value in chosen else "", Tone.GOOD),
                    Piece(choice.label or choice.value),
                    Piece(f"  {confidence(choice.confidence)}" if choice.confidence else "", Tone.FAINT),
                ),
            )
            for choice in choices
        ]
        self._list.offer(query, entries, self.words.tell(note, {}))

    def _chosen(self) -> list[str]:
        value = self._shown.value if self._shown is not None else ""
        return [part for part in value.split(SEVERAL) if part]

    async def pick(self, value: str) -> None:
        """Take that choice."""
        choice = self._choices.get(value)
        if choice is None:
            return
        label = choice.label or choice.value
        if self.field is FieldName.CO_AGENCIES:
            self._toggle(choice.value, label)
        else:
            self.write(self.field, choice.value, label)
        await self.shut(back=True)
        self.post_message(self.Finished(self.field))

    def _toggle(self, value: str, label: str) -> None:
        chosen = self._chosen()
        text = self._shown.text if self._shown is not None else ""
        labels = dict(zip(chosen, text.split(LABELS), strict=False)) if text else {}
        if value in chosen:
            chosen.remove(value)
        else:
            chosen.append(value)
            labels[value] = label
        self.write(self.field, SEVERAL.join(chosen), LABELS.join(labels.get(part, part) for part in chosen))

    @on(ValueBox.Cleared)
    def _cleared(self, event: ValueBox.Cleared) -> None:
        event.stop()
        if not self._locked and self._shown is not None and self._shown.value:
            self.write(self.field, "", "")
            self.post_message(self.Finished(self.field))

    async def shut(self, *, back: bool) -> None:
        """Close the list; `back` gives the cursor to the field."""
        if self._list is None:
            return
        if back:
            self.box.focus()
        shut, self._list = self._list, None
        await shut.remove()


class YesNoField(FieldRow):
    """A field that is on or off."""

    def __init__(self, field: FieldName, words: Catalogue, write: Write, *, label_cells: int) -> None:
        super().__init__(field, words, write, label_cells=label_cells)
        self.box = ValueBox(classes="value editor")

    def editor(self) -> ComposeResult:
        """The word."""
        yield self.box

    def put(self, shown: FieldShown, locked: bool) -> None:
        """See `FieldRow`."""
        if shown != self._shown:
            tone = Tone.WARN if shown.value == YES else Tone.MINE if shown.mine else Tone.INK
            self.box.put(content([Piece(shown.text, tone, bold=shown.value == YES)]))

    @on(ValueBox.Changing)
    def _change(self, event: ValueBox.Changing) -> None:
        event.stop()
        if self._locked or self._shown is None or event.begun:
            return
        on_now = self._shown.value == YES
        self.write(self.field, "" if on_now else YES, self.words.say("draft.no" if on_now else "draft.yes"))
        self.post_message(self.Finished(self.field))


def row_of(widget: Widget | None) -> FieldRow | None:
    """The field a widget belongs to."""
    node = widget
    while node is not None and not isinstance(node, FieldRow):
        if isinstance(node, ChoiceList):
            return node.row
        parent = node.parent
        node = parent if isinstance(parent, Widget) else None
    return node
