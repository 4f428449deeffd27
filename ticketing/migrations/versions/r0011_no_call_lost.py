"""No call lost: what the fallback took, agents' presence, the server's lease; callers' numbers leave the event log."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spooled",
        sa.Column("call", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("call", name=op.f("pk_spooled")),
    )
    op.create_table(
        "presence",
        sa.Column("agent_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("pause_reason", sa.String(32), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_presence")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("holder", sa.String(40), nullable=False),
        sa.Column("place", sa.String(200), nullable=False),
        sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    without = "json_remove(body, '$.caller_number')"
    if op.get_bind().dialect.name == "postgresql":
        without = "body - 'caller_number'"
    op.execute(f"UPDATE call_event SET body = {without} WHERE kind = 'CallArrived'")  # noqa: S608 - our own words
