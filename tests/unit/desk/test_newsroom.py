from datetime import UTC, datetime

import pytest

from ivr.desk.newsroom import Newsroom
from ivr.desk.seats import OUTBOX, Outbox
from ivr.desk.topics import Topic
from ivr.desk.views import Fault
from ivr.desk.wire import FaultsNews

NONE = FaultsNews(faults=())
ONE = FaultsNews(faults=(Fault(code="fault.disk_full", since=datetime(2026, 11, 22, tzinfo=UTC)),))

pytestmark = pytest.mark.asyncio


async def test_who_begins_to_watch_is_told_the_newest_at_once() -> None:
    newsroom, outbox = Newsroom(), Outbox()
    newsroom.tell(Topic.FAULTS, ONE)
    newsroom.watch(Topic.FAULTS, outbox)
    assert await outbox.get() == ONE


async def test_a_slow_desk_gets_the_newest_only_and_is_not_cut_off_for_it() -> None:
    newsroom, outbox = Newsroom(), Outbox()
    newsroom.watch(Topic.FAULTS, outbox)
    for _ in range(OUTBOX):
        newsroom.tell(Topic.FAULTS, NONE)
        newsroom.tell(Topic.FAULTS, ONE)
    assert not outbox.overflowed.is_set()
    assert await outbox.get() == ONE
    newsroom.tell(Topic.FAULTS, NONE)
    assert await outbox.get() == NONE


async def test_a_desk_that_left_is_told_no_more() -> None:
    newsroom, outbox = Newsroom(), Outbox()
    newsroom.watch(Topic.FAULTS, outbox)
    newsroom.leave(outbox)
    assert not newsroom.watched(Topic.FAULTS)
    newsroom.tell(Topic.FAULTS, ONE)
    newsroom.watch(Topic.FLOOR, outbox)
    newsroom.watch(Topic.FAULTS, outbox)
    assert await outbox.get() == ONE
