"""What a desk is shown of a person and of a draft. Pure."""

import msgspec

from ivr.calls.roster import Seat
from ivr.desk.views import AgentCard
from ticketing.masking import mask_number
from ticketing.views import DraftView
from ticketing.vocabulary import FieldName


def for_screen(draft: DraftView, caller_number: str | None) -> DraftView:
    """The draft with the caller's own number masked: the whole one is shown for a reason that is kept, or never."""
    field = draft.fields[FieldName.CALLBACK_PHONE]
    if caller_number is None or field.value != caller_number:
        return draft
    masked = mask_number(caller_number)
    hidden = msgspec.structs.replace(field, value=masked, label=masked)
    return msgspec.structs.replace(draft, fields={**draft.fields, FieldName.CALLBACK_PHONE: hidden})


def agent_card(seat: Seat) -> AgentCard:
    """A seat of the roster as its desk shows it."""
    return AgentCard(
        id=seat.agent.id,
        name=seat.agent.name,
        extension=seat.agent.extension,
        state=seat.state,
        since=seat.since,
        pause_reason=seat.pause_reason or seat.pause_next,
    )
