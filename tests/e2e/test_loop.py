"""The closed loop on the running hotline: from the citizen's call to the visit, every desk by its own websocket."""

import pytest

from ivr.demo.hand import DeskHand
from ivr.demo.sip.received import Answer
from ivr.desk.envelope import Done
from ivr.desk.topics import Topic
from ivr.desk.wire import EditField, SameMatter, Submit, Watch
from ivr.desk.wire_callbacks import CallbackList, ListCallbacks
from ivr.desk.wire_tickets import InboxNews
from tests.desk_room import fill, sheet, step
from tests.e2e.stage import Stage
from tests.e2e.test_line import connected
from tests.until import until
from ticketing.vocabulary import CallbackKind, FieldName, TicketState

pytestmark = pytest.mark.e2e

HEATING = {
    FieldName.CATEGORY: "040101",
    FieldName.LEAD_AGENCY: "e-heat",
    FieldName.TITLE: "圣惠小区三号楼暖气不热四天",
    FieldName.CONTENT: "圣惠小区三号楼二单元暖气连续四天不热，热力公司来过一次没有修好。",
    FieldName.ADDRESS: "圣惠小区三号楼二单元",
}


async def talk(stage: Stage, hand: DeskHand, number: str) -> str:
    """A citizen calls and hangs up again; the draft of their call, written by hand."""
    call = await stage.dial(await stage.citizen(number))
    view = await hand.until(connected, "talking", 20)
    assert view.call is not None
    draft = f"{view.call.id}.draft"
    await fill(hand, draft, HEATING)
    await call.hang_up()
    return draft


async def test_two_citizens_one_order_and_both_are_asked(stage: Stage) -> None:
    await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    async with stage.hand("3001") as handler, stage.hand("2001") as reviewer, stage.hand("1901") as supervisor:
        await handler.ask(Watch(request=handler.number(), topic=Topic.TICKETS), Done)
        draft = await talk(stage, hand, "13800000001")
        await hand.ask(Submit(request=hand.number(), draft=draft), Done)
        view = await hand.until(
            lambda view: view.ticket is not None and view.ticket.dispatched_at is not None, "dispatched", 10
        )
        assert view.ticket is not None
        main = view.ticket.reference
        await until(lambda: waiting(handler) == 1, "the agency's inbox tells of it", 10)
        await stage.free(hand)

        draft = await talk(stage, hand, "13800000002")
        view = await hand.until(lambda view: bool(view.resembling), "the same matter comes up", 10)
        assert view.resembling[0].ticket.reference == main
        await hand.ask(EditField(request=hand.number(), draft=draft, field=FieldName.LEAD_AGENCY, value=""), Done)
        await hand.ask(Submit(request=hand.number(), draft=draft, ending=SameMatter(main=main)), Done)
        view = await hand.until(lambda view: view.ticket is not None and view.ticket.reference != main, "merged", 10)
        assert view.ticket is not None
        twin = view.ticket.reference
        assert view.ticket.state == TicketState.MERGED
        await stage.free(hand)

        await step(handler, main, "signed")
        await step(handler, main, "replied", {"closure": "solved", "result": "已更换阀门，室温十九度"})
        await step(reviewer, main, "reply_approved")
        listed = await supervisor.ask(
            ListCallbacks(request=supervisor.number(), kinds=(CallbackKind.VISIT,)), CallbackList
        )
        assert {card.reference for card in listed.cards} == {main, twin}, "asked both, whatever hour it is now"
        await step(supervisor, main, "visited", {"reached": True, "solved": True, "satisfied": True})
        assert (await sheet(supervisor, main)).line.state is TicketState.CLOSED


def waiting(hand: DeskHand) -> int:
    """How many tickets wait for a signature, as the inbox was told."""
    news = hand.news.get(InboxNews)
    boxes = news.boxes if isinstance(news, InboxNews) else ()
    return sum(one.tickets for one in boxes if one.box == "to_sign")
