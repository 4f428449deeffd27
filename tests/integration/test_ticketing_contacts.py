from datetime import timedelta

import pytest

from tests.fakes.tickets import MONDAY, NUMBER, a_contact
from ticketing.database import Database
from ticketing.errors import Conflict, UnknownId
from ticketing.records import EventRecord, RecordingRecord, SegmentRecord, SpokenWord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, ContactState, Medium, RecordingKind, Speaker

pytestmark = pytest.mark.database

MINUTE = timedelta(minutes=1)


def an_event(call: str, seq: int, kind: str = "DigitPressed") -> EventRecord:
    body = {"type": kind, "leg": "leg-1", "digit": "1", "说": ["您好", None, 1.5]}
    at = MONDAY + timedelta(milliseconds=seq)
    return EventRecord(contact=ContactId(call), seq=seq, at=at, offset_ms=seq, kind=kind, body=body)


async def test_a_contact_is_kept_from_arrival_to_end(database: Database) -> None:
    contact = await a_contact(database, "call-1")
    async with UnitOfWork(database) as unit:
        await unit.contacts.answered(contact, agent_id="1001", at=MONDAY + MINUTE)
        await unit.contacts.answered(contact, agent_id="1002", at=MONDAY + 2 * MINUTE)
    async with UnitOfWork(database) as unit:
        await unit.contacts.ended(contact, at=MONDAY + 3 * MINUTE, disposition="ticket")
        await unit.contacts.ended(contact, at=MONDAY + 9 * MINUTE)
    async with UnitOfWork(database, reads=True) as unit:
        kept = await unit.contacts.get(contact)
    assert kept.state is ContactState.ENDED
    assert kept.caller_number == NUMBER
    assert (kept.answered_at, kept.agent_id) == (MONDAY + MINUTE, "1002")
    assert (kept.ended_at, kept.disposition) == (MONDAY + 3 * MINUTE, "ticket")


async def test_a_call_nobody_answered_was_abandoned(database: Database) -> None:
    contact = await a_contact(database, "call-1", number=None)
    async with UnitOfWork(database) as unit:
        await unit.contacts.ended(contact, at=MONDAY + MINUTE)
        kept = await unit.contacts.get(contact)
    assert kept.state is ContactState.ABANDONED
    assert kept.caller_number is None


async def test_opening_a_contact_again_changes_nothing(database: Database) -> None:
    await a_contact(database, "call-1")
    await a_contact(database, "call-1", number="110", arrived_at=MONDAY + MINUTE)
    async with UnitOfWork(database, reads=True) as unit:
        kept = await unit.contacts.get(ContactId("call-1"))
    assert (kept.caller_number, kept.arrived_at) == (NUMBER, MONDAY)


async def test_standing_contacts_and_the_days_arrivals_are_found(database: Database) -> None:
    for number in range(4):
        await a_contact(database, f"call-{number}", arrived_at=MONDAY + number * MINUTE)
    async with UnitOfWork(database) as unit:
        await unit.contacts.ended(ContactId("call-1"), at=MONDAY + 5 * MINUTE)
    async with UnitOfWork(database, reads=True) as unit:
        standing = [one.id for one in await unit.contacts.standing()]
        between = [one.id for one in await unit.contacts.arrived_between(MONDAY + MINUTE, MONDAY + 3 * MINUTE)]
    assert standing == ["call-0", "call-2", "call-3"]
    assert between == ["call-1", "call-2"]


async def test_an_unknown_contact_is_named(database: Database) -> None:
    nobody = ContactId("nobody")
    async with UnitOfWork(database) as unit:
        with pytest.raises(UnknownId, match="no contact nobody"):
            await unit.contacts.get(nobody)
        with pytest.raises(UnknownId):
            await unit.contacts.answered(nobody, agent_id="1001", at=MONDAY)
        with pytest.raises(UnknownId):
            await unit.contacts.ended(nobody, at=MONDAY)


async def test_event_logs_come_back_in_order_and_whole(database: Database) -> None:
    await a_contact(database, "call-1")
    await a_contact(database, "call-2", arrived_at=MONDAY + MINUTE)
    async with UnitOfWork(database) as unit:
        await unit.call_events.append([an_event("call-2", 0), an_event("call-1", 0), an_event("call-1", 1)])
        await unit.call_events.append([])
        await unit.call_events.append([an_event("call-1", 2, "LegHungUp")])
        await unit.contacts.ended(ContactId("call-2"), at=MONDAY + 2 * MINUTE)
    async with UnitOfWork(database, reads=True) as unit:
        log = await unit.call_events.of_contact(ContactId("call-1"))
        standing = await unit.call_events.of_standing()
        day = await unit.call_events.of_arrivals(MONDAY, MONDAY + 2 * MINUTE)
    assert log == (an_event("call-1", 0), an_event("call-1", 1), an_event("call-1", 2, "LegHungUp"))
    assert standing == log
    assert [(one.contact, one.seq) for one in day] == [("call-1", 0), ("call-1", 1), ("call-1", 2), ("call-2", 0)]


async def test_a_place_in_the_log_is_given_once_and_a_refused_batch_leaves_nothing(database: Database) -> None:
    await a_contact(database, "call-1")
    async with UnitOfWork(database) as unit:
        await unit.call_events.append([an_event("call-1", 0)])
    with pytest.raises(Conflict, match=r"call_event"):
        async with UnitOfWork(database) as unit:
            await unit.call_events.append([an_event("call-1", 1), an_event("call-1", 0)])
    async with UnitOfWork(database, reads=True) as unit:
        assert len(await unit.call_events.of_contact(ContactId("call-1"))) == 1


async def test_an_event_of_an_unknown_call_is_refused(database: Database) -> None:
    with pytest.raises(Conflict, match=r"foreign key|fk_call_event"):
        async with UnitOfWork(database) as unit:
            await unit.call_events.append([an_event("nobody", 0)])


async def test_the_transcript_comes_back_by_time(database: Database) -> None:
    contact = await a_contact(database, "call-1")
    word = SpokenWord(text="您好", start_ms=10, end_ms=400, confidence=0.9)
    agent = SegmentRecord(
        id="a-1", speaker=Speaker.AGENT, start_ms=10, end_ms=900, text="您好", spoken="您 好", words=(word,)
    )
    citizen = SegmentRecord(id="c-1", speaker=Speaker.CITIZEN, start_ms=5, end_ms=8, text="", spoken="", lost=True)
    again = SegmentRecord(id="c-1b", speaker=Speaker.CITIZEN, start_ms=5, end_ms=8, text="喂", spoken="喂")
    async with UnitOfWork(database) as unit:
        await unit.transcripts.add_segments(contact, [agent, citizen])
        await unit.transcripts.add_segments(contact, [agent])
        assert await unit.transcripts.segments(contact) == (citizen, agent)
        await unit.transcripts.replace_lost(contact, "c-1", [again])
        assert await unit.transcripts.segments(contact) == (again, agent)


async def test_recordings_are_tied_to_their_contact_once(database: Database) -> None:
    contact = await a_contact(database, "call-1")
    other = await a_contact(database, "call-2")
    mix = RecordingRecord(kind=RecordingKind.MIX, path="2026/11/02/call-1.wav", ms=0, bytes=44, offset_ms=120)
    final = RecordingRecord(kind=RecordingKind.MIX, path=mix.path, ms=61_000, bytes=976_044, offset_ms=120)
    async with UnitOfWork(database) as unit:
        await unit.transcripts.add_recording(contact, mix)
        await unit.transcripts.add_recording(contact, final)
        await unit.transcripts.add_recording(other, mix)  # somebody else's file stays theirs
        assert await unit.transcripts.recordings(contact) == (final,)
        assert await unit.transcripts.recordings(other) == ()


async def test_the_number_of_a_caller_is_kept_in_one_row(database: Database) -> None:
    for number in range(3):
        await a_contact(database, f"call-{number}", arrived_at=MONDAY + number * MINUTE)
    await a_contact(database, "withheld", number=None, arrived_at=MONDAY + 9 * MINUTE)
    async with UnitOfWork(database) as unit:
        assert await unit.contacts.earlier_of_caller(ContactId("call-2")) == 2
        assert await unit.contacts.earlier_of_caller(ContactId("call-0")) == 0
        assert await unit.contacts.earlier_of_caller(ContactId("withheld")) == 0


async def test_a_contact_may_come_by_any_medium(database: Database) -> None:
    async with UnitOfWork(database) as unit:
        for medium in Medium:
            contact = ContactId(f"by-{medium}")
            await unit.contacts.open(contact, arrived_at=MONDAY, caller_number=None, dialled="", medium=medium)
            assert (await unit.contacts.get(contact)).medium is medium
