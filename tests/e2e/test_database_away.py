"""The database is away: calls come, are answered and end as ever, and everything of them is there afterwards."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ivr.calls.events import CallArrived, LegHungUp, LegsJoined, Recorded
from ivr.calls.vocabulary import AgentState
from ivr.demo.hand import DeskHand
from ivr.demo.sip.received import Answer
from ivr.desk.envelope import Done
from ivr.desk.topics import Topic
from ivr.desk.wire import FaultsNews, Watch
from ivr.event_log import recorded_of
from tests.databases import Server, new_postgres
from tests.e2e.stage import Home, running_stage
from tests.e2e.test_line import connected, hear_each_other
from tests.fakes.database_line import DatabaseLine
from tests.until import until, until_async
from ticketing.database import open_database
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId

pytestmark = pytest.mark.e2e

AWAY_S = 4.0


@pytest.fixture
async def line(postgres: Server) -> AsyncIterator[tuple[DatabaseLine, str, str]]:
    """A line to a fresh database, its address over the line, and its own."""
    async with new_postgres(postgres, template=True) as url, DatabaseLine(postgres.folder) as cable:
        yield cable, url.replace(postgres.folder, str(cable.folder)), url


def fault(hand: DeskHand, code: str) -> bool:
    news = hand.news.get(FaultsNews)
    return isinstance(news, FaultsNews) and any(each.code == code for each in news.faults)


async def test_calls_go_on_without_the_database_and_nothing_is_lost_after(
    home: Home, line: tuple[DatabaseLine, str, str]
) -> None:
    cable, url, direct = line
    async with running_stage(home, HOTLINE_DATABASE_URL=url) as stage:
        phone = await stage.phone("1001", Answer())
        hand = await stage.agent("1001")
        supervisor = await stage.agent("1901", ready=False)
        await supervisor.ask(Watch(request=supervisor.number(), topic=Topic.FAULTS), Done)
        talking = await stage.dial(await stage.citizen("13800000051"))
        before = await hand.until(connected, "talking", 20)
        ringing = await phone.next_call()
        await cable.cut()
        away_since = asyncio.get_running_loop().time()
        await until(lambda: fault(supervisor, "notice.fault_database"), "the fault on the board", 15)
        await hear_each_other(talking, ringing)
        await talking.hang_up()
        await ringing.ended()
        await stage.free(hand)
        second = await stage.dial(await stage.citizen("13800000052"))
        during = await hand.until(connected, "a call that came while the database was away", 20)
        await hear_each_other(second, await phone.next_call())
        await second.hang_up()
        await hand.until(lambda view: view.agent.state is AgentState.WRAP_UP, "wrap-up", 10)
        assert during.call is not None
        assert before.call is not None
        left_s = AWAY_S - (asyncio.get_running_loop().time() - away_since)
        if left_s > 0:
            await asyncio.sleep(left_s)
        await cable.mend()
        await until(lambda: not fault(supervisor, "notice.fault_database"), "the fault over", 20)
        await stage.free(hand)
        async with open_database(direct) as database:

            async def log(call: str) -> list[Recorded]:
                async with UnitOfWork(database, reads=True) as unit:
                    return [recorded_of(one) for one in await unit.call_events.of_contact(ContactId(call))]

            for call in (before.call.id, during.call.id):

                async def whole(call: str = call) -> bool:
                    async with UnitOfWork(database, reads=True) as unit:
                        recordings = await unit.transcripts.recordings(ContactId(call))
                    return len(recordings) == 3

                await until_async(whole, "the call and its recordings kept", 20)
                events = await log(call)
                assert [record.seq for record in events] == list(range(len(events))), "no hole"
                kinds = [type(record.event) for record in events]
                assert kinds[0] is CallArrived
                assert kinds.count(LegsJoined) == 1
                assert kinds.count(LegHungUp) == 2
