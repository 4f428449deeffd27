"""The schema's releases: bring a database up to this one, or refuse to work with another."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from ticketing.database import Database, create_engine
from ticketing.errors import DatabaseUnready
from ticketing.vault import Vault

MIGRATIONS = Path(__file__).parent / "migrations"
_UPGRADE_LOCK = 0x4859_0001  # PostgreSQL advisory lock: two servers starting at once upgrade one after the other


async def upgrade(url: str, revision: str = "head", *, vault: Vault | None = None) -> None:
    """Create the tables, or bring them to `revision`; all or nothing. Raises `DatabaseUnready`.

    A database that was filled before identities were sealed needs the `vault`, else `KeysUnusable`.
    """
    engine = create_engine(url, foreign_keys=False)
    try:
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
            await connection.run_sync(_upgrade, revision, vault)
    except (SQLAlchemyError, OSError) as error:
        raise _unready(engine, error) from error
    finally:
        await engine.dispose()


async def check_schema(database: Database) -> None:
    """Raise `DatabaseUnready` unless the database answers and its schema is this release's."""
    try:
        async with database.reading_engine.connect() as connection:
            found = await connection.run_sync(_found)
    except (SQLAlchemyError, OSError) as error:
        raise _unready(database.engine, error) from error
    wanted = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    if found != wanted:
        state = f"has schema {found}" if found else "is empty"
        raise DatabaseUnready(f"{database.address} {state}, this release needs {wanted}; run `hotline setup`")


def _unready(engine: AsyncEngine, error: Exception) -> DatabaseUnready:
    address = engine.url.render_as_string(hide_password=True)
    reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
    return DatabaseUnready(f"{address} cannot be used: {reason}; check [database] url and that it runs")


def _upgrade(connection: Connection, revision: str, vault: Vault | None) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["vault"] = vault
    command.upgrade(config, revision)


def _found(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
