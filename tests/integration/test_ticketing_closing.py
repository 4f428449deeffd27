"""After the reply: repeats, supervision that rises, the archive, 质检 and 表扬."""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.fakes.tickets import MONDAY, SITE, a_contact, draft_of
from tests.integration.test_ticketing_casework import AGENT, HEAD, OVERSEER, REVIEWER, VISITOR, Hotline
from ticketing.acts import act
from ticketing.casework import Casework
from ticketing.clockwork import Clockwork
from ticketing.database import Database
from ticketing.errors import AccessRefused, ChangedMeanwhile, DueTimeRefused, StepRefused, UnknownId
from ticketing.lifecycle import steps as s
from ticketing.lifecycle.table import Actor
from ticketing.pack_deadlines import ClosingRules
from ticketing.pack_quality import QualityRules, SampleRule
from ticketing.quality import LOT, Quality, lot
from ticketing.records import PraiseCount, TicketRecord
from ticketing.site import default_site_dir, load_site
from ticketing.unit_of_work import UnitOfWork
from ticketing.views import DraftField, DraftView
from ticketing.vocabulary import AgencyId, Closure, FieldName, PraiseForm, Role, TicketState

pytestmark = pytest.mark.database

INSPECTOR = Actor(id="7001", role=Role.QUALITY)
PRAISE = {FieldName.REQUEST_TYPE: "表扬"}
DAY = date(2026, 11, 2)


@pytest.fixture
def hotline(database: Database) -> Hotline:
    return Hotline(database)


def closing(**rules: Any) -> Casework:
    """Casework of a site with other rules for what follows a reply."""
    site = load_site(default_site_dir())
    site.deadlines = msgspec.structs.replace(site.deadlines, closing=ClosingRules(**rules))
    return Casework(site)


async def closed(hotline: Hotline, call: str = "call-1", *, happy: bool = True) -> str:
    reference = await hotline.visit_stage(call)
    async with UnitOfWork(hotline.database) as unit:
        await hotline.casework.visit(unit, reference, VISITOR, reached=True, solved=happy, satisfied=happy)
    return reference


async def repeat(hotline: Hotline, new: str, of: str, actor: Actor = AGENT) -> TicketRecord:
    async with UnitOfWork(hotline.database) as unit:
        return await hotline.casework.repeat(unit, new, of, actor)


async def test_the_same_matter_again_reopens_what_was_closed(hotline: Hotline) -> None:
    old = await closed(hotline)
    hotline.clock.forward(days=10)
    new = await hotline.submit("call-2")
    again = await repeat(hotline, new, old)
    assert (again.state, again.supervision) == (TicketState.PENDING_DISPATCH, 0)
    assert (await hotline.case(new)).ticket.merged_into == old
    await hotline.worker.work_once()
    await hotline.take(old, (s.Signed(), HEAD), (s.Replied(closure=Closure.SOLVED, result="再清理"), HEAD))
    await hotline.take(old, (s.ReplyApproved(), REVIEWER))
    async with UnitOfWork(hotline.database, reads=True) as unit:
        waiting = await unit.callbacks.waiting()
    assert {one.reference for one in waiting} == {old, new}  # both citizens are asked
    for reference in (old, new):
        await hotline.sound(reference)


async def test_by_rule_a_repeat_is_supervised_at_once(hotline: Hotline) -> None:
    old = await closed(hotline)
    hotline.casework = closing(on_repeat="supervise")
    hotline.casework._now = hotline.clock
    again = await repeat(hotline, await hotline.submit("call-2"), old)
    assert (again.state, again.supervision) == (TicketState.PENDING_DISPATCH, 1)


async def test_a_repeat_too_late_or_of_what_is_open_is_refused_and_changes_nothing(hotline: Hotline) -> None:
    old = await closed(hotline)
    still_open = await hotline.dispatched("call-2")
    answered = await hotline.submit("call-3", outcome=s.AnsweredDirectly())
    new = await hotline.submit("call-4")
    for of, why in ((still_open, "没有办结"), (answered, "未曾派单")):
        with pytest.raises(StepRefused, match=why):
            await repeat(hotline, new, of)
    with pytest.raises(StepRefused, match="无权并入主单"):
        await repeat(hotline, new, old, VISITOR)
    assert (await hotline.case(old)).ticket.state is TicketState.CLOSED
    hotline.clock.forward(days=16)
    with pytest.raises(StepRefused, match="办结已久"):
        await repeat(hotline, new, old)


@pytest.mark.parametrize("redos", [0, 1, 3])
async def test_an_unhappy_citizen_is_served_again_as_often_as_the_site_says(hotline: Hotline, redos: int) -> None:
    hotline.casework = closing(max_redos=redos)
    hotline.casework._now = hotline.clock
    reference = await hotline.visit_stage()
    for number in range(redos):
        async with UnitOfWork(hotline.database) as unit:
            ticket = await hotline.casework.visit(unit, reference, VISITOR, reached=True, solved=False)
        assert ticket.state is TicketState.IN_PROGRESS
        assert ticket.supervision == (1 if number == redos - 1 else 0)
        replied = s.Replied(closure=Closure.SOLVED, result="好了")
        await hotline.take(reference, (replied, HEAD), (s.ReplyApproved(), REVIEWER))
    async with UnitOfWork(hotline.database) as unit:
        ticket = await hotline.casework.visit(unit, reference, VISITOR, reached=True, solved=False)
    assert ticket.state is TicketState.CLOSED


async def test_late_supervision_rises_level_by_level_and_stays_at_the_highest(hotline: Hotline) -> None:
    clockwork = Clockwork(hotline.database, SITE, now=hotline.clock)
    reference = await hotline.dispatched()
    await hotline.take(reference, (s.Signed(), HEAD))
    async with UnitOfWork(hotline.database) as unit:
        await hotline.casework.supervise(unit, reference, OVERSEER, 1, why="群众反映强烈")
    levels = []
    for _ in range(7):
        due = (await hotline.case(reference)).ticket.supervision_due_at
        assert due is not None
        hotline.clock.at = max(hotline.clock.at, due) + timedelta(seconds=1)
        await clockwork.tick()
        levels.append((await hotline.case(reference)).ticket.supervision)
    assert levels == [2, 3, 4, 5, 5, 5, 5]
    await hotline.sound(reference)


async def test_closed_tickets_go_to_the_archive_in_time(hotline: Hotline) -> None:
    clockwork = Clockwork(hotline.database, SITE, now=hotline.clock)
    reference = await closed(hotline)
    hotline.clock.forward(days=29)
    await clockwork.tick()
    assert (await hotline.case(reference)).ticket.state is TicketState.CLOSED
    hotline.clock.forward(days=2)
    await clockwork.tick()
    assert (await hotline.case(reference)).ticket.state is TicketState.ARCHIVED
    await hotline.sound(reference)


async def test_steps_by_name_count_what_is_counted(hotline: Hotline) -> None:
    reference = await hotline.dispatched()

    async def do(name: str, actor: Actor, **said: Any) -> TicketRecord:
        async with UnitOfWork(hotline.database) as unit:
            return await act(hotline.casework, unit, reference, name, said, actor, why="理由")

    await do("签收", HEAD)
    assert (await do("督办", OVERSEER, level=3)).supervision == 3
    await do("suspended", HEAD, reason=SITE.deadlines.clock.pause_reasons[0])
    before = (await hotline.case(reference)).ticket.due_at
    hotline.clock.forward(days=2)
    resumed = await do("resumed", HEAD)
    assert resumed.due_at is not None
    assert before is not None
    assert resumed.due_at > before
    with pytest.raises(UnknownId, match="says no due_at"):
        await do("extension_granted", REVIEWER, due_at="2030-01-01")
    with pytest.raises(UnknownId, match="replied"):
        await do("replied", HEAD, closure="magic", result="x")
    with pytest.raises(ChangedMeanwhile):
        async with UnitOfWork(hotline.database) as unit:
            await act(hotline.casework, unit, reference, "urged", {}, AGENT, revision=0)


async def test_unhappy_and_returned_tickets_are_drawn_and_some_by_lot(hotline: Hotline) -> None:
    site = load_site(default_site_dir())
    site.quality = QualityRules(percent=30.0, rules=(SampleRule.UNHAPPY, SampleRule.WITHDRAWN))
    quality = Quality(site, hotline.clock)
    unhappy = await hotline.visit_stage("call-0")
    async with UnitOfWork(hotline.database) as unit:
        await hotline.casework.visit(unit, unhappy, VISITOR, reached=True, solved=False)
    others = [await hotline.submit(f"call-{number}") for number in range(1, 21)]
    await hotline.take(others[0], (s.Withdrawn(), AGENT))
    async with UnitOfWork(hotline.database) as unit:
        drawn = await quality.sample(unit, DAY)
    async with UnitOfWork(hotline.database) as unit:
        assert await quality.sample(unit, DAY) == {}
        waiting = await unit.quality.waiting()
    by_lot = {one for one in others[1:] if lot(one) < 30}
    assert drawn == {"unhappy": 1, "withdrawn": 1, **({LOT: len(by_lot)} if by_lot else {})}
    assert {one.reference for one in waiting} == {unhappy, others[0], *by_lot}
    assert {one.judged for one in waiting} == {"1001"}


async def test_a_score_keeps_to_the_sheet_and_nobody_judges_themselves(hotline: Hotline) -> None:
    quality = Quality(SITE, hotline.clock)
    await hotline.take(await hotline.submit("call-1"), (s.Withdrawn(), AGENT))
    await hotline.take(await hotline.submit("call-2"), (s.Withdrawn(), AGENT))
    async with UnitOfWork(hotline.database) as unit:
        await quality.sample(unit, DAY)
        first, second = (one.id for one in await unit.quality.waiting())
    full = {one.id: one.points for one in SITE.quality.items}
    assert sum(full.values()) == 100

    async def score(inspection: int, scores: dict[str, int], actor: Actor = INSPECTOR) -> int | None:
        async with UnitOfWork(hotline.database) as unit:
            return (await quality.score(unit, inspection, actor, scores)).total

    for wrong in ({**full, "x": 1}, {"greeting": 1}, {**full, "greeting": 999}, {**full, "greeting": -1}):
        with pytest.raises(UnknownId):
            await score(first, wrong)
    with pytest.raises(AccessRefused, match="本人"):
        await score(first, full, Actor(id="1001", role=Role.SUPERVISOR))
    with pytest.raises(AccessRefused, match="无权"):
        await score(first, full, AGENT)
    assert await score(first, {**full, "writing": 4}) == 94
    with pytest.raises(UnknownId, match="done already"):
        await score(first, full)
    assert await score(second, {**full, "secrecy": 0}) == 0  # fatal
    async with UnitOfWork(hotline.database, reads=True) as unit:
        (result,) = await unit.quality.results(MONDAY - timedelta(days=1), MONDAY + timedelta(days=1))
        assert await unit.quality.results(MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)) == ()
    assert (result.judged, result.inspected, result.mean, result.lowest) == ("1001", 2, 47.0, 0)


async def test_praise_is_counted_for_agency_and_person(hotline: Hotline) -> None:
    first, second = [await hotline.submit(f"call-{number}", PRAISE) for number in range(2)]
    complaint = await hotline.submit("call-9")
    quality = Quality(SITE, hotline.clock)
    async with UnitOfWork(hotline.database) as unit:
        await quality.praise(unit, first, AGENT, person="李警官", agency="d-gaj", form=PraiseForm.PENNANT)
        with pytest.raises(AccessRefused, match="不是表扬件"):
            await quality.praise(unit, complaint, AGENT, form=PraiseForm.CALL)
        with pytest.raises(UnknownId):
            await quality.praise(unit, second, AGENT, agency="x", form=PraiseForm.CALL)
        counted = await unit.quality.praised(MONDAY, datetime.max.replace(tzinfo=MONDAY.tzinfo))
    assert counted == (
        PraiseCount(agency_id=AgencyId("d-cgj-zf"), person="", form=PraiseForm.CALL, times=1),
        PraiseCount(agency_id=AgencyId("d-gaj"), person="李警官", form=PraiseForm.PENNANT, times=1),
    )


async def test_a_due_time_by_hand_may_only_be_earlier_and_holds_after_dispatch(hotline: Hotline) -> None:
    def by_hand(call: str, at: datetime) -> DraftView:
        draft = draft_of(call)
        mine = DraftField(value=at.isoformat(), mine=True)
        return msgspec.structs.replace(draft, fields={**draft.fields, FieldName.DUE_AT: mine})

    for number, (at, why) in enumerate(((MONDAY + timedelta(days=30), "申请延期"), (MONDAY, "已过"))):
        await a_contact(hotline.database, f"no-{number}")
        with pytest.raises(DueTimeRefused, match=why):
            async with UnitOfWork(hotline.database) as unit:
                await hotline.service.submit(unit, by_hand(f"no-{number}", at), "1001", f"no-{number}")
    promised = MONDAY + timedelta(days=1)
    await a_contact(hotline.database, "yes")
    async with UnitOfWork(hotline.database) as unit:
        view = await hotline.service.submit(unit, by_hand("yes", promised), "1001", "yes")
    assert view.due_at == promised
    hotline.clock.forward(minutes=5)
    await hotline.worker.work_once()
    assert (await hotline.case(view.reference)).life.due_at == promised
    await hotline.sound(view.reference)
