"""The desk's side of a real call: what it is shown, what it may do, and what it may not."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from ivr.calls.events import Recorded
from ivr.calls.vocabulary import AgentState
from ivr.demo.hand import DeskHand, HandRefused
from ivr.demo.sip.received import Answer
from ivr.demo.story import load_story
from ivr.desk.envelope import Done, Refused
from ivr.desk.topics import Topic
from ivr.desk.views import DeskView
from ivr.desk.wire import (
    PROTOCOL,
    SUBPROTOCOL,
    Choices,
    Disposition,
    EditField,
    FindChoices,
    FinishCall,
    GoReady,
    HangUpCall,
    Hits,
    Number,
    RevealNumber,
    RevealReason,
    SearchKnowledge,
    SignIn,
    SignOut,
    Submit,
    Watch,
    decode_from_server,
    encode,
)
from ivr.event_log import DatabaseEventLog
from tests.e2e.stage import Stage
from tests.e2e.test_line import connected
from tests.until import until_async
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, FieldName, Role

pytestmark = pytest.mark.e2e


def field(view: DeskView, name: FieldName) -> str:
    return view.draft.fields[name].value if view.draft is not None else ""


async def test_words_become_a_draft_a_person_corrects_and_dispatches(stage: Stage) -> None:
    phone = await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    call = await stage.dial(await stage.citizen("13800000001"))
    await hand.until(connected, "talking", 20)
    agent = await phone.next_call()
    for line in load_story().lines[:4]:
        await (call if line.who == "citizen" else agent).say(line.sound)
        await asyncio.sleep(line.pause_after_ms / 1000)
    view = await hand.until(lambda view: field(view, FieldName.CATEGORY) == "040101", "the category", 15)
    view = await hand.until(lambda view: bool(field(view, FieldName.PLACE)), "the place", 15)
    assert view.call is not None
    assert view.draft is not None
    said = {segment.id: segment for segment in view.segments}
    assert any("暖气" in segment.text and segment.speaker == "citizen" for segment in said.values())
    assert any("地址" in segment.text and segment.speaker == "agent" for segment in said.values())
    assert set(view.draft.fields[FieldName.CATEGORY].evidence) <= said.keys()
    assert field(view, FieldName.CALLBACK_PHONE) == "138****0001"
    assert "13800000001" not in encode_view(view)

    hits = await hand.ask(SearchKnowledge(request=hand.number(), query="nuanqi"), Hits)
    assert hits.hits[0].id in {"kb-0001", "kb-0002"}
    choices = await hand.ask(FindChoices(request=hand.number(), field=FieldName.CATEGORY, query="热费"), Choices)
    chosen = choices.choices[0]
    edit = EditField(request=hand.number(), draft=view.draft.id, field=FieldName.CATEGORY, value=chosen.value)
    await hand.ask(edit, Done)
    view = await hand.until(lambda view: field(view, FieldName.CATEGORY) == chosen.value, "the corrected category")
    assert view.draft is not None
    assert view.draft.fields[FieldName.CATEGORY].mine
    await call.say(load_story().lines[5].sound)
    await hand.until(lambda now: len(now.segments) > len(said), "more words", 15)
    assert field(hand.view, FieldName.CATEGORY) == chosen.value

    await hand.ask(Submit(request=hand.number(), draft=view.draft.id), Done)
    await hand.ask(Submit(request=hand.number(), draft=view.draft.id), Done)
    view = await hand.until(
        lambda view: view.ticket is not None and view.ticket.dispatched_at is not None, "dispatched", 10
    )
    assert view.ticket is not None
    assert view.ticket.due_at is not None
    assert connected(view), "the work order is out before the citizen has hung up"
    assert len(view.ticket.reference) == 10
    files = list(stage.hotline.instance.settings.dispatch_directory.rglob(f"{view.ticket.reference}-*.json"))
    assert [file for file in files if file.parent.name == view.ticket.lead_agency_id]
    await call.hang_up()
    await stage.free(hand)


def encode_view(view: DeskView) -> str:
    """Everything the desk was sent, as text."""
    return msgspec.json.encode(view).decode()


async def test_a_number_is_shown_whole_for_a_reason_that_is_kept(stage: Stage) -> None:
    await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    call = await stage.dial(await stage.citizen("13800000001"))
    view = await hand.until(connected, "talking", 20)
    assert view.call is not None
    ask = RevealNumber(request=hand.number(), call=view.call.id, reason=RevealReason.VERIFY)
    assert (await hand.ask(ask, Number)).number == "13800000001"
    async with UnitOfWork(stage.hotline.database, reads=True) as unit:
        (kept,) = await unit.audits.of_subject("contact", view.call.id)
    assert (kept.actor, kept.why) == ("1001", "verify")
    await call.hang_up()
    await stage.free(hand)


async def test_nobody_touches_another_agents_call(stage: Stage) -> None:
    await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    other = await stage.agent("1002", ready=False)
    call = await stage.dial(await stage.citizen())
    view = await hand.until(connected, "talking", 20)
    assert view.call is not None
    draft = f"{view.call.id}.draft"
    for message in (
        HangUpCall(request=other.number(), call=view.call.id),
        EditField(request=other.number(), draft=draft, field=FieldName.TITLE, value="x"),
        Submit(request=other.number(), draft=draft),
        RevealNumber(request=other.number(), call=view.call.id, reason=RevealReason.VERIFY),
    ):
        with pytest.raises(HandRefused):
            await other.ask(message, Done)
    assert connected(hand.view)
    await call.hang_up()
    await stage.free(hand)


async def test_an_empty_draft_is_refused_and_says_what_is_missing(stage: Stage) -> None:
    await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    call = await stage.dial(await stage.citizen())
    view = await hand.until(connected, "talking", 20)
    assert view.call is not None
    with pytest.raises(HandRefused, match="draft_incomplete"):
        await hand.ask(Submit(request=hand.number(), draft=f"{view.call.id}.draft"), Done)
    with pytest.raises(HandRefused, match="not_in_wrap_up"):
        finish = FinishCall(request=hand.number(), call=view.call.id, disposition=Disposition.SILENT)
        await hand.ask(finish, Done)
    await call.hang_up()
    await hand.until(lambda view: view.agent.state is AgentState.WRAP_UP, "wrap-up", 10)
    await hand.ask(FinishCall(request=hand.number(), call=view.call.id, disposition=Disposition.SILENT), Done)
    await stage.free(hand)
    contact = ContactId(view.call.id)

    async def disposed() -> bool:
        async with UnitOfWork(stage.hotline.database, reads=True) as unit:
            return (await unit.contacts.get(contact)).disposition == "silent"

    await until_async(disposed, "the disposition kept", 5)


async def test_who_is_not_who_they_say_stays_out(stage: Stage) -> None:
    with pytest.raises(HandRefused, match="bad_credentials"):
        async with DeskHand.at(stage.desk_address, agent="1001", password="guess"):
            pass
    with pytest.raises(HandRefused, match="bad_credentials"):
        async with DeskHand.at(stage.desk_address, agent="nobody", password="guess"):
            pass
    with pytest.raises(HandRefused, match="token_unknown"):
        async with DeskHand.at(stage.desk_address, token="1001.1.forged"):
            pass


async def test_a_token_ends_with_the_sign_out(stage: Stage) -> None:
    hand = await stage.agent("1001", ready=False)
    await hand.ask(SignOut(request=hand.number()), Done)
    with pytest.raises(HandRefused, match="token_unknown"):
        async with DeskHand.at(stage.desk_address, token=hand.token):
            pass


@pytest.mark.parametrize("said", [b"{", b"\xff\xfe", b'{"type": "Nonsense"}', b"[" * 2000, b'{"type":"SignIn"}'])
async def test_what_is_no_message_of_ours_ends_the_connection(stage: Stage, said: bytes) -> None:
    async with connect(stage.desk_address, subprotocols=[SUBPROTOCOL]) as socket:  # type: ignore[list-item]
        await socket.send(said)
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_nothing_is_done_for_who_has_not_signed_in(stage: Stage) -> None:
    async with connect(stage.desk_address, subprotocols=[SUBPROTOCOL]) as socket:  # type: ignore[list-item]
        await socket.send(encode(GoReady(request=1)), text=True)
        answer = decode_from_server(await socket.recv())
        assert isinstance(answer, Refused)
        assert answer.code == "refused.not_signed_in"
        await socket.send(encode(SignIn(request=2, protocol=PROTOCOL + 1, agent="1001", password="x")), text=True)
        answer = decode_from_server(await socket.recv())
        assert isinstance(answer, Refused)
        assert answer.code == "refused.protocol"


async def test_a_person_without_a_phone_signs_in_and_has_no_seat(stage: Stage) -> None:
    async with stage.hand("2001") as hand:
        assert hand.person.role is Role.REVIEWER
        with pytest.raises(HandRefused, match="no seat"):
            _ = hand.view
        with pytest.raises(HandRefused, match=r"refused\.not_allowed"):
            await hand.ask(GoReady(request=hand.number()), Done)
        with pytest.raises(HandRefused, match=r"refused\.not_allowed"):
            await hand.ask(Watch(request=hand.number(), topic=Topic.FAULTS), Done)
        hits = await hand.ask(SearchKnowledge(request=hand.number(), query="暖气"), Hits)
        assert hits.hits
        token = hand.token
        await hand.ask(SignOut(request=hand.number()), Done)
    with pytest.raises(HandRefused, match=r"refused\.token_unknown"):
        async with DeskHand.at(stage.desk_address, token=token):
            pass


async def test_a_supervisor_may_watch_what_is_broken(stage: Stage) -> None:
    async with stage.hand("1901") as hand:
        await hand.ask(Watch(request=hand.number(), topic=Topic.FAULTS), Done)


async def test_a_call_comes_to_its_desk_while_the_event_log_is_slow(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await stage.dial(await stage.citizen("13800000077"))
    await first.hang_up()
    keep, may_keep = DatabaseEventLog.append, asyncio.Event()

    async def kept_later(log: DatabaseEventLog, records: Sequence[Recorded]) -> None:
        await may_keep.wait()
        await keep(log, records)

    monkeypatch.setattr(DatabaseEventLog, "append", kept_later)
    await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    call = await stage.dial(await stage.citizen("13800000077"))
    view = await hand.until(connected, "talking while nothing can be kept")
    assert view.call is not None
    assert view.call.masked_number == "138****0077"
    may_keep.set()
    await hand.until(lambda view: view.call is not None and view.call.caller.earlier_calls == 1, "the caller known", 10)
    await call.hang_up()
    await stage.free(hand)
