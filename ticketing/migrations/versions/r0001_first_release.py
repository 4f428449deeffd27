"""The first release: contacts, transcripts, drafts, tickets, the outbox, accounts and the audit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("extension", sa.String(16), nullable=True),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("skills", JSON, nullable=False),
        sa.Column("agency_id", sa.String(64), nullable=True),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("extension", name=op.f("uq_account_extension")),
    )
    op.create_table(
        "audit",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject_kind", sa.String(32), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_actor"), "audit", ["actor"], unique=False)
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_index("ix_audit_subject", "audit", ["subject_kind", "subject_id"], unique=False)
    op.create_table(
        "caller",
        sa.Column("id", KEY, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caller")),
        sa.UniqueConstraint("number", name=op.f("uq_caller_number")),
    )
    op.create_table(
        "reference_counter",
        sa.Column("day", sa.String(6), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.CheckConstraint("last BETWEEN 1 AND 9999", name=op.f("ck_reference_counter_four_digits")),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_reference_counter")),
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("medium", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("caller_id", KEY, nullable=True),
        sa.Column("dialled", sa.String(40), nullable=False),
        sa.Column("agent_id", sa.String(32), nullable=True),
        sa.Column("disposition", sa.String(64), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state IN ('ended', 'abandoned')) = (ended_at IS NOT NULL)", name=op.f("ck_contact_ended_has_a_time")
        ),
        sa.ForeignKeyConstraint(["caller_id"], ["caller.id"], name=op.f("fk_contact_caller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    op.create_index(op.f("ix_contact_agent_id"), "contact", ["agent_id"], unique=False)
    op.create_index(op.f("ix_contact_arrived_at"), "contact", ["arrived_at"], unique=False)
    op.create_index(op.f("ix_contact_caller_id"), "contact", ["caller_id"], unique=False)
    op.create_index(
        "ix_contact_open",
        "contact",
        ["arrived_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "call_event",
        sa.Column("contact_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offset_ms", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.CheckConstraint("seq >= 0", name=op.f("ck_call_event_seq_from_zero")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_call_event_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", "seq", name=op.f("pk_call_event")),
    )
    op.create_index(op.f("ix_call_event_at"), "call_event", ["at"], unique=False)
    op.create_table(
        "draft",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("contact_id", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("emergency_target", sa.String(40), nullable=True),
        sa.Column("not_accepted_id", sa.String(40), nullable=True),
        sa.Column("promise", sa.Text(), nullable=False),
        sa.Column("reference", sa.String(10), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_draft_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
        sa.UniqueConstraint("reference", name=op.f("uq_draft_reference")),
    )
    op.create_index(op.f("ix_draft_contact_id"), "draft", ["contact_id"], unique=False)
    op.create_table(
        "recording",
        sa.Column("id", KEY, nullable=False),
        sa.Column("contact_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("path", sa.String(300), nullable=False),
        sa.Column("ms", sa.Integer(), nullable=False),
        sa.Column("bytes", KEY, nullable=False),
        sa.Column("offset_ms", sa.Integer(), nullable=False),
        sa.CheckConstraint("ms >= 0 AND bytes >= 0", name=op.f("ck_recording_has_a_size")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_recording_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
        sa.UniqueConstraint("path", name=op.f("uq_recording_path")),
    )
    op.create_index(op.f("ix_recording_contact_id"), "recording", ["contact_id"], unique=False)
    op.create_table(
        "segment",
        sa.Column("contact_id", sa.String(64), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("speaker", sa.String(32), nullable=False),
        sa.Column("start_ms", sa.Integer(), nullable=False),
        sa.Column("end_ms", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("spoken", sa.Text(), nullable=False),
        sa.Column("words", JSON, nullable=False),
        sa.Column("lost", sa.Boolean(), nullable=False),
        sa.CheckConstraint("end_ms >= start_ms", name=op.f("ck_segment_ends_after_start")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_segment_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", "id", name=op.f("pk_segment")),
    )
    op.create_table(
        "ticket",
        sa.Column("id", KEY, nullable=False),
        sa.Column("reference", sa.String(10), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("contact_id", sa.String(64), nullable=False),
        sa.Column("caller_id", KEY, nullable=True),
        sa.Column("draft_id", sa.String(64), nullable=True),
        sa.Column("submit_key", sa.String(80), nullable=False),
        sa.Column("medium", sa.String(32), nullable=False),
        sa.Column("request_type", sa.String(32), nullable=False),
        sa.Column("category_code", sa.String(6), nullable=False),
        sa.Column("category", sa.String(200), nullable=False),
        sa.Column("place_id", sa.String(40), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("citizen_name", sa.String(100), nullable=False),
        sa.Column("callback_phone", sa.String(40), nullable=False),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("lead_agency_id", sa.String(64), nullable=False),
        sa.Column("lead_agency", sa.String(200), nullable=False),
        sa.Column("co_agency_ids", JSON, nullable=False),
        sa.Column("urgency", sa.String(32), nullable=False),
        sa.Column("deadline_rule_id", sa.String(40), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state <> 'dispatched' OR dispatched_at IS NOT NULL", name=op.f("ck_ticket_dispatched_has_a_time")
        ),
        sa.CheckConstraint("length(reference) = 10", name=op.f("ck_ticket_reference_has_ten_digits")),
        sa.ForeignKeyConstraint(["caller_id"], ["caller.id"], name=op.f("fk_ticket_caller_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_ticket_contact_id")),
        sa.ForeignKeyConstraint(["draft_id"], ["draft.id"], name=op.f("fk_ticket_draft_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("draft_id", name=op.f("uq_ticket_draft_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_ticket_reference")),
        sa.UniqueConstraint("submit_key", name=op.f("uq_ticket_submit_key")),
    )
    op.create_index("ix_ticket_agency_state", "ticket", ["lead_agency_id", "state"], unique=False)
    op.create_index("ix_ticket_caller_created", "ticket", ["caller_id", "created_at"], unique=False)
    op.create_index(op.f("ix_ticket_category_code"), "ticket", ["category_code"], unique=False)
    op.create_index(op.f("ix_ticket_contact_id"), "ticket", ["contact_id"], unique=False)
    op.create_index(op.f("ix_ticket_created_at"), "ticket", ["created_at"], unique=False)
    op.create_index(op.f("ix_ticket_place_id"), "ticket", ["place_id"], unique=False)
    op.create_index("ix_ticket_state_due", "ticket", ["state", "due_at"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", KEY, nullable=False),
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("ticket_id", KEY, nullable=False),
        sa.Column("agency_id", sa.String(64), nullable=False),
        sa.Column("part", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease", sa.String(40), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.CheckConstraint("(lease IS NULL) = (leased_until IS NULL)", name=op.f("ck_outbox_lease_has_an_end")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_outbox_attempts_not_negative")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_outbox_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(op.f("ix_outbox_ticket_id"), "outbox", ["ticket_id"], unique=False)
    op.create_table(
        "ticket_event",
        sa.Column("ticket_id", KEY, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("from_state", sa.String(32), nullable=True),
        sa.Column("to_state", sa.String(32), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_event_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "seq", name=op.f("pk_ticket_event")),
    )
