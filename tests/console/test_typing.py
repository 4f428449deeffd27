"""Writing the work order beside the call: what the agent typed is theirs."""

import msgspec

from agent_console.widgets.field import FieldRow, LineEditor, PageEditor
from ivr.desk.wire import CallCleared, DraftChanged, EditField, FindChoices, TakeSuggestion
from tests.console.scenes import CALL, DRAFT, HEAT_COLD, IDLE, IN_CALL
from tests.console.stage import Stage, desk_at, server_with
from tests.fakes.desk_server import DeskServer
from ticketing.views import DraftField, DraftView
from ticketing.vocabulary import FieldName

change = msgspec.structs.replace


def with_field(name: FieldName, field: DraftField, revision: int = 8) -> DraftView:
    return change(DRAFT, fields=DRAFT.fields | {name: field}, revision=revision)


def edits(server: DeskServer, name: FieldName) -> list[str]:
    return [edit.value for edit in server.heard(EditField) if edit.field is name]


def editor(stage: Stage, name: FieldName) -> LineEditor:
    return stage.main.query_one(f"#field-{name} LineEditor", LineEditor)


def page(stage: Stage) -> PageEditor:
    return stage.main.query_one(PageEditor)


async def test_what_is_typed_is_sent_once_the_hands_rest_and_is_the_agents_from_then_on() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("citizen_name")
        await stage.type("王女士")
        await stage.until(lambda: edits(server, FieldName.CITIZEN_NAME), "the edit")
        assert edits(server, FieldName.CITIZEN_NAME) == ["王女士"]
        (sent,) = server.heard(EditField)
        assert sent.draft == DRAFT.id
        await stage.until(lambda: len(stage.app.desk.edits) == 0, "the server to have it")
        await stage.sees("诉求人 王女士", "人工")


async def test_enter_and_leaving_the_field_send_at_once() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("citizen_name")
        await stage.type("王")
        await stage.press("enter")
        await stage.until(lambda: edits(server, FieldName.CITIZEN_NAME) == ["王"], "the edit by Enter")
        await stage.type("女士")
        await stage.press("tab")
        await stage.until(lambda: edits(server, FieldName.CITIZEN_NAME) == ["王", "王女士"], "the edit by Tab")


async def test_an_update_never_overwrites_what_is_being_typed() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        held = server.hold(EditField)
        await stage.focus("title")
        await stage.press("end")
        await stage.type("，家中有老人")
        theirs = "圣惠小区3号楼暖气不热四天，家中有老人"
        for revision in range(8, 14):
            idea = DraftField(value=f"机器的标题{revision}", confidence=0.9)
            await server.tell(DraftChanged(seq=0, draft=with_field(FieldName.TITLE, idea, revision)))
            await stage.press("!")
            theirs += "!"
        assert editor(stage, FieldName.TITLE).value == theirs
        await stage.until(lambda: server.heard(EditField), "the edit")
        idea = DraftField(value="机器又改了", confidence=0.9)
        await server.tell(DraftChanged(seq=0, draft=with_field(FieldName.TITLE, idea, 20)))
        await stage.sees(theirs)
        held.set()
        await stage.until(lambda: len(stage.app.desk.edits) == 0, "the server to have all of it")
        assert server.view.draft is not None
        assert server.view.draft.fields[FieldName.TITLE].value == theirs
        assert editor(stage, FieldName.TITLE).value == theirs


async def test_the_content_is_typed_on_many_lines_and_kept_the_same_way() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("content")
        page(stage).move_cursor(page(stage).document.end)
        await stage.press("enter")
        await stage.type("家中有老人。")
        idea = DraftField(value="机器重写了全文", confidence=0.9)
        await server.tell(DraftChanged(seq=0, draft=with_field(FieldName.CONTENT, idea)))
        await stage.press("!")
        await stage.until(lambda: edits(server, FieldName.CONTENT)[-1:] == [page(stage).text], "the edit")
        assert page(stage).text == DRAFT.fields[FieldName.CONTENT].value + "\n家中有老人。!"
        await stage.until(lambda: len(stage.app.desk.edits) == 0, "the server to have it")


async def test_the_machine_goes_on_filling_what_the_agent_has_not_touched() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("title")
        await server.tell(
            DraftChanged(seq=0, draft=with_field(FieldName.TITLE, DraftField(value="新的标题", confidence=0.9)))
        )
        await stage.sees("新的标题")
        await stage.focus("content")
        await server.tell(
            DraftChanged(seq=0, draft=with_field(FieldName.CONTENT, DraftField(value="新的内容", confidence=0.9), 9))
        )
        await stage.sees("新的内容")
        assert server.heard(EditField) == []


async def test_what_the_server_makes_of_a_number_is_shown() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("callback_phone")
        await stage.press("ctrl+u", "end", "ctrl+u")
        await stage.type("139-0000 1111")
        await stage.press("enter")
        await stage.until(lambda: editor(stage, FieldName.CALLBACK_PHONE).value == "13900001111", "digits only")


async def test_a_value_that_may_not_stand_is_marked_and_kept_and_stops_the_submission() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        server.refuse(EditField, "refused.bad_value")
        await stage.focus("callback_phone")
        await stage.press("end")
        await stage.type("9")
        await stage.press("enter")
        await stage.sees("有误", "这个内容不合规范")
        await stage.press("f9")
        await stage.sees("有误的栏目改好后再派单")
        assert editor(stage, FieldName.CALLBACK_PHONE).value == "138****56789"
        server.allow(EditField)
        await stage.press("backspace", "enter")
        await stage.until(lambda: len(stage.app.desk.edits) == 0, "the server to have it")
        assert "有误" not in stage.text().replace("有误的栏目", "")


async def test_a_due_time_is_written_as_people_do() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("due_at")
        await stage.press("end", "ctrl+u")
        await stage.type("11-23 9:0")
        await stage.sees("有误", "时间写作 月-日 时:分")
        await stage.type("5")
        await stage.press("enter")
        await stage.until(lambda: edits(server, FieldName.DUE_AT) == ["2026-11-23T01:05:00+00:00"], "the edit")
        await stage.until(lambda: editor(stage, FieldName.DUE_AT).value == "11-23 09:05", "the site's way")


async def test_the_machines_other_idea_stands_beside_and_one_key_takes_it() -> None:
    mine = DraftField(value="040103", label="供热 › 收费争议", mine=True, suggestion=HEAT_COLD)
    view = change(IN_CALL, draft=with_field(FieldName.CATEGORY, mine))
    async with server_with(view) as server, desk_at(server) as stage:
        await stage.sees("供热 › 收费争议", "← 供热 › 温度不达标 92 人工")
        await stage.press("ctrl+t")  # the cursor is in no field
        assert server.heard(TakeSuggestion) == []
        await stage.focus("category")
        await stage.sees("建议 供热 › 温度不达标 92   Ctrl+T 采用")
        await stage.press("ctrl+t")
        await stage.until(lambda: "收费争议" not in stage.text(), "the idea taken")
        (taken,) = server.heard(TakeSuggestion)
        assert (taken.draft, taken.field) == (DRAFT.id, FieldName.CATEGORY)
        assert "供热 › 温度不达标" in stage.text()


async def test_taking_an_idea_drops_what_was_typed_into_that_field_alone() -> None:
    mine = DraftField(value="旧", mine=True, suggestion=change(HEAT_COLD, value="机器的标题", label="机器的标题"))
    view = change(IN_CALL, draft=with_field(FieldName.TITLE, mine))
    async with server_with(view) as server, desk_at(server) as stage:
        await stage.focus("title")
        await stage.type("x")
        await stage.press("ctrl+t")
        await stage.until(lambda: editor(stage, FieldName.TITLE).value == "机器的标题", "the idea")
        assert [type(said) for said in server.received[-2:]] == [EditField, TakeSuggestion]


async def test_an_id_is_found_by_typing_and_taken_with_enter() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("lead_agency")
        await stage.press("enter")
        await stage.sees("1 ● 市热力公司", "2 盐湖区住房和城乡建设局", "3 南城街道")
        await stage.type("住房")
        await stage.until(lambda: [ask.query for ask in server.heard(FindChoices)][-1] == "住房")
        await stage.until(lambda: "1 盐湖区住房和城乡建设局" in stage.text())
        await stage.press("enter")
        await stage.until(lambda: edits(server, FieldName.LEAD_AGENCY) == ["b140802-zj"], "the edit")
        await stage.sees("承办   盐湖区住房和城乡建设局")
        assert stage.focused_field() is FieldName.LEAD_AGENCY
        assert list(stage.main.query("ChoiceList")) == []


async def test_the_first_letters_typed_open_the_list() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("lead_agency")
        await stage.type("南城")
        await stage.until(lambda: "1 南城街道" in stage.text(), "what was found")
        await stage.until(lambda: [ask.query for ask in server.heard(FindChoices)][-1] == "南城", "both letters")
        await stage.press("escape")
        assert stage.focused_field() is FieldName.LEAD_AGENCY
        assert server.heard(EditField) == []


async def test_enter_before_the_answer_takes_from_the_answer_and_never_from_an_older_list() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("lead_agency")
        await stage.press("enter")
        await stage.sees("3 南城街道")
        held = server.hold(FindChoices)
        await stage.type("南城")
        await stage.press("enter")
        assert server.heard(EditField) == []
        held.set()
        await stage.until(lambda: edits(server, FieldName.LEAD_AGENCY) == ["s140802004"], "the edit")


async def test_the_arrows_move_in_the_list_while_the_cursor_stays_in_the_box() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("urgency")
        await stage.press("enter")
        await stage.sees("3 特急")
        await stage.press("down", "down", "up", "down", "enter")
        await stage.until(lambda: edits(server, FieldName.URGENCY) == ["特急"], "the edit")


async def test_co_agencies_are_added_and_taken_out() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("co_agencies")
        await stage.type("住房")
        await stage.until(lambda: "1 盐湖区住房和城乡建设局" in stage.text())
        await stage.press("enter")
        await stage.until(lambda: edits(server, FieldName.CO_AGENCIES) == ["s140802004|b140802-zj"], "both")
        await stage.sees("南城街道、盐湖区住房和城乡建设局")
        await stage.until(lambda: len(stage.app.desk.edits) == 0)
        await stage.press("enter")
        await stage.sees("1 ● 南城街道")
        await stage.press("enter")
        await stage.until(lambda: edits(server, FieldName.CO_AGENCIES)[-1] == "b140802-zj", "one taken out")


async def test_an_id_is_emptied_and_nothing_is_chosen_by_leaving() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("co_agencies")
        await stage.press("backspace")
        await stage.until(lambda: edits(server, FieldName.CO_AGENCIES) == [""], "the edit")
        await stage.focus("category")
        await stage.press("enter")
        await stage.sees("2 供热 › 管道故障")
        await stage.press("tab")
        await stage.until(lambda: list(stage.main.query("ChoiceList")) == [], "the list to close")
        assert stage.focused_field() is FieldName.DUE_AT
        assert edits(server, FieldName.CATEGORY) == []


async def test_choices_that_cannot_be_had_are_told_in_their_place() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        server.refuse(FindChoices, "refused.unavailable")
        await stage.focus("category")
        await stage.type("x")
        await stage.sees("服务器暂不可用，请稍后再试")


async def test_confidential_is_switched_by_one_key() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("confidential")
        await stage.press("space")
        await stage.sees("保密 是")
        await stage.until(lambda: edits(server, FieldName.CONFIDENTIAL) == ["yes"])
        await stage.until(lambda: len(stage.app.desk.edits) == 0)
        await stage.press("enter")
        await stage.until(lambda: edits(server, FieldName.CONFIDENTIAL) == ["yes", ""])
        await stage.sees("保密 否")


async def test_tab_goes_through_the_form_in_its_order() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        seen: list[FieldName | None] = []
        for _ in FieldName:
            await stage.press("tab")
            seen.append(stage.focused_field())
        assert seen == [row.field for row in stage.main.query(FieldRow)]
        await stage.press("shift+tab")
        assert stage.focused_field() is seen[-2]


async def test_nothing_is_written_where_there_is_no_draft() -> None:
    async with server_with(IDLE) as server, desk_at(server) as stage:
        await stage.focus("title")
        await stage.type("x")
        await stage.focus("content")
        await stage.type("y")
        await stage.focus("category")
        await stage.press("enter")
        assert editor(stage, FieldName.TITLE).value == ""
        assert page(stage).text == ""
        assert list(stage.main.query("ChoiceList")) == []
        assert server.heard(EditField) == []


async def test_what_was_typed_last_reaches_the_server_though_the_call_is_gone() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("title")
        await stage.type("x")
        await server.tell(CallCleared(seq=0, call=CALL.id))
        await stage.until(lambda: edits(server, FieldName.TITLE), "the edit")
        await stage.sees("上一通草稿的修改没有保存：这份草稿已不存在")
        assert len(stage.app.desk.edits) == 0


async def test_the_list_opens_below_its_line_and_nothing_of_it_is_cut() -> None:
    async with server_with(IN_CALL) as server, desk_at(server, size=(80, 24)) as stage:
        await stage.focus("lead_agency")
        await stage.press("enter")
        await stage.sees("输入查找，回车选定", "1 ● 市热力公司", "2 盐湖区住房和城乡建设局", "3 南城街道")
