import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.tickets import NUMBER, SITE, a_contact
from tests.integration.test_ticketing_casework import AGENT, REVIEWER, Hotline
from ticketing.database import Database
from ticketing.duplicates import Duplicates, Likely, Matter
from ticketing.lifecycle import steps as s
from ticketing.matter_index import MatterIndex, likeness, pairs
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CategoryCode, ContactId, FieldName, PlaceId, Reference

pytestmark = pytest.mark.database

PARKING = {
    FieldName.TITLE: "安邑汽贸城门前人行道停满商品车",
    FieldName.CONTENT: "来电人反映安邑汽贸城对面人行道被商家停放二十多辆待售新车，行人推轮椅只能走机动车道。",
    FieldName.PLACE: "p140802-456",
    FieldName.CATEGORY: "010102",
}
HEATING = {
    FieldName.TITLE: "小区暖气不热",
    FieldName.CONTENT: "来电人反映家中室温只有十五度，多次联系热力公司未解决。",
    FieldName.PLACE: "p140802-104",
    FieldName.CATEGORY: "040101",
    FieldName.LEAD_AGENCY: "e-heat",
}
SAID = "汽贸城对面那截人行道卖车的摆了二十多辆新车推着轮椅只能下到马路上"


class Search:
    """A hotline whose tickets can be searched."""

    def __init__(self, hotline: Hotline) -> None:
        self.hotline = hotline
        self.index = MatterIndex()
        self.duplicates = Duplicates(SITE, self.index)

    async def submit(self, call: str, fields: dict[FieldName, str], number: str = "13900000000") -> str:
        await a_contact(self.hotline.database, call, number=number, arrived_at=self.hotline.clock.at)
        reference = await self.hotline.submit(call, fields)
        async with UnitOfWork(self.hotline.database, reads=True) as unit:
            self.index.add(await unit.tickets.get(reference))
        return reference

    async def find(
        self, text: str = SAID, contact: str | None = None, place: str | None = None, category: str | None = None
    ) -> tuple[Likely, ...]:
        matter = Matter(
            text=text,
            at=self.hotline.clock.at,
            contact=ContactId(contact) if contact else None,
            place_id=PlaceId(place) if place else None,
            category_code=CategoryCode(category) if category else None,
        )
        async with UnitOfWork(self.hotline.database, reads=True) as unit:
            return await self.duplicates.find(unit, matter)


@pytest.fixture
def search(database: Database) -> Search:
    return Search(Hotline(database))


@pytest.mark.parametrize("flushed", [True, False])
async def test_the_same_matter_is_found_with_its_reasons(search: Search, flushed: bool) -> None:
    same = await search.submit("call-1", PARKING)
    await search.submit("call-2", HEATING)
    search.hotline.clock.forward(days=2)
    if flushed:
        await search.index.flush()
    (found,) = await search.find(place="p140802-456", category="010102")
    assert found.ticket.reference == same
    assert found.reasons[0].startswith("内容相似") or found.reasons[0].startswith("同一地点")
    assert {"同类诉求：人行道乱停放", "2 天前", "待派单"} <= set(found.reasons)
    assert any(reason.startswith("同一地点：") for reason in found.reasons)


async def test_another_matter_is_not(search: Search) -> None:
    await search.submit("call-1", HEATING)
    assert await search.find() == ()
    assert await search.find(text="") == ()


async def test_the_same_caller_counts(search: Search) -> None:
    mine = await search.submit("call-1", HEATING, NUMBER)
    await a_contact(search.hotline.database, "call-2", number=NUMBER, arrived_at=search.hotline.clock.at)
    (found,) = await search.find(text="我家暖气还是不热", contact="call-2", category="040101")
    assert found.ticket.reference == mine
    assert "同一来电号码" in found.reasons


async def test_a_merged_ticket_is_stood_for_by_its_main_one(search: Search) -> None:
    main = await search.submit("call-1", HEATING)
    child = await search.submit("call-2", PARKING)
    await search.hotline.take(child, (s.Merged(main=Reference(main)), REVIEWER))
    found = await search.find(place="p140802-104", category="040101")
    assert [one.ticket.reference for one in found] in ([main], [])
    assert child not in [one.ticket.reference for one in found]


async def test_a_withdrawn_or_very_old_ticket_is_left_out(search: Search) -> None:
    gone = await search.submit("call-1", PARKING)
    await search.hotline.take(gone, (s.Withdrawn(), AGENT))
    assert await search.find(place="p140802-456") == ()
    old = await search.submit("call-2", PARKING)
    assert [one.ticket.reference for one in await search.find(place="p140802-456")] == [old]
    search.hotline.clock.forward(days=91)
    assert await search.find(place="p140802-456") == ()


async def test_the_index_catches_up_with_the_database(search: Search, tmp_path: Path) -> None:
    first = await search.submit("call-1", PARKING)
    kept = MatterIndex(tmp_path / "index")
    assert await kept.catch_up(search.hotline.database) == 1
    search.hotline.clock.forward(days=3)
    second = await search.submit("call-2", PARKING)
    del kept  # its lock on the folder goes with it
    again = MatterIndex(tmp_path / "index")
    assert await again.catch_up(search.hotline.database) == 2
    assert await again.catch_up(search.hotline.database) == 1, "only what it may not know: the last day's"
    assert len(again) == 2
    since = search.hotline.clock.at - timedelta(days=30)
    assert set(again.candidates(SAID, since)) == {first, second}
    assert again.candidates(SAID, search.hotline.clock.at) == [second]


async def test_adding_while_flushing_loses_nothing(search: Search) -> None:
    references = [await search.submit(f"call-{number}", PARKING) for number in range(3)]
    async with asyncio.TaskGroup() as group:
        group.create_task(search.index.flush(), name="flush 1")
        group.create_task(search.index.flush(), name="flush 2")
    references.append(await search.submit("call-9", PARKING))
    await search.index.flush()
    assert len(search.index) == 4
    since = search.hotline.clock.at - timedelta(days=30)
    assert set(search.index.candidates(SAID, since)) == set(references)


async def test_an_index_is_closed_while_a_cancelled_flush_still_writes(search: Search, tmp_path: Path) -> None:
    await search.submit("call-1", PARKING)
    async with UnitOfWork(search.hotline.database, reads=True) as unit:
        tickets = await unit.tickets.created_from(None, beyond=Reference(""), limit=1)
    for _ in range(20):
        index = MatterIndex(tmp_path / "index")
        index.add(tickets[0])
        flushing = asyncio.create_task(index.flush())
        await asyncio.sleep(0)
        flushing.cancel()
        index.close()
        await asyncio.wait([flushing])
        assert not index.writes


def test_pairs_and_their_likeness() -> None:
    assert pairs("停车，乱！KTV") == {"停车", "kt", "tv"}
    assert likeness(pairs("人行道"), pairs("人行道")) == 1.0
    assert likeness(pairs("人行道"), pairs("暖气")) == 0.0
    assert likeness(frozenset(), frozenset()) == 0.0
