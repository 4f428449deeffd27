"""The pains of callbacks: called twice, out of turn."""

import asyncio

import pytest

from ivr.calls.vocabulary import CallId
from tests.integration.test_missed import Line, line
from tests.integration.test_salvage import OTHER, Home, home
from ticketing.database import Database, open_database
from ticketing.unit_of_work import UnitOfWork

pytestmark = pytest.mark.database
__all__ = ["home", "line"]


async def test_pain_10_two_servers_and_a_crash_between_them_call_nobody_twice(home: Home, database_url: str) -> None:
    for number in range(5):
        home.left(OTHER, CallId(f"5e0c2a52-0000-4f6e-9f0e-00000000000{number}"))
    async with open_database(database_url) as second:
        await asyncio.gather(home.salvage.take_in(), home.salvage.take_in(), return_exceptions=True)
        await home.salvage.take_in()
        assert [one.number for one in await home.queue()] == [OTHER]

        async def dial(database: Database, worker: str) -> str | None:
            async with UnitOfWork(database) as unit:
                taken = await home.callbacks.take(unit, worker)
            return None if taken is None else worker

        taken = await asyncio.gather(dial(home.database, "a"), dial(second, "b"))
        assert len([worker for worker in taken if worker]) == 1


async def test_pain_11_a_callback_is_made_in_the_order_of_the_calls_it_stands_for(line: Line) -> None:
    numbers = ["13800000001", "13800000002", "13800000003"]
    calls = []
    for number in numbers:
        calls.append(await line.arrives(number))
        line.clock.forward(seconds=10)
    for call in reversed(calls):  # who came last hangs up first
        await line.leaves(call, (line.clock.at - call.arrived_at).total_seconds())
    order = []
    async with UnitOfWork(line.database) as unit:
        while (taken := await line.callbacks.take(unit, "me")) is not None:
            order.append(taken.number)
    assert order == numbers
