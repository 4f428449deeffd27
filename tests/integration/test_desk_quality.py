"""Quality inspections and praise at the desks, through the real server."""

from collections.abc import AsyncIterator

import pytest

from ivr.demo.hand import DeskHand, HandRefused
from ivr.desk.envelope import Done
from ivr.desk.wire_quality import (
    DrawInspections,
    Inspections,
    InspectionScored,
    InspectionsDrawn,
    ListInspections,
    RegisterPraise,
    ScoreInspection,
)
from tests.desk_room import DeskRoom, desk_room, step
from tests.fakes.tickets import SITE
from ticketing.database import Database
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import FieldName, PraiseForm

pytestmark = pytest.mark.database


@pytest.fixture
async def room(database: Database) -> AsyncIterator[DeskRoom]:
    async with desk_room(database) as running:
        yield running


async def listed(hand: DeskHand) -> Inspections:
    return await hand.ask(ListInspections(request=hand.number()), Inspections)


async def test_what_a_rule_draws_is_judged_once_by_the_sheet(room: DeskRoom) -> None:
    reference = await room.dispatched()
    day = room.clock.at.astimezone(SITE.zone).date()
    async with room.hand("2003") as overseer, room.hand("2004") as quality, room.hand("1001") as agent:
        await step(overseer, reference, "supervised", {"level": 1})
        for _ in range(2):
            drawn = await quality.ask(DrawInspections(request=quality.number(), day=day), InspectionsDrawn)
        assert drawn.drawn == {}, "a second time draws nothing"
        found = await listed(quality)
        (card,) = found.cards
        assert (card.reference, card.rule, card.judged_name) == (reference, "supervised", "话务员甲")
        full = {line.id: line.points for line in found.sheet}
        for wrong in ({}, full | {"no-such": 1}, full | {found.sheet[0].id: 1_000}):
            message = ScoreInspection(request=quality.number(), inspection=card.id, scores=wrong)
            with pytest.raises(HandRefused, match=r"refused\.bad_value"):
                await quality.ask(message, InspectionScored)
        message = ScoreInspection(request=quality.number(), inspection=card.id, scores=full, remark="要素齐全")
        scored = (await quality.ask(message, InspectionScored)).card
        assert (scored.total, scored.remark) == (sum(full.values()), "要素齐全")
        assert (await listed(quality)).cards == ()
        with pytest.raises(HandRefused, match=r"refused\.bad_value"):
            await quality.ask(message, InspectionScored)
        with pytest.raises(HandRefused, match=r"refused\.not_allowed"):
            await listed(agent)


async def test_praise_names_whom_it_is_for(room: DeskRoom) -> None:
    praise = await room.submit(fields={FieldName.REQUEST_TYPE: "表扬"})
    other = await room.submit()
    async with room.hand("1001") as agent, room.hand("2004") as quality:

        def for_clerk(hand: DeskHand, reference: str) -> RegisterPraise:
            return RegisterPraise(request=hand.number(), reference=reference, form=PraiseForm.PENNANT, person="李队长")

        await agent.ask(for_clerk(agent, praise), Done)
        with pytest.raises(HandRefused, match=r"refused\.no_access"):
            await agent.ask(for_clerk(agent, other), Done)
        with pytest.raises(HandRefused, match=r"refused\.not_allowed"):
            await quality.ask(for_clerk(quality, praise), Done)
    async with UnitOfWork(room.database, reads=True) as unit:
        (count,) = await unit.quality.praised(room.clock.at.replace(hour=0), room.clock.at.replace(hour=23))
    assert (count.agency_id, count.person, count.times) == ("d-cgj-zf", "李队长", 1)
