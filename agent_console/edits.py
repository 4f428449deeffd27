"""What the agent typed and the server has not yet made its own: nothing typed is lost, nothing old overwrites it. Pure.

An edit is `WAITING` until it is sent, `SENT` until it is answered, `TAKEN` from the answer until a draft that shows it
as the agent's arrives, and `REFUSED` until the agent changes it. The newest text of a field is the only one kept.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from ivr.desk.envelope import Refused
from ticketing.views import DraftField, DraftView
from ticketing.vocabulary import FieldName


class EditState(StrEnum):
    """How far an edit has come."""

    WAITING = "waiting"
    SENT = "sent"
    TAKEN = "taken"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """One field's text: `value` is what is stored, `label` what a person reads; `refused` says why it may not stand.

    `before` is what the draft showed when the edit was sent.
    """

    draft: str
    field: FieldName
    value: str
    label: str
    state: EditState = EditState.WAITING
    before: DraftField | None = None
    refused: Refused | None = None


class Edits:
    """The edits of all drafts of this desk, at most one a field."""

    def __init__(self) -> None:
        self._edits: dict[tuple[str, FieldName], Edit] = {}

    def __len__(self) -> int:
        return len(self._edits)

    def of(self, draft: str, field: FieldName) -> Edit | None:
        """What was typed into that field, if the server has not made it its own."""
        return self._edits.get((draft, field))

    def type(self, draft: str, field: FieldName, value: str, label: str) -> None:
        """The agent's newest text; the same value written in other words needs no sending again."""
        known = self.of(draft, field)
        if known is None or known.value != value:
            self._edits[draft, field] = Edit(draft=draft, field=field, value=value, label=label)
        elif known.label != label:
            self._edits[draft, field] = replace(known, label=label)

    def refuse(self, edit: Edit, refused: Refused) -> None:
        """The edit may not stand; it stays as typed, marked, until the agent changes it."""
        self._move(edit, EditState.REFUSED, refused=refused)

    def unsent(self) -> list[Edit]:
        """What waits to be sent, oldest first."""
        return [edit for edit in self._edits.values() if edit.state is EditState.WAITING]

    def unsaved(self) -> int:
        """How many edits the server does not have yet."""
        return sum(edit.state in (EditState.WAITING, EditState.SENT) for edit in self._edits.values())

    def refused(self, draft: str) -> list[Edit]:
        """What may not stand in that draft."""
        return [edit for edit in self._edits.values() if edit.draft == draft and edit.state is EditState.REFUSED]

    def sent(self, edit: Edit, shown: DraftView | None) -> None:
        """On its way; `shown` is the draft as it stands now."""
        self._move(edit, EditState.SENT, before=_field(shown, edit))

    def unanswered(self, edit: Edit) -> None:
        """No answer came: to be sent again."""
        self._move(edit, EditState.WAITING)

    def taken(self, edit: Edit, shown: DraftView | None) -> None:
        """The server has it. The text stays until a draft shows it; `shown` is the draft as it stands now."""
        self._move(edit, EditState.TAKEN)
        kept = self.of(edit.draft, edit.field)
        if kept is None or kept.value != edit.value:
            return
        now = _field(shown, edit)
        if now is not None and now.mine and (now.value == edit.value or now != kept.before):
            self.drop(edit.draft, edit.field)

    def settle(self, draft: DraftView) -> None:
        """A newer draft arrived: what it shows as the agent's needs no keeping any more."""
        for edit in list(self._edits.values()):
            field = draft.fields.get(edit.field)
            if edit.draft == draft.id and edit.state is EditState.TAKEN and field is not None and field.mine:
                self.drop(edit.draft, edit.field)

    def drop(self, draft: str, field: FieldName) -> None:
        """Forget it: the server's value stands."""
        self._edits.pop((draft, field), None)

    def leave_others(self, draft: str | None) -> None:
        """Another draft is on the desk: what was settled or refused in earlier ones is of no more use."""
        for edit in list(self._edits.values()):
            if edit.draft != draft and edit.state in (EditState.TAKEN, EditState.REFUSED):
                self.drop(edit.draft, edit.field)

    def forget(self) -> None:
        """Another person signs in."""
        self._edits.clear()

    def _move(
        self, edit: Edit, state: EditState, *, before: DraftField | None = None, refused: Refused | None = None
    ) -> None:
        """Only if nothing newer was typed since."""
        kept = self.of(edit.draft, edit.field)
        if kept is not None and kept.value == edit.value:
            known = kept.before if before is None else before
            self._edits[edit.draft, edit.field] = replace(kept, state=state, before=known, refused=refused)


def _field(shown: DraftView | None, edit: Edit) -> DraftField | None:
    return shown.fields.get(edit.field) if shown is not None and shown.id == edit.draft else None
