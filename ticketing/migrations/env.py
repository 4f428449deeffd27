"""Alembic's way in; the connection comes from `ticketing.schema`."""

from alembic import context

from ticketing.models import Ticket

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Ticket.metadata,
    render_as_batch=True,  # SQLite cannot alter most of a table: it is rebuilt
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
