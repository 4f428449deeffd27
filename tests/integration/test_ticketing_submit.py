import asyncio
from datetime import datetime, timedelta

import msgspec
import pytest

from tests.fakes.tickets import MONDAY, NUMBER, SITE, Killed, TestClock, a_contact, draft_of, killed_before_statement
from ticketing.database import Database
from ticketing.errors import AlreadySubmitted, ChangedMeanwhile, DraftIncomplete, UnknownId
from ticketing.service import TicketService
from ticketing.unit_of_work import UnitOfWork
from ticketing.views import DraftView, TicketView
from ticketing.vocabulary import AgencyPart, ContactId, DispatchState, FieldName, TicketState

pytestmark = pytest.mark.database


async def submit(database: Database, draft: DraftView, *, at: datetime = MONDAY, key: str = "") -> TicketView:
    service = TicketService(SITE, TestClock(at))
    async with UnitOfWork(database) as unit:
        return await service.submit(unit, draft, "1001", key or draft.id)


async def test_a_draft_becomes_a_ticket_with_number_due_time_and_dispatches(database: Database) -> None:
    await a_contact(database, "call-1")
    view = await submit(database, draft_of("call-1", {FieldName.CO_AGENCIES: "s140802004|d-gaj-jj"}))
    assert view.reference == "2611020001"
    assert view.state == TicketState.PENDING_DISPATCH
    assert view.category == "城市管理/市容秩序/占道经营"
    assert view.lead_agency == SITE.agency("d-cgj-zf").name
    assert view.due_at == datetime.fromisoformat("2026-11-09T17:30+08:00")
    assert view.dispatched_at is None
    async with UnitOfWork(database, reads=True) as unit:
        ticket = await unit.tickets.get(view.reference)
        steps = await unit.tickets.events(view.reference)
        waiting = await unit.outbox.of_ticket(view.reference)
        draft = await unit.drafts.get("draft-call-1")
    assert (ticket.callback_phone, ticket.citizen_name, ticket.created_by) == (NUMBER, "申先生", "1001")
    assert [(one.kind, one.actor, one.to_state) for one in steps] == [("submitted", "1001", ticket.state)]
    assert "申先生" not in str(steps), "a step tells what happened, not who the citizen is"
    assert [(one.agency_id, one.part, one.state) for one in waiting] == [
        ("d-cgj-zf", AgencyPart.LEAD, DispatchState.PENDING),
        ("s140802004", AgencyPart.CO, DispatchState.PENDING),
        ("d-gaj-jj", AgencyPart.CO, DispatchState.PENDING),
    ]
    assert len({one.key for one in waiting}) == 3
    assert draft.reference == view.reference


async def test_submitting_twice_gives_the_same_ticket(database: Database) -> None:
    await a_contact(database, "call-1")
    first = await submit(database, draft_of("call-1"))
    assert await submit(database, draft_of("call-1")) == first
    later = draft_of("call-1", {FieldName.TITLE: "另一个标题"}, revision=9)
    assert await submit(database, later, key="another key") == first
    async with UnitOfWork(database, reads=True) as unit:
        assert len(await unit.outbox.of_ticket(first.reference)) == 1


async def test_two_submits_at_once_make_one_ticket(database: Database) -> None:
    await a_contact(database, "call-1")
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(submit(database, draft_of("call-1")), name=f"submit {number}") for number in range(5)
        ]
    assert len({task.result().reference for task in tasks}) == 1
    await a_contact(database, "call-2")
    assert (await submit(database, draft_of("call-2"))).reference == "2611020002"


async def test_numbers_have_no_gaps_and_no_twins_under_load(database: Database) -> None:
    for number in range(20):
        await a_contact(database, f"call-{number}")

    async def try_to_submit(number: int) -> TicketView | None:
        fields = {FieldName.TITLE: ""} if number % 5 == 0 else None  # every fifth fails
        try:
            return await submit(database, draft_of(f"call-{number}", fields))
        except DraftIncomplete:
            return None

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(try_to_submit(number), name=f"submit {number}") for number in range(20)]
    views = [view for task in tasks if (view := task.result()) is not None]
    assert sorted(view.reference for view in views) == [f"261102{number:04d}" for number in range(1, 17)]


async def test_the_number_begins_anew_at_the_sites_midnight(database: Database) -> None:
    midnight = datetime.fromisoformat("2026-11-03T00:00+08:00")
    for number, at in enumerate((midnight - timedelta(seconds=1), midnight)):
        await a_contact(database, f"call-{number}")
        view = await submit(database, draft_of(f"call-{number}"), at=at)
        assert view.reference == ("2611020001", "2611030001")[number]


@pytest.mark.parametrize("field", ["request_type", "category", "lead_agency", "title", "content"])
async def test_what_a_ticket_cannot_do_without_is_asked_for(database: Database, field: str) -> None:
    await a_contact(database, "call-1")
    with pytest.raises(DraftIncomplete) as incomplete:
        await submit(database, draft_of("call-1", {FieldName(field): "  "}))
    assert incomplete.value.missing == (FieldName(field),)
    async with UnitOfWork(database, reads=True) as unit:
        with pytest.raises(UnknownId):
            await unit.drafts.get("draft-call-1")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (FieldName.CATEGORY, "999999"),
        (FieldName.LEAD_AGENCY, "d-nobody"),
        (FieldName.CO_AGENCIES, "d-gaj-jj|d-nobody"),
        (FieldName.PLACE, "p-nowhere"),
        (FieldName.REQUEST_TYPE, "抱怨"),
        (FieldName.URGENCY, "不急"),
    ],
)
async def test_an_id_the_site_does_not_have_is_refused(database: Database, field: FieldName, value: str) -> None:
    await a_contact(database, "call-1")
    with pytest.raises(UnknownId):
        await submit(database, draft_of("call-1", {field: value}))


async def test_a_draft_of_no_call_is_refused(database: Database) -> None:
    with pytest.raises(UnknownId, match="no contact"):
        await submit(database, draft_of("nobody"))


async def test_urgency_and_callback_number_have_sensible_defaults(database: Database) -> None:
    await a_contact(database, "call-1")
    fields = {FieldName.URGENCY: "", FieldName.CATEGORY: "010303", FieldName.LEAD_AGENCY: "d-cgj-hw"}
    view = await submit(database, draft_of("call-1", {**fields, FieldName.CALLBACK_PHONE: "0359000011"}))
    async with UnitOfWork(database, reads=True) as unit:
        ticket = await unit.tickets.get(view.reference)
    assert ticket.urgency == "紧急"
    assert ticket.deadline_rule_id == "dl-utility"
    assert ticket.callback_phone == "0359000011"


async def test_the_lead_never_helps_itself(database: Database) -> None:
    await a_contact(database, "call-1")
    view = await submit(database, draft_of("call-1", {FieldName.CO_AGENCIES: "d-cgj-zf|d-gaj-jj|d-gaj-jj"}))
    async with UnitOfWork(database, reads=True) as unit:
        assert (await unit.tickets.get(view.reference)).co_agency_ids == ("d-gaj-jj",)


async def test_a_killed_submit_leaves_all_or_nothing_and_can_be_done_again(database: Database) -> None:
    await a_contact(database, "call-1")
    draft = draft_of("call-1", {FieldName.CO_AGENCIES: "d-gaj-jj"})
    survived = False
    for statement in range(100):
        with killed_before_statement(database, statement):
            try:
                await submit(database, draft)
                survived = True
            except Killed:
                pass
        async with UnitOfWork(database, reads=True) as unit:
            tickets = await unit.tickets.of_caller(ContactId("call-1"))
            assert len(tickets) == survived
            if survived:
                assert tickets[0].reference == "2611020001"
                assert len(await unit.outbox.of_ticket("2611020001")) == 2
                assert len(await unit.tickets.events("2611020001")) == 1
                break
            with pytest.raises(UnknownId):
                await unit.drafts.get(draft.id)
    assert survived
    assert statement > 8, "the test must have killed between many statements"


async def test_an_older_revision_of_a_draft_never_replaces_a_newer_one(database: Database) -> None:
    await a_contact(database, "call-1")
    async with UnitOfWork(database) as unit:
        await unit.drafts.save(draft_of("call-1", {FieldName.TITLE: "新"}, revision=5), MONDAY)
        await unit.drafts.save(draft_of("call-1", {FieldName.TITLE: "新"}, revision=5), MONDAY)
        with pytest.raises(ChangedMeanwhile):
            await unit.drafts.save(draft_of("call-1", {FieldName.TITLE: "旧"}, revision=4), MONDAY)
        kept = (await unit.drafts.of_contact(ContactId("call-1")))[0]
    assert kept.fields[FieldName.TITLE].value == "新"
    assert kept == draft_of("call-1", {FieldName.TITLE: "新"}, revision=5)


async def test_a_submitted_draft_does_not_change_any_more(database: Database) -> None:
    await a_contact(database, "call-1")
    view = await submit(database, draft_of("call-1"))
    async with UnitOfWork(database) as unit:
        with pytest.raises(AlreadySubmitted) as already:
            await unit.drafts.save(draft_of("call-1", revision=99), MONDAY)
    assert already.value.reference == view.reference


async def test_the_caller_is_known_before_the_phone_rings(database: Database) -> None:
    service = TicketService(SITE, TestClock())
    await a_contact(database, "call-1")
    first = await submit(database, draft_of("call-1"))
    await a_contact(database, "call-2", arrived_at=MONDAY + timedelta(minutes=9))
    other_matter = {FieldName.CATEGORY: "110102", FieldName.LEAD_AGENCY: "b140802-jy", FieldName.PLACE: "p140802-456"}
    second = await submit(database, draft_of("call-2", other_matter), at=MONDAY + timedelta(minutes=9))
    await a_contact(database, "call-3", arrived_at=MONDAY + timedelta(hours=1))
    await a_contact(database, "stranger", number="13900001111", arrived_at=MONDAY + timedelta(hours=1))
    await a_contact(database, "withheld", number=None, arrived_at=MONDAY + timedelta(hours=1))
    async with UnitOfWork(database, reads=True) as unit:
        known = await service.caller(unit, ContactId("call-3"))
        assert (known.earlier_calls, known.open_tickets, known.last_ticket) == (2, 2, second)
        same_category = await service.similar(unit, ContactId("call-3"), "010101", None)
        same_place = await service.similar(unit, ContactId("call-3"), None, "p140802-456")
        assert [one.reference for one in same_category] == [first.reference, second.reference]
        assert [one.reference for one in same_place] == [second.reference, first.reference]
        for contact in ("stranger", "withheld"):
            unknown = await service.caller(unit, ContactId(contact))
            assert (unknown.earlier_calls, unknown.open_tickets, unknown.last_ticket) == (0, 0, None)
            assert await service.similar(unit, ContactId(contact), None, None) == ()


async def test_who_changes_an_old_revision_is_told_what_changed(database: Database) -> None:
    await a_contact(database, "call-1")
    view = await submit(database, draft_of("call-1"))
    async with UnitOfWork(database) as unit:
        read = await unit.tickets.get(view.reference)
        step = msgspec.structs.replace(
            (await unit.tickets.events(view.reference))[0], seq=1, kind="retitled", from_state=read.state
        )
        changed = await unit.tickets.change(read, step, {"title": "新标题"})
        assert (changed.title, changed.revision) == ("新标题", 1)
        assert await unit.tickets.get(view.reference) == changed
        with pytest.raises(ChangedMeanwhile, match="retitled"):
            await unit.tickets.change(read, step, {"title": "又一个"})
