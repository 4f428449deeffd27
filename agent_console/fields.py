"""A field of the draft as it is shown: whose value it is, how sure the machine is, what else it thinks. Pure."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from agent_console.edits import EditState
from agent_console.formats import confidence, day_and_time, read_day_and_time
from agent_console.state import DeskState, LinkState
from agent_console.tones import Piece, Tone
from ivr.desk.catalogue import Catalogue
from ticketing.views import Choice, DraftField
from ticketing.vocabulary import FieldName

CHOSEN: Final = frozenset(
    {
        FieldName.REQUEST_TYPE,
        FieldName.CATEGORY,
        FieldName.PLACE,
        FieldName.LEAD_AGENCY,
        FieldName.CO_AGENCIES,
        FieldName.URGENCY,
    }
)
"""Fields that hold ids: their values are picked from a list, found by typing."""

YES: Final = "yes"
SEVERAL: Final = "|"
"""Between the ids of a field that holds several."""

SURE, UNSURE = 0.85, 0.6
"""From here on a value's confidence is calm, below here it warns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldShown:
    """`text` is what stands in the editor, `value` what is stored, `note` why it may not stand."""

    value: str
    text: str
    mark: Piece
    mine: bool
    suggestion: Choice | None
    alternatives: tuple[Choice, ...]
    ask: str
    note: str
    evidence: tuple[str, ...]


EMPTY: Final = DraftField()


def field_shown(state: DeskState, words: Catalogue, name: FieldName, now: datetime) -> FieldShown:
    """The field as it stands: what is being typed first, then the server's."""
    field = EMPTY if state.draft is None else state.draft.fields.get(name, EMPTY)
    edit = state.edits.get(name)
    mine = field.mine or edit is not None
    value = field.value if edit is None else edit.value
    text = _text(field, words, name, state.reception.zone, now) if edit is None else edit.label
    return FieldShown(
        value=value,
        text=text,
        mark=_mark(state, words, name, field),
        mine=mine,
        suggestion=field.suggestion if field.suggestion is None or field.suggestion.value != value else None,
        alternatives=field.alternatives,
        ask=field.ask if state.writable and not value else "",
        note="" if edit is None or edit.refused is None else words.tell(edit.refused.code, edit.refused.params),
        evidence=field.evidence,
    )


def _text(field: DraftField, words: Catalogue, name: FieldName, zone: tzinfo, now: datetime) -> str:
    match name:
        case FieldName.CONFIDENTIAL if field is not EMPTY:
            return words.say("draft.yes" if field.value == YES else "draft.no")
        case FieldName.DUE_AT:
            return _moment(field.value, zone, now)
        case _ if name in CHOSEN:
            return field.label or field.value
        case _:
            return field.value


def stored(name: FieldName, text: str, zone: tzinfo, now: datetime) -> str | None:
    """What is stored for what was written; None where it cannot be read."""
    if name is not FieldName.DUE_AT or not text.strip():
        return text
    moment = read_day_and_time(text, zone, now)
    return None if moment is None else moment.isoformat()


def _moment(value: str, zone: tzinfo, now: datetime) -> str:
    if not value:
        return ""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return day_and_time(moment, zone, now) if moment.tzinfo is not None else value


def _mark(state: DeskState, words: Catalogue, name: FieldName, field: DraftField) -> Piece:
    edit = state.edits.get(name)
    value = field.value if edit is None else edit.value
    if name in state.missing and not value:
        return Piece(words.say("mark.missing"), Tone.ALARM, bold=True)
    if edit is not None and edit.state is EditState.REFUSED:
        return Piece(words.say("mark.refused"), Tone.ALARM, bold=True)
    away = state.reception.link.state is not LinkState.CONNECTED
    if edit is not None and away and edit.state in (EditState.WAITING, EditState.SENT):
        return Piece(words.say("mark.unsent"), Tone.WARN)
    if edit is not None or field.mine:
        return Piece(words.say("mark.mine"), Tone.MINE)
    if not value and field.ask and state.writable:
        return Piece(words.say("mark.ask"), Tone.WARN)
    if not value:
        return Piece("")
    tone = Tone.FAINT if field.confidence >= SURE else Tone.INK if field.confidence >= UNSURE else Tone.WARN
    return Piece(confidence(field.confidence), tone)


def first_question(state: DeskState) -> str:
    """What to ask the citizen next: the first empty field's question, in the order an agent reads them."""
    for name in FieldName:
        field = EMPTY if state.draft is None else state.draft.fields.get(name, EMPTY)
        edit = state.edits.get(name)
        if field.ask and not field.value and (edit is None or not edit.value):
            return field.ask
    return ""
