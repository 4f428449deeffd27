"""The line to the server breaks and comes back: nothing typed is lost, nothing shown is wrong."""

import msgspec
import pytest

from agent_console.desk import Pace
from agent_console.screens.main import MainScreen
from agent_console.screens.sign_in import SignInScreen
from agent_console.state import LinkState
from asr.transcript import Speaker
from ivr.desk.wire import DraftChanged, EditField, GoReady, HangUpCall, Resume, Said, SearchKnowledge, SignIn, Submit
from tests.console.scenes import DRAFT, IDLE, IN_CALL, segment
from tests.console.stage import Stage, desk_at, server_with
from tests.fakes.desk_server import DeskServer
from ticketing.views import DraftField
from ticketing.vocabulary import FieldName

change = msgspec.structs.replace
SLOW = Pace(backoff=(30.0,))


async def reconnected(stage: Stage, server: DeskServer, connections: int) -> None:
    await stage.until(
        lambda: server.connections >= connections and stage.app.desk.reception.link.state is LinkState.CONNECTED,
        "the connection to be back",
    )


async def test_a_cut_in_the_middle_of_a_call_is_mended_without_signing_in() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        server.drop()
        await server.lose(Said(seq=0, segment=segment(9, Speaker.CITIZEN, 60, "刚才断开时说的话")))
        await reconnected(stage, server, 2)
        await stage.sees("刚才断开时说的话", "● 通话中")
        assert [said.token for said in server.heard(Resume)] == ["token-1"]
        assert len(server.heard(SignIn)) == 1


async def test_what_is_typed_while_the_server_is_away_is_kept_and_sent_afterwards() -> None:
    async with server_with(IN_CALL) as server, desk_at(server, pace=Pace(backoff=(0.3,))) as stage:
        await stage.focus("citizen_name")
        await stage.type("王")
        await stage.until(lambda: server.heard(EditField), "the first edit")
        await server.stop()
        await stage.sees("与服务器断开", "通话不受影响，继续录入，内容保留")
        await stage.type("女士")
        await stage.focus("title")
        await stage.press("end")
        await stage.type("急")
        await stage.press("tab")
        await stage.sees("2 项待存", "王女士", "待存")
        assert stage.focused_field() is FieldName.CONTENT

        await server.start()
        await reconnected(stage, server, 2)
        await stage.until(lambda: len(stage.app.desk.edits) == 0, "all to be saved")
        assert server.view.draft is not None
        assert server.view.draft.fields[FieldName.CITIZEN_NAME].value == "王女士"
        assert server.view.draft.fields[FieldName.TITLE].value == "圣惠小区3号楼暖气不热四天急"
        assert stage.focused_field() is FieldName.CONTENT
        await stage.sees("王女士")
        assert "待存" not in stage.text()


async def test_an_edit_whose_answer_was_lost_is_sent_again_and_changes_nothing_twice() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        held = server.hold(EditField)
        await stage.focus("citizen_name")
        await stage.type("王")
        await stage.press("enter")
        await stage.until(lambda: server.heard(EditField), "the edit")
        server.drop()
        del server._held[EditField]
        held.set()
        await reconnected(stage, server, 2)
        await stage.until(lambda: len(stage.app.desk.edits) == 0, "the edit to be saved")
        assert [edit.value for edit in server.heard(EditField)] == ["王", "王"]
        await stage.sees("王")


async def test_a_draft_that_moved_on_meanwhile_does_not_touch_what_was_typed() -> None:
    async with server_with(IN_CALL) as server, desk_at(server, pace=Pace(backoff=(0.3,))) as stage:
        await stage.focus("title")
        await stage.press("end")
        server.drop()
        await stage.type("！我的")
        fields = DRAFT.fields | {FieldName.TITLE: DraftField(value="机器的标题", confidence=0.9)}
        await server.lose(DraftChanged(seq=0, draft=change(DRAFT, fields=fields)))
        await reconnected(stage, server, 2)
        await stage.until(lambda: len(stage.app.desk.edits) == 0, "the edit to be saved")
        await stage.sees("圣惠小区3号楼暖气不热四天！我的")
        assert server.view.draft is not None
        assert server.view.draft.fields[FieldName.TITLE].value == "圣惠小区3号楼暖气不热四天！我的"


async def test_an_update_that_went_missing_is_noticed_and_fetched() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await server.lose(Said(seq=0, segment=segment(8, Speaker.CITIZEN, 58, "漏掉的一句")))
        await server.tell(Said(seq=0, segment=segment(9, Speaker.CITIZEN, 60, "下一句")))
        await reconnected(stage, server, 2)
        await stage.sees("漏掉的一句", "下一句")


@pytest.mark.parametrize("garbage", ["not json", '{"type":"Unknown","seq":1}', '{"type":"Done"}', "[]"])
async def test_what_the_protocol_does_not_allow_is_a_broken_line_and_no_crash(garbage: str) -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await server.say_raw(garbage)
        await reconnected(stage, server, 2)
        await stage.sees("● 通话中")


async def test_the_server_restarted_without_its_memory_and_the_agent_signs_in_again_with_all_they_typed() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        held = server.hold(EditField)
        await stage.focus("citizen_name")
        await stage.type("王女士")
        await stage.press("enter")
        await stage.until(lambda: server.heard(EditField), "the edit")
        server.forget_token()
        server.drop()
        del server._held[EditField]
        held.set()
        await stage.sees("服务器拒绝：签入已失效", "按 Ctrl+L 重新签入，已录入的内容保留", "1 项待存")
        assert isinstance(stage.app.screen, MainScreen)  # nothing opened by itself
        await stage.type("甲")
        assert stage.focused_field() is FieldName.CITIZEN_NAME

        await stage.press("ctrl+l")
        await stage.until(lambda: isinstance(stage.app.screen, SignInScreen), "the sign-in")
        await stage.sees("已录入的内容仍然保留")
        await stage.type("open sesame")
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, MainScreen), "the main screen")
        await stage.until(lambda: len(stage.app.desk.edits) == 0, "all to be saved")
        assert server.view.draft is not None
        assert server.view.draft.fields[FieldName.CITIZEN_NAME].value == "王女士甲"
        assert stage.focused_field() is FieldName.CITIZEN_NAME


async def test_asking_without_a_connection_is_told_and_asks_nothing_later() -> None:
    async with server_with(IN_CALL) as server, desk_at(server, pace=Pace(backoff=(0.5,))) as stage:
        await server.stop()
        await stage.sees("与服务器断开")
        await stage.press("f9")
        await stage.sees("没有连接服务器，恢复后请再试")
        await stage.press("f10", "f10", "f2", "1")
        await stage.press("f3")
        await stage.type("供热")
        await stage.until(lambda: stage.text().count("没有连接服务器") == 2, "the search to tell it too")
        await server.start()
        await reconnected(stage, server, 2)
        await stage.sees("● 通话中")
        for kind in (Submit, HangUpCall, GoReady, SearchKnowledge):
            assert server.heard(kind) == []


async def test_a_question_the_server_does_not_answer_has_a_deadline() -> None:
    async with server_with(IN_CALL) as server, desk_at(server, pace=Pace(answer=0.1)) as stage:
        server.hold(Submit)
        await stage.press("f9")
        await stage.sees("服务器没有及时回答，请再试")
        await stage.press("f9")
        await stage.until(lambda: len(server.heard(Submit)) == 2, "the key to work again")


async def test_the_banner_counts_down_and_the_clocks_go_on() -> None:
    async with server_with(IDLE) as server, desk_at(server, pace=SLOW) as stage:
        await server.stop()
        await stage.sees("秒后重连")
        before = stage.app.desk.reception.link.retry_at
        assert before is not None
        left = round((before - stage.clock.now()).total_seconds())
        await stage.sees(f"与服务器断开，{left} 秒后重连")
        stage.clock.pass_by(5)
        await stage.sees(f"与服务器断开，{left - 5} 秒后重连")


async def test_the_time_is_the_servers_after_every_connection() -> None:
    async with server_with(IDLE) as server, desk_at(server) as stage:
        stage.clock.pass_by(3600)  # this machine's clock jumps
        server.drop()
        await reconnected(stage, server, 2)
        await stage.sees("14:22:31", "示闲 01:35")


async def test_a_server_of_something_else_is_refused() -> None:
    async with server_with(IDLE) as server, desk_at(server, signed_in=False) as stage:
        server.subprotocol = "something.else"
        await server.stop()
        await server.start()
        await stage.type("open sesame")
        await stage.press("enter")
        await stage.sees("对方不是本系统的话务服务器")
        assert server.heard(SignIn) == []
