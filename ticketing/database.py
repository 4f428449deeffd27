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
from ticketing.vault import Vault

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
BUSY_S = 10.0
"""How long a unit of work waits for another that writes, before it gives up."""


class Database:
    """Two open engines, one that may write and one that may not; a write on the latter fails on both databases.

    SQLite has one writer at a time: `writing` lets our own wait their turn without polling.
    """

    def __init__(self, engine: AsyncEngine, reading_engine: AsyncEngine, vault: Vault | None) -> None:
        self.engine = engine
        self.reading_engine = reading_engine
        self.vault = vault
        self.writing = asyncio.Lock() if engine.dialect.name == "sqlite" else None

    @property
    def address(self) -> str:
        """The address without its password, for messages."""
        return self.engine.url.render_as_string(hide_password=True)


@asynccontextmanager
async def open_database(url: str, vault: Vault | None = None) -> AsyncIterator[Database]:
    """Engines for `url` (`sqlite+aiosqlite:///file`, `postgresql+asyncpg://…`); closed with everything they held.

    Without a `vault` whatever says who a citizen is can be neither read nor written (`KeysUnusable`).
    Nothing is connected yet. Raises `DatabaseUnready` for an address that cannot work.
    """
    engine = create_engine(url)
    reading = create_engine(url, reads=True) if engine.dialect.name == "sqlite" else _reading_only(engine)
    try:
        yield Database(engine, reading, vault)
    finally:
        await reading.dispose()
        await engine.dispose()


def create_engine(url: str, *, reads: bool = False, foreign_keys: bool = True) -> AsyncEngine:
    """An engine behind `open_database`; migrations on SQLite rebuild tables and need `foreign_keys` off."""
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
        _teach_sqlite(engine, reads=reads, foreign_keys=foreign_keys)
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


def _reading_only(engine: AsyncEngine) -> AsyncEngine:
    """The same connections, every transaction READ ONLY."""
    return engine.execution_options(postgresql_readonly=True)


def _teach_sqlite(engine: AsyncEngine, *, reads: bool, foreign_keys: bool) -> None:
    """Real transactions: the driver must not begin them, we do, and a writer takes the lock when it begins.

    A transaction that reads first and writes later could otherwise fail at once with SQLITE_BUSY, whatever the timeout.
    """

    def connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # what was committed survives a power cut
        cursor.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        cursor.execute(f"PRAGMA query_only={'ON' if reads else 'OFF'}")
        cursor.close()

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    event.listen(engine.sync_engine, "connect", connect)
    event.listen(engine.sync_engine, "begin", begin)
