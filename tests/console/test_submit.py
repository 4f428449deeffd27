"""From the draft to the work order, and on to the next call."""

import msgspec

from ivr.calls.vocabulary import AgentState, PauseReason
from ivr.desk.wire import AgentChanged, Disposition, EditField, FinishCall, GoReady, Pause, Submit
from tests.console.scenes import AGENT, CALL, DRAFT, IDLE, IN_CALL, ON_CALL, WRAP_UP
from tests.console.stage import desk_at, server_with
from ticketing.views import DraftField
from ticketing.vocabulary import FieldName

change = msgspec.structs.replace
WRAPPING = change(IN_CALL, call=WRAP_UP, agent=change(ON_CALL, state=AgentState.WRAP_UP), hypotheses=())


async def test_a_draft_becomes_a_work_order_once_though_the_key_is_pressed_twice() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        held = server.hold(Submit)
        await stage.press("f9", "f9")
        await stage.until(lambda: server.heard(Submit), "the submission")
        await stage.press("f9")
        held.set()
        await stage.sees("工单 261121 0042", "已派单   261121 0042", "承办 市热力公司", "时限 11-22 14:22")
        await stage.press("f9")
        (asked,) = server.heard(Submit)
        assert asked.draft == DRAFT.id
        assert "工单 261121 0042 已提交" in stage.text()


async def test_what_was_typed_a_moment_before_is_in_it() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("citizen_name")
        await stage.type("王女士")
        await stage.press("f9")
        await stage.sees("已派单")
        assert [type(said) for said in server.received[1:]] == [EditField, Submit]
        assert server.view.draft is not None
        assert server.view.draft.fields[FieldName.CITIZEN_NAME].value == "王女士"


async def test_what_is_missing_is_named_in_its_place() -> None:
    fields = DRAFT.fields | {FieldName.TITLE: DraftField(), FieldName.LEAD_AGENCY: DraftField()}
    async with (
        server_with(change(IN_CALL, draft=change(DRAFT, fields=fields))) as server,
        desk_at(server) as stage,
    ):
        await stage.press("f9")
        await stage.sees("工单还缺内容")
        marked = [line for line in stage.text().splitlines() if " 缺 " in line]
        assert len(marked) == 2
        assert "承办" in marked[0]
        assert "标题" in marked[1]
        await stage.focus("title")
        await stage.type("暖气不热")
        await stage.until(lambda: len([line for line in stage.text().splitlines() if " 缺 " in line]) == 1)


async def test_in_the_wrap_up_the_same_key_frees_the_desk_and_the_number_stays_to_be_read() -> None:
    async with server_with(WRAPPING) as server, desk_at(server) as stage:
        await stage.press("f9")
        await stage.sees("● 示闲", "等待来电", "已派单   261121 0042")
        assert len(server.heard(Submit)) == 1


async def test_a_work_order_made_in_the_call_leaves_the_wrap_up_to_the_next_press() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.press("f9")
        await stage.sees("已派单")
        await stage.press("f10", "f10")
        await stage.sees("● 话后整理")
        await stage.press("f9")
        await stage.sees("● 示闲")
        assert len(server.heard(Submit)) == 2


async def test_a_work_order_takes_no_more_edits() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.press("f9")
        await stage.sees("已派单")
        await stage.focus("title")
        await stage.type("x")
        await stage.press("ctrl+w")
        await stage.focus("content")
        await stage.type("y")
        await stage.focus("category")
        await stage.press("enter", "backspace")
        await stage.press("f3")
        assert server.heard(EditField) == []
        assert "圣惠小区3号楼暖气不热四天" in stage.text()


async def test_a_call_ends_without_a_work_order() -> None:
    async with server_with(WRAPPING) as server, desk_at(server) as stage:
        await stage.press("f8")
        await stage.sees("无单办结", "1 咨询答复完毕", "4 骚扰")
        await stage.press("3")
        await stage.sees("● 示闲", "等待来电")
        (asked,) = server.heard(FinishCall)
        assert (asked.call, asked.disposition) == (CALL.id, Disposition.SILENT)
        assert server.heard(Submit) == []


async def test_the_keys_of_the_wrap_up_do_nothing_in_a_call() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.press("f8")
        assert not stage.main.has_class("-menu")
        assert len(server.received) == 1


async def test_a_refusal_is_told_in_words_and_the_key_may_be_pressed_again() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        server.refuse(Submit, "refused.unavailable")
        await stage.press("f9")
        await stage.sees("服务器暂不可用，请稍后再试")
        server.allow(Submit)
        await stage.press("f9")
        await stage.sees("已派单")


async def test_the_number_is_copied_through_the_terminal() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.press("ctrl+n")  # there is none yet
        assert stage.app.clipboard == ""
        await stage.press("f9")
        await stage.sees("已派单")
        await stage.press("ctrl+n")
        await stage.sees("已复制编号 261121 0042")
        assert stage.app.clipboard == "2611210042"


async def test_pausing_and_coming_back() -> None:
    async with server_with(IDLE) as server, desk_at(server) as stage:
        await stage.press("f2")
        await stage.sees("坐席状态", "1 示闲，接听来电", "3 示忙：用餐")
        await stage.press("3")
        await stage.sees("● 示忙 用餐", "当前示忙，不接来电")
        assert [asked.reason for asked in server.heard(Pause)] == [PauseReason.MEAL]
        await stage.press("f2", "enter")
        await stage.sees("● 示闲")
        assert len(server.heard(GoReady)) == 1


async def test_a_pause_asked_for_in_a_call_begins_after_the_wrap_up() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.press("f2", "2")
        await stage.sees("● 通话中", "话后小休")
        await stage.press("f10", "f10")
        await stage.sees("● 话后整理", "话后小休")
        await stage.press("f9")
        await stage.sees("● 示忙 小休")


async def test_the_menu_gives_the_cursor_back_and_leaves_the_other_keys_alone() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("title")
        await stage.press("f2")
        await stage.sees("坐席状态")
        await stage.press("escape")
        assert stage.focused_field() is FieldName.TITLE
        assert not stage.main.has_class("-menu")
        await stage.press("f2", "f9")
        await stage.sees("已派单")
        await stage.press("tab")
        await stage.until(lambda: not stage.main.has_class("-menu"), "the menu to close by itself")
        assert server.heard(Pause) == []


async def test_a_call_that_ends_under_an_open_menu_is_not_finished_twice() -> None:
    async with server_with(WRAPPING) as server, desk_at(server) as stage:
        await stage.press("f8")
        await server._carry_out(FinishCall(request=0, call=CALL.id, disposition=Disposition.ANSWERED))
        await stage.sees("等待来电")
        await stage.press("1")
        await server.tell(AgentChanged(seq=0, agent=change(AGENT, name="话务员乙")))
        await stage.sees("话务员乙")
        assert server.heard(FinishCall) == []
