"""A draft on the desk (工单草稿): what the machine believes and what a person decided, kept apart. Pure.

The one promise: a field a person has set is theirs. The machine's later idea appears beside it and waits to be taken.
"""

import msgspec

from ticketing.errors import AlreadySubmitted, UnknownId
from ticketing.views import Choice, DraftField, DraftView, Proposal, Proposed
from ticketing.vocabulary import FieldName


def new_draft(draft_id: str, call: str) -> DraftView:
    """An empty draft of a call, with every field present."""
    return DraftView(id=draft_id, call=call, revision=0, fields={name: DraftField() for name in FieldName})


def absorb(draft: DraftView, proposal: Proposal) -> DraftView:
    """The draft after the drafter thought again. A submitted draft, or one nothing changed in, comes back as it was."""
    if draft.reference is not None:
        return draft
    fields = {name: _absorb_field(draft.fields[name], proposal.fields.get(name, Proposed())) for name in FieldName}
    after = msgspec.structs.replace(
        draft,
        fields=fields,
        emergency_target=proposal.emergency_target,
        not_accepted_id=proposal.not_accepted_id,
        promise=proposal.promise,
    )
    return draft if after == draft else msgspec.structs.replace(after, revision=draft.revision + 1)


def edit(draft: DraftView, field: FieldName, value: str, label: str) -> DraftView:
    """The draft after a person set a field. Raises `AlreadySubmitted` when it is a ticket by now."""
    if draft.reference is not None:
        raise AlreadySubmitted(draft.reference)
    old = draft.fields[field]
    beside = None
    if not old.mine and old.value and old.value != value:
        beside = Choice(value=old.value, label=old.label, confidence=old.confidence)
    elif old.mine and old.suggestion is not None and old.suggestion.value != value:
        beside = old.suggestion
    new = msgspec.structs.replace(old, value=value, label=label, confidence=1.0, mine=True, suggestion=beside, ask="")
    return msgspec.structs.replace(draft, fields={**draft.fields, field: new}, revision=draft.revision + 1)


def take(draft: DraftView, field: FieldName) -> DraftView:
    """The draft after a person took the machine's idea for a field. Raises `UnknownId` where there is none."""
    suggestion = draft.fields[field].suggestion
    if suggestion is None:
        raise UnknownId(f"field {field} has no suggestion to take")
    return edit(draft, field, suggestion.value, suggestion.label)


def _absorb_field(old: DraftField, idea: Proposed) -> DraftField:
    if not old.mine:
        return DraftField(
            value=idea.value,
            label=idea.label,
            confidence=idea.confidence,
            evidence=idea.evidence,
            alternatives=idea.alternatives,
            ask=idea.ask,
        )
    beside = None
    if idea.value and idea.value != old.value:
        beside = Choice(value=idea.value, label=idea.label, confidence=idea.confidence)
    return msgspec.structs.replace(
        old, suggestion=beside, evidence=idea.evidence, alternatives=idea.alternatives, ask=""
    )
