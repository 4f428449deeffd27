import asyncio
import random
from datetime import datetime, timedelta

import pytest

from tests.fakes.gateways import ScriptedGateway
from tests.fakes.tickets import MONDAY, SITE, Killed, TestClock, a_contact, draft_of, killed_before_statement
from ticketing.casework import Case, Casework
from ticketing.database import Database
from ticketing.dispatch import DispatchWorker, Gateways
from ticketing.entries import life_of
from ticketing.errors import ChangedMeanwhile, StepRefused, UnknownId
from ticketing.lifecycle import steps as s
from ticketing.lifecycle.life import OPEN
from ticketing.lifecycle.table import SYSTEM, Actor
from ticketing.records import TicketRecord
from ticketing.service import Outcome, TicketService
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import AgencyId, Closure, DispatchState, FieldName, PlaceId, Reference, Role, TicketState

pytestmark = pytest.mark.database

AGENT = Actor(id="1001", role=Role.AGENT)
REVIEWER = Actor(id="2001", role=Role.REVIEWER)
VISITOR = Actor(id="3001", role=Role.VISITOR)
OVERSEER = Actor(id="4001", role=Role.OVERSEER)
SUPERVISOR = Actor(id="1901", role=Role.SUPERVISOR)
HEAD = Actor(id="cg", role=Role.HANDLER_HEAD, agency_id=AgencyId("d-cgj"))
POLICE = Actor(id="jj", role=Role.HANDLER_HEAD, agency_id=AgencyId("d-gaj"))
REPLIED = s.Replied(closure=Closure.SOLVED, result="已清理")


class Hotline:
    """Everything a test does to tickets, each in a unit of work of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = TestClock()
        self.service = TicketService(SITE, self.clock)
        self.casework = Casework(SITE, self.clock)
        self.gateway = ScriptedGateway()
        self.worker = DispatchWorker(database, SITE, Gateways(default=self.gateway), now=self.clock)

    async def submit(
        self, call: str, fields: dict[FieldName, str] | None = None, outcome: Outcome | None = None
    ) -> str:
        await a_contact(self.database, call, arrived_at=self.clock.at)
        async with UnitOfWork(self.database) as unit:
            view = await self.service.submit(unit, draft_of(call, fields), "1001", call, outcome=outcome)
        return view.reference

    async def dispatched(self, call: str = "call-1", fields: dict[FieldName, str] | None = None) -> str:
        reference = await self.submit(call, fields)
        await self.worker.work_once()
        return reference

    async def take(self, reference: str, *moves: tuple[s.AnyStep, Actor], why: str = "理由") -> TicketRecord:
        for step, actor in moves:
            async with UnitOfWork(self.database) as unit:
                ticket = await self.casework.take(unit, reference, step, actor, why=why)
        return ticket

    async def visit_stage(self, call: str = "call-1") -> str:
        reference = await self.dispatched(call)
        await self.take(reference, (s.Signed(), HEAD), (REPLIED, HEAD), (s.ReplyApproved(), REVIEWER))
        return reference

    async def case(self, reference: str, actor: Actor = SYSTEM) -> Case:
        async with UnitOfWork(self.database, reads=True) as unit:
            return await self.casework.case(unit, reference, actor)

    async def sound(self, reference: str) -> None:
        """The row says what the log says."""
        async with UnitOfWork(self.database, reads=True) as unit:
            ticket = await unit.tickets.get(reference)
            events = await unit.tickets.events(reference)
        life = life_of(events)
        assert [event.seq for event in events] == list(range(len(events)))
        assert ticket.revision == len(events) - 1
        assert ticket.state is life.state
        row = self.casework.row_of(ticket, life)
        assert {key: getattr(ticket, key) for key in row} == row


@pytest.fixture
def hotline(database: Database) -> Hotline:
    return Hotline(database)


async def test_a_ticket_goes_round_the_whole_loop(hotline: Hotline) -> None:
    reference = await hotline.visit_stage()
    async with UnitOfWork(hotline.database) as unit:
        await hotline.casework.visit(unit, reference, VISITOR, reached=True, solved=True, satisfied=True)
    await hotline.take(reference, (s.Archived(), SYSTEM))
    case = await hotline.case(reference)
    assert (case.ticket.state, case.ticket.closure) == (TicketState.ARCHIVED, Closure.SOLVED)
    assert case.ticket.closed_at == hotline.clock.at
    await hotline.sound(reference)


async def test_a_refused_step_leaves_nothing_and_names_what_is_open(hotline: Hotline) -> None:
    reference = await hotline.dispatched()
    with pytest.raises(StepRefused, match="待签收") as refused:
        await hotline.take(reference, (REPLIED, HEAD))
    assert set(refused.value.open_steps) == {"signed", "return_asked", "noted"}
    assert (await hotline.case(reference)).life.steps == 2
    with pytest.raises(UnknownId):
        await hotline.take("0000000000", (REPLIED, HEAD))


async def test_the_second_of_two_people_is_told_what_changed(hotline: Hotline) -> None:
    reference = await hotline.dispatched()
    seen = (await hotline.case(reference)).ticket.revision
    await hotline.take(reference, (s.Signed(), HEAD), (s.Noted(text="已联系"), HEAD))
    async with UnitOfWork(hotline.database) as unit:
        with pytest.raises(ChangedMeanwhile) as changed:
            await hotline.casework.take(unit, reference, s.Withdrawn(), AGENT, why="不要了", revision=seen)
    assert changed.value.changed == ("signed", "noted")


async def test_of_two_at_once_only_one_gets_through(hotline: Hotline) -> None:
    reference = await hotline.dispatched()
    results = await asyncio.gather(
        *(hotline.take(reference, (s.Signed(), HEAD)) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(one, TicketRecord) for one in results) == 1
    assert all(isinstance(one, TicketRecord | StepRefused | ChangedMeanwhile) for one in results)
    await hotline.sound(reference)


async def test_what_ends_on_the_phone_is_closed_and_goes_nowhere(hotline: Hotline) -> None:
    for call, outcome, closure in (
        ("call-1", s.AnsweredDirectly(), Closure.ANSWERED),
        ("call-2", s.TransferredOut(target="em-119"), Closure.TRANSFERRED),
        ("call-3", s.Refused(reason_id="na-region"), Closure.REFUSED),
    ):
        reference = await hotline.submit(call, {FieldName.LEAD_AGENCY: ""}, outcome)
        case = await hotline.case(reference)
        assert (case.ticket.state, case.ticket.closure) == (TicketState.CLOSED, closure)
        assert case.ticket.lead_agency_id == "h-12345"
    assert await hotline.worker.work_once() == 0
    with pytest.raises(UnknownId):
        await hotline.submit("call-4", None, s.Refused(reason_id="na-nothing"))


async def test_an_upheld_return_is_dispatched_anew_with_a_clock_of_its_own(hotline: Hotline) -> None:
    fields = {FieldName.PLACE: "p140802-456"}
    reference = await hotline.dispatched(fields=fields)
    hotline.clock.forward(hours=3)
    await hotline.take(
        reference,
        (s.ReturnAsked(rather=AgencyId("d-gaj-jj")), HEAD),
        (s.ReturnUpheld(lead_agency_id=AgencyId("d-gaj-jj")), REVIEWER),
        why="属交警职责",
    )
    hotline.clock.forward(days=1)
    await hotline.worker.work_once()
    case = await hotline.case(reference)
    assert (case.ticket.state, case.ticket.lead_agency_id) == (TicketState.DISPATCHED, "d-gaj-jj")
    assert case.ticket.lead_agency == SITE.agency("d-gaj-jj").name
    assert case.ticket.dispatched_at == hotline.clock.at
    assert [one.agency_id for one in hotline.gateway.taken] == ["d-cgj-zf", "d-gaj-jj"]
    assert [(one.agency_id, one.kind) for one in hotline.gateway.told] == [("d-cgj-zf", "return_upheld")]
    async with UnitOfWork(hotline.database, reads=True) as unit:
        precedents = await unit.precedents.of_matter(case.ticket.category_code, PlaceId("c140802"))
    assert [(one.refused, one.assigned, one.why) for one in precedents] == [("d-cgj-zf", "d-gaj-jj", "属交警职责")]
    await hotline.sound(reference)


async def test_precedents_of_the_same_county_come_first(hotline: Hotline) -> None:
    for call, place in (("call-1", "c140882"), ("call-2", "c140802"), ("call-3", "c140826")):
        reference = await hotline.dispatched(call, {FieldName.PLACE: place})
        await hotline.take(reference, (s.ReturnAsked(), HEAD), (s.ReturnRejected(), REVIEWER), why="职责所在")
        hotline.clock.forward(minutes=1)
    ticket = (await hotline.case(reference)).ticket
    async with UnitOfWork(hotline.database, reads=True) as unit:
        found = await unit.precedents.of_matter(ticket.category_code, PlaceId("c140802"))
    assert [one.county_id for one in found] == ["c140802", "c140826", "c140882"]
    assert all(one.refused == one.assigned for one in found)


async def test_who_does_not_sign_in_time_has_signed(hotline: Hotline) -> None:
    reference = await hotline.dispatched()
    sign_by = hotline.clock.at + timedelta(hours=4)
    async with UnitOfWork(hotline.database) as unit:
        assert await unit.tickets.unsigned(sign_by - timedelta(seconds=1), 9) == ()
        assert [one.reference for one in await unit.tickets.unsigned(sign_by, 9)] == [reference]
        hotline.clock.at = sign_by
        await hotline.casework.sign_for_the_idle(unit, reference)
    case = await hotline.case(reference)
    assert case.ticket.state is TicketState.IN_PROGRESS
    assert case.ticket.due_at == datetime.fromisoformat("2026-11-09T17:30+08:00"), "the clock ran since dispatch"
    await hotline.sound(reference)


async def test_a_suspension_and_an_extension_move_the_due_time_and_nothing_else_does(hotline: Hotline) -> None:
    reference = await hotline.dispatched()
    await hotline.take(reference, (s.Signed(), HEAD), (s.Suspended(reason="等待上级批复"), HEAD))
    hotline.clock.forward(days=2)  # Wednesday morning: Monday is not counted, Tuesday ended suspended
    async with UnitOfWork(hotline.database) as unit:
        ticket = await hotline.casework.resume(unit, reference, HEAD)
    assert ticket.due_at == datetime.fromisoformat("2026-11-10T17:30+08:00")
    await hotline.take(reference, (s.ExtensionAsked(), HEAD), why="等待设备")
    async with UnitOfWork(hotline.database) as unit:
        ticket = await hotline.casework.grant_extension(unit, reference, REVIEWER)
    assert ticket.due_at == datetime.fromisoformat("2026-11-17T17:30+08:00")
    (line,) = (await hotline.case(reference)).life.extensions
    assert line.due_before == datetime.fromisoformat("2026-11-10T17:30+08:00")
    await hotline.worker.work_once()
    (notice,) = hotline.gateway.told
    assert (notice.kind, notice.name, notice.due_at) == ("extension_granted", "批准延期", ticket.due_at)
    await hotline.sound(reference)


async def test_an_unhappy_citizen_is_served_again_and_then_supervised(hotline: Hotline) -> None:
    reference = await hotline.visit_stage()
    for round_number in (1, 2):
        hotline.clock.forward(days=1)
        async with UnitOfWork(hotline.database) as unit:
            await hotline.casework.visit(unit, reference, VISITOR, reached=True, solved=False, satisfied=False)
        case = await hotline.case(reference)
        assert (case.ticket.state, case.life.redos) == (TicketState.IN_PROGRESS, round_number)
        assert case.ticket.due_at is not None
        assert case.ticket.due_at > hotline.clock.at
        assert case.ticket.supervision == (1 if round_number == 2 else 0)
        await hotline.take(reference, (REPLIED, HEAD), (s.ReplyApproved(), REVIEWER))
    async with UnitOfWork(hotline.database) as unit:
        await hotline.casework.visit(unit, reference, VISITOR, reached=True, solved=False, satisfied=False)
    assert (await hotline.case(reference)).ticket.state is TicketState.CLOSED
    await hotline.sound(reference)


async def test_supervision_rises_by_level_with_a_time_of_its_own(hotline: Hotline) -> None:
    reference = await hotline.dispatched()
    async with UnitOfWork(hotline.database) as unit:
        ticket = await hotline.casework.supervise(unit, reference, OVERSEER, 3, why="群众反映强烈")
    assert (ticket.supervision, ticket.supervision_due_at) == (3, datetime.fromisoformat("2026-11-09T17:30+08:00"))
    async with UnitOfWork(hotline.database) as unit:
        with pytest.raises(StepRefused, match="只能提高"):
            await hotline.casework.supervise(unit, reference, OVERSEER, 2, why="降级")
        with pytest.raises(StepRefused, match="不存在"):
            await hotline.casework.supervise(unit, reference, OVERSEER, 9, why="?")


async def test_a_withdrawn_ticket_is_not_sent_and_an_agency_that_has_it_is_told(hotline: Hotline) -> None:
    waiting = await hotline.submit("call-1")
    await hotline.take(waiting, (s.Withdrawn(), AGENT), why="来电人撤回")
    assert await hotline.worker.work_once() == 0
    async with UnitOfWork(hotline.database, reads=True) as unit:
        assert [one.state for one in await unit.outbox.of_ticket(waiting)] == [DispatchState.CANCELLED]
    sent = await hotline.dispatched("call-2")
    await hotline.take(sent, (s.Withdrawn(), AGENT), why="来电人撤回")
    await hotline.worker.work_once()
    assert [(one.reference, one.kind, one.why) for one in hotline.gateway.told] == [(sent, "withdrawn", "来电人撤回")]


async def test_a_ticket_withdrawn_while_it_is_being_sent_is_called_back(hotline: Hotline) -> None:
    reference = await hotline.submit("call-1")
    hotline.gateway.meanwhile = lambda: hotline.take(reference, (s.Withdrawn(), AGENT), why="撤回")
    await hotline.worker.work_once()
    assert (await hotline.case(reference)).ticket.state is TicketState.WITHDRAWN
    await hotline.worker.work_once()
    assert [one.kind for one in hotline.gateway.told] == ["withdrawn"]


async def test_merged_tickets_keep_their_own_citizen_and_can_be_split(hotline: Hotline) -> None:
    main = await hotline.dispatched("call-1")
    child = await hotline.submit("call-2", {FieldName.CALLBACK_PHONE: "13911112222"})
    await hotline.take(child, (s.Merged(main=Reference(main)), REVIEWER))
    assert await hotline.worker.work_once() == 0, "nobody works twice on one matter"
    other = await hotline.submit("call-3", {FieldName.CALLBACK_PHONE: "13933334444"})
    for step, problem in (
        (s.Merged(main=Reference(other)), "不能并入自身"),
        (s.Merged(main=Reference(child)), "已并入其他工单"),
        (s.Merged(main=Reference("0000000000")), "主单不存在"),
    ):
        with pytest.raises(StepRefused, match=problem):
            await hotline.take(other, (step, REVIEWER))
    with pytest.raises(StepRefused, match="已是其他工单的主单"):
        await hotline.take(main, (s.Merged(main=Reference(other)), REVIEWER))
    await hotline.take(main, (s.Signed(), HEAD), (REPLIED, HEAD), (s.ReplyApproved(), REVIEWER))
    async with UnitOfWork(hotline.database, reads=True) as unit:
        asked = {one.number: one.reference for one in await unit.callbacks.waiting()}
    assert asked == {"13800005678": main, "13911112222": child}
    await hotline.take(child, (s.SplitOff(), REVIEWER), why="不是同一件事")
    assert (await hotline.case(child)).ticket.state is TicketState.PENDING_DISPATCH
    await hotline.worker.work_once()
    assert (await hotline.case(child)).ticket.state is TicketState.DISPATCHED
    for reference in (main, child, other):
        await hotline.sound(reference)


async def test_a_reopened_ticket_is_dispatched_again(hotline: Hotline) -> None:
    reference = await hotline.visit_stage()
    async with UnitOfWork(hotline.database) as unit:
        await hotline.casework.visit(unit, reference, VISITOR, reached=True, solved=True, satisfied=True)
    hotline.clock.forward(days=3)
    await hotline.take(reference, (s.Reopened(), SUPERVISOR), why="又占道了")
    await hotline.worker.work_once()
    case = await hotline.case(reference)
    assert (case.ticket.state, case.ticket.dispatched_at) == (TicketState.DISPATCHED, hotline.clock.at)
    assert len({one.key for one in hotline.gateway.taken}) == 2
    await hotline.sound(reference)


async def test_a_helper_is_sent_the_ticket_too(hotline: Hotline) -> None:
    reference = await hotline.dispatched()
    await hotline.take(reference, (s.HelperAdded(agency_id=AgencyId("d-gaj-jj")), REVIEWER))
    await hotline.worker.work_once()
    assert [(one.agency_id, one.part) for one in hotline.gateway.taken] == [("d-cgj-zf", "lead"), ("d-gaj-jj", "co")]
    assert hotline.gateway.taken[0].due_at == hotline.gateway.taken[1].due_at


async def test_a_killed_merge_leaves_all_or_nothing(hotline: Hotline) -> None:
    main = await hotline.dispatched("call-1")
    child = await hotline.submit("call-2")
    for statement in range(60):
        with killed_before_statement(hotline.database, statement):
            try:
                await hotline.take(child, (s.Merged(main=Reference(main)), REVIEWER))
                break
            except Killed:
                pass
        await hotline.sound(child)
        assert (await hotline.case(child)).ticket.state is TicketState.PENDING_DISPATCH
    assert statement > 5
    await hotline.sound(child)
    assert (await hotline.case(child)).ticket.merged_into == main


# ---- a random but legal crowd


def a_step(kind: str, case: Case, mains: list[str], rng: random.Random) -> s.AnyStep | str | None:
    """Something of this kind worth trying; a text names a step the casework itself completes; None: not by people."""
    pick = rng.choice
    agencies = [AgencyId("d-cgj-zf"), AgencyId("d-gaj-jj"), AgencyId("d-jyj")]
    below = [one.id for one in SITE.children(case.life.holder or "yc")] or agencies
    match kind:
        case "resumed" | "extension_granted" | "supervised" | "visited":
            return kind
        case "dispatched" | "received" | "submitted" | "answered_directly" | "transferred_out" | "refused":
            return None
        case "merged":
            return s.Merged(main=Reference(pick(mains)))
        case "return_asked":
            return s.ReturnAsked(rather=pick(agencies))
        case "return_upheld":
            return s.ReturnUpheld(lead_agency_id=pick(agencies))
        case "delegated":
            return s.Delegated(agency_id=AgencyId(pick(below)))
        case "helper_added":
            return s.HelperAdded(agency_id=pick(agencies))
        case "suspended":
            return s.Suspended(reason="等待上级批复")
        case "replied":
            return s.Replied(closure=pick(list(Closure)), result="已处理")
        case "closed":
            return s.Closed(closure=Closure.EXPLAINED)
        case "noted":
            return s.Noted(text="补充")
        case "withdrawn" if rng.random() < 0.8:
            return None
        case _:
            return s.step_of(kind, {})


async def act(hotline: Hotline, reference: str, actor: Actor, mains: list[str], rng: random.Random) -> None:
    case = await hotline.case(reference, actor)
    if not case.open_steps:
        return
    step = a_step(rng.choice(case.open_steps), case, mains, rng)
    async with UnitOfWork(hotline.database) as unit:
        casework = hotline.casework
        match step:
            case None:
                pass
            case "resumed":
                await casework.resume(unit, reference, actor)
            case "extension_granted":
                await casework.grant_extension(unit, reference, actor)
            case "supervised":
                await casework.supervise(unit, reference, actor, rng.randint(1, 5), why="理由")
            case "visited":
                happy = rng.random() < 0.6
                reached = rng.random() < 0.7
                await casework.visit(
                    unit, reference, actor, reached=reached, solved=happy if reached else None, satisfied=None
                )
            case str():
                raise AssertionError(step)
            case _:
                await casework.take(unit, reference, step, actor, why="理由")


@pytest.mark.parametrize("seed", range(3))
async def test_a_random_crowd_never_makes_an_unsound_ticket(hotline: Hotline, seed: int) -> None:
    rng = random.Random(seed)
    crowd = [
        *(Actor(id=role, role=role) for role in Role if role not in (Role.HANDLER, Role.HANDLER_HEAD)),
        HEAD,
        POLICE,
        Actor(id="edu", role=Role.HANDLER_HEAD, agency_id=AgencyId("d-jyj")),
    ]
    tickets = [await hotline.submit(f"call-{number}") for number in range(6)]
    refused = 0
    for _ in range(120):
        hotline.clock.forward(hours=rng.choice([0.1, 1, 5, 30]))
        if rng.random() < 0.2:
            await hotline.worker.work_once()
        try:
            await act(hotline, rng.choice(tickets), rng.choice(crowd), tickets, rng)
        except StepRefused:
            refused += 1
    lives = [(await hotline.case(reference)).life for reference in tickets]
    assert refused > 0, "the crowd tried what it may not"
    assert sum(life.steps for life in lives) > 30, "and did much that it may"
    for reference, life in zip(tickets, lives, strict=True):
        await hotline.sound(reference)
        if life.state in OPEN and life.state not in (TicketState.PENDING_DISPATCH, TicketState.DRAFT):
            assert life.due_at is not None or life.dispatched_at is None
    for life in lives:
        if life.merged_into is not None:
            main = lives[tickets.index(life.merged_into)]
            assert main.merged_into is None or main.state is TicketState.MERGED


async def test_time_moves_only_forward_in_a_log(hotline: Hotline) -> None:
    reference = await hotline.visit_stage()
    async with UnitOfWork(hotline.database, reads=True) as unit:
        times = [event.at for event in await unit.tickets.events(reference)]
    assert times == sorted(times)
    assert times[0] >= MONDAY - timedelta(0)


async def test_who_is_merged_while_citizens_are_being_asked_is_asked_too(hotline: Hotline) -> None:
    main = await hotline.visit_stage("call-1")
    late = await hotline.submit("call-2", {FieldName.CALLBACK_PHONE: "13911112222"})
    await hotline.take(late, (s.Merged(main=Reference(main)), REVIEWER))
    async with UnitOfWork(hotline.database, reads=True) as unit:
        assert {one.reference for one in await unit.callbacks.waiting()} == {main, late}
    await hotline.take(late, (s.SplitOff(), REVIEWER), why="不是同一件事")
    async with UnitOfWork(hotline.database, reads=True) as unit:
        assert [one.reference for one in await unit.callbacks.waiting()] == [main], "its own matter goes on"


async def test_a_main_order_does_not_end_without_its_citizens_being_asked(hotline: Hotline) -> None:
    main = await hotline.dispatched("call-1")
    child = await hotline.submit("call-2", {FieldName.CALLBACK_PHONE: "13911112222"})
    await hotline.take(child, (s.Merged(main=Reference(main)), REVIEWER))
    with pytest.raises(StepRefused, match="请先拆出"):
        await hotline.take(main, (s.Withdrawn(), AGENT), why="来电人撤回")
    await hotline.take(child, (s.SplitOff(), REVIEWER), why="主单撤回")
    await hotline.take(main, (s.Withdrawn(), AGENT), why="来电人撤回")


async def test_a_merge_and_an_approval_at_once_leave_nobody_unasked(hotline: Hotline) -> None:
    for number in range(6):
        main = await hotline.dispatched(f"main-{number}", {FieldName.CALLBACK_PHONE: f"1380000{number:04d}"})
        await hotline.take(main, (s.Signed(), HEAD), (REPLIED, HEAD))
        child = await hotline.submit(f"child-{number}", {FieldName.CALLBACK_PHONE: f"1390000{number:04d}"})
        await asyncio.gather(
            hotline.take(child, (s.Merged(main=Reference(main)), REVIEWER)),
            hotline.take(main, (s.ReplyApproved(), REVIEWER)),
        )
        async with UnitOfWork(hotline.database, reads=True) as unit:
            asked = {one.reference for one in await unit.callbacks.waiting()}
        assert {main, child} <= asked


async def test_two_tickets_merged_into_each_other_at_once_make_no_ring(hotline: Hotline) -> None:
    for number in range(4):
        one, other = await hotline.submit(f"one-{number}"), await hotline.submit(f"other-{number}")
        await asyncio.gather(
            hotline.take(one, (s.Merged(main=Reference(other)), REVIEWER)),
            hotline.take(other, (s.Merged(main=Reference(one)), REVIEWER)),
            return_exceptions=True,
        )
        states = [(await hotline.case(reference)).ticket.state for reference in (one, other)]
        assert sorted(states) == sorted([TicketState.MERGED, TicketState.PENDING_DISPATCH])
