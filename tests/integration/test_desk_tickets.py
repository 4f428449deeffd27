"""Tickets at the desks, through the real server: who sees what, who may do what, and what they are told."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

import pytest

from ivr.demo.hand import DeskHand, HandRefused
from ivr.desk.envelope import Done
from ivr.desk.ticket_views import Box, BoxCount, FieldKind
from ivr.desk.topics import Topic
from ivr.desk.wire import (
    Answered,
    ForReview,
    NotAccepted,
    SameMatter,
    Submit,
    Transferred,
    Watch,
)
from ivr.desk.wire_tickets import (
    Citizen,
    CountTickets,
    FindLikely,
    InboxNews,
    LikelyTickets,
    ListRefusals,
    ListTickets,
    Refusals,
    RevealCitizen,
    ShowTicket,
    SignTickets,
    TakeStep,
    TicketCounts,
    Tickets,
    TicketShown,
    TicketsSigned,
    Value,
    Wanted,
)
from tests.desk_room import DeskRoom, desk_room, fill, send, sheet, step
from tests.fakes.tickets import NUMBER, SITE
from tests.until import until, until_async
from ticketing.database import Database
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import Closure, FieldName, TicketState

pytestmark = pytest.mark.database

Said: TypeAlias = dict[str, Value]

REPLY: Said = {"closure": "solved", "result": "已清理"}


@pytest.fixture
async def room(database: Database) -> AsyncIterator[DeskRoom]:
    async with desk_room(database) as running:
        yield running


async def lines(hand: DeskHand, after: str = "", limit: int = 50, **wanted: object) -> list[str]:
    message = ListTickets(request=hand.number(), wanted=Wanted(**wanted), after=after, limit=limit)  # type: ignore[arg-type]
    return [one.reference for one in (await hand.ask(message, Tickets)).lines]


async def counts(hand: DeskHand) -> dict[Box, BoxCount]:
    found = await hand.ask(CountTickets(request=hand.number()), TicketCounts)
    return {one.box: one for one in found.boxes}


async def test_a_ticket_goes_round_the_whole_loop_by_desks(room: DeskRoom) -> None:
    reference = await room.dispatched()
    async with room.hand("3003") as handler, room.hand("2001") as reviewer, room.hand("2002") as visitor:
        assert await lines(handler, box=Box.TO_SIGN) == [reference]
        shown = await sheet(handler, reference)
        assert [one.step for one in shown.moves] == ["signed", "return_asked", "noted"]
        await step(handler, reference, "signed")
        assert await lines(handler, box=Box.TO_SIGN) == []
        assert await lines(handler, box=Box.AT_WORK) == [reference]
        after = await step(handler, reference, "replied", REPLY)
        assert after is not None
        assert (after.line.state, after.result) == (TicketState.PENDING_APPROVAL, "已清理")
        assert await lines(reviewer, box=Box.TO_APPROVE) == [reference]
        await step(reviewer, reference, "reply_approved")
        assert await lines(visitor, box=Box.TO_VISIT) == [reference]
        after = await step(visitor, reference, "visited", {"reached": True, "solved": True, "satisfied": None})
        assert after is not None
        assert (after.line.state, after.line.closure) == (TicketState.CLOSED, Closure.SOLVED)
        told = [(one.name, one.actor) for one in after.history]
        assert told[1:] == [
            ("派单", "系统"),
            ("签收", "城管局经办"),
            ("提交办理结果", "城管局经办"),
            ("审核通过", "预审派单员"),
            ("回访", "回访员"),
        ]
        assert after.history[3].said == {"closure": "已解决", "result": "已清理"}


async def test_a_refused_step_says_why_and_what_is_open(room: DeskRoom) -> None:
    reference = await room.dispatched()
    async with room.hand("3003") as handler, room.hand("2004") as quality:
        with pytest.raises(HandRefused, match=r"refused\.step"):
            await step(handler, reference, "replied", REPLY)
        with pytest.raises(HandRefused, match=r"refused\.step"):
            await step(quality, reference, "signed")
        wrong: list[tuple[str, Said]] = [
            ("no_such", {}),
            ("signed", {"by_itself": True}),
            ("return_asked", {"rather": 7}),
        ]
        for name, said in wrong:
            with pytest.raises(HandRefused, match=r"refused\.bad_value"):
                await step(handler, reference, name, said)
        with pytest.raises(HandRefused, match=r"refused\.step"):
            await step(handler, reference, "dispatched")
        with pytest.raises(HandRefused, match=r"refused\.unknown_ticket"):
            await handler.ask(ShowTicket(request=handler.number(), reference="0000000000"), TicketShown)


async def test_the_second_of_two_is_told_what_happened(room: DeskRoom) -> None:
    reference = await room.dispatched()
    async with room.hand("3003") as one, room.hand("3004") as other:
        seen = (await sheet(one, reference)).line.revision
        await step(other, reference, "signed")
        with pytest.raises(HandRefused, match=r"refused\.changed_meanwhile"):
            message = TakeStep(request=one.number(), reference=reference, revision=seen, step="signed")
            await one.ask(message, TicketShown)


async def test_of_two_presses_at_once_one_counts(room: DeskRoom) -> None:
    reference = await room.dispatched()
    async with room.hand("3003") as one, room.hand("3004") as other:
        seen = (await sheet(one, reference)).line.revision

        def sign(hand: DeskHand) -> TakeStep:
            return TakeStep(request=hand.number(), reference=reference, revision=seen, step="signed")

        answers = await asyncio.gather(
            one.ask(sign(one), TicketShown), other.ask(sign(other), TicketShown), return_exceptions=True
        )
        assert sum(isinstance(answer, TicketShown) for answer in answers) == 1
        assert sum(isinstance(answer, HandRefused) for answer in answers) == 1


async def test_an_agency_sees_its_own_and_what_is_below_it_only(room: DeskRoom) -> None:
    reference = await room.dispatched()
    waiting = await room.submit(fields={FieldName.LEAD_AGENCY: "e-heat"}, review=True)
    async with room.hand("3003") as above, room.hand("3005") as own, room.hand("3001") as stranger:
        assert await lines(above) == await lines(own) == [reference]
        assert await lines(stranger) == [], "what is not dispatched yet is nobody's yet"
        with pytest.raises(HandRefused, match=r"refused\.no_access"):
            await sheet(stranger, reference)
        with pytest.raises(HandRefused, match=r"refused\.not_allowed"):
            await lines(stranger, box=Box.TO_REVIEW)
        assert not (await sheet(own, reference)).dispatches
    async with room.hand("2001") as reviewer:
        assert await lines(reviewer, box=Box.TO_REVIEW) == [waiting]
        (sent,) = (await sheet(reviewer, reference)).dispatches
        assert (sent.state, sent.attempts) == ("sent", 1)


async def test_a_confidential_citizen_is_nowhere_on_an_agencys_sheet(room: DeskRoom) -> None:
    fields = {FieldName.CONFIDENTIAL: "yes", FieldName.CONTENT: f"申先生反映占道，电话{NUMBER}"}
    reference = await room.dispatched(fields=fields)
    async with room.hand("3003") as handler, room.hand("2001") as reviewer:
        await step(reviewer, reference, "noted", {"text": f"申先生另留电话{NUMBER}"})
        shown = await sheet(handler, reference)
        assert (shown.citizen_name, shown.callback_phone) == ("", "")
        assert "申先生" not in repr(shown)
        assert NUMBER not in repr(shown)
        assert shown.history[-1].said == {"text": "（保密）另留电话（保密）"}
        with pytest.raises(HandRefused, match=r"refused\.no_access"):
            await handler.ask(RevealCitizen(request=handler.number(), reference=reference, why="联系"), Citizen)
        assert (await sheet(reviewer, reference)).callback_phone == "138****5678"
        who = await reviewer.ask(RevealCitizen(request=reviewer.number(), reference=reference, why="核实"), Citizen)
        assert (who.name, who.phone) == ("申先生", NUMBER)
        with pytest.raises(HandRefused, match=r"refused\.no_access"):
            await reviewer.ask(RevealCitizen(request=reviewer.number(), reference=reference, why=" "), Citizen)
    async with UnitOfWork(room.database, reads=True) as unit:
        kept = [(one.actor, one.action, one.why) for one in await unit.audits.of_subject("ticket", reference)]
    assert kept == [("2001", "reveal", "核实")]


async def test_reading_a_sensitive_ticket_is_kept(room: DeskRoom) -> None:
    sensitive = next(one for one in SITE.categories.values() if one.sensitive)
    reference = await room.submit(fields={FieldName.CATEGORY: sensitive.code})
    async with room.hand("2006") as leader:
        await sheet(leader, reference)
    async with UnitOfWork(room.database, reads=True) as unit:
        kept = [(one.actor, one.action) for one in await unit.audits.of_subject("ticket", reference)]
    assert kept == [("2006", "read")]


async def test_lists_go_by_due_time_in_pages(room: DeskRoom) -> None:
    made = []
    for number in range(7):
        made.append(await room.dispatched(fields={FieldName.URGENCY: "特急" if number % 2 else "一般"}))
        room.clock.forward(minutes=1)
    urgent, usual = made[1::2], made[0::2]
    async with room.hand("2001") as hand:
        assert await lines(hand, box=Box.OPEN) == urgent + usual
        assert await lines(hand, box=Box.ALL) == made[::-1], "the newest first"
        for box, whole in ((Box.OPEN, urgent + usual), (Box.ALL, made[::-1])):
            paged: list[str] = []
            after = ""
            while True:
                page = await hand.ask(
                    ListTickets(request=hand.number(), wanted=Wanted(box=box), after=after, limit=3), Tickets
                )
                paged += [one.reference for one in page.lines]
                if not (after := page.next):
                    break
            assert paged == whole
        room.clock.forward(hours=3)
        assert await lines(hand, box=Box.OVERDUE) == urgent
        assert await lines(hand, box=Box.OPEN, overdue=True) == urgent
        assert (await counts(hand))[Box.OPEN] == BoxCount(box=Box.OPEN, tickets=7, overdue=3)
        with pytest.raises(HandRefused, match=r"refused\.bad_value"):
            await lines(hand, box=Box.OPEN, after="yesterday|")


async def test_lists_are_filtered(room: DeskRoom) -> None:
    dug = await room.submit("c1", {FieldName.CATEGORY: "020101", FieldName.CONTENT: "学苑路修路噪声很大，夜里施工"})
    street = await room.submit("c2", {FieldName.CONTENT: "汽贸城门口停满待售新车"})
    async with room.hand("2001") as hand, room.hand("1001") as agent:

        async def found() -> bool:
            return await lines(hand, words="夜里施工") == [dug]

        await until_async(found, "the new ticket found by its words")
        assert await lines(hand, words="待售新车") == [street]
        assert await lines(hand, words="热水器爆炸") == []
        assert await lines(hand, category="0201") == [dug]
        assert await lines(hand, agency="d-cgj") == [street, dug]
        assert await lines(hand, agency="e-heat") == []
        assert await lines(hand, reference=street[:10]) == [street]
        assert await lines(hand, states=("closed",)) == []
        assert await lines(hand, call="c1") == [street, dug], "the same caller"
        assert await lines(agent, box=Box.MINE) == [dug, street]
        with pytest.raises(HandRefused, match=r"refused\.bad_value"):
            await lines(hand, agency="no-such")


async def test_an_extension_asked_for_lies_in_the_box_until_it_is_settled(room: DeskRoom) -> None:
    reference = await room.dispatched()
    async with room.hand("3004") as head, room.hand("2001") as reviewer:
        await step(head, reference, "signed")
        due = (await sheet(head, reference)).line.due_at
        await step(head, reference, "extension_asked", why="等待设备")
        assert await lines(reviewer, box=Box.TO_EXTEND) == [reference]
        after = await step(reviewer, reference, "extension_granted")
        assert after is not None
        (line,) = after.extensions
        assert (line.due_before, line.due_after) == (due, after.line.due_at)
        assert await lines(reviewer, box=Box.TO_EXTEND) == []
        await step(head, reference, "suspended", {"reason": "等待上级批复"})
        room.clock.forward(days=3)
        after = await step(head, reference, "resumed")
        assert after is not None
        assert after.line.due_at is not None
        assert after.line.due_at > line.due_after
        assert len(after.pauses) == 1


async def test_a_return_is_judged_with_the_precedents_before_ones_eyes(room: DeskRoom) -> None:
    reference, later = await room.dispatched(), await room.dispatched()
    async with room.hand("3003") as handler, room.hand("2001") as reviewer:
        for one in (reference, later):
            await step(handler, one, "return_asked", {"rather": "d-gaj-jj"}, why="属交警职责")
        assert await lines(reviewer, box=Box.TO_JUDGE) == [reference, later]
        await step(reviewer, reference, "return_upheld", {"lead_agency_id": "d-gaj-jj"}, why="属交警职责")
        shown = await sheet(reviewer, later)
        (precedent,) = shown.precedents
        assert precedent.assigned == SITE.agency("d-gaj-jj").name
        (upheld,) = (one for one in shown.moves if one.step == "return_upheld")
        assert [(one.name, one.kind, one.choices[0].value) for one in upheld.fields] == [
            ("lead_agency_id", FieldKind.AGENCY, "d-gaj-jj")
        ]
        after = await step(reviewer, later, "return_rejected", why="占道经营由城管办理")
        assert after is not None
        assert after.line.state is TicketState.IN_PROGRESS


async def test_who_hands_a_ticket_away_sees_it_no_more(room: DeskRoom) -> None:
    reference = await room.dispatched()
    async with room.hand("2001") as reviewer, room.hand("3003") as handler:
        await step(handler, reference, "return_asked", why="不是我们的")
        await step(reviewer, reference, "return_upheld", {"lead_agency_id": "e-heat"}, why="供热管沟")
        with pytest.raises(HandRefused, match=r"refused\.no_access"):
            await sheet(handler, reference)


async def test_many_are_signed_at_once_and_each_refusal_is_named(room: DeskRoom) -> None:
    mine = [await room.dispatched(), await room.dispatched()]
    other = await room.dispatched(fields={FieldName.LEAD_AGENCY: "e-heat"})
    async with room.hand("3003") as hand:
        message = SignTickets(request=hand.number(), references=(*mine, other, mine[0], "0000000000"))
        answer = await hand.ask(message, TicketsSigned)
        assert list(answer.signed) == mine
        assert {one.reference for one in answer.refused} == {other, "0000000000"}
        many = SignTickets(request=hand.number(), references=tuple(str(n) for n in range(101)))
        with pytest.raises(HandRefused, match=r"refused\.too_much"):
            await hand.ask(many, TicketsSigned)


async def test_the_same_matter_is_found_merged_and_split(room: DeskRoom) -> None:
    main = await room.dispatched("c1")
    twin = await room.submit("c2", {FieldName.CALLBACK_PHONE: "13911112222"}, review=True)
    await until(lambda: len(room.index) == 2, "both indexed")
    async with room.hand("2001") as reviewer:
        likely = (await reviewer.ask(FindLikely(request=reviewer.number(), reference=twin), LikelyTickets)).likely
        assert [one.ticket.reference for one in likely] == [main]
        assert any("内容相似" in reason for reason in likely[0].reasons)
        after = await step(reviewer, twin, "merged", {"main": main})
        assert after is not None
        assert after.main is not None
        assert after.main.reference == main
        assert [one.reference for one in (await sheet(reviewer, main)).children] == [twin]
        after = await step(reviewer, twin, "split_off", why="不是同一件事")
        assert after is not None
        assert (after.line.state, after.main) == (TicketState.PENDING_REVIEW, None)


async def test_supervision_and_urging_are_told_to_whoever_works_on_it(room: DeskRoom) -> None:
    reference = await room.dispatched()
    async with room.hand("3005") as handler, room.hand("3001") as stranger, room.hand("2003") as overseer:
        for hand in (handler, stranger):
            await hand.ask(Watch(request=hand.number(), topic=Topic.TICKETS), Done)
        shown = await sheet(overseer, reference)
        (supervised,) = (one for one in shown.moves if one.step == "supervised")
        assert [one.label for one in supervised.fields[0].choices][:2] == ["书面督办", "现场督办"]
        after = await step(overseer, reference, "supervised", {"level": 2}, why="群众反映强烈")
        assert after is not None
        assert after.supervision_name == "现场督办"
        await step(overseer, reference, "urged")
        await until(lambda: len(news(handler).notices) == 2, "both words told")
        assert [one.notice.code for one in news(handler).notices] == [
            "notice.ticket_supervised",
            "notice.ticket_urged",
        ]
        assert news(handler).notices[0].notice.params["level"] == "现场督办"
        assert news(stranger).notices == ()
        assert await lines(overseer, box=Box.SUPERVISED) == [reference]


def news(hand: DeskHand) -> InboxNews:
    found = hand.news.get(InboxNews, InboxNews(boxes=(), notices=(), changes=0))
    assert isinstance(found, InboxNews)
    return found


async def test_an_inbox_tells_itself(room: DeskRoom) -> None:
    async with room.hand("3003") as handler:
        await handler.ask(Watch(request=handler.number(), topic=Topic.TICKETS), Done)
        await until(lambda: news(handler).boxes, "the boxes")
        assert all(one.tickets == 0 for one in news(handler).boxes)
        reference = await room.dispatched()
        to_sign = BoxCount(box=Box.TO_SIGN, tickets=1, overdue=0)
        await until(lambda: to_sign in news(handler).boxes, "one to sign")
        changes = news(handler).changes
        await step(handler, reference, "signed")
        await until(lambda: news(handler).changes > changes, "a change")
        await until(lambda: to_sign not in news(handler).boxes, "none to sign")


async def test_due_times_are_told_before_and_after_to_the_right_desks(room: DeskRoom) -> None:
    reference = await room.dispatched(fields={FieldName.URGENCY: "特急"})
    async with room.hand("3003") as handler, room.hand("1901") as supervisor, room.hand("3001") as stranger:
        for hand in (handler, supervisor, stranger):
            await hand.ask(Watch(request=hand.number(), topic=Topic.TICKETS), Done)
        await room.back_office.clockwork.tick()
        await until(lambda: news(handler).notices, "the reminder")
        assert [(one.reference, one.notice.code) for one in news(handler).notices] == [(reference, "notice.ticket_due")]
        room.clock.forward(hours=2, minutes=1)
        await room.back_office.clockwork.tick()
        await room.back_office.clockwork.tick()
        await until(lambda: len(news(handler).notices) == 2, "the warning")
        assert news(handler).notices[-1].notice.code == "notice.ticket_overdue"
        await supervisor.until(lambda view: bool(view.notices), "a word at the supervisor's seat")
        assert [one.code for one in supervisor.view.notices] == ["notice.ticket_overdue"]
        overdue = BoxCount(box=Box.OVERDUE, tickets=1, overdue=1)
        await until(lambda: overdue in news(supervisor).boxes, "the supervisor's box")
        assert news(stranger).notices == ()


# ---- how a matter goes on from the agent's desk


async def test_a_known_matter_comes_up_while_it_is_written_and_takes_the_new_one_in(room: DeskRoom) -> None:
    main = await room.dispatched("old")
    await until(lambda: len(room.index) == 1, "indexed")
    async with room.hand("1001") as agent:
        draft = await room.talk("1001", "new", "13911112222")
        await agent.until(lambda view: view.draft is not None, "the draft")
        await fill(agent, draft, {FieldName.LEAD_AGENCY: ""})
        view = await agent.until(lambda view: bool(view.resembling), "the likely ticket")
        assert [one.ticket.reference for one in view.resembling] == [main]
        with pytest.raises(HandRefused, match=r"refused\.ending"):
            await agent.ask(Submit(request=agent.number(), draft=draft, ending=SameMatter(main="0000000000")), Done)
        twin = await send(agent, draft, SameMatter(main=main))
        assert await send(agent, draft, SameMatter(main=main)) == twin
        shown = await sheet(agent, twin)
        assert (shown.line.state, shown.line.merged_into) == (TicketState.MERGED, main)
    async with room.hand("3003") as handler, room.hand("2001") as reviewer:
        assert [one.reference for one in (await sheet(handler, main)).children] == [twin]
        await step(handler, main, "signed")
        await step(handler, main, "replied", REPLY)
        await step(reviewer, main, "reply_approved")
    async with UnitOfWork(room.database, reads=True) as unit:
        asked = {one.number: one.reference for one in await unit.callbacks.waiting()}
    assert asked == {NUMBER: main, "13911112222": twin}
    assert len(room.gateway.taken) == 1, "nobody works twice on one matter"


async def test_a_matter_may_end_on_the_phone(room: DeskRoom) -> None:
    async with room.hand("1001") as agent:
        reasons = (await agent.ask(ListRefusals(request=agent.number()), Refusals)).reasons
        assert reasons[0].script
        article = next(iter(SITE.articles))
        for call, ending, closure in (
            ("c1", Answered(article=article), Closure.ANSWERED),
            ("c2", NotAccepted(reason=reasons[0].id), Closure.REFUSED),
            ("c3", Transferred(target=SITE.emergency.transfers[0].id), Closure.TRANSFERRED),
        ):
            draft = await room.talk("1001", call)
            await agent.until(lambda view, draft=draft: view.draft is not None and view.draft.id == draft, "the draft")  # type: ignore[misc]
            await fill(agent, draft, {FieldName.LEAD_AGENCY: ""})
            shown = await sheet(agent, await send(agent, draft, ending))
            assert (shown.line.state, shown.line.closure) == (TicketState.CLOSED, closure)
        assert room.gateway.taken == []


async def test_an_unknown_ending_is_refused_and_the_draft_stays(room: DeskRoom) -> None:
    async with room.hand("1001") as agent:
        draft = await room.talk("1001", "c1")
        await agent.until(lambda view: view.draft is not None, "the draft")
        await fill(agent, draft)
        for ending in (Answered(article="kb-none"), NotAccepted(reason="na-none"), Transferred(target="em-none")):
            with pytest.raises(HandRefused, match=r"refused\.ending"):
                await agent.ask(Submit(request=agent.number(), draft=draft, ending=ending), Done)
        reference = await send(agent, draft, ForReview())
        assert (await sheet(agent, reference)).line.state is TicketState.PENDING_REVIEW
