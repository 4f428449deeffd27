import asyncio
from pathlib import Path

import pytest

from tests.databases import VAULT
from tests.fakes.tickets import MONDAY, a_contact
from ticketing import unit_of_work
from ticketing.database import Database, open_database
from ticketing.errors import Conflict, DatabaseUnavailable, UnknownId
from ticketing.records import AuditRecord, RecordingRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, Medium, RecordingKind

pytestmark = pytest.mark.database


async def test_nothing_is_kept_of_a_unit_that_fails(database: Database) -> None:
    with pytest.raises(RuntimeError, match="mishap"):
        async with UnitOfWork(database) as unit:
            await unit.contacts.open(
                ContactId("call-1"), arrived_at=MONDAY, caller_number="1", dialled="", medium=Medium.PHONE
            )
            raise RuntimeError("mishap")
    async with UnitOfWork(database, reads=True) as unit:
        with pytest.raises(UnknownId):
            await unit.contacts.get(ContactId("call-1"))


async def test_a_cancelled_unit_keeps_nothing_and_gives_its_connection_back(database: Database) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with UnitOfWork(database) as unit:
            await unit.contacts.open(
                ContactId("call-1"), arrived_at=MONDAY, caller_number="1", dialled="", medium=Medium.PHONE
            )
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work(), name="a unit that is cancelled")
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await a_contact(database, "call-2")
    async with UnitOfWork(database, reads=True) as unit:
        assert [one.id for one in await unit.contacts.standing()] == ["call-2"]


async def test_a_refused_row_is_named_by_its_constraint_and_never_by_its_values(database: Database) -> None:
    contact = await a_contact(database, "call-1")
    broken = RecordingRecord(kind=RecordingKind.MIX, path="申先生.wav", ms=-1, bytes=0, offset_ms=0)
    with pytest.raises(Conflict) as refused:
        async with UnitOfWork(database) as unit:
            await unit.transcripts.add_recording(contact, broken)
    assert refused.value.constraint == "ck_recording_has_a_size"
    assert "申先生" not in str(refused.value)
    assert refused.value.__cause__ is None


async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    await a_contact(database, "call-1")
    async with UnitOfWork(database) as writer:
        await writer.contacts.ended(ContactId("call-1"), at=MONDAY)
        await writer.audits.add(
            AuditRecord(at=MONDAY, actor="1001", action="look", subject_kind="call", subject_id="1", why="")
        )
        async with asyncio.timeout(5), UnitOfWork(database, reads=True) as reader:
            assert (await reader.contacts.get(ContactId("call-1"))).ended_at is None


async def test_a_unit_that_only_reads_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with UnitOfWork(database, reads=True) as unit:
            await unit.contacts.open(
                ContactId("call-1"), arrived_at=MONDAY, caller_number="1", dialled="", medium=Medium.PHONE
            )
    await a_contact(database, "call-1")  # the connection it used may write again


async def test_writers_wait_their_turn(database: Database) -> None:
    await a_contact(database, "call-0")

    async def work(number: int) -> None:
        async with UnitOfWork(database) as unit:
            await unit.contacts.earlier_of_caller(ContactId("call-0"))  # reads before it writes
            await unit.contacts.open(
                ContactId(f"call-{number}"), arrived_at=MONDAY, caller_number="1", dialled="", medium=Medium.PHONE
            )

    async with asyncio.TaskGroup() as group:
        for number in range(1, 21):
            group.create_task(work(number), name=f"writer {number}")
    async with UnitOfWork(database, reads=True) as unit:
        assert len(await unit.contacts.standing()) == 21


async def test_two_processes_may_write_to_one_database(database: Database, database_url: str) -> None:
    async with open_database(
        database_url, VAULT
    ) as other:  # its own engine, locks and connections, as another process has

        async def work(mine: Database, number: int) -> None:
            async with UnitOfWork(mine) as unit:
                await unit.contacts.standing()
                await unit.contacts.open(
                    ContactId(f"call-{number}"), arrived_at=MONDAY, caller_number="1", dialled="", medium=Medium.PHONE
                )

        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(work(other if number % 2 else database, number), name=f"writer {number}")
    async with UnitOfWork(database, reads=True) as unit:
        assert len(await unit.contacts.standing()) == 20


async def test_who_waits_too_long_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if database.writing is None:
        pytest.skip("PostgreSQL has many writers")
    monkeypatch.setattr(unit_of_work, "BUSY_S", 0.05)
    async with UnitOfWork(database):
        with pytest.raises(DatabaseUnavailable, match="another unit of work has held"):
            async with UnitOfWork(database):
                pass
    await a_contact(database, "call-1")  # and the turn goes on


async def test_a_database_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    async with open_database(f"postgresql+asyncpg://hotline@/hotline?host={tmp_path}") as database:
        with pytest.raises(DatabaseUnavailable):
            async with UnitOfWork(database):
                pass
