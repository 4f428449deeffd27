"""The connection to the database: one engine, opened and closed by its owner, for SQLite (a file) or PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ticketing.errors import DatabaseUnready

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
BUSY_S = 10.0
"""How long a unit of work waits for another that writes, before it gives up."""

READS_ONLY = "huying_reads_only"
"""Execution option of connections that may not write; on both databases a write then fails."""


class Database:
    """An open engine. SQLite has one writer at a time: `writing` lets our own wait their turn without polling."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        postgresql = {"postgresql_readonly": True} if engine.dialect.name == "postgresql" else {}
        self.reading_engine = engine.execution_options(**{READS_ONLY: True}, **postgresql)
        self.writing = asyncio.Lock() if engine.dialect.name == "sqlite" else None

    @property
    def address(self) -> str:
        """The address without its password, for messages."""
        return self.engine.url.render_as_string(hide_password=True)


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """An engine for `url` (`sqlite+aiosqlite:///file`, `postgresql+asyncpg://…`); closed with everything it held.

    Nothing is connected yet. Raises `DatabaseUnready` for an address that cannot work.
    """
    engine = create_engine(url)
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


def create_engine(url: str, *, foreign_keys: bool = True) -> AsyncEngine:
    """The engine behind `open_database`; migrations on SQLite rebuild tables and need `foreign_keys` off."""
    parsed = _parse(url)
    options: dict[str, Any] = {
        "hide_parameters": True,  # a citizen's words are not error text
        "json_serializer": lambda value: msgspec.json.encode(value).decode(),
        "json_deserializer": msgspec.json.decode,
    }
    if parsed.get_backend_name() == "sqlite":
        folder = Path(parsed.database or "").parent
        if not parsed.database or parsed.database == ":memory:":
            raise DatabaseUnready("the database must be a file; give sqlite+aiosqlite:///path/hotline.db")
        if not folder.is_dir():
            raise DatabaseUnready(f"the folder {folder} of the database does not exist; create it")
        engine = create_async_engine(parsed, connect_args={"timeout": BUSY_S}, **options)
        _teach_sqlite(engine, foreign_keys=foreign_keys)
        return engine
    return create_async_engine(parsed, pool_pre_ping=True, pool_timeout=BUSY_S, **options)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUnready("the database's address is not one; see [database] url in the settings") from None
    driver = DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise DatabaseUnready(f"no support for {parsed.get_backend_name()!r}; use sqlite or postgresql")
    return parsed.set(drivername=driver)


def _teach_sqlite(engine: AsyncEngine, *, foreign_keys: bool) -> None:
    """Real transactions: the driver must not begin them, we do, and a writer takes the lock when it begins.

    A transaction that reads first and writes later could otherwise fail at once with SQLITE_BUSY, whatever the timeout.
    """

    def connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # what was committed survives a power cut
        cursor.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    def begin(connection: Connection) -> None:
        reads_only = connection.get_execution_options().get(READS_ONLY, False)
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reads_only else 'OFF'}")
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    event.listen(engine.sync_engine, "connect", connect)
    event.listen(engine.sync_engine, "begin", begin)
