import asyncio
from datetime import datetime, timedelta

import pytest

from tests.databases import VAULT
from tests.fakes.tickets import MONDAY, SITE, TestClock, a_contact
from tests.integration.test_ticketing_casework import SUPERVISOR, VISITOR, Hotline
from ticketing.callbacks import Callbacks
from ticketing.database import Database, open_database
from ticketing.errors import UnknownId
from ticketing.records import CallbackRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CallbackKind, CallbackState, CallOutcome, ContactId, Medium, TicketState

pytestmark = pytest.mark.database


class Queue:
    """The callback queue of a test, each action in a unit of work of its own."""

    def __init__(self, hotline: Hotline) -> None:
        self.database = hotline.database
        self.clock = hotline.clock
        self.callbacks = Callbacks(SITE, hotline.casework, hotline.clock)

    async def missed(self, call: str, number: str | None, kind: CallbackKind = CallbackKind.MISSED) -> bool:
        await a_contact(self.database, call, number=number, arrived_at=self.clock.at)
        async with UnitOfWork(self.database) as unit:
            await unit.callbacks.called_in(ContactId(call), self.clock.at)
            await unit.contacts.ended(ContactId(call), at=self.clock.at)
            return await self.callbacks.owe(unit, kind, ContactId(call))

    async def take(self, worker: str = "a", database: Database | None = None) -> CallbackRecord | None:
        async with UnitOfWork(database or self.database) as unit:
            return await self.callbacks.take(unit, worker, lease_s=60)

    async def settle(self, callback: CallbackRecord, outcome: CallOutcome, worker: str = "a") -> CallbackRecord:
        async with UnitOfWork(self.database) as unit:
            return await self.callbacks.settle(unit, callback, worker, outcome, VISITOR)

    async def waiting(self) -> list[str]:
        async with UnitOfWork(self.database, reads=True) as unit:
            return [one.number for one in await unit.callbacks.waiting()]


@pytest.fixture
def hotline(database: Database) -> Hotline:
    return Hotline(database)


@pytest.fixture
def queue(hotline: Hotline) -> Queue:
    return Queue(hotline)


async def test_missed_callers_are_called_in_the_order_they_came(queue: Queue) -> None:
    for call, number in (("call-1", "111"), ("call-2", "222"), ("call-3", "333")):
        await queue.missed(call, number)
        queue.clock.forward(minutes=1)
    first = await queue.take()
    assert first is not None
    assert (first.number, first.kind, first.attempts) == ("111", CallbackKind.MISSED, 1)
    assert first.due_at == MONDAY + timedelta(minutes=30)
    done = await queue.settle(first, CallOutcome.REACHED)
    assert (done.state, done.outcome, done.closed_at) == (CallbackState.DONE, "reached", queue.clock.at)
    assert await queue.waiting() == ["222", "333"]


async def test_who_calls_again_and_again_waits_once_and_keeps_the_place(queue: Queue) -> None:
    await queue.missed("call-1", "111")
    queue.clock.forward(minutes=1)
    await queue.missed("call-2", "222")
    async with UnitOfWork(queue.database) as unit:  # the same citizen again, still not reached
        await a_contact_in(unit, "call-3", "111", queue.clock)
        await queue.callbacks.owe(unit, CallbackKind.PROMISED, ContactId("call-3"))
    assert await queue.waiting() == ["111", "222"]


async def a_contact_in(unit: UnitOfWork, call: str, number: str, clock: TestClock) -> None:

    await unit.contacts.open(
        ContactId(call), arrived_at=clock.at, caller_number=number, dialled="12345", medium=Medium.PHONE
    )


async def test_nobody_is_owed_a_call_who_hid_their_number(queue: Queue) -> None:
    assert not await queue.missed("call-1", None)
    assert await queue.take() is None


async def test_a_citizen_who_calls_in_first_is_not_called(queue: Queue) -> None:
    await queue.missed("call-1", "111")
    held = await queue.take()
    assert held is not None
    await a_contact(queue.database, "call-2", number="111", arrived_at=queue.clock.at)
    async with UnitOfWork(queue.database) as unit:
        assert await unit.callbacks.called_in(ContactId("call-2"), queue.clock.at) == 1
        assert await unit.callbacks.called_in(ContactId("call-2"), queue.clock.at) == 0
        assert (await unit.callbacks.get(held.id)).state is CallbackState.CANCELLED
    with pytest.raises(UnknownId, match="not held"):
        await queue.settle(held, CallOutcome.NO_ANSWER)


async def test_two_workers_never_call_the_same_citizen(queue: Queue, database_url: str) -> None:
    for number in range(8):
        await queue.missed(f"call-{number}", f"1{number}")
    async with open_database(database_url, VAULT) as other:
        taken = await asyncio.gather(
            *(queue.take(f"worker-{n}", other if n % 2 else None) for n in range(10)), return_exceptions=False
        )
    numbers = [one.number for one in taken if one is not None]
    assert sorted(numbers) == [f"1{number}" for number in range(8)]


async def test_a_crash_frees_the_lease(queue: Queue) -> None:
    await queue.missed("call-1", "111")
    assert await queue.take("dead") is not None
    queue.clock.forward(seconds=59)
    assert await queue.take("b") is None
    queue.clock.forward(seconds=1)
    again = await queue.take("b")
    assert again is not None
    assert again.attempts == 2
    with pytest.raises(UnknownId):
        await queue.settle(again, CallOutcome.REACHED, "dead")
    await queue.settle(again, CallOutcome.REACHED, "b")


async def test_who_does_not_answer_is_tried_again_as_often_as_the_site_says(queue: Queue) -> None:
    await queue.missed("call-1", "111")
    for attempt in (1, 2, 3):
        taken = await queue.take()
        assert taken is not None
        assert taken.attempts == attempt
        settled = await queue.settle(taken, CallOutcome.NO_ANSWER)
        assert await queue.take() is None
        if attempt < 3:
            assert settled.not_before == queue.clock.at + timedelta(hours=4)
            queue.clock.at = settled.not_before
    assert settled.state is CallbackState.EXHAUSTED
    assert await queue.waiting() == []


async def test_a_return_visit_waits_for_a_decent_hour(hotline: Hotline, queue: Queue) -> None:
    await hotline.visit_stage()
    hotline.clock.at = datetime.fromisoformat("2026-11-02T12:30+08:00")
    assert await queue.take() is None
    await queue.missed("call-2", "222")
    missed = await queue.take()
    assert missed is not None, "who called us is called back at any hour"
    assert missed.kind is CallbackKind.MISSED
    await queue.settle(missed, CallOutcome.REACHED)
    for hour in ("20:00", "23:59", "08:29"):
        hotline.clock.at = datetime.fromisoformat(f"2026-11-03T{hour}+08:00")
        assert await queue.take() is None, hour
    hotline.clock.at = datetime.fromisoformat("2026-11-03T08:30+08:00")
    visit = await queue.take()
    assert visit is not None
    assert visit.kind is CallbackKind.VISIT


async def test_visits_nobody_answers_count_on_the_ticket(hotline: Hotline, queue: Queue) -> None:
    reference = await hotline.visit_stage()
    for attempt, at in enumerate(("2026-11-02T09:00", "2026-11-02T15:00", "2026-11-03T09:00"), start=1):
        hotline.clock.at = datetime.fromisoformat(f"{at}+08:00")
        visit = await queue.take()
        assert visit is not None
        assert visit.reference == reference
        settled = await queue.settle(visit, CallOutcome.NO_ANSWER)
        assert (await hotline.case(reference)).life.visits == attempt
    assert settled.state is CallbackState.EXHAUSTED
    assert "closed" in (await hotline.case(reference, VISITOR)).open_steps
    await hotline.sound(reference)


async def test_a_ticket_that_is_closed_otherwise_owes_no_visit(hotline: Hotline, queue: Queue) -> None:
    reference = await hotline.visit_stage()
    assert await queue.waiting() == ["13800005678"]
    async with UnitOfWork(hotline.database) as unit:
        await hotline.casework.visit(unit, reference, SUPERVISOR, reached=True, solved=True, satisfied=True)
    assert await queue.waiting() == []
    async with UnitOfWork(hotline.database, reads=True) as unit:
        assert [one.state for one in await unit.callbacks.of_ticket(reference)] == [CallbackState.CANCELLED]
    assert (await hotline.case(reference)).ticket.state is TicketState.CLOSED
