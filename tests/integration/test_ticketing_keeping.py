from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.databases import VAULT
from tests.fakes.tickets import MONDAY, NUMBER, SITE, a_contact
from tests.integration.test_ticketing_casework import AGENT, HEAD, REPLIED, REVIEWER, VISITOR, Hotline
from ticketing.database import Database, open_database
from ticketing.entries import life_of
from ticketing.errors import AccessRefused, KeysUnusable, UnknownId
from ticketing.keeping import ERASED, Keeping
from ticketing.lifecycle import steps as s
from ticketing.lifecycle.table import Actor
from ticketing.records import RecordingRecord, SegmentRecord
from ticketing.retention import Retention
from ticketing.unit_of_work import UnitOfWork
from ticketing.vault import Keys, Vault, make_keys, read_keys
from ticketing.vocabulary import CallbackKind, ContactId, RecordingKind, Role, Speaker, TicketState

pytestmark = pytest.mark.database

ADMIN = Actor(id="9001", role=Role.ADMIN)
IDENTITY_TABLES = ("caller", "ticket", "draft", "call_event")


@pytest.fixture
def hotline(database: Database) -> Hotline:
    return Hotline(database)


@pytest.fixture
def keeping(hotline: Hotline, tmp_path: Path) -> Keeping:
    return Keeping(hotline.database, tmp_path, now=hotline.clock)


async def raw(database: Database) -> str:
    async with database.engine.connect() as connection:
        rows = [(await connection.execute(text(f"SELECT * FROM {one}"))).all() for one in IDENTITY_TABLES]  # noqa: S608
    return repr(rows)


async def a_closed_ticket(hotline: Hotline, folder: Path, call: str = "call-1") -> str:
    reference = await hotline.dispatched(call)
    await hotline.take(reference, (s.Signed(), HEAD), (s.Noted(text="申先生来催"), AGENT), (REPLIED, HEAD))
    await hotline.take(reference, (s.ReplyApproved(), REVIEWER))
    async with UnitOfWork(hotline.database) as unit:
        await hotline.casework.visit(unit, reference, VISITOR, reached=True, solved=True, satisfied=True)
        await unit.contacts.ended(ContactId(call), at=hotline.clock.at)
        said = SegmentRecord(id="1", speaker=Speaker.CITIZEN, start_ms=0, end_ms=9, text="我姓申", spoken="我姓申")
        await unit.transcripts.add_segments(ContactId(call), [said])
        file = RecordingRecord(kind=RecordingKind.MIX, path=f"{call}.wav", ms=9, bytes=9, offset_ms=0)
        await unit.transcripts.add_recording(ContactId(call), file)
    (folder / f"{call}.wav").write_bytes(b"sound")
    return reference


async def test_who_citizens_are_is_sealed_at_rest(hotline: Hotline, tmp_path: Path) -> None:
    reference = await a_closed_ticket(hotline, tmp_path)
    kept = await raw(hotline.database)
    for secret in (NUMBER, VAULT.seal("")):
        assert not secret or secret not in kept
    async with hotline.database.engine.connect() as connection:
        (name,) = (await connection.execute(text("SELECT citizen_name FROM ticket"))).one()
    assert name.startswith("1:")
    async with UnitOfWork(hotline.database, reads=True) as unit:
        ticket = await unit.tickets.get(reference)
    assert (ticket.citizen_name, ticket.callback_phone) == ("申先生", NUMBER)


async def test_without_the_right_keys_nothing_of_an_identity_is_read(hotline: Hotline, database_url: str) -> None:
    await hotline.submit("call-1")
    for vault in (None, Vault(Keys.fresh())):
        async with open_database(database_url, vault) as other, UnitOfWork(other, reads=True) as unit:
            with pytest.raises(KeysUnusable):
                await unit.contacts.get(ContactId("call-1"))


async def test_a_new_key_seals_everything_again_and_others_follow(
    hotline: Hotline, database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "keys.toml"
    make_keys(file)
    assert file.stat().st_mode & 0o777 == 0o600
    async with (
        open_database(database_url, Vault.opened(file)) as one,
        open_database(database_url, Vault.opened(file)) as other,
    ):
        running = Hotline(other)
        await running.submit("call-1")
        first = read_keys(file)
        for _ in range(2):
            assert await Keeping(one, tmp_path).rotate(file, ADMIN) == 2
        assert first.current not in read_keys(file).sealing
        assert "'1:" not in await raw(one)
        await running.submit("call-2")  # sealed with the newest by whoever had the database open
        assert "'2:" not in await raw(one)
        async with UnitOfWork(other, reads=True) as unit:
            assert (await unit.contacts.get(ContactId("call-1"))).caller_number == NUMBER
            assert await unit.contacts.earlier_of_caller(ContactId("call-2")) == 1
    with pytest.raises(AccessRefused):
        await Keeping(hotline.database, tmp_path).rotate(file, AGENT)


async def test_what_is_over_goes_by_kind_and_a_dry_run_only_counts(
    hotline: Hotline, keeping: Keeping, tmp_path: Path
) -> None:
    reference = await a_closed_ticket(hotline, tmp_path)
    rules = Retention(recordings=30, transcripts=60, drafts=90, identities=120, callbacks=0, audits=0)
    swept = await keeping.sweep(rules, ADMIN, dry_run=False)
    assert set(swept.rows.values()) == {0}
    for days, gone in ((31, "recordings"), (30, "transcripts"), (30, "drafts"), (30, "identities")):
        hotline.clock.forward(days=days)
        counted = await keeping.sweep(rules, ADMIN, dry_run=True)
        swept = await keeping.sweep(rules, ADMIN, dry_run=False)
        assert counted.rows == swept.rows
        assert {kind for kind, rows in swept.rows.items() if rows} == (
            {gone, "callers"} if gone == "identities" else {gone}
        )
    assert not (tmp_path / "call-1.wav").exists()
    async with UnitOfWork(hotline.database, reads=True) as unit:
        ticket = await unit.tickets.get(reference)
        assert (await unit.contacts.get(ContactId("call-1"))).caller_number is None
    assert (ticket.citizen_name, ticket.callback_phone, ticket.state) == ("", "", TicketState.CLOSED)
    assert ticket.title != ERASED


async def test_a_hold_keeps_everything_until_it_is_lifted(hotline: Hotline, keeping: Keeping, tmp_path: Path) -> None:
    reference = await a_closed_ticket(hotline, tmp_path)
    await keeping.hold(reference, ADMIN, "诉讼")
    await keeping.hold(reference, ADMIN, "诉讼")
    hotline.clock.forward(days=4000)
    swept = await keeping.sweep(Retention(), ADMIN, dry_run=False)
    assert swept.held == (reference,)
    assert {kind for kind, rows in swept.rows.items() if rows} <= {"callbacks"}
    with pytest.raises(AccessRefused, match="依法留存"):
        await keeping.erase(NUMBER, ADMIN, "本人要求")
    await keeping.lift(reference, ADMIN, "结案")
    with pytest.raises(UnknownId):
        await keeping.lift(reference, ADMIN, "结案")
    assert (await keeping.sweep(Retention(), ADMIN, dry_run=False)).rows["recordings"] == 1
    for action, why in (("hold", "诉讼"), ("lift", "结案")):
        async with UnitOfWork(hotline.database, reads=True) as unit:
            noted = await unit.audits.of_subject("ticket", reference)
        assert (action, why) in [(one.action, one.why) for one in noted]


async def test_an_erased_citizen_is_gone_and_the_statistics_stay(
    hotline: Hotline, keeping: Keeping, tmp_path: Path
) -> None:
    reference = await a_closed_ticket(hotline, tmp_path)
    open_one = await hotline.dispatched("call-2")
    with pytest.raises(AccessRefused, match="未办结"):
        await keeping.erase(NUMBER, ADMIN, "本人要求")
    await hotline.take(open_one, (s.Withdrawn(), AGENT), why="申先生不要了")
    with pytest.raises(AccessRefused, match="无权"):
        await keeping.erase(NUMBER, AGENT, "本人要求")
    async with UnitOfWork(hotline.database, reads=True) as unit:
        before = await unit.tickets.get(reference)
    assert await keeping.erase(NUMBER, ADMIN, "本人要求") == (reference, open_one)
    async with UnitOfWork(hotline.database, reads=True) as unit:
        ticket = await unit.tickets.get(reference)
        events = [one for name in (reference, open_one) for one in await unit.tickets.events(name)]
        assert await unit.transcripts.segments(ContactId("call-1")) == ()
        assert await unit.drafts.of_contact(ContactId("call-1")) == ()
        assert (await unit.contacts.get(ContactId("call-1"))).caller_number is None
        assert await unit.keeping.tickets_of_number(NUMBER) == ()
    assert (ticket.title, ticket.content, ticket.address) == (ERASED, ERASED, "")
    for kept in ("category_code", "place_id", "lead_agency_id", "state", "due_at", "closed_at", "created_at"):
        assert getattr(ticket, kept) == getattr(before, kept)
    assert "申先生" not in repr(events)
    async with UnitOfWork(hotline.database, reads=True) as unit:
        assert life_of(await unit.tickets.events(reference)).state is TicketState.CLOSED  # it still folds
    assert not (tmp_path / "call-1.wav").exists()
    await a_contact(hotline.database, "call-3", arrived_at=MONDAY + timedelta(days=1))
    async with UnitOfWork(hotline.database, reads=True) as unit:
        assert await unit.contacts.earlier_of_caller(ContactId("call-3")) == 0  # nobody knows them any more


async def test_a_number_that_waits_for_a_call_is_kept(hotline: Hotline, keeping: Keeping) -> None:
    await a_contact(hotline.database, "call-1")
    async with UnitOfWork(hotline.database) as unit:
        await unit.contacts.ended(ContactId("call-1"), at=MONDAY)
        await unit.callbacks.enter(CallbackKind.MISSED, NUMBER, at=MONDAY, not_before=MONDAY, due_at=MONDAY)
    hotline.clock.forward(days=4000)
    assert (await keeping.sweep(Retention(), ADMIN, dry_run=True)).rows["callers"] == 0
    assert SITE.info.demo
