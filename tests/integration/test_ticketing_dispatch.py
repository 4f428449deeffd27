import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.databases import VAULT
from tests.fakes.agency_endpoint import HANG_UP, SILENCE, agency_endpoint
from tests.fakes.gateways import ScriptedGateway
from tests.fakes.tickets import SITE, Killed, TestClock, a_contact, draft_of, killed_before_statement
from tests.until import until
from ticketing.database import Database, open_database
from ticketing.deadlines import due_at
from ticketing.dispatch import DispatchWorker, Gateways, RetryPolicy
from ticketing.errors import GatewayFailed, UnknownId
from ticketing.gateways import DirectoryGateway, Gateway, WebhookGateway
from ticketing.payload import Dispatch
from ticketing.records import OutboxRecord, TicketRecord
from ticketing.service import TicketService
from ticketing.unit_of_work import UnitOfWork
from ticketing.views import TicketView
from ticketing.vocabulary import AgencyId, DispatchState, FieldName, TicketState
from ticketing.work_calendar import WorkCalendar

REFERENCE = "2611020001"
POLICY = RetryPolicy(attempts=4, first_s=10, longest_s=60, lease_s=60)

on_both_databases = pytest.mark.database


async def a_ticket(database: Database, call: str = "call-1", co: str = "") -> TicketView:
    await a_contact(database, call)
    async with UnitOfWork(database) as unit:
        draft = draft_of(call, {FieldName.CO_AGENCIES: co})
        return await TicketService(SITE, TestClock()).submit(unit, draft, "1001", draft.id)


async def state_of(database: Database, reference: str = REFERENCE) -> tuple[TicketRecord, tuple[OutboxRecord, ...]]:
    async with UnitOfWork(database, reads=True) as unit:
        return await unit.tickets.get(reference), await unit.outbox.of_ticket(reference)


def a_worker(database: Database, gateway: Gateway, clock: TestClock, policy: RetryPolicy = POLICY) -> DispatchWorker:
    gateways = Gateways(default=gateway)
    return DispatchWorker(database, SITE, gateways, policy=policy, now=clock)


@asynccontextmanager
async def running(worker: DispatchWorker) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run(), name="dispatch worker")
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@on_both_databases
async def test_a_ticket_is_dispatched_and_due_from_then(database: Database) -> None:
    await a_ticket(database, co="d-gaj-jj")
    clock, gateway, heard = TestClock(), ScriptedGateway(), list[TicketView]()
    clock.forward(days=1, minutes=3)
    worker = DispatchWorker(database, SITE, Gateways(default=gateway), now=clock, on_dispatched=heard.append)
    assert await worker.work_once() == 2
    ticket, entries = await state_of(database)
    assert ticket.state is TicketState.DISPATCHED
    assert ticket.dispatched_at == clock.at
    expected = due_at(SITE.rule("dl-general"), clock.at, WorkCalendar.of_site(SITE)).due_at
    assert ticket.due_at == expected == datetime.fromisoformat("2026-11-10T17:30+08:00")
    assert {entry.state for entry in entries} == {DispatchState.SENT}
    assert {one.agency_id for one in gateway.taken} == {"d-cgj-zf", "d-gaj-jj"}
    assert {one.due_at for one in gateway.taken} == {expected}
    assert [view.reference for view in heard] == [REFERENCE]
    assert heard[0].state == TicketState.DISPATCHED
    async with UnitOfWork(database, reads=True) as unit:
        steps = await unit.tickets.events(REFERENCE)
    assert [(one.kind, one.actor, one.to_state) for one in steps] == [
        ("submitted", "1001", TicketState.PENDING_DISPATCH),
        ("dispatched", "system", TicketState.DISPATCHED),
    ]
    assert await worker.work_once() == 0


@on_both_databases
async def test_a_failure_is_tried_again_later_and_later_and_given_up_in_sight(database: Database) -> None:
    await a_ticket(database)
    clock, gateway = TestClock(), ScriptedGateway(*[GatewayFailed("answered 503")] * 4)
    worker = a_worker(database, gateway, clock)
    waits: list[float] = []
    for attempt in range(1, 5):
        assert await worker.work_once() == 1
        assert await worker.work_once() == 0, "not before its time"
        _, (entry,) = await state_of(database)
        assert (entry.attempts, entry.last_error) == (attempt, "answered 503")
        waits.append((entry.next_at - clock.at).total_seconds())
        clock.at = entry.next_at
    assert entry.state is DispatchState.DEAD
    assert all(later > earlier for earlier, later in itertools.pairwise(waits[:3]))
    async with UnitOfWork(database, reads=True) as unit:
        assert [one.key for one in await unit.outbox.dead()] == [entry.key]
    assert await worker.work_once() == 0
    async with UnitOfWork(database) as unit:
        await unit.outbox.revive(entry.key, clock.at)
    assert await worker.work_once() == 1
    ticket, _ = await state_of(database)
    assert ticket.state is TicketState.DISPATCHED
    async with UnitOfWork(database) as unit:
        with pytest.raises(UnknownId):
            await unit.outbox.revive(entry.key, clock.at)


@on_both_databases
async def test_a_refusal_for_good_is_not_repeated(database: Database) -> None:
    await a_ticket(database)
    clock, gateway = TestClock(), ScriptedGateway(GatewayFailed("answered 400", final=True))
    await a_worker(database, gateway, clock).work_once()
    ticket, (entry,) = await state_of(database)
    assert (entry.state, entry.attempts, entry.last_error) == (DispatchState.DEAD, 1, "answered 400")
    assert ticket.state is TicketState.PENDING_DISPATCH


@on_both_databases
@pytest.mark.parametrize("may_have_arrived", [True, False])
async def test_the_clock_starts_with_the_first_attempt_that_may_have_arrived(
    database: Database, may_have_arrived: bool
) -> None:
    await a_ticket(database)
    clock = TestClock()
    first = clock.at
    failures = [GatewayFailed("no answer", may_have_arrived=may_have_arrived), GatewayFailed("no connection")]
    worker = a_worker(database, ScriptedGateway(*failures), clock)
    for _ in range(3):
        clock.forward(days=1)
        assert await worker.work_once() == 1
    ticket, _ = await state_of(database)
    assert ticket.dispatched_at == first + timedelta(days=1 if may_have_arrived else 3)


@on_both_databases
async def test_one_broken_way_does_not_stop_the_others(database: Database) -> None:
    await a_ticket(database, co="d-gaj-jj")
    good, bad = ScriptedGateway(), ScriptedGateway(ZeroDivisionError("a gateway's mistake"))
    gateways = Gateways(default=good, by_agency={AgencyId("d-gaj"): bad})
    worker = DispatchWorker(database, SITE, gateways, policy=POLICY, now=TestClock())
    await worker.work_once()
    ticket, entries = await state_of(database)
    assert ticket.state is TicketState.DISPATCHED
    assert [(one.state, one.last_error) for one in entries] == [
        (DispatchState.SENT, ""),
        (DispatchState.PENDING, "the gateway failed: ZeroDivisionError"),
    ]


@on_both_databases
async def test_two_workers_never_send_one_entry_at_the_same_time(database: Database, database_url: str) -> None:
    for number in range(10):
        await a_ticket(database, f"call-{number}")
    gateway, clock = ScriptedGateway(), TestClock()
    policy = RetryPolicy(batch=2)
    async with open_database(database_url, VAULT) as other, asyncio.TaskGroup() as group:
        for number, mine in enumerate((database, other, database, other)):
            worker = a_worker(mine, gateway, clock, policy)

            async def work(worker: DispatchWorker = worker) -> None:
                while await worker.work_once():
                    pass

            group.create_task(work(), name=f"worker {number}")
    assert sorted(one.reference for one in gateway.taken) == [f"261102{number:04d}" for number in range(1, 11)]
    assert not gateway.twice_at_once


@on_both_databases
async def test_a_dead_workers_entry_is_free_when_its_lease_ends(database: Database) -> None:
    await a_ticket(database)
    clock, gateway = TestClock(), ScriptedGateway()
    began = clock.at
    async with UnitOfWork(database) as unit:  # a worker that dies while it sends
        await unit.outbox.lease("dead", now=clock.at, until=clock.at + timedelta(seconds=60), limit=9)
    worker = a_worker(database, gateway, clock)
    clock.forward(seconds=59)
    assert await worker.work_once() == 0
    async with UnitOfWork(database, reads=True) as unit:
        assert await unit.outbox.next_due() == began + timedelta(seconds=60)
    clock.forward(seconds=1)
    assert await worker.work_once() == 1
    ticket, (entry,) = await state_of(database)
    assert entry.attempts == 2
    assert ticket.dispatched_at == began, "what the dead one sent may have arrived"
    async with UnitOfWork(database) as unit:  # and if it was only slow, it has nothing more to say
        assert not await unit.outbox.sent(entry.key, "dead", clock.at)
        gone = await unit.outbox.failed(entry.key, "dead", error="late", next_at=None, forget_attempt=True)
        assert not gone
    _, (entry,) = await state_of(database)
    assert entry.state is DispatchState.SENT


@on_both_databases
async def test_killed_between_any_two_statements_nothing_is_lost_and_the_key_stays_the_same(
    database: Database,
) -> None:
    await a_ticket(database, co="d-gaj-jj")
    clock, gateway = TestClock(), ScriptedGateway()
    kills = 0
    for statement in range(200):
        worker = a_worker(database, gateway, clock)
        with killed_before_statement(database, statement):
            try:
                await worker.work_once()
            except Killed:
                kills += 1
            except BaseExceptionGroup as group:
                assert group.subgroup(Killed) is not None
                kills += 1
        clock.forward(minutes=2)  # leases end
        _, entries = await state_of(database)
        if all(entry.state is DispatchState.SENT for entry in entries):
            break
    ticket, entries = await state_of(database)
    assert kills > 3
    assert {entry.state for entry in entries} == {DispatchState.SENT}
    assert ticket.state is TicketState.DISPATCHED
    assert {one.key for one in gateway.taken} == {entry.key for entry in entries}
    async with UnitOfWork(database, reads=True) as unit:
        assert [one.kind for one in await unit.tickets.events(REFERENCE)] == ["submitted", "dispatched"]


@on_both_databases
async def test_the_running_worker_sends_what_is_submitted_meanwhile(database: Database) -> None:
    heard: list[TicketView] = []
    gateways, policy = Gateways(default=ScriptedGateway()), RetryPolicy(idle_s=60)
    worker = DispatchWorker(database, SITE, gateways, policy=policy, now=TestClock(), on_dispatched=heard.append)
    async with running(worker):
        await a_ticket(database)
        worker.wake()

        await until(lambda: heard, "the ticket is dispatched")


async def test_an_agency_that_is_slow_silent_or_broken_gets_it_in_the_end(
    tmp_path: Path, sqlite_template: Path
) -> None:
    (tmp_path / "hotline.db").write_bytes(sqlite_template.read_bytes())  # noqa: ASYNC240 - a small file, before anything runs
    policy = RetryPolicy(attempts=9, first_s=0.01, longest_s=0.02, idle_s=0.01)
    async with (
        open_database(f"sqlite+aiosqlite:///{tmp_path / 'hotline.db'}", VAULT) as database,
        agency_endpoint(503, HANG_UP, SILENCE, 429) as agency,
        WebhookGateway(agency.url, "secret", deadline_s=0.2) as gateway,
    ):
        await a_ticket(database)
        heard: list[TicketView] = []
        gateways = Gateways(default=gateway)
        worker = DispatchWorker(database, SITE, gateways, policy=policy, on_dispatched=heard.append)
        async with running(worker):
            await until(lambda: heard, "the agency took it")
        assert len({request.headers["webhook-id"] for request in agency.got}) == 1
        assert len(agency.got) == 5
        assert agency.most_at_once == 1
        ticket, (entry,) = await state_of(database)
        assert entry.attempts == 5
        last = msgspec.json.decode(agency.got[-1].body, type=Dispatch)
        assert (last.dispatched_at, last.due_at) == (ticket.dispatched_at, ticket.due_at)


@on_both_databases
async def test_the_directory_holds_what_was_dispatched(database: Database, tmp_path: Path) -> None:
    await a_ticket(database)
    await a_worker(database, DirectoryGateway(tmp_path / "out"), TestClock()).work_once()
    file = tmp_path / "out" / "d-cgj-zf" / f"{REFERENCE}-d-cgj-zf.json"
    sent = msgspec.json.decode(file.read_bytes(), type=Dispatch)
    ticket, _ = await state_of(database)
    assert (sent.reference, sent.title, sent.due_at) == (REFERENCE, ticket.title, ticket.due_at)


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_waits_grow_to_a_limit_and_differ(attempts: int, chance: float) -> None:
    wait = POLICY.wait_s(attempts, chance)
    assert 0.75 * POLICY.first_s <= wait <= 1.25 * POLICY.longest_s
    assert POLICY.wait_s(attempts, 0.9) > POLICY.wait_s(attempts, 0.1)
    assert POLICY.wait_s(attempts + 1, chance) >= wait


def test_the_nearest_way_up_the_tree_is_taken() -> None:
    own, above, default = ScriptedGateway(), ScriptedGateway(), ScriptedGateway()
    gateways = Gateways(default=default, by_agency={AgencyId("d-gaj"): above, AgencyId("d-gaj-jj-yh"): own})
    assert gateways.towards(AgencyId("d-gaj-jj-yh1"), SITE) is own
    assert gateways.towards(AgencyId("d-gaj-jj"), SITE) is above
    assert gateways.towards(AgencyId("d-jyj"), SITE) is default
    assert gateways.towards(AgencyId("d-gone"), SITE) is default
