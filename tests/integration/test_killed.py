"""The process is killed between any two statements: after the restart nothing is lost and nothing happened twice.

Every scenario is run with a death at its first statement, its second, and so on, until it gets through alive; each time
the next process does what people and workers would do, and then what was promised is checked.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from ivr.desk.wire import Ending, SameMatter
from ivr.endings import end
from tests.death import alive, dies_at
from tests.fakes.tickets import NUMBER, SITE, TestClock, a_contact, draft_of
from ticketing.acts import act
from ticketing.callbacks import Callbacks
from ticketing.casework import Casework
from ticketing.clockwork import Clockwork
from ticketing.database import Database
from ticketing.dispatch import DispatchWorker, Gateways
from ticketing.entries import life_of
from ticketing.errors import ChangedMeanwhile, UnknownId
from ticketing.gateways import DirectoryGateway
from ticketing.lifecycle import steps as s
from ticketing.lifecycle.table import Actor
from ticketing.records import TicketFilter, TicketRecord
from ticketing.service import TicketService
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import (
    AgencyId,
    CallbackKind,
    CallbackState,
    CallOutcome,
    Closure,
    ContactId,
    DispatchState,
    FieldName,
    Role,
    TicketState,
)

pytestmark = pytest.mark.database

LONG_ENOUGH = 120
"""Statements nobody's work has."""

AGENT = Actor(id="1001", role=Role.AGENT)
HEAD = Actor(id="3004", role=Role.HANDLER_HEAD, agency_id=AgencyId("d-cgj"))
REVIEWER = Actor(id="2001", role=Role.REVIEWER)
VISITOR = Actor(id="2002", role=Role.VISITOR)
Work = Callable[[Database], Awaitable[object]]


class World:
    """What outlives every process: the database, the agencies' folder, the time."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.clock = TestClock()
        self.casework = Casework(SITE, self.clock)
        self.service = TicketService(SITE, self.clock)
        self.callbacks = Callbacks(SITE, self.casework, self.clock)

    def dies_everywhere(
        self, before: Callable[[int], Work], work: Callable[[int], Work], after: Callable[[int], Work]
    ) -> int:
        """Prepare, die, recover and check, one statement later each time; how many deaths there were."""
        alive(self.url, before(0))
        for number in range(LONG_ENOUGH):
            died = dies_at(self.url, number, work(number))
            if not died:
                alive(self.url, after(number), self.everything_is_sound)
                return number
            alive(self.url, after(number), before(number + 1))
        raise AssertionError("it never ends")

    async def everything_is_sound(self, database: Database) -> None:
        """Every row says what its log says, and every number was given out once, without gaps."""
        async with UnitOfWork(database, reads=True) as unit:
            tickets = await unit.tickets.find(TicketFilter(), 1000)
            for ticket in tickets:
                events = await unit.tickets.events(ticket.reference)
                life = life_of(events)
                assert [one.seq for one in events] == list(range(len(events)))
                assert (ticket.state, ticket.revision) == (life.state, len(events) - 1)
                row = self.casework.row_of(ticket, life)
                assert {key: getattr(ticket, key) for key in row} == row
        days = Counter(one.reference[:6] for one in tickets)
        assert {one.reference for one in tickets} == {f"{day}{n:04d}" for day in days for n in range(1, days[day] + 1)}

    def worker(self, database: Database) -> DispatchWorker:
        return DispatchWorker(database, SITE, Gateways(default=DirectoryGateway(self.folder)), now=self.clock)

    async def submit(self, database: Database, call: str, ending: Ending | None = None, **fields: str) -> str:
        draft = draft_of(call, {FieldName(name): value for name, value in fields.items()})
        async with UnitOfWork(database) as unit:
            return (await end(self.service, self.casework, SITE, unit, draft, "1001", ending)).reference

    async def dispatched(self, database: Database, call: str) -> str:
        await a_contact(database, call, arrived_at=self.clock.at)
        reference = await self.submit(database, call)
        await self.send_all(database)
        return reference

    async def send_all(self, database: Database) -> None:
        """What a worker does until nothing is left, dead workers' leases included."""
        self.clock.forward(minutes=2)
        while await self.worker(database).work_once():
            self.clock.forward(minutes=2)

    async def take(self, database: Database, reference: str, *moves: tuple[s.AnyStep, Actor]) -> None:
        for step, actor in moves:
            async with UnitOfWork(database) as unit:
                await self.casework.take(unit, reference, step, actor, why="理由")

    async def of_call(self, database: Database, call: str) -> tuple[TicketRecord, list[str]]:
        """The one ticket of a call, and its steps."""
        async with UnitOfWork(database, reads=True) as unit:
            (ticket,) = [one for one in await unit.tickets.find(TicketFilter(), 1000) if one.contact == call]
            return ticket, [one.kind for one in await unit.tickets.events(ticket.reference)]


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> World:
    return World(database_url, tmp_path / "agencies")


def test_killed_while_submitting(world: World) -> None:
    def before(n: int) -> Work:
        return lambda database: a_contact(database, f"call-{n}", arrived_at=world.clock.at)

    def work(n: int) -> Work:
        return lambda database: world.submit(database, f"call-{n}", co_agencies="d-gaj-jj")

    def after(n: int) -> Work:
        async def again(database: Database) -> None:
            reference = await world.submit(database, f"call-{n}", co_agencies="d-gaj-jj")  # the agent presses again
            ticket, steps = await world.of_call(database, f"call-{n}")
            assert (ticket.reference, steps) == (reference, ["submitted"])
            async with UnitOfWork(database, reads=True) as unit:
                sent = await unit.outbox.of_ticket(reference)
                assert (await unit.drafts.get(f"draft-call-{n}")).reference == reference
            assert [one.agency_id for one in sent] == ["d-cgj-zf", "d-gaj-jj"]

        return again

    assert world.dies_everywhere(before, work, after) >= 8


def test_killed_while_merging_at_once(world: World) -> None:
    mains: list[str] = []

    async def main_order(database: Database) -> None:
        mains.append(await world.dispatched(database, "main"))

    alive(world.url, main_order)
    ending = SameMatter(main=mains[0])

    def before(n: int) -> Work:
        return lambda database: a_contact(database, f"call-{n}", arrived_at=world.clock.at)

    def work(n: int) -> Work:
        return lambda database: world.submit(database, f"call-{n}", ending, lead_agency="")

    def after(n: int) -> Work:
        async def again(database: Database) -> None:
            await world.submit(database, f"call-{n}", ending, lead_agency="")
            ticket, steps = await world.of_call(database, f"call-{n}")
            assert (ticket.state, ticket.merged_into, steps) == (TicketState.MERGED, mains[0], ["submitted", "merged"])
            async with UnitOfWork(database, reads=True) as unit:
                waits = [one.state for one in await unit.outbox.of_ticket(ticket.reference)]
                assert len(await unit.tickets.merged_into(mains[0])) == n + 1
            assert waits == [DispatchState.CANCELLED]

        return again

    assert world.dies_everywhere(before, work, after) >= 12


def test_killed_while_dispatching(world: World) -> None:
    began = []

    def before(n: int) -> Work:
        async def submit(database: Database) -> None:
            await a_contact(database, f"call-{n}", arrived_at=world.clock.at)
            await world.submit(database, f"call-{n}", co_agencies="d-gaj-jj")
            world.clock.forward(minutes=1)
            began.append(world.clock.at)

        return submit

    def work(n: int) -> Work:
        return lambda database: world.worker(database).work_once()

    def after(n: int) -> Work:
        async def restart(database: Database) -> None:
            await world.send_all(database)
            ticket, steps = await world.of_call(database, f"call-{n}")
            assert steps == ["submitted", "dispatched"]
            assert ticket.dispatched_at is not None
            assert began[n] <= ticket.dispatched_at <= began[n] + timedelta(minutes=2), "from the first that may count"
            kept = [file.relative_to(world.folder) for file in world.folder.rglob(f"{ticket.reference}-*.json")]
            assert sorted(one.parts[0] for one in kept) == ["d-cgj-zf", "d-gaj-jj"]
            async with UnitOfWork(database, reads=True) as unit:
                states = {one.state for one in await unit.outbox.of_ticket(ticket.reference)}
            assert states == {DispatchState.SENT}

        return restart

    assert world.dies_everywhere(before, work, after) >= 12


def test_killed_while_merging(world: World) -> None:
    mains: list[str] = []
    seen: dict[int, tuple[str, int]] = {}

    async def main_order(database: Database) -> None:
        mains.append(await world.dispatched(database, "main"))

    alive(world.url, main_order)

    def before(n: int) -> Work:
        async def dispatched(database: Database) -> None:
            reference = await world.dispatched(database, f"call-{n}")
            ticket, _ = await world.of_call(database, f"call-{n}")
            seen[n] = (reference, ticket.revision)

        return dispatched

    async def merge(database: Database, n: int) -> None:
        reference, revision = seen[n]
        async with UnitOfWork(database) as unit:
            await act(world.casework, unit, reference, "merged", {"main": mains[0]}, REVIEWER, revision=revision)

    def work(n: int) -> Work:
        return lambda database: merge(database, n)

    def after(n: int) -> Work:
        async def again(database: Database) -> None:
            try:
                await merge(database, n)
            except ChangedMeanwhile as why:
                assert why.changed == ("merged",), "it had been done"
            ticket, steps = await world.of_call(database, f"call-{n}")
            assert (ticket.state, ticket.merged_into) == (TicketState.MERGED, mains[0])
            assert steps == ["submitted", "dispatched", "merged"]
            await world.send_all(database)
            told = list((world.folder / "d-cgj-zf").glob(f"{ticket.reference}-*-merged.json"))
            assert len(told) == 1, "the agency hears of it once"

        return again

    assert world.dies_everywhere(before, work, after) >= 6


@pytest.mark.parametrize("solved", [True, False])
def test_killed_while_calling_a_citizen(world: World, solved: bool) -> None:
    def before(n: int) -> Work:
        async def replied(database: Database) -> None:
            reference = await world.dispatched(database, f"call-{n}")
            reply = s.Replied(closure=Closure.SOLVED, result="已清理")
            await world.take(database, reference, (s.Signed(), HEAD), (reply, HEAD), (s.ReplyApproved(), REVIEWER))

        return replied

    async def call(database: Database) -> None:
        async with UnitOfWork(database) as unit:
            taken = await world.callbacks.take(unit, "2002", kinds=(CallbackKind.VISIT,))
        assert taken is not None
        async with UnitOfWork(database) as unit:
            await world.callbacks.settle(unit, taken, "2002", CallOutcome.REACHED, VISITOR, solved=solved)

    def after(n: int) -> Work:
        async def restart(database: Database) -> None:
            ticket, _ = await world.of_call(database, f"call-{n}")
            async with UnitOfWork(database, reads=True) as unit:
                (visit,) = await unit.callbacks.of_ticket(ticket.reference)
            if visit.state is CallbackState.WAITING:
                world.clock.forward(minutes=10)  # a dead person's lease ends
                await call(database)
            ticket, steps = await world.of_call(database, f"call-{n}")
            assert steps.count("visited") == 1
            assert ticket.state is (TicketState.CLOSED if solved else TicketState.IN_PROGRESS)
            async with UnitOfWork(database, reads=True) as unit:
                (visit,) = await unit.callbacks.of_ticket(ticket.reference)
            assert (visit.state, visit.outcome) == (CallbackState.DONE, "reached")
            world.clock.at = world.clock.at.replace(hour=1) + timedelta(days=1)  # out of the quiet hours

        return restart

    assert world.dies_everywhere(before, lambda _: call, after) >= 8


def test_killed_while_a_missed_call_is_put_in_and_closed_by_the_next(world: World) -> None:
    def before(n: int) -> Work:
        async def calls(database: Database) -> None:
            for name in ("first", "second"):
                await a_contact(database, f"{name}-{n}", number=f"{NUMBER[:-4]}{n:04d}", arrived_at=world.clock.at)

        return calls

    async def owe(database: Database, n: int) -> None:
        async with UnitOfWork(database) as unit:
            await world.callbacks.owe(unit, CallbackKind.MISSED, ContactId(f"first-{n}"))

    async def come(database: Database, n: int) -> None:
        async with UnitOfWork(database) as unit:
            await unit.callbacks.called_in(ContactId(f"second-{n}"), world.clock.at)

    def work(n: int) -> Work:
        async def both(database: Database) -> None:
            await owe(database, n)
            await come(database, n)

        return both

    def after(n: int) -> Work:
        async def again(database: Database) -> None:
            async with UnitOfWork(database, reads=True) as unit:
                known = [
                    one for one in await unit.callbacks.page((), CallbackState.CANCELLED) if one.contact == f"first-{n}"
                ]
            if not known:
                await owe(database, n)
                await come(database, n)
            async with UnitOfWork(database, reads=True) as unit:
                assert await unit.callbacks.waiting() == ()
                closed = [
                    one for one in await unit.callbacks.page((), CallbackState.CANCELLED) if one.contact == f"first-{n}"
                ]
            assert len(closed) == 1

        return again

    assert world.dies_everywhere(before, work, after) >= 5


def test_killed_while_the_clock_signs_and_warns(world: World) -> None:
    def before(n: int) -> Work:
        async def idle(database: Database) -> None:
            await world.dispatched(database, f"call-{n}")
            world.clock.forward(days=14)  # overdue by more than a working day, whatever day it is

        return idle

    def work(_: int) -> Work:
        return lambda database: Clockwork(database, SITE, now=world.clock).tick()

    def after(n: int) -> Work:
        async def restart(database: Database) -> None:
            await Clockwork(database, SITE, now=world.clock).tick()
            ticket, steps = await world.of_call(database, f"call-{n}")
            assert (steps.count("signed"), steps.count("supervised")) == (1, 1)
            async with UnitOfWork(database, reads=True) as unit:
                keys = [one.key for one in await unit.outbox.of_ticket(ticket.reference) if one.kind == "reminded"]
            assert len(keys) == len(set(keys)) == 1
            await world.take(database, ticket.reference, (s.Withdrawn(), AGENT))  # the clock is done with it
            await world.send_all(database)

        return restart

    assert world.dies_everywhere(before, work, after) >= 10


def test_what_fails_in_the_dying_process_fails_the_test(world: World) -> None:
    async def wrong(database: Database) -> None:
        async with UnitOfWork(database) as unit:
            await unit.tickets.get("0000000000")

    with pytest.raises(AssertionError, match="itself failed"):
        dies_at(world.url, 99, wrong)
    with pytest.raises(UnknownId):
        alive(world.url, wrong)
