"""What the server hands in to be kept and reads back, frozen. Times are aware UTC, offsets ms since arrival."""

from datetime import datetime
from typing import Any

import msgspec

from ticketing.vocabulary import (
    AgencyId,
    AgencyPart,
    CallbackKind,
    CallbackState,
    CategoryCode,
    Closure,
    ContactId,
    ContactState,
    DispatchState,
    Medium,
    PlaceId,
    RecordingKind,
    Reference,
    RequestType,
    Role,
    Speaker,
    TicketState,
    Urgency,
)


class ContactRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A citizen reaching the hotline once. `caller_number` is None when it was withheld."""

    id: ContactId
    medium: Medium
    state: ContactState
    caller_number: str | None
    dialled: str
    arrived_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    agent_id: str | None = None
    disposition: str | None = None


class EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a call's event log; `body` is the whole event as plain JSON values, `kind` its type."""

    contact: ContactId
    seq: int
    at: datetime
    offset_ms: int
    kind: str
    body: dict[str, Any]


class AgentMoveRecord(msgspec.Struct, frozen=True, kw_only=True):
    """From `at` on an agent is in `state`; `reason` is of a pause. The words are the telephone side's own."""

    agent: str
    at: datetime
    state: str
    reason: str | None = None


class VisitAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a citizen said at a return visit; None where the question stayed unanswered."""

    reached: bool
    satisfied: bool | None = None
    solved: bool | None = None


class SpokenWord(msgspec.Struct, frozen=True, kw_only=True):
    """A recognised word; confidence 0..1."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


class SegmentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A finished utterance; `lost` marks a stretch that was not recognised."""

    id: str
    speaker: Speaker
    start_ms: int
    end_ms: int
    text: str
    spoken: str
    words: tuple[SpokenWord, ...] = ()
    lost: bool = False


class RecordingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A sound file. `path` is relative to the recordings' folder, `offset_ms` where it begins on the call's axis."""

    kind: RecordingKind
    path: str
    ms: int
    bytes: int
    offset_ms: int


class TicketRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A work order, whole. `category` and `lead_agency` are the words as they stood when it was written.

    `due_at` is counted from creation until the ticket is dispatched, then from dispatch. `revision` grows with every
    change. `holder_agency_id` is the unit at or below the lead that works on it; at `sign_by` it is signed by itself.
    `promised_by` is an earlier due time than the rule's, set by hand at intake.
    """

    reference: Reference
    revision: int
    state: TicketState
    contact: ContactId
    draft_id: str | None
    submit_key: str
    medium: Medium
    request_type: RequestType
    category_code: CategoryCode
    category: str
    place_id: PlaceId | None
    address: str
    citizen_name: str
    callback_phone: str
    confidential: bool
    sensitive: bool
    lead_agency_id: AgencyId
    lead_agency: str
    co_agency_ids: tuple[AgencyId, ...]
    urgency: Urgency
    deadline_rule_id: str
    due_at: datetime | None
    title: str
    content: str
    created_by: str
    created_at: datetime
    dispatched_at: datetime | None = None
    holder_agency_id: AgencyId | None = None
    sign_by: datetime | None = None
    supervision: int = 0
    supervision_due_at: datetime | None = None
    merged_into: Reference | None = None
    closure: Closure | None = None
    closed_at: datetime | None = None
    promised_by: datetime | None = None


class TicketFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which tickets a list shows; what is empty does not matter. `agencies` lead or hold them.

    `overdue_at`: an agency owes its reply since before then. `extension_asked`: an extension waits for its approval.
    `references` are the only ones looked at; `of_caller` shows those of the number that contact came from.
    """

    states: tuple[TicketState, ...] = ()
    agencies: tuple[AgencyId, ...] = ()
    due_before: datetime | None = None
    overdue_at: datetime | None = None
    category_prefix: str = ""
    supervised: bool = False
    extension_asked: bool = False
    created_by: str = ""
    of_caller: ContactId | None = None
    reference_prefix: str = ""
    references: tuple[str, ...] | None = None
    before: str = ""


class DueMark(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a list by due time: that of the ticket last seen."""

    due_at: datetime | None
    reference: str


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How many tickets a filter finds, and of how many the agency's reply is overdue."""

    tickets: int
    overdue: int


class TicketEventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a ticket. `seq` counts from 0; `body` is what changed, never who the citizen is."""

    seq: int
    at: datetime
    actor: str
    role: Role
    kind: str
    from_state: TicketState | None
    to_state: TicketState
    why: str = ""
    body: dict[str, Any] = {}


class OutboxRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What must reach an agency: the dispatch itself (`kind` "dispatch"), or word of a later step of that kind.

    `attempted_at`: the first attempt that may have arrived. `body` is what a notice says.
    """

    key: str
    reference: Reference
    agency_id: AgencyId
    part: AgencyPart
    kind: str = "dispatch"
    body: dict[str, Any] = {}
    state: DispatchState
    attempts: int
    created_at: datetime
    next_at: datetime
    attempted_at: datetime | None = None
    sent_at: datetime | None = None
    last_error: str = ""


class PrecedentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How a return was judged: `refused` did not want such a matter, `assigned` got it (the same when rejected)."""

    at: datetime
    reference: Reference
    category_code: CategoryCode
    county_id: PlaceId | None
    refused: AgencyId
    assigned: AgencyId
    why: str
    decided_by: str


class CallbackRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A citizen to be called. `entered_at` keeps their place; not before `not_before`, best by `due_at`.

    `lease` says who calls them, until `leased_until`; past that time nobody does.
    """

    id: int
    kind: CallbackKind
    number: str
    contact: ContactId | None
    reference: Reference | None
    state: CallbackState
    entered_at: datetime
    not_before: datetime
    due_at: datetime
    attempts: int
    outcome: str = ""
    lease: str | None = None
    leased_until: datetime | None = None
    closed_at: datetime | None = None


class CallbackTally(msgspec.Struct, frozen=True, kw_only=True):
    """How many citizens wait to be called, and how many of them longer than they should."""

    waiting: int
    overdue: int


class AccountRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A person who may sign in; without anything secret. Without `extension` they have no phone of the hotline."""

    id: str
    name: str
    extension: str | None
    role: Role
    skills: tuple[str, ...] = ()
    agency_id: AgencyId | None = None
    active: bool = True


class HoldRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A legal hold that stands on a ticket."""

    reference: Reference
    why: str
    placed_by: str
    placed_at: datetime


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Who did something that must be answered for, to what and why."""

    at: datetime
    actor: str
    action: str
    subject_kind: str
    subject_id: str
    why: str
