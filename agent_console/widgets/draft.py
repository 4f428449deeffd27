"""The draft of the work order: a form that stays where it is for eight hours, and what becomes of it."""

from datetime import datetime

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content

from agent_console.fields import CHOSEN, field_shown, first_question
from agent_console.formats import confidence
from agent_console.keys import SHOWN
from agent_console.lines import draft_title, ticket_lines
from agent_console.state import Action, DeskState
from agent_console.tones import Piece, Tone, content
from agent_console.widgets.choice import ChoiceField, DraftForm, YesNoField
from agent_console.widgets.field import FieldRow, PageField, TextField, Write
from agent_console.widgets.panel import Line
from agent_console.widgets.prose import Prose
from ivr.desk.catalogue import Catalogue
from ticketing.vocabulary import FieldName

SHORT_CELLS = 9
"""Room for a value of two hanzi and its mark."""

PAIR, STACK, LINE = "pair", "stack", "line"
ROWS = (
    (PAIR, (FieldName.REQUEST_TYPE, FieldName.URGENCY, FieldName.CONFIDENTIAL)),
    (STACK, (FieldName.CATEGORY, FieldName.DUE_AT)),
    (STACK, (FieldName.PLACE, FieldName.ADDRESS)),
    (PAIR, (FieldName.CITIZEN_NAME, FieldName.CALLBACK_PHONE)),
    (STACK, (FieldName.LEAD_AGENCY, FieldName.CO_AGENCIES)),
    (LINE, (FieldName.TITLE,)),
    (LINE, (FieldName.CONTENT,)),
)
"""The form, every field once. A pair shares a line; a stack does so only where the terminal is narrow and the form
has the whole of its width.
"""


class DraftPanel(DraftForm):
    """The form, what to ask or mend next, the promise to say aloud, and the work order once it is made."""

    def __init__(self, words: Catalogue, write: Write, *, blink: bool) -> None:
        super().__init__(id="draft")
        self._words = words
        self._blink = blink
        self.rows = {name: self._row(name, write) for _, names in ROWS for name in names}
        self._note = Line(id="draft-note")
        self._promise = Prose(id="draft-promise")
        self._ticket = Line(id="draft-ticket")

    def _row(self, name: FieldName, write: Write) -> FieldRow:
        below = [names[0] if shape is PAIR else name for shape, names in ROWS for name in names]
        label_cells = max(cell_len(self._words.say(f"field.{first}")) for first in below) + 1
        if name not in below:
            label_cells = cell_len(self._words.say(f"field.{name}")) + 1
        if name in CHOSEN:
            chosen = ChoiceField(name, self._words, write, label_cells=label_cells, blink=self._blink)
            if name in (FieldName.REQUEST_TYPE, FieldName.URGENCY):
                chosen.styles.width = label_cells + SHORT_CELLS
            return chosen
        if name is FieldName.CONFIDENTIAL:
            return YesNoField(name, self._words, write, label_cells=label_cells)
        if name is FieldName.CONTENT:
            return PageField(name, self._words, write, label_cells=label_cells, blink=self._blink)
        return TextField(name, self._words, write, label_cells=label_cells, blink=self._blink)

    def compose(self) -> ComposeResult:
        """The form's lines, then the lines below it."""
        for shape, names in ROWS:
            if shape is LINE:
                yield self.rows[names[0]]
            else:
                with Container(classes=shape):
                    for name in names:
                        yield self.rows[name]
        yield self._note
        yield self._promise
        yield self._ticket

    def show(self, state: DeskState, focused: FieldName | None, now: datetime) -> None:
        """Show the draft as it stands; `focused` is the field under the cursor."""
        self.entitle(content(draft_title(state, self._words)))
        self.set_class(state.draft is None, "-empty")
        here = state.shown_at(now)
        for name, row in self.rows.items():
            row.show(field_shown(state, self._words, name, here), locked=not state.writable)
        self._note.put(self._noted(state, focused, here))
        promise = state.draft.promise if state.draft is not None else ""
        self._promise.display = bool(promise)
        if promise:
            self._promise.put(
                content(
                    [Piece(f"{self._words.say('draft.promise')}  ", Tone.GOOD, bold=True), Piece(promise, bold=True)]
                )
            )
        ticket = state.view.ticket if state.view is not None else None
        self._ticket.display = ticket is not None
        self._note.display = ticket is None
        if ticket is not None:
            copy_key = SHOWN[Action.COPY_REFERENCE]
            lines = ticket_lines(ticket, self._words, state.reception.zone, here, copy_key)
            self._ticket.put(Content("\n").join(content(line) for line in lines), resize=True)

    def _noted(self, state: DeskState, focused: FieldName | None, here: datetime) -> Content:
        """One line: why the field under the cursor may not stand, the machine's other idea of it, or what to ask."""
        if state.draft is None or not state.writable:
            return Content("")
        if focused is not None:
            shown = field_shown(state, self._words, focused, here)
            if shown.note:
                return content([Piece(shown.note, Tone.ALARM)])
            if shown.suggestion is not None:
                label = shown.suggestion.label or shown.suggestion.value
                said = self._words.say("draft.suggestion", label=f"{label} {confidence(shown.suggestion.confidence)}")
                take = self._words.say("draft.take", key=SHOWN[Action.TAKE])
                return content([Piece(f"{said}   ", Tone.IDEA), Piece(take, Tone.FAINT)])
            if shown.ask:
                return content([Piece(f"? {self._words.say('draft.ask')}  ", Tone.WARN, bold=True), Piece(shown.ask)])
        question = first_question(state)
        if not question:
            return Content("")
        return content([Piece(f"? {self._words.say('draft.ask')}  ", Tone.WARN, bold=True), Piece(question)])
