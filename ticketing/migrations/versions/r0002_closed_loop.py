"""The closed loop: holders, signing, supervision, merging, closure; precedents; callbacks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
UNSIGNED = sa.text("state = 'dispatched'")
WAITING = sa.text("state = 'waiting'")
WAITING_CALLER = sa.text("state = 'waiting' AND kind IN ('missed', 'promised')")


def upgrade() -> None:
    _widen_tickets()
    op.add_column("ticket_event", sa.Column("role", sa.String(32), nullable=False, server_default="system"))
    op.execute("UPDATE ticket_event SET role = 'agent' WHERE kind = 'submitted'")
    op.add_column("outbox", sa.Column("kind", sa.String(64), nullable=False, server_default="dispatch"))
    op.add_column("outbox", sa.Column("body", JSON, nullable=False, server_default="{}"))
    _make_precedents()
    _make_callbacks()


def _widen_tickets() -> None:
    op.add_column("ticket", sa.Column("holder_agency_id", sa.String(64), nullable=True))
    op.add_column("ticket", sa.Column("sign_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("ticket", sa.Column("supervision", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("ticket", sa.Column("supervision_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("ticket", sa.Column("merged_into", sa.String(10), nullable=True))
    op.add_column("ticket", sa.Column("closure", sa.String(32), nullable=True))
    op.add_column("ticket", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE ticket SET holder_agency_id = lead_agency_id")
    op.execute("UPDATE ticket SET sign_by = dispatched_at WHERE state = 'dispatched'")
    op.create_index("ix_ticket_holder_state", "ticket", ["holder_agency_id", "state"])
    op.create_index(op.f("ix_ticket_merged_into"), "ticket", ["merged_into"])
    op.create_index("ix_ticket_unsigned", "ticket", ["sign_by"], sqlite_where=UNSIGNED, postgresql_where=UNSIGNED)


def _make_precedents() -> None:
    op.create_table(
        "precedent",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ticket_id", KEY, nullable=False),
        sa.Column("category_code", sa.String(6), nullable=False),
        sa.Column("county_id", sa.String(40), nullable=True),
        sa.Column("refused", sa.String(64), nullable=False),
        sa.Column("assigned", sa.String(64), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_precedent_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_precedent")),
    )
    op.create_index("ix_precedent_category_county", "precedent", ["category_code", "county_id"])
    op.create_index(op.f("ix_precedent_ticket_id"), "precedent", ["ticket_id"])


def _make_callbacks() -> None:
    op.create_table(
        "callback",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("caller_id", KEY, nullable=False),
        sa.Column("contact_id", sa.String(64), nullable=True),
        sa.Column("ticket_id", KEY, nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("lease", sa.String(40), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'visit') = (ticket_id IS NOT NULL)", name=op.f("ck_callback_visit_has_a_ticket")),
        sa.CheckConstraint("(state = 'waiting') = (closed_at IS NULL)", name=op.f("ck_callback_closed_has_a_time")),
        sa.CheckConstraint("(lease IS NULL) = (leased_until IS NULL)", name=op.f("ck_callback_lease_has_an_end")),
        sa.ForeignKeyConstraint(["caller_id"], ["caller.id"], name=op.f("fk_callback_caller_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_callback_contact_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_callback_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback")),
    )
    op.create_index("ix_callback_due", "callback", ["not_before"], sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_index(op.f("ix_callback_ticket_id"), "callback", ["ticket_id"])
    op.create_index(
        "uq_callback_waiting_caller",
        "callback",
        ["caller_id"],
        unique=True,
        sqlite_where=WAITING_CALLER,
        postgresql_where=WAITING_CALLER,
    )
