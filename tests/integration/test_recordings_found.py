"""Recorded calls, found by time, agent, number, words and page, on both databases."""

from datetime import timedelta
from pathlib import Path

import pytest

from ivr.calls.events import CitizenRated
from ivr.calls.vocabulary import AgentId
from ivr.event_log import record_of, recorded_of
from ivr.retention import Forgotten, forget_recordings, matter_open
from tests.fakes.tickets import MONDAY, NUMBER, a_contact
from ticketing.database import Database
from ticketing.errors import UnknownId
from ticketing.records import EventRecord, RecordingFilter, RecordingRecord, SegmentRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, RecordingKind, Speaker

pytestmark = pytest.mark.database

MINUTE = timedelta(minutes=1)


async def a_recorded_call(database: Database, name: str, minute: int, *said: str, number: str = NUMBER) -> ContactId:
    contact = await a_contact(database, name, arrived_at=MONDAY + minute * MINUTE, number=number)
    segments = [
        SegmentRecord(
            id=f"s{at}", speaker=Speaker.CITIZEN, start_ms=at * 1000, end_ms=at * 1000 + 500, text=text, spoken=""
        )
        for at, text in enumerate(said)
    ]
    async with UnitOfWork(database) as unit:
        await unit.contacts.answered(contact, agent_id=f"100{minute % 3}", at=MONDAY)
        await unit.contacts.ended(contact, at=MONDAY + (minute + 1) * MINUTE)
        await unit.transcripts.add_segments(contact, segments)
        for kind, ms in ((RecordingKind.MIX, 60_000), (RecordingKind.CITIZEN, 59_000)):
            file = RecordingRecord(kind=kind, path=f"{name}-{kind}.wav", ms=ms, bytes=10, offset_ms=0)
            await unit.transcripts.add_recording(contact, file)
    return contact


async def found(database: Database, wanted: RecordingFilter, limit: int = 50) -> list[str]:
    async with UnitOfWork(database, reads=True) as unit:
        return [call.contact for call in await unit.recordings.find(wanted, limit)]


async def test_each_way_of_looking(database: Database) -> None:
    await a_recorded_call(database, "heat", 1, "您好", "我家暖气不热", "暖气四天了")
    await a_recorded_call(database, "road", 2, "路灯坏了 100%", number="13900004321")
    await a_recorded_call(database, "water", 3, "停水了", "没有暖气")
    await a_contact(database, "silent", arrived_at=MONDAY)
    assert await found(database, RecordingFilter()) == ["water", "road", "heat"]
    assert await found(database, RecordingFilter(words=("暖气",))) == ["water", "heat"]
    assert await found(database, RecordingFilter(words=("暖气", "不热"))) == ["heat"]
    assert await found(database, RecordingFilter(words=("100%",))) == ["road"]
    assert await found(database, RecordingFilter(words=("100_",))) == []
    assert await found(database, RecordingFilter(number="4321")) == ["road"]
    assert await found(database, RecordingFilter(number="%")) == []
    assert await found(database, RecordingFilter(agent="1002")) == ["road"]
    since, until = MONDAY + 2 * MINUTE, MONDAY + 3 * MINUTE
    assert await found(database, RecordingFilter(since=since, until=until)) == ["road"]
    assert await found(database, RecordingFilter(reference="2603020001")) == []
    first = await found(database, RecordingFilter(), limit=2)
    assert first == ["water", "road"]
    assert await found(database, RecordingFilter(before=MONDAY + 2 * MINUTE), limit=2) == ["heat"]


async def test_a_found_call_says_what_was_looked_for_and_how_it_was_rated(database: Database) -> None:
    contact = await a_recorded_call(database, "heat", 1, "您好", "我家暖气不热", "暖气四天了")
    line = EventRecord(contact=contact, seq=0, at=MONDAY, offset_ms=0, kind="", body={"type": "GivenBack", "leg": "x"})
    for seq, score in enumerate((2, 5)):
        rated = recorded_of(line)
        rated = type(rated)(
            call=rated.call, seq=seq, at=MONDAY, offset_ms=0, event=CitizenRated(agent=AgentId("1001"), score=score)
        )
        async with UnitOfWork(database) as unit:
            await unit.call_events.append([record_of(rated)])
    async with UnitOfWork(database, reads=True) as unit:
        (call,) = await unit.recordings.find(RecordingFilter(words=("暖气",)), 5)
        again = await unit.recordings.get(contact)
        with pytest.raises(UnknownId):
            await unit.recordings.get(ContactId("nobody"))
    assert (call.said, call.said_at_ms, call.rating, call.ms) == ("我家暖气不热", 1000, 5, 60_000)
    assert (again.said, again.rating, again.caller_number) == ("", 5, NUMBER)


def lay(folder: Path, call: str) -> None:
    folder.mkdir(exist_ok=True)
    for kind in (RecordingKind.MIX, RecordingKind.CITIZEN):
        (folder / f"{call}-{kind}.wav").write_bytes(b"0123456789")


def lying(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_what_is_old_is_forgotten_unless_it_is_needed(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    for name, minute in (("old", 1), ("needed", 2), ("young", 100)):
        await a_recorded_call(database, name, minute, "您好")
        lay(folder, name)

    async def needed(_: UnitOfWork, contact: ContactId) -> bool:
        return contact == "needed"

    async def forget(*, dry_run: bool) -> Forgotten:
        before = MONDAY + 50 * MINUTE
        return await forget_recordings(database, folder, before=before, now=MONDAY, needed=needed, dry_run=dry_run)

    would = Forgotten(calls=1, files=2, bytes=20, kept=1)
    assert await forget(dry_run=True) == would
    assert len(lying(folder)) == 6
    assert await forget(dry_run=False) == would
    assert await forget(dry_run=False) == Forgotten(calls=0, files=0, bytes=0, kept=1)
    assert {name.partition("-")[0] for name in lying(folder)} == {"needed", "young"}
    assert await found(database, RecordingFilter()) == ["young", "needed"]
    async with UnitOfWork(database, reads=True) as unit:
        assert [segment.text for segment in await unit.transcripts.segments(ContactId("old"))] == ["您好"]
        assert [audit.action for audit in await unit.audits.of_subject("contact", "old")] == ["forget_recording"]
        assert not await matter_open(unit, ContactId("young"))
