"""One server at a time, whoever dies how."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
import pytest

from ivr import lease as lease_module
from ivr.clock import SystemClock
from ivr.lease import NAME, LeaseLost, ServerLease, _is_dead, _process
from tests.until import until
from ticketing.database import Database
from ticketing.records import LeaseRecord
from ticketing.unit_of_work import UnitOfWork

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tenths of the real times."""
    monkeypatch.setattr(lease_module, "LASTS_S", 0.6)
    monkeypatch.setattr(lease_module, "RENEW_EVERY_S", 0.2)
    monkeypatch.setattr(lease_module, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(lease_module, "HANGS_S", 1.5)


@asynccontextmanager
async def taking(lease: ServerLease, told: list[str]) -> AsyncIterator["asyncio.Task[LeaseRecord | None]"]:
    task = asyncio.create_task(lease.take(told.append), name="take")
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def row(database: Database) -> LeaseRecord:
    async with UnitOfWork(database, reads=True) as unit:
        found = await unit.leases.get(NAME)
    assert found is not None
    return found


async def elsewhere(database: Database, *, alive_for_s: float) -> None:
    """The lease is held by a server of another machine."""
    held = await row(database)
    now = SystemClock().now()
    there = msgspec.structs.replace(
        held, holder="there", place="far boot ns 1 1", renewed_at=now, until=now + timedelta(seconds=alive_for_s)
    )
    async with UnitOfWork(database) as unit:
        assert await unit.leases.take(there, instead_of=held.holder)


async def test_the_first_has_it_and_the_second_waits_until_it_is_given_up(database: Database) -> None:
    first, second = ServerLease(database, SystemClock()), ServerLease(database, SystemClock())
    assert await first.take(lambda _: None) is None
    told: list[str] = []
    async with taking(second, told) as waiting:
        await until(lambda: told, "the second is told whom it waits for")
        assert not waiting.done()
        await first.give_up()
        before = await waiting
    assert before is not None, "when the first was last alive is known"
    assert len(told) == 1


async def test_a_holder_that_renews_keeps_it_and_one_that_is_silent_loses_it(database: Database) -> None:
    first, second = ServerLease(database, SystemClock()), ServerLease(database, SystemClock())
    await first.take(lambda _: None)
    keeping = asyncio.create_task(first.keep(), name="keep")
    async with taking(second, []) as waiting:
        await asyncio.sleep(1)  # longer than the lease lasts
        assert not waiting.done()
        keeping.cancel()
        await asyncio.wait([keeping])
        await elsewhere(database, alive_for_s=0.1)
        async with asyncio.timeout(5):
            await waiting
    with pytest.raises(LeaseLost, match="another server has taken over"):
        await first.keep()


async def test_a_process_of_this_machine_that_is_dead_is_not_waited_for(database: Database) -> None:
    first, second = ServerLease(database, SystemClock()), ServerLease(database, SystemClock())
    await first.take(lambda _: None)
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
    place = " ".join(("here", *_process(child.pid)))
    assert not _is_dead(place)
    held = msgspec.structs.replace(
        await row(database), place=place, holder="child", until=SystemClock().now() + timedelta(hours=1)
    )
    async with UnitOfWork(database) as unit:
        assert await unit.leases.take(held, instead_of=(await unit.leases.get(NAME) or held).holder)
    async with taking(second, []) as waiting:
        await asyncio.sleep(0.1)
        assert not waiting.done()
        child.kill()
        await child.wait()
        async with asyncio.timeout(2):
            assert await waiting == held


async def test_a_living_process_of_this_machine_is_only_busy_until_it_has_been_silent_for_long(
    database: Database,
) -> None:
    first, second = ServerLease(database, SystemClock()), ServerLease(database, SystemClock())
    await first.take(lambda _: None)
    async with taking(second, []) as waiting:
        await asyncio.sleep(1.2)  # twice as long as its lease lasts
        assert not waiting.done()
        async with asyncio.timeout(5):
            assert await waiting is not None


async def test_of_many_who_wait_one_gets_it(database: Database) -> None:
    first = ServerLease(database, SystemClock())
    await first.take(lambda _: None)
    others = [ServerLease(database, SystemClock()) for _ in range(4)]
    async with taking(others[0], []) as a, taking(others[1], []) as b, taking(others[2], []) as c:
        await first.give_up()
        done, _ = await asyncio.wait([a, b, c], return_when=asyncio.FIRST_COMPLETED, timeout=5)
        await asyncio.sleep(0.3)
        assert len([each for each in (a, b, c) if each.done()]) == len(done) == 1


@pytest.mark.parametrize("place", ["x", "a b c d e", "host boot ns 1 x"])
def test_of_a_stranger_nobody_says_that_it_is_dead(place: str) -> None:
    assert not _is_dead(place)
