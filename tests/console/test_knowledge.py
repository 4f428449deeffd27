"""The knowledge base under the fingers while somebody talks."""

import msgspec

from ivr.desk.wire import CallChanged, ReadArticle, SearchKnowledge, Suggested
from tests.console.scenes import DRAFT, IN_CALL, RINGING, SUGGESTED
from tests.console.stage import desk_at, server_with
from ticketing.views import ArticleHit
from ticketing.vocabulary import FieldName

change = msgspec.structs.replace
OTHER = (ArticleHit(id="kb-0003", title="报停供热要交多少钱", score=5.0, snippet=""),)


async def test_articles_come_up_by_themselves_and_are_read_by_their_number() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.sees("F3 知识 · 为您推荐", "1 供热温度标准和测温申请  室温不低于18摄氏度", "3 已失效 报停供热")
        await stage.press("f3", "f3", "2")
        await stage.sees("先看进回水阀门是否全开", "主管 市热力公司", "Esc 返回")
        assert [asked.article for asked in server.heard(ReadArticle)] == ["kb-0002"]
        await stage.press("escape")
        await stage.sees("1 供热温度标准和测温申请")
        assert server.heard(SearchKnowledge) == []


async def test_search_as_you_type_asks_once_the_hands_rest() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.press("f3")
        await stage.type("报停供热")
        await stage.sees("找到 1 条", "1 已失效 报停供热要交多少钱")
        assert [asked.query for asked in server.heard(SearchKnowledge)] == ["报停供热"]
        await stage.press("enter")
        await stage.sees("已失效 报停供热要交多少钱", "有效期 2025-10-01 至 2026-03-31")
        await stage.press("escape", "ctrl+u")
        await stage.sees("为您推荐", "1 供热温度标准和测温申请")


async def test_enter_before_the_answer_reads_from_the_answer() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        held = server.hold(SearchKnowledge)
        await stage.press("f3")
        await stage.type("报停")
        await stage.press("enter")
        assert server.heard(ReadArticle) == []
        held.set()
        await stage.sees("报停应在供热开始前办理")
        assert [asked.article for asked in server.heard(ReadArticle)] == ["kb-0003"]


async def test_nothing_found_and_a_search_refused_are_told_in_their_place() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.press("f3")
        await stage.type("公积金")
        await stage.sees("没有找到，换个说法试试")
        server.refuse(SearchKnowledge, "refused.unavailable")
        await stage.type("贷款")
        await stage.sees("服务器暂不可用，请稍后再试")


async def test_an_article_that_is_gone_is_told() -> None:
    gone = change(IN_CALL, suggested=(change(SUGGESTED[0], id="kb-9999"),))
    async with server_with(gone) as server, desk_at(server) as stage:
        await stage.press("f3", "enter")
        await stage.sees("这篇知识已不存在")


async def test_escape_goes_back_to_the_field_the_cursor_came_from() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("title")
        await stage.press("f3", "enter")
        await stage.sees("供热期内正常供热的住户")
        await stage.press("escape", "escape")
        assert stage.focused_field() is FieldName.TITLE


async def test_suggestions_do_not_change_under_the_fingers() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("title")
        await stage.press("f3", "f3")
        await server.tell(Suggested(seq=0, hits=OTHER))
        await stage.sees("有新的推荐", "1 供热温度标准和测温申请")
        await stage.press("escape")
        await stage.sees("1 报停供热要交多少钱")
        assert "有新的推荐" not in stage.text()


async def test_suggestions_stay_away_from_a_search_and_are_there_after_it() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.press("f3")
        await stage.type("阀门")
        await stage.sees("找到 2 条")
        await server.tell(Suggested(seq=0, hits=OTHER))
        await stage.press("left")
        assert "找到 2 条" in stage.text()
        await stage.press("end", "ctrl+u")
        await stage.sees("为您推荐", "1 报停供热要交多少钱")


async def test_the_next_call_begins_with_an_empty_box() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.press("f3")
        await stage.type("阀门")
        await stage.sees("找到 2 条")
        await stage.press("escape")
        await server.tell(CallChanged(seq=0, call=change(RINGING, id="c-2")))
        await stage.sees("来电振铃", "通话中会自动推荐")
        assert stage.box_text() == ""


async def test_in_a_narrow_terminal_the_knowledge_takes_the_drafts_place_and_gives_it_back() -> None:
    async with server_with(IN_CALL) as server, desk_at(server, size=(80, 24)) as stage:
        await stage.focus("title")
        await stage.sees("工单草稿", "草稿  F3 知识")
        assert "为您推荐" not in stage.text()
        await stage.press("f3")
        await stage.sees("为您推荐", "1 供热温度标准和测温申请")
        assert "工单草稿" not in stage.text()
        assert "我家暖气" in stage.text() or "请问家里现在多少度" in stage.text()
        await stage.press("escape")
        await stage.sees("工单草稿", DRAFT.fields[FieldName.TITLE].value)
        assert stage.focused_field() is FieldName.TITLE
