"""Identities sealed; due times set by hand; legal holds, inspections, praise."""

import msgspec
import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects.postgresql import JSONB

from ticketing.errors import KeysUnusable
from ticketing.vault import Vault

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)
STANDING = sa.text("lifted_at IS NULL")
UNDONE = sa.text("done_at IS NULL")
AT_ONCE = 5_000
FIELDS = ("citizen_name", "callback_phone")

CALLER = sa.table("caller", sa.column("id"), sa.column("number"), sa.column("digest"))
TICKET = sa.table("ticket", sa.column("id"), *(sa.column(name) for name in FIELDS), sa.column("phone_digest"))
DRAFT = sa.table("draft", sa.column("id", sa.String), sa.column("fields", JSON))
CALL_EVENT = sa.table(
    "call_event", sa.column("contact_id", sa.String), sa.column("seq"), sa.column("kind"), sa.column("body", JSON)
)


def upgrade() -> None:
    op.add_column("ticket", sa.Column("promised_by", TIME, nullable=True))
    op.add_column("ticket", sa.Column("phone_digest", sa.String(64), nullable=True))
    with op.batch_alter_table("ticket") as ticket:
        for name, length in (("citizen_name", 100), ("callback_phone", 40)):
            ticket.alter_column(name, type_=sa.Text(), existing_type=sa.String(length), existing_nullable=False)
    op.create_index(op.f("ix_ticket_phone_digest"), "ticket", ["phone_digest"])
    with op.batch_alter_table("caller") as caller:
        caller.alter_column("number", type_=sa.Text(), existing_type=sa.String(40), existing_nullable=False)
        caller.add_column(sa.Column("digest", sa.String(64), nullable=True))
        caller.drop_constraint(op.f("uq_caller_number"), type_="unique")
    _seal_everything()
    with op.batch_alter_table("caller") as caller:
        caller.alter_column("digest", nullable=False, existing_type=sa.String(64))
        caller.create_unique_constraint(op.f("uq_caller_digest"), ["digest"])
    _make_holds()
    _make_inspections()
    _make_praise()


def _seal_everything() -> None:
    connection = op.get_bind()
    counts = (sa.select(sa.func.count()).select_from(table) for table in (CALLER, TICKET, DRAFT))
    if not any(connection.execute(count).scalar_one() for count in counts):
        return
    vault = context.config.attributes.get("vault")
    if not isinstance(vault, Vault):
        raise KeysUnusable("this database holds identities that are to be sealed now; give the key file")
    _seal_callers(connection, vault)
    _seal_tickets(connection, vault)
    _seal_drafts(connection, vault)
    _seal_events(connection, vault)


def _seal_callers(connection: sa.Connection, vault: Vault) -> None:
    rows = connection.execute(sa.select(CALLER.c.id, CALLER.c.number)).all()
    change = sa.update(CALLER).where(CALLER.c.id == sa.bindparam("row"))
    change = change.values(number=sa.bindparam("sealed"), digest=sa.bindparam("hash"))
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        changes = [{"row": r.id, "sealed": vault.seal(r.number), "hash": vault.digest(r.number)} for r in part]
        connection.execute(change, changes)


def _seal_tickets(connection: sa.Connection, vault: Vault) -> None:
    change = sa.update(TICKET).where(TICKET.c.id == sa.bindparam("row"))
    change = change.values(
        citizen_name=sa.bindparam("name"), callback_phone=sa.bindparam("phone"), phone_digest=sa.bindparam("hash")
    )
    last = 0
    while True:
        columns = (TICKET.c.id, TICKET.c.citizen_name, TICKET.c.callback_phone)
        rows = connection.execute(
            sa.select(*columns).where(TICKET.c.id > last).order_by(TICKET.c.id).limit(AT_ONCE)
        ).all()
        if not rows:
            return
        changes = [
            {
                "row": row.id,
                "name": vault.seal(row.citizen_name),
                "phone": vault.seal(row.callback_phone),
                "hash": vault.digest(row.callback_phone) if row.callback_phone else None,
            }
            for row in rows
        ]
        connection.execute(change, changes)
        last = rows[-1].id


def _seal_drafts(connection: sa.Connection, vault: Vault) -> None:
    for row in connection.execute(sa.select(DRAFT.c.id, DRAFT.c.fields)).all():
        fields = dict(row.fields)
        for name in FIELDS:
            if name in fields:
                fields[name] = {"value": vault.seal(msgspec.json.encode(fields[name]).decode())}
        connection.execute(sa.update(DRAFT).where(DRAFT.c.id == row.id).values(fields=fields))


def _seal_events(connection: sa.Connection, vault: Vault) -> None:
    arrivals = sa.select(CALL_EVENT.c.contact_id, CALL_EVENT.c.seq, CALL_EVENT.c.body)
    for row in connection.execute(arrivals.where(CALL_EVENT.c.kind == "CallArrived")).all():
        if number := row.body.get("caller_number"):
            body = {**row.body, "caller_number": vault.seal(number)}
            where = (CALL_EVENT.c.contact_id == row.contact_id, CALL_EVENT.c.seq == row.seq)
            connection.execute(sa.update(CALL_EVENT).where(*where).values(body=body))


def _make_holds() -> None:
    op.create_table(
        "legal_hold",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ticket_id", KEY, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.String(64), nullable=False),
        sa.Column("placed_at", TIME, nullable=False),
        sa.Column("lifted_by", sa.String(64), nullable=True),
        sa.Column("lifted_at", TIME, nullable=True),
        sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name=op.f("ck_legal_hold_lifted_by_somebody")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_legal_hold_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
    )
    op.create_index(
        "uq_legal_hold_standing",
        "legal_hold",
        ["ticket_id"],
        unique=True,
        sqlite_where=STANDING,
        postgresql_where=STANDING,
    )


def _make_inspections() -> None:
    op.create_table(
        "inspection",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ticket_id", KEY, nullable=False),
        sa.Column("rule", sa.String(64), nullable=False),
        sa.Column("judged", sa.String(64), nullable=False),
        sa.Column("sampled_at", TIME, nullable=False),
        sa.Column("sheet", sa.String(64), nullable=False),
        sa.Column("scores", JSON, nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("inspector", sa.String(64), nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("done_at", TIME, nullable=True),
        sa.CheckConstraint("(done_at IS NULL) = (total IS NULL)", name=op.f("ck_inspection_done_has_a_total")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_inspection_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_inspection_ticket_id")),
    )
    op.create_index("ix_inspection_waiting", "inspection", ["sampled_at"], sqlite_where=UNDONE, postgresql_where=UNDONE)
    op.create_index("ix_inspection_judged", "inspection", ["judged", "done_at"])


def _make_praise() -> None:
    op.create_table(
        "praise",
        sa.Column("ticket_id", KEY, nullable=False),
        sa.Column("agency_id", sa.String(64), nullable=False),
        sa.Column("person", sa.String(100), nullable=False),
        sa.Column("form", sa.String(32), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_praise_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_praise")),
    )
    op.create_index("ix_praise_agency", "praise", ["agency_id", "at"])
