import asyncio
from datetime import datetime, timedelta

import pytest

from tests.fakes.tickets import SITE
from tests.integration.test_ticketing_casework import HEAD, OVERSEER, REPLIED, Hotline
from tests.until import until
from ticketing.clockwork import Clockwork
from ticketing.database import Database
from ticketing.lifecycle import steps as s
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import FieldName, TicketState

pytestmark = pytest.mark.database


@pytest.fixture
def hotline(database: Database) -> Hotline:
    return Hotline(database)


@pytest.fixture
def clockwork(hotline: Hotline) -> Clockwork:
    return Clockwork(hotline.database, SITE, now=hotline.clock)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text + "+08:00")


async def told(hotline: Hotline) -> list[tuple[str, str]]:
    while await hotline.worker.work_once():
        pass
    heard: list[tuple[str, str]] = [(one.name, one.agency_id) for one in hotline.gateway.told]
    hotline.gateway.told.clear()
    return heard


async def test_a_ticket_lives_through_reminders_to_supervision(hotline: Hotline, clockwork: Clockwork) -> None:
    reference = await hotline.dispatched()  # Monday 09:00, five working days: due Monday 9 November 17:30
    assert await clockwork.tick() == 0
    hotline.clock.at = local("2026-11-02T13:00")
    assert await clockwork.tick() == 1
    assert (await hotline.case(reference)).ticket.state is TicketState.IN_PROGRESS
    for at, heard in (
        ("2026-11-06T17:29", []),
        ("2026-11-06T17:30", [("到期提醒", "d-cgj-zf")]),  # one working day before, over the weekend
        ("2026-11-09T13:29", []),
        ("2026-11-09T13:30", [("到期提醒", "d-cgj-zf")]),  # four hours before
        ("2026-11-09T17:29", []),
        ("2026-11-09T17:30", [("超期提醒", "d-cgj-zf")]),
        ("2026-11-10T17:29", []),
        ("2026-11-10T17:30", [("督办", "d-cgj-zf")]),
        ("2026-11-11T17:30", []),
    ):
        hotline.clock.at = local(at)
        assert await clockwork.tick() == len(heard), at
        assert await told(hotline) == heard, at
    ticket = (await hotline.case(reference)).ticket
    assert (ticket.supervision, ticket.supervision_due_at) == (1, local("2026-11-13T17:30"))
    await hotline.sound(reference)


async def test_another_server_says_nothing_twice(hotline: Hotline, clockwork: Clockwork) -> None:
    await hotline.dispatched()
    hotline.clock.at = local("2026-11-10T18:00")
    await clockwork.tick()
    assert len(await told(hotline)) == 2  # overdue and supervised: the reminders' time has passed
    restarted = Clockwork(hotline.database, SITE, now=hotline.clock)
    await restarted.tick()
    assert await told(hotline) == []


async def test_rules_in_hours_are_not_reminded_by_working_days(hotline: Hotline, clockwork: Clockwork) -> None:
    fields = {FieldName.CATEGORY: "010501", FieldName.LEAD_AGENCY: "d-cgj-yl", FieldName.URGENCY: "紧急"}
    await hotline.dispatched(fields=fields)  # 24 hours
    hotline.clock.forward(hours=1)
    assert await clockwork.tick() == 0
    hotline.clock.forward(hours=19)
    await clockwork.tick()
    assert await told(hotline) == [("到期提醒", "d-cgj-yl")]


async def test_who_has_replied_or_is_suspended_is_left_in_peace(hotline: Hotline, clockwork: Clockwork) -> None:
    replied = await hotline.dispatched("call-1")
    await hotline.take(replied, (s.Signed(), HEAD), (REPLIED, HEAD))
    suspended = await hotline.dispatched("call-2")
    await hotline.take(suspended, (s.Signed(), HEAD), (s.Suspended(reason="等待上级批复"), HEAD))
    hotline.clock.forward(days=30)
    assert await clockwork.tick() == 0
    assert await told(hotline) == []


async def test_a_higher_supervision_is_not_lowered(hotline: Hotline, clockwork: Clockwork) -> None:
    reference = await hotline.dispatched()
    async with UnitOfWork(hotline.database) as unit:
        await hotline.casework.supervise(unit, reference, OVERSEER, 5, why="督查室")
    hotline.clock.forward(days=30)
    await clockwork.tick()
    assert (await hotline.case(reference)).ticket.supervision == 5
    assert await clockwork.tick() == 0


async def test_the_running_clockwork_tells_the_outbox(hotline: Hotline) -> None:
    await hotline.dispatched()
    hotline.clock.at += timedelta(hours=5)
    woken = asyncio.Event()
    clockwork = Clockwork(hotline.database, SITE, now=hotline.clock, every_s=0.01, on_changed=woken.set)
    task = asyncio.create_task(clockwork.run(), name="clockwork")
    await until(lambda: woken.is_set() or None, "the clockwork did something")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_clock_sees_every_ticket_however_many_are_late_before_it(
    hotline: Hotline, clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketing.clockwork.AT_ONCE", 2)
    late = {await hotline.dispatched(f"call-{number}") for number in range(5)}
    hotline.clock.at = local("2026-11-09T17:30")
    while await clockwork.tick():
        pass
    await hotline.worker.work_once()
    assert {one.reference for one in hotline.gateway.told if one.name == "超期提醒"} == late
