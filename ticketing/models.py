"""The tables. A row is translated into a frozen struct by its repository and never leaves it.

Columns said to be sealed hold what `ticketing.vault` made of the text; a `digest` is its keyed hash of a number.

The site pack stays the reference for agencies, categories and places: rows keep their ids, and beside them the words as
they stood when the row was written, because a pack may change and an old ticket must still read as it did. Citizens'
numbers stand in one table (`caller`), names and addresses in `ticket` and `draft`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.columns import Base, JsonOf, Key, UtcDateTime, Word
from ticketing.records import SpokenWord
from ticketing.views import DraftField
from ticketing.vocabulary import (
    AgencyId,
    AgencyPart,
    CallbackKind,
    CallbackState,
    CategoryCode,
    Closure,
    ContactState,
    DispatchState,
    FieldName,
    Medium,
    PlaceId,
    PraiseForm,
    RecordingKind,
    Reference,
    RequestType,
    Role,
    Speaker,
    TicketState,
    Urgency,
)

_OPEN = text("ended_at IS NULL")
_PENDING = text("state = 'pending'")
_UNSIGNED = text("state = 'dispatched'")
_STANDING = text("lifted_at IS NULL")
_UNDONE = text("done_at IS NULL")
_WAITING = text("state = 'waiting'")
_WAITING_CALLER = text("state = 'waiting' AND kind IN ('missed', 'promised')")


class Caller(Base):
    """A telephone number (sealed) somebody called from. The one place where callers' numbers are kept.

    An erased one has no number, and a digest nothing leads to.
    """

    __tablename__ = "caller"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    number: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Contact(Base):
    """A citizen reaching the hotline once (联络记录); for a phone call the call. No caller: the number was withheld."""

    __tablename__ = "contact"
    __table_args__ = (
        CheckConstraint("(state IN ('ended', 'abandoned')) = (ended_at IS NOT NULL)", name="ended_has_a_time"),
        Index("ix_contact_open", "arrived_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    medium: Mapped[Medium] = mapped_column(Word(Medium))
    state: Mapped[ContactState] = mapped_column(Word(ContactState))
    caller_id: Mapped[int | None] = mapped_column(ForeignKey("caller.id"), index=True)
    dialled: Mapped[str] = mapped_column(String(40))
    agent_id: Mapped[str | None] = mapped_column(String(32), index=True)
    disposition: Mapped[str | None] = mapped_column(String(64))
    arrived_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    caller: Mapped[Caller | None] = relationship(lazy="raise")


class CallEvent(Base):
    """One line of a call's event log: only ever appended. `offset_ms` counts from arrival."""

    __tablename__ = "call_event"
    __table_args__ = (CheckConstraint("seq >= 0", name="seq_from_zero"),)

    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    offset_ms: Mapped[int]
    kind: Mapped[str] = mapped_column(String(64))
    body: Mapped[dict[str, Any]] = mapped_column(JsonOf(dict[str, Any]))


class AgentMove(Base):
    """From then on an agent does that. Only ever appended; what attendance and occupancy are folded from."""

    __tablename__ = "agent_move"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    agent_id: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    state: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str | None] = mapped_column(String(32))


class Segment(Base):
    """A finished utterance. Times in ms since arrival; `lost` marks a stretch that was not recognised."""

    __tablename__ = "segment"
    __table_args__ = (CheckConstraint("end_ms >= start_ms", name="ends_after_start"),)

    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    speaker: Mapped[Speaker] = mapped_column(Word(Speaker))
    start_ms: Mapped[int]
    end_ms: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    spoken: Mapped[str] = mapped_column(Text)
    words: Mapped[tuple[SpokenWord, ...]] = mapped_column(JsonOf(tuple[SpokenWord, ...]))
    lost: Mapped[bool]


class Recording(Base):
    """A sound file of a contact. `path` is below the recordings' folder; `offset_ms` is its start since arrival."""

    __tablename__ = "recording"
    __table_args__ = (
        UniqueConstraint("path"),
        CheckConstraint("ms >= 0 AND bytes >= 0", name="has_a_size"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), index=True)
    kind: Mapped[RecordingKind] = mapped_column(Word(RecordingKind))
    path: Mapped[str] = mapped_column(String(300))
    ms: Mapped[int]
    bytes: Mapped[int] = mapped_column(Key)
    offset_ms: Mapped[int]


class Draft(Base):
    """What machine and agent have of a ticket so far. `revision` grows with every change.

    The fields that say who the citizen is hold their whole selves sealed, as `value`.
    """

    __tablename__ = "draft"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), index=True)
    revision: Mapped[int]
    fields: Mapped[dict[FieldName, DraftField]] = mapped_column(JsonOf(dict[FieldName, DraftField]))
    emergency_target: Mapped[str | None] = mapped_column(String(40))
    not_accepted_id: Mapped[str | None] = mapped_column(String(40))
    promise: Mapped[str] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(String(10), unique=True)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Ticket(Base):
    """A work order (工单). `revision` is compared on every change: who read an older one is refused.

    `due_at` is counted by `deadline_rule_id` from creation until `dispatched_at` is set, then from dispatch. Name and
    number are sealed.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint("length(reference) = 10", name="reference_has_ten_digits"),
        CheckConstraint("state <> 'dispatched' OR dispatched_at IS NOT NULL", name="dispatched_has_a_time"),
        Index("ix_ticket_caller_created", "caller_id", "created_at"),
        Index("ix_ticket_state_due", "state", "due_at"),
        Index("ix_ticket_agency_state", "lead_agency_id", "state"),
        Index("ix_ticket_holder_state", "holder_agency_id", "state"),
        Index("ix_ticket_unsigned", "sign_by", sqlite_where=_UNSIGNED, postgresql_where=_UNSIGNED),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    reference: Mapped[str] = mapped_column(String(10), unique=True)
    revision: Mapped[int]
    state: Mapped[TicketState] = mapped_column(Word(TicketState))
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), index=True)
    caller_id: Mapped[int | None] = mapped_column(ForeignKey("caller.id"))
    draft_id: Mapped[str | None] = mapped_column(ForeignKey("draft.id"), unique=True)
    submit_key: Mapped[str] = mapped_column(String(80), unique=True)
    medium: Mapped[Medium] = mapped_column(Word(Medium))
    request_type: Mapped[RequestType] = mapped_column(Word(RequestType))
    category_code: Mapped[CategoryCode] = mapped_column(String(6), index=True)
    category: Mapped[str] = mapped_column(String(200))
    place_id: Mapped[PlaceId | None] = mapped_column(String(40), index=True)
    address: Mapped[str] = mapped_column(Text)
    citizen_name: Mapped[str] = mapped_column(Text)
    callback_phone: Mapped[str] = mapped_column(Text)
    phone_digest: Mapped[str | None] = mapped_column(String(64), index=True)
    confidential: Mapped[bool]
    sensitive: Mapped[bool]
    lead_agency_id: Mapped[AgencyId] = mapped_column(String(64))
    lead_agency: Mapped[str] = mapped_column(String(200))
    co_agency_ids: Mapped[tuple[AgencyId, ...]] = mapped_column(JsonOf(tuple[AgencyId, ...]))
    urgency: Mapped[Urgency] = mapped_column(Word(Urgency))
    deadline_rule_id: Mapped[str] = mapped_column(String(40))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    title: Mapped[str] = mapped_column(String(300))
    content: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    dispatched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    holder_agency_id: Mapped[AgencyId | None] = mapped_column(String(64))
    sign_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    supervision: Mapped[int] = mapped_column(server_default="0")
    supervision_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    merged_into: Mapped[Reference | None] = mapped_column(String(10), index=True)
    closure: Mapped[Closure | None] = mapped_column(Word(Closure))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    promised_by: Mapped[datetime | None] = mapped_column(UtcDateTime)

    contact: Mapped[Contact] = relationship(lazy="raise")
    caller: Mapped[Caller | None] = relationship(lazy="raise")


class TicketEvent(Base):
    """One step of a ticket: who, when, from where to where, what changed and why. Only ever appended."""

    __tablename__ = "ticket_event"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(64))
    role: Mapped[Role] = mapped_column(Word(Role), server_default="system")
    kind: Mapped[str] = mapped_column(String(64))
    from_state: Mapped[TicketState | None] = mapped_column(Word(TicketState))
    to_state: Mapped[TicketState] = mapped_column(Word(TicketState))
    why: Mapped[str] = mapped_column(Text)
    body: Mapped[dict[str, Any]] = mapped_column(JsonOf(dict[str, Any]))


class OutboxEntry(Base):
    """What must reach an agency. `attempted_at` is the first attempt that may have arrived: the agency's clock.

    A worker holds a lease while it sends; one that dies leaves the entry to others when the lease ends.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        CheckConstraint("(lease IS NULL) = (leased_until IS NULL)", name="lease_has_an_end"),
        Index("ix_outbox_due", "next_at", sqlite_where=_PENDING, postgresql_where=_PENDING),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    agency_id: Mapped[AgencyId] = mapped_column(String(64))
    part: Mapped[AgencyPart] = mapped_column(Word(AgencyPart))
    kind: Mapped[str] = mapped_column(String(64), server_default="dispatch")
    body: Mapped[dict[str, Any]] = mapped_column(JsonOf(dict[str, Any]), server_default="{}")
    state: Mapped[DispatchState] = mapped_column(Word(DispatchState))
    attempts: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lease: Mapped[str | None] = mapped_column(String(40))
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(Text)

    ticket: Mapped[Ticket] = relationship(lazy="raise")


class Precedent(Base):
    """How a return was judged, for whoever routes the next such matter."""

    __tablename__ = "precedent"
    __table_args__ = (Index("ix_precedent_category_county", "category_code", "county_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    category_code: Mapped[CategoryCode] = mapped_column(String(6))
    county_id: Mapped[PlaceId | None] = mapped_column(String(40))
    refused: Mapped[AgencyId] = mapped_column(String(64))
    assigned: Mapped[AgencyId] = mapped_column(String(64))
    why: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str] = mapped_column(String(64))

    ticket: Mapped[Ticket] = relationship(lazy="raise")


class Callback(Base):
    """A citizen to be called. One number waits once for a call it missed or was promised.

    Who calls holds a lease; one that dies leaves the callback to others when the lease ends.
    """

    __tablename__ = "callback"
    __table_args__ = (
        CheckConstraint("(lease IS NULL) = (leased_until IS NULL)", name="lease_has_an_end"),
        CheckConstraint("(state = 'waiting') = (closed_at IS NULL)", name="closed_has_a_time"),
        CheckConstraint("(kind = 'visit') = (ticket_id IS NOT NULL)", name="visit_has_a_ticket"),
        Index(
            "uq_callback_waiting_caller",
            "caller_id",
            unique=True,
            sqlite_where=_WAITING_CALLER,
            postgresql_where=_WAITING_CALLER,
        ),
        Index("ix_callback_due", "not_before", sqlite_where=_WAITING, postgresql_where=_WAITING),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[CallbackKind] = mapped_column(Word(CallbackKind))
    caller_id: Mapped[int] = mapped_column(ForeignKey("caller.id"))
    contact_id: Mapped[str | None] = mapped_column(ForeignKey("contact.id"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    state: Mapped[CallbackState] = mapped_column(Word(CallbackState))
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int]
    outcome: Mapped[str] = mapped_column(Text)
    lease: Mapped[str | None] = mapped_column(String(40))
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    caller: Mapped[Caller] = relationship(lazy="raise")
    ticket: Mapped[Ticket | None] = relationship(lazy="raise")


class ReferenceCounter(Base):
    """How many references a day (YYMMDD, the site's zone) has given out."""

    __tablename__ = "reference_counter"
    __table_args__ = (CheckConstraint("last BETWEEN 1 AND 9999", name="four_digits"),)

    day: Mapped[str] = mapped_column(String(6), primary_key=True)
    last: Mapped[int]


class Account(Base):
    """A person who may sign in; without `extension` they have no phone of the hotline.

    `agency_id` is the unit of those who handle. `password_hash` is argon2id (RFC 9106).
    """

    __tablename__ = "account"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    extension: Mapped[str | None] = mapped_column(String(16), unique=True)
    role: Mapped[Role] = mapped_column(Word(Role))
    skills: Mapped[tuple[str, ...]] = mapped_column(JsonOf(tuple[str, ...]))
    agency_id: Mapped[AgencyId | None] = mapped_column(String(64))
    password_hash: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool]
    failures: Mapped[int]
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Audit(Base):
    """Who looked at or did something that must be answered for, and why. Only ever appended."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject_kind", "subject_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor: Mapped[str] = mapped_column(String(64), index=True)
    action: Mapped[str] = mapped_column(String(64))
    subject_kind: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[str] = mapped_column(String(64))
    why: Mapped[str] = mapped_column(Text)


class LegalHold(Base):
    """What must be kept though its time is over, or a citizen wants it erased; until it is lifted."""

    __tablename__ = "legal_hold"
    __table_args__ = (
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifted_by_somebody"),
        Index("uq_legal_hold_standing", "ticket_id", unique=True, sqlite_where=_STANDING, postgresql_where=_STANDING),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    why: Mapped[str] = mapped_column(Text)
    placed_by: Mapped[str] = mapped_column(String(64))
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lifted_by: Mapped[str | None] = mapped_column(String(64))
    lifted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    ticket: Mapped[Ticket] = relationship(lazy="raise")


class Inspection(Base):
    """A ticket sampled for 质检, and its score once somebody judged it. A ticket is sampled once."""

    __tablename__ = "inspection"
    __table_args__ = (
        CheckConstraint("(done_at IS NULL) = (total IS NULL)", name="done_has_a_total"),
        Index("ix_inspection_waiting", "sampled_at", sqlite_where=_UNDONE, postgresql_where=_UNDONE),
        Index("ix_inspection_judged", "judged", "done_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), unique=True)
    rule: Mapped[str] = mapped_column(String(64))
    judged: Mapped[str] = mapped_column(String(64))
    sampled_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sheet: Mapped[str] = mapped_column(String(64))
    scores: Mapped[dict[str, int]] = mapped_column(JsonOf(dict[str, int]))
    total: Mapped[int | None]
    inspector: Mapped[str | None] = mapped_column(String(64))
    remark: Mapped[str] = mapped_column(Text)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    ticket: Mapped[Ticket] = relationship(lazy="raise")


class Praise(Base):
    """Whom a 表扬 ticket praises, and how: by telephone, letter, pennant."""

    __tablename__ = "praise"
    __table_args__ = (Index("ix_praise_agency", "agency_id", "at"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    agency_id: Mapped[AgencyId] = mapped_column(String(64))
    person: Mapped[str] = mapped_column(String(100))
    form: Mapped[PraiseForm] = mapped_column(Word(PraiseForm))
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    ticket: Mapped[Ticket] = relationship(lazy="raise")
