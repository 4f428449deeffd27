"""Every key is told, and works from the table too."""

import re

from agent_console.keys import KEYS
from agent_console.screens.help import HelpScreen
from agent_console.screens.main import MainScreen
from agent_console.widgets.bars import TopLine
from ivr.calls.vocabulary import AgentState
from ivr.desk.catalogue import Language
from ivr.desk.wire import Submit
from tests.console.scenes import IDLE, IN_CALL
from tests.console.stage import desk_at, server_with
from ticketing.vocabulary import FieldName


async def test_the_table_has_a_line_for_every_key_and_none_that_is_dead() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.press("f1")
        await stage.until(lambda: isinstance(stage.app.screen, HelpScreen))
        table = stage.text()
        for key in KEYS:
            assert key.shown in table
        assert not re.search(r"\bF[4-7]\b", table)
        await stage.press("escape")
        await stage.until(lambda: isinstance(stage.app.screen, MainScreen))


async def test_a_key_pressed_over_the_table_does_what_it_always_does() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("title")
        await stage.press("f1", "f1")
        await stage.until(lambda: isinstance(stage.app.screen, MainScreen))
        assert stage.focused_field() is FieldName.TITLE
        await stage.press("f1", "f9")
        await stage.sees("已派单")
        assert isinstance(stage.app.screen, MainScreen)
        assert len(server.heard(Submit)) == 1
        await stage.press("f1", "f3")
        await stage.until(lambda: isinstance(stage.app.screen, MainScreen))
        await stage.until(lambda: stage.main.query_one("#knowledge").has_focus_within)


async def test_the_call_goes_on_below_the_table() -> None:
    async with server_with(IDLE) as server, desk_at(server) as stage:
        await stage.press("f1")
        await server._put_agent(AgentState.PAUSED)
        below = stage.app.screen_stack[-2].query_one(TopLine)
        await stage.until(lambda: "示忙" in str(below.visual))


async def test_a_window_made_too_small_is_told_and_loses_nothing() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.focus("citizen_name")
        await stage.type("王女士")
        await stage.pilot.resize_terminal(70, 20)
        await stage.sees("终端太小：70×20，至少要 80×24")
        await stage.pilot.resize_terminal(120, 40)
        await stage.sees("王女士", "运城12345")
        assert stage.focused_field() is FieldName.CITIZEN_NAME


async def test_the_desk_speaks_english_where_it_is_asked_to() -> None:
    async with server_with(IN_CALL) as server, desk_at(server, language=Language.ENGLISH) as stage:
        await stage.sees("● on call 02:14", "call 138****5678 · call no. 3 · 2 open", "Tell the caller", "F9 Submit")
        await stage.press("f1")
        await stage.sees("make the ticket and dispatch it")
