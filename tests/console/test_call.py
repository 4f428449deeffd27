"""A call comes, is talked through, and ends."""

import msgspec

from asr.transcript import Hypothesis, Segment, Speaker
from ivr.calls.vocabulary import AgentState, CallState
from ivr.desk.views import Notice
from ivr.desk.wire import (
    AgentChanged,
    CallChanged,
    CallCleared,
    DraftChanged,
    HangUpCall,
    Heard,
    Noticed,
    QueueChanged,
    RevealNumber,
    RevealReason,
    Said,
)
from tests.console.scenes import (
    CALL,
    DRAFT,
    EMPTY_DRAFT,
    HYPOTHESIS,
    IDLE,
    IN_CALL,
    ON_CALL,
    QUEUE,
    RINGING,
    SEGMENTS,
    WRAP_UP,
    segment,
)
from tests.console.stage import desk_at, server_with
from ticketing.views import DraftField
from ticketing.vocabulary import FieldName

change = msgspec.structs.replace


async def test_a_call_from_the_ring_to_the_next_one() -> None:
    async with server_with(IDLE) as server, desk_at(server) as stage:
        await server.tell(CallChanged(seq=0, call=RINGING))
        await stage.sees("来电振铃 138****5678 · 第3次来电 · 在办 2 件", "请摘机接听", "261120 0012")

        await server.tell(
            CallChanged(seq=0, call=CALL),
            AgentChanged(seq=0, agent=ON_CALL),
            DraftChanged(seq=0, draft=EMPTY_DRAFT),
            *(Said(seq=0, segment=each) for each in SEGMENTS[:2]),
            Heard(seq=0, hypothesis=change(HYPOTHESIS, text="都四天了")),
        )
        await stage.sees("● 通话中", "14:20:17 市民 我家暖气一点都不热", "14:20:45 市民 都四天了")

        await server.tell(Heard(seq=0, hypothesis=HYPOTHESIS))
        await stage.sees("都四天了家里还有老人孩子")
        assert stage.text().count("都四天了") == 1

        finished = segment(7, Speaker.CITIZEN, 46, "都四天了，家里还有老人孩子")
        await server.tell(Said(seq=0, segment=finished), DraftChanged(seq=0, draft=DRAFT))
        await stage.sees("都四天了，家里还有老人孩子", "供热 › 温度不达标", "市热力公司", "告诉市民")
        assert stage.text().count("都四天了") == 1

        await server.tell(CallChanged(seq=0, call=WRAP_UP))
        await stage.sees("已挂断 138****5678")
        await server.tell(CallCleared(seq=0, call=CALL.id), AgentChanged(seq=0, agent=IDLE.agent))
        await stage.sees("示闲，等待来电")
        assert "暖气" not in stage.text()


async def test_the_transcript_keeps_its_end_in_view_only_while_it_is_in_view() -> None:
    async with server_with(change(IN_CALL, hypotheses=())) as server, desk_at(server, size=(80, 24)) as stage:
        for number in range(10, 20):
            await server.tell(Said(seq=0, segment=segment(number, Speaker.CITIZEN, 40 + number, f"第{number}句")))
        await stage.sees("第19句")
        await stage.press("ctrl+up")
        await stage.until(lambda: "第19句" not in stage.text())
        top = stage.text().splitlines()[3]
        await server.tell(Said(seq=0, segment=segment(20, Speaker.AGENT, 61, "第20句")))
        await stage.sees("下面还有新内容")
        assert stage.text().splitlines()[3] == top
        assert "第20句" not in stage.text()
        await stage.press("ctrl+down", "ctrl+down", "ctrl+down")
        await stage.sees("第20句")
        await server.tell(Said(seq=0, segment=segment(21, Speaker.AGENT, 62, "第21句")))
        await stage.sees("第21句")
        assert "下面还有新内容" not in stage.text()


async def test_a_stretch_that_was_not_transcribed_is_shown_as_a_gap() -> None:
    gap = Segment(id="s9", speaker=Speaker.CITIZEN, start_ms=60_000, end_ms=70_000, text="", spoken="", lost=True)
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await server.tell(Said(seq=0, segment=gap))
        await stage.sees("14:20:59 市民 （此段没有转写成功，可在录音中重听）")


async def test_what_the_focused_field_rests_on_is_lit() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        assert stage.lit() == []
        await stage.press("tab")  # the type rests on the second utterance
        assert stage.lit() == ["14:20:17 市民 我家暖气一点都不热"]
        await stage.press("escape")
        await stage.focus("address")
        assert stage.lit() == ["14:20:24 市民 盐湖区圣惠小区3号楼2单元601"]


async def test_an_emergency_turns_the_frame_and_names_the_words() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        assert not stage.main.has_class("-alarm")
        alarm = change(DRAFT, emergency_target="119", emergency_evidence=("s9",))
        await server.tell(
            Said(seq=0, segment=segment(9, Speaker.CITIZEN, 60, "楼道里冒烟了")), DraftChanged(seq=0, draft=alarm)
        )
        await stage.sees("紧急情况  建议转接 119 火警  听到：楼道里冒烟了")
        assert stage.main.has_class("-alarm")
        assert stage.lit() == ["14:20:59 市民 楼道里冒烟了"]
        assert stage.main.focused is None  # nothing was taken from under the hands
        await server.tell(DraftChanged(seq=0, draft=DRAFT))
        await stage.until(lambda: not stage.main.has_class("-alarm"))


async def test_the_queue_and_the_clocks_move() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.sees("排队 3 · 最长 00:21")
        await server.tell(QueueChanged(seq=0, queue=change(QUEUE, waiting=5)))
        await stage.sees("排队 5")
        stage.clock.pass_by(60)
        await stage.sees("● 通话中 03:14", "最长 01:21", "14:23:31")


async def test_hanging_up_takes_two_presses() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.press("f10")
        await stage.sees("再按一次 F10 挂断")
        assert server.heard(HangUpCall) == []
        stage.clock.pass_by(4)
        await stage.press("f10")  # too late for the first one
        assert server.heard(HangUpCall) == []
        await stage.press("f10")
        await stage.sees("● 话后整理 ", "已挂断")
        (asked,) = server.heard(HangUpCall)
        assert asked.call == CALL.id
        assert "再按一次" not in stage.text()


async def test_the_whole_number_is_shown_for_a_reason_and_for_a_while() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("title")
        await stage.press("ctrl+r")
        await stage.sees("查看完整号码的事由", "1 需要回拨", "3 核对身份")
        await stage.press("3")
        await stage.sees("完整号码 138 1234 5678")
        (asked,) = server.heard(RevealNumber)
        assert (asked.call, asked.reason) == (CALL.id, RevealReason.VERIFY)
        assert stage.focused_field() is FieldName.TITLE
        stage.main._call.hide_number()  # what its timer does
        assert "138 1234 5678" not in stage.text()


async def test_the_next_call_never_shows_the_last_ones_number() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.press("ctrl+r", "1")
        await stage.sees("138 1234 5678")
        await server.tell(CallChanged(seq=0, call=change(RINGING, id="c-2", masked_number="139****0001")))
        await stage.sees("139****0001")
        assert "138 1234 5678" not in stage.text()


async def test_words_from_the_server_are_told_and_pass() -> None:
    async with server_with(IDLE) as server, desk_at(server) as stage:
        await server.tell(Noticed(seq=0, notice=Notice(code="notice.offer_withdrawn")))
        await stage.sees("振铃中市民已挂断")
        stage.clock.pass_by(13)
        await stage.until(lambda: "振铃中市民已挂断" not in stage.text(), "the notice to pass")
        told = Notice(code="notice.phone_unreachable", alarm=True)
        await server.tell(Noticed(seq=0, notice=told))
        await stage.sees("您的话机不在线")
        stage.clock.pass_by(600)
        await stage.sees("14:32", "您的话机不在线")
        await server.tell(Noticed(seq=0, notice=Notice(code="notice.of_tomorrow")))
        await stage.sees("服务器消息 notice.of_tomorrow")


async def test_a_name_from_outside_is_never_markup() -> None:
    odd = change(DRAFT, fields=DRAFT.fields | {FieldName.CITIZEN_NAME: DraftField(value="[b]王[/b] [red]", mine=True)})
    said = segment(8, Speaker.CITIZEN, 50, "[/] [link=x]你好[/link]")
    async with server_with(change(IN_CALL, draft=odd)) as server, desk_at(server) as stage:
        await server.tell(Said(seq=0, segment=said))
        await stage.sees("[b]王[/b] [r", "[/] [link=x]你好[/link]")


async def test_nothing_moves_the_cursor_while_a_call_goes_by() -> None:
    async with server_with(IDLE) as server, desk_at(server) as stage:
        await stage.press("f3")
        await stage.type("供热")
        here = stage.main.focused
        await server.tell(
            CallChanged(seq=0, call=RINGING),
            CallChanged(seq=0, call=CALL),
            AgentChanged(seq=0, agent=ON_CALL),
            DraftChanged(seq=0, draft=DRAFT),
            Said(seq=0, segment=SEGMENTS[1]),
            Heard(seq=0, hypothesis=Hypothesis(speaker=Speaker.AGENT, start_ms=1, text="您好")),
            CallChanged(seq=0, call=change(CALL, state=CallState.WRAP_UP)),
            AgentChanged(seq=0, agent=change(ON_CALL, state=AgentState.WRAP_UP)),
            CallCleared(seq=0, call=CALL.id),
        )
        await stage.sees("等待来电")
        assert stage.main.focused is here
        assert stage.box_text() == "供热"
