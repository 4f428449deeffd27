"""The callback queue at the desks, through the real server: one citizen is one person's, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ivr.calls.vocabulary import AgentId, CallId
from ivr.demo.hand import DeskHand, HandRefused
from ivr.desk.envelope import Done
from ivr.desk.topics import Topic
from ivr.desk.wire import Watch
from ivr.desk.wire_callbacks import (
    CallbackCard,
    CallbackList,
    CallbackSettled,
    CallbacksNews,
    CallbackTaken,
    DialCallback,
    Dialling,
    HandBackCallback,
    ListCallbacks,
    ReassignCallback,
    RenewCallback,
    SettleCallback,
    TakeCallback,
)
from tests.desk_room import DeskRoom, desk_room, sheet, step
from tests.fakes.tickets import NUMBER, a_contact
from tests.until import until
from ticketing.database import Database
from ticketing.records import CallbackRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CallbackKind, CallbackState, CallOutcome, ContactId, FieldName, TicketState

pytestmark = pytest.mark.database


@pytest.fixture
async def room(database: Database) -> AsyncIterator[DeskRoom]:
    async with desk_room(database) as running:
        yield running


async def missed(room: DeskRoom, *numbers: str) -> None:
    """Citizens whose calls nobody answered, a minute apart."""
    for number in numbers:
        await a_contact(room.database, f"missed-{number}", number=number, arrived_at=room.clock.at)
        async with UnitOfWork(room.database) as unit:
            await room.back_office.callbacks.owe(unit, CallbackKind.MISSED, ContactId(f"missed-{number}"))
        room.clock.forward(minutes=1)
    room.back_office.callback_desk.changed()


async def to_visit(room: DeskRoom) -> str:
    """A ticket whose citizen is to be asked."""
    reference = await room.dispatched()
    async with room.hand("3003") as handler, room.hand("2001") as reviewer:
        await step(handler, reference, "signed")
        await step(handler, reference, "replied", {"closure": "solved", "result": "已清理"})
        await step(reviewer, reference, "reply_approved")
    return reference


async def take(hand: DeskHand, callback: int | None = None, kinds: tuple[CallbackKind, ...] = ()) -> CallbackCard:
    message = TakeCallback(request=hand.number(), callback=callback, kinds=kinds)
    return (await hand.ask(message, CallbackTaken)).card


async def settle(hand: DeskHand, callback: int, outcome: CallOutcome, **answers: Any) -> CallbackCard:
    message = SettleCallback(request=hand.number(), callback=callback, outcome=outcome, **answers)
    return (await hand.ask(message, CallbackSettled)).card


def queue(hand: DeskHand) -> CallbacksNews:
    found = hand.news.get(CallbacksNews, CallbacksNews(cards=(), waiting=-1, overdue=0))
    assert isinstance(found, CallbacksNews)
    return found


async def test_two_people_never_have_the_same_citizen(room: DeskRoom) -> None:
    await missed(room, "13811110000", "13822220000", "13833330000")
    async with room.hand("1001") as one, room.hand("1002") as other:
        first, second = await asyncio.gather(take(one), take(other))
        assert {first.masked_number, second.masked_number} == {"138****0000"}
        assert first.id != second.id
        assert (first.taken_by, first.by_name, first.attempts) == ("1001", "话务员甲", 1)
        with pytest.raises(HandRefused, match=r"refused\.callback_taken"):
            await take(other, first.id)
        assert (await take(one, first.id)).attempts == 1, "who has them keeps them"
        third = await take(one)
        assert third.id not in (first.id, second.id)
        with pytest.raises(HandRefused, match=r"refused\.callback_none"):
            await take(other)
        done = await settle(one, first.id, CallOutcome.REACHED)
        assert (done.state, done.taken_by) == (CallbackState.DONE, None)
        with pytest.raises(HandRefused, match=r"refused\.callback_gone"):
            await take(other, first.id)
        with pytest.raises(HandRefused, match=r"refused\.callback_lost"):
            await settle(other, second.id + 99, CallOutcome.REACHED)
        with pytest.raises(HandRefused, match=r"refused\.callback_lost"):
            await settle(one, second.id, CallOutcome.REACHED)


async def test_a_lease_outlives_its_desk_and_ends_by_itself(room: DeskRoom) -> None:
    await missed(room, "13811110000")
    async with room.hand("1001") as hand:
        taken = await take(hand)
    async with room.hand("1001") as hand, room.hand("1002") as other:
        room.clock.forward(minutes=4)
        renewed = await hand.ask(RenewCallback(request=hand.number(), callback=taken.id), CallbackTaken)
        assert renewed.card.until is not None
        assert taken.until is not None
        assert renewed.card.until > taken.until
        room.clock.forward(minutes=6)
        assert (await take(other, taken.id)).attempts == 2
        with pytest.raises(HandRefused, match=r"refused\.callback_lost"):
            await hand.ask(RenewCallback(request=hand.number(), callback=taken.id), CallbackTaken)


async def test_handing_back_is_no_attempt_and_a_supervisor_may_give(room: DeskRoom) -> None:
    await missed(room, "13811110000")
    async with room.hand("1001") as hand, room.hand("1002") as other, room.hand("1901") as supervisor:
        taken = await take(hand)
        await hand.ask(HandBackCallback(request=hand.number(), callback=taken.id), Done)
        assert (await take(other)).attempts == 1
        give = ReassignCallback(request=hand.number(), callback=taken.id, to="1001")
        with pytest.raises(HandRefused, match=r"refused\.not_allowed"):
            await hand.ask(give, CallbackTaken)
        given = ReassignCallback(request=supervisor.number(), callback=taken.id, to="1001")
        card = (await supervisor.ask(given, CallbackTaken)).card
        assert (card.taken_by, card.attempts) == ("1001", 1)
        with pytest.raises(HandRefused, match=r"refused\.callback_lost"):
            await settle(other, taken.id, CallOutcome.REACHED)
        for to, code in (("2002", "no_access"), ("9999", "unknown_person")):
            wrong = ReassignCallback(request=supervisor.number(), callback=taken.id, to=to)
            with pytest.raises(HandRefused, match=rf"refused\.{code}"):
                await supervisor.ask(wrong, CallbackTaken)


async def test_a_visit_asks_two_questions_and_decides_the_ticket(room: DeskRoom) -> None:
    reference = await to_visit(room)
    async with room.hand("2002") as visitor, room.hand("1001") as agent:
        with pytest.raises(HandRefused, match=r"refused\.callback_none"):
            await take(agent, kinds=(CallbackKind.VISIT,))
        taken = await take(visitor)
        assert (taken.kind, taken.reference) == (CallbackKind.VISIT, reference)
        assert taken.title == "汽贸城对面人行道被占用"
        with pytest.raises(HandRefused, match=r"refused\.visit_answers"):
            await settle(visitor, taken.id, CallOutcome.REACHED)
        with pytest.raises(HandRefused, match=r"refused\.visit_answers"):
            await settle(visitor, taken.id, CallOutcome.NO_ANSWER, solved=True)
        await settle(visitor, taken.id, CallOutcome.REACHED, solved=False, satisfied=False)
        shown = await sheet(visitor, reference)
        assert (shown.line.state, shown.redos) == (TicketState.IN_PROGRESS, 1)
        assert shown.history[-1].said | {"done_anew_by": ""} == {
            "reached": "是",
            "solved": "否",
            "satisfied": "否",
            "done_anew_by": "",
        }


async def test_who_cannot_be_reached_is_tried_as_often_as_the_site_says(room: DeskRoom) -> None:
    reference = await to_visit(room)
    async with room.hand("2002") as visitor:
        for attempt in (1, 2, 3):
            taken = await take(visitor)
            assert taken.attempts == attempt
            card = await settle(visitor, taken.id, CallOutcome.NO_ANSWER)
            room.clock.forward(days=1)
        assert card.state is CallbackState.EXHAUSTED
        assert (await sheet(visitor, reference)).visits == 3


async def test_nobody_is_asked_in_the_quiet_hours_but_missed_callers_are_called(room: DeskRoom) -> None:
    await to_visit(room)
    await missed(room, "13811110000")
    room.clock.forward(hours=4)  # 13:00 in Yuncheng
    async with room.hand("2002") as visitor, room.hand("1901") as supervisor:
        listed = await visitor.ask(ListCallbacks(request=visitor.number()), CallbackList)
        (visit,) = (one for one in listed.cards if one.kind is CallbackKind.VISIT)
        with pytest.raises(HandRefused, match=r"refused\.no_access"):
            await take(visitor, visit.id)
        assert (await take(supervisor)).kind is CallbackKind.MISSED


async def test_what_the_citizen_of_a_merged_ticket_says_is_kept_with_it(room: DeskRoom) -> None:
    main = await room.dispatched("c1")
    twin = await room.submit("c2", {FieldName.CALLBACK_PHONE: "13911112222"}, review=True)
    async with room.hand("2001") as reviewer, room.hand("3003") as handler, room.hand("2002") as visitor:
        await step(reviewer, twin, "merged", {"main": main})
        await step(handler, main, "signed")
        await step(handler, main, "replied", {"closure": "solved", "result": "已清理"})
        await step(reviewer, main, "reply_approved")
        seen = []
        for _ in range(2):
            taken = await take(visitor)
            seen.append(taken.reference)
            await settle(visitor, taken.id, CallOutcome.REACHED, solved=True, satisfied=taken.reference == main)
        assert set(seen) == {main, twin}
        assert (await sheet(visitor, main)).line.state is TicketState.CLOSED
        said = (await sheet(visitor, twin)).history[-1].said
        assert said == {"text": "回访：已联系上，是否解决：是，是否满意：否"}


async def test_the_queue_tells_itself(room: DeskRoom) -> None:
    async with room.hand("1001") as agent, room.hand("3003") as handler:
        with pytest.raises(HandRefused, match=r"refused\.not_allowed"):
            await handler.ask(Watch(request=handler.number(), topic=Topic.CALLBACKS), Done)
        with pytest.raises(HandRefused, match=r"refused\.not_allowed"):
            await take(handler)
        await agent.ask(Watch(request=agent.number(), topic=Topic.CALLBACKS), Done)
        await missed(room, "13811110000")
        await until(lambda: queue(agent).waiting == 1, "one waits")
        assert "13811110000" not in repr(queue(agent))
        taken = await take(agent)
        await until(lambda: queue(agent).cards[0].taken_by == "1001", "who calls them")
        await settle(agent, taken.id, CallOutcome.BUSY)
        await until(lambda: queue(agent).cards[0].taken_by is None, "waiting again")
        room.clock.forward(hours=1)
        room.back_office.callback_desk.changed()
        await until(lambda: queue(agent).overdue == 1, "late")


async def test_the_queue_is_read_in_pages(room: DeskRoom) -> None:
    numbers = [f"1380000{n:04d}" for n in range(5)]
    await missed(room, *numbers)
    async with room.hand("1901") as hand:
        ids: list[int] = []
        after = None
        while True:
            page = await hand.ask(ListCallbacks(request=hand.number(), after=after, limit=2), CallbackList)
            ids += [one.id for one in page.cards]
            after = page.cards[-1].id
            if not page.more:
                break
        assert len(set(ids)) == 5
        taken = await take(hand)
        assert taken.id == ids[0], "in the order they are called"
        await settle(hand, taken.id, CallOutcome.REACHED)
        done = await hand.ask(ListCallbacks(request=hand.number(), state=CallbackState.DONE), CallbackList)
        assert [one.id for one in done.cards] == ids[:1]


class Phones:
    """A dialler that remembers whom it was told to ring."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, str]] = []

    async def dial(self, agent: AgentId, callback: CallbackRecord) -> CallId:
        self.rung.append((agent, callback.number))
        return CallId(f"out-{len(self.rung)}")


async def test_the_number_goes_to_the_dialler_and_never_to_the_desk(room: DeskRoom) -> None:
    await missed(room, NUMBER)
    async with room.hand("1001") as hand, room.hand("1002") as other:
        taken = await take(hand)
        with pytest.raises(HandRefused, match=r"refused\.no_dialler"):
            await hand.ask(DialCallback(request=hand.number(), callback=taken.id), Dialling)
        phones = room.back_office.callback_desk.dialler = Phones()
        with pytest.raises(HandRefused, match=r"refused\.callback_lost"):
            await other.ask(DialCallback(request=other.number(), callback=taken.id), Dialling)
        answer = await hand.ask(DialCallback(request=hand.number(), callback=taken.id), Dialling)
        assert (answer.callback, answer.call) == (taken.id, "out-1")
        assert phones.rung == [("1001", NUMBER)]
    async with UnitOfWork(room.database, reads=True) as unit:
        kept = await unit.audits.of_subject("callback", str(taken.id))
    assert [(one.actor, one.action) for one in kept] == [("1001", "call")]
