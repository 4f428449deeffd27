"""What this room shows of itself: frozen structs that cross to the server and over the desk's wire. Pure.

Times are aware UTC datetimes; the desk shows them in the site's zone.
"""

from datetime import date, datetime

import msgspec

from ticketing.vocabulary import FieldName, Speaker


class Utterance(msgspec.Struct, frozen=True, kw_only=True):
    """One finished piece of speech, the drafter's input. Times in ms since the call began."""

    id: str
    speaker: Speaker
    start_ms: int
    end_ms: int
    text: str


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A value a field could take: `value` is what is stored (an id or text), `label` what a person reads."""

    value: str
    label: str
    confidence: float


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """What the drafter believes of one field.

    `value` is empty where confidence is below the field's threshold; then `ask` may hold the question that would fill
    it. `evidence` are utterance ids, in order. `alternatives` are the next best, best first.
    Values: codes and ids as the site pack has them; CONFIDENTIAL "yes" or ""; CO_AGENCIES ids joined by "|"; DUE_AT
    ISO 8601 UTC; phone digits only.
    """

    value: str = ""
    label: str = ""
    confidence: float = 0.0
    evidence: tuple[str, ...] = ()
    alternatives: tuple[Choice, ...] = ()
    ask: str = ""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """The drafter's whole belief about a conversation so far. Every `FieldName` is a key of `fields`."""

    fields: dict[FieldName, Proposed]
    emergency_target: str | None = None
    emergency_evidence: tuple[str, ...] = ()
    not_accepted_id: str | None = None
    handled_directly: bool = False
    answered_by: str | None = None
    is_repeat: bool = False
    occurred_on: date | None = None
    amounts: tuple[float, ...] = ()
    promise: str = ""


class DraftField(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a draft on the desk. `mine` is true once a person set it: the machine then only suggests."""

    value: str = ""
    label: str = ""
    confidence: float = 0.0
    evidence: tuple[str, ...] = ()
    mine: bool = False
    suggestion: Choice | None = None
    alternatives: tuple[Choice, ...] = ()
    ask: str = ""


class DraftView(msgspec.Struct, frozen=True, kw_only=True):
    """A draft as the desk shows it. `revision` grows with every change; `reference` is set once it was submitted.

    `emergency_evidence` are the ids of the utterances that were taken for an emergency.
    """

    id: str
    call: str
    revision: int
    fields: dict[FieldName, DraftField]
    emergency_target: str | None = None
    emergency_evidence: tuple[str, ...] = ()
    not_accepted_id: str | None = None
    promise: str = ""
    reference: str | None = None


class TicketView(msgspec.Struct, frozen=True, kw_only=True):
    """A work order, short. `lead_agency` is the name a person reads."""

    reference: str
    title: str
    state: str
    request_type: str
    category: str
    lead_agency_id: str
    lead_agency: str
    due_at: datetime | None
    created_at: datetime
    dispatched_at: datetime | None


class ArticleHit(msgspec.Struct, frozen=True, kw_only=True):
    """One knowledge-base hit. `snippet` marks what matched between U+0002 and U+0003. `expired` articles come last."""

    id: str
    title: str
    score: float
    snippet: str
    expired: bool = False


class ArticleView(msgspec.Struct, frozen=True, kw_only=True):
    """A knowledge-base article to read aloud from."""

    id: str
    title: str
    answer: str
    kind: str
    category_code: str
    agency: str
    valid_from: date | None
    valid_to: date | None
    expired: bool


class CallerView(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a caller before the phone rings; counts exclude this call."""

    earlier_calls: int
    open_tickets: int
    last_ticket: TicketView | None
