import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import StatementError

from tests.databases import VAULT
from tests.fakes.tickets import NUMBER
from ticketing.database import Database, open_database
from ticketing.errors import DatabaseUnready, KeysUnusable
from ticketing.models import Caller, Ticket
from ticketing.schema import check_schema, upgrade
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, FieldName, Role

pytestmark = pytest.mark.database


async def test_the_migrations_make_exactly_the_models_tables(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, Ticket.metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_an_empty_database_is_not_ready_until_it_is_upgraded(empty_url: str) -> None:
    async with open_database(empty_url) as database:
        with pytest.raises(DatabaseUnready, match=r"is empty, this release needs .*; run `hotline setup`"):
            await check_schema(database)
    await upgrade(empty_url)
    async with open_database(empty_url) as database:
        await check_schema(database)
    await upgrade(empty_url)  # again: nothing to do


async def test_two_servers_may_upgrade_at_once(empty_url: str) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(2):
            group.create_task(upgrade(empty_url), name=f"upgrade {number}")
    async with open_database(empty_url) as database:
        await check_schema(database)


async def test_another_releases_schema_is_refused(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnready, match="has schema 9999"):
        await check_schema(database)


async def test_a_failed_upgrade_leaves_nothing(empty_url: str) -> None:
    async with open_database(empty_url) as database:
        async with database.engine.begin() as connection:
            await connection.execute(text("CREATE TABLE ticket (id INTEGER)"))
        with pytest.raises(DatabaseUnready, match="cannot be used"):
            await upgrade(empty_url)
        async with database.engine.begin() as connection:
            await connection.execute(text("DROP TABLE ticket"))
    await upgrade(empty_url)


async def test_a_database_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql+asyncpg://hotline:secret@/hotline?host={tmp_path}"
    async with open_database(url) as database:
        with pytest.raises(DatabaseUnready) as unready:
            await check_schema(database)
    assert "secret" not in str(unready.value)
    assert "check [database] url" in str(unready.value)


@pytest.mark.parametrize(
    ("url", "mend"),
    [
        ("not an address", "see \\[database\\] url"),
        ("mysql://localhost/hotline", "use sqlite or postgresql"),
        ("sqlite:///:memory:", "must be a file"),
        ("sqlite:////nowhere/at/all/hotline.db", "create it"),
    ],
)
async def test_an_address_that_cannot_work_is_refused(url: str, mend: str) -> None:
    with pytest.raises(DatabaseUnready, match=mend):
        async with open_database(url):
            pass


async def test_times_come_back_aware_in_utc_and_compare(database: Database) -> None:
    elsewhere = datetime(2026, 11, 21, 8, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    async with database.engine.begin() as connection:
        await connection.execute(insert(Caller).values(number="1", digest="1", first_seen_at=elsewhere))
        kept = (await connection.execute(select(Caller.first_seen_at))).scalar_one()
        assert kept == elsewhere
        assert kept.tzinfo is UTC
        before = select(Caller.id).where(Caller.first_seen_at < elsewhere + timedelta(microseconds=1))
        assert (await connection.execute(before)).first() is not None
        not_before = select(Caller.id).where(Caller.first_seen_at < elsewhere)
        assert (await connection.execute(not_before)).first() is None


async def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 11, 21)  # noqa: DTZ001 - the fault under test
    async with database.engine.connect() as connection:
        with pytest.raises(StatementError, match="without a zone"):
            await connection.execute(insert(Caller).values(number="1", digest="1", first_seen_at=naive))
        await connection.rollback()


FIRST_RELEASE = (
    "INSERT INTO caller (id, number, first_seen_at) VALUES (1, '13800005678', '2026-11-02 01:00:00.000000')",
    "INSERT INTO contact (id, medium, state, caller_id, dialled, arrived_at) "
    "VALUES ('call-1', 'phone', 'arrived', 1, '12345', '2026-11-02 01:00:00.000000')",
    "INSERT INTO call_event (contact_id, seq, at, offset_ms, kind, body) VALUES ('call-1', 0,"
    """ '2026-11-02 01:00:00.000000', 0, 'CallArrived', '{"type": "CallArrived", "caller_number": "13800005678"}')""",
    "INSERT INTO draft (id, contact_id, revision, fields, promise, updated_at) VALUES ('draft-1', 'call-1', 1,"
    """ '{"citizen_name": {"value": "申先生"}}', '', '2026-11-02 01:00:00.000000')""",
    "INSERT INTO ticket (id, reference, revision, state, contact_id, submit_key, medium, request_type, category_code,"
    " category, address, citizen_name, callback_phone, confidential, sensitive, lead_agency_id, lead_agency,"
    " co_agency_ids, urgency, deadline_rule_id, title, content, created_by, created_at, dispatched_at) "
    "VALUES (1, '2611020001', 1, 'dispatched', 'call-1', 'k', 'phone', '投诉', '010101', '占道经营', '',"
    " '申先生', '13800005678', false,"
    " false, 'd-cgj', '城管', '[]', '一般', 'dl-general', '题', '文', '1001', '2026-11-02 01:00:00.000000',"
    " '2026-11-02 01:01:00.000000')",
    "INSERT INTO ticket_event (ticket_id, seq, at, actor, kind, to_state, why, body) "
    "VALUES (1, 0, '2026-11-02 01:00:00.000000', '1001', 'submitted', 'pending_dispatch', '', '{}')",
    "INSERT INTO outbox (key, ticket_id, agency_id, part, state, attempts, created_at, next_at, last_error) "
    "VALUES ('k', 1, 'd-cgj', 'lead', 'sent', 1, '2026-11-02 01:00:00.000000', '2026-11-02 01:00:00.000000', '')",
)


async def test_a_database_of_the_first_release_is_brought_forward_with_what_is_in_it(empty_url: str) -> None:
    await upgrade(empty_url, "0001")
    async with open_database(empty_url) as database, database.engine.begin() as connection:
        for statement in FIRST_RELEASE:
            await connection.exec_driver_sql(statement)
    with pytest.raises(KeysUnusable):
        await upgrade(empty_url)
    await upgrade(empty_url, vault=VAULT)
    async with open_database(empty_url, VAULT) as database:
        await check_schema(database)
        async with database.engine.connect() as connection:
            for table in ("caller", "ticket", "draft", "call_event"):
                kept = (await connection.exec_driver_sql(f"SELECT * FROM {table}")).all()  # noqa: S608 - our own names
                assert NUMBER not in repr(kept)
                assert "申先生" not in repr(kept)
        async with UnitOfWork(database, reads=True) as unit:
            assert (await unit.contacts.get(ContactId("call-1"))).caller_number == NUMBER
            assert (await unit.drafts.get("draft-1")).fields[FieldName.CITIZEN_NAME].value == "申先生"
            (arrived,) = await unit.call_events.of_contact(ContactId("call-1"))
            assert arrived.body["caller_number"] == NUMBER
            ticket = await unit.tickets.get("2611020001")
            (event,) = await unit.tickets.events("2611020001")
            (entry,) = await unit.outbox.of_ticket("2611020001")
            late = await unit.tickets.unsigned(datetime(2026, 11, 3, tzinfo=UTC), 9)
    assert (ticket.citizen_name, ticket.callback_phone) == ("申先生", NUMBER)
    assert (ticket.holder_agency_id, ticket.supervision, ticket.merged_into) == ("d-cgj", 0, None)
    assert (event.role, event.actor) == (Role.AGENT, "1001")
    assert (entry.kind, entry.body) == ("dispatch", {})
    assert [one.reference for one in late] == ["2611020001"]
