"""Coming to the desk and leaving it."""

import asyncio

from agent_console.desk import Pace
from agent_console.screens.main import MainScreen
from ivr.desk.wire import PROTOCOL, SignIn, SignOut
from tests.console.scenes import IDLE, IN_CALL
from tests.console.stage import desk_at, server_with


async def test_a_person_signs_in_by_hand() -> None:
    async with server_with(IDLE) as server, desk_at(server, signed_in=False) as stage:
        await stage.sees("话务席签入", server.url)
        await stage.press("enter")  # the agent's id is there already: the cursor stands in the password
        await stage.sees("请输入密码")
        await stage.type("open sesame")
        await stage.press("enter")
        await stage.sees("示闲，等待来电", "1001 话务员甲", "运城12345")
        (greeting,) = server.heard(SignIn)
        assert (greeting.protocol, greeting.agent, greeting.password) == (PROTOCOL, "1001", "open sesame")
        assert "open sesame" not in stage.text()


async def test_a_wrong_password_is_told_and_may_be_typed_again() -> None:
    async with server_with(IDLE) as server, desk_at(server, signed_in=False) as stage:
        await stage.type("sesame")
        await stage.press("enter")
        await stage.sees("工号或密码不对")
        await stage.type("open sesame")
        await stage.press("enter")
        await stage.sees("示闲，等待来电")
        assert [said.password for said in server.heard(SignIn)] == ["sesame", "open sesame"]


async def test_the_agents_id_can_be_changed() -> None:
    async with server_with(IDLE) as server, desk_at(server, signed_in=False) as stage:
        await stage.press("shift+tab", "ctrl+u", "enter", "enter")
        await stage.sees("请输入工号")
        await stage.type("1002")
        await stage.press("enter")
        await stage.type("y")
        await stage.press("enter")
        await stage.sees("工号或密码不对")
        assert [said.agent for said in server.heard(SignIn)] == ["1002"]


async def test_a_server_that_is_away_is_told_and_waited_for() -> None:
    server = server_with(IDLE)
    await server.start()
    await server.stop()
    async with desk_at(server, signed_in=False, pace=Pace(backoff=(0.1,))) as stage:
        await stage.type("open sesame")
        await stage.press("enter")
        await stage.sees("连不上服务器")
        await server.start()
        await stage.sees("示闲，等待来电")
    await server.stop()


async def test_a_desk_of_another_release_is_told_what_to_do() -> None:
    async with server_with(IDLE) as server, desk_at(server, signed_in=False) as stage:
        server.refuse(SignIn, "refused.protocol", desk="1", server="2")
        await stage.type("open sesame")
        await stage.press("enter")
        await stage.sees("程序版本不符：本席 1，服务器 2，请升级")


async def test_a_desk_started_with_a_password_ends_with_the_reason_when_it_is_refused() -> None:
    async with server_with(IDLE) as server:
        server.password = "changed"
        async with desk_at(server, signed_in=False, password="open sesame") as stage:
            await stage.until(lambda: stage.app.return_value is not None, "the end")
            refused = stage.app.return_value
            assert refused is not None
            assert refused.code == "refused.bad_credentials"


async def test_signing_out_leaves_the_roster_and_the_program() -> None:
    async with server_with(IDLE) as server, desk_at(server) as stage:
        await stage.press("f12")
        await stage.until(lambda: not stage.app.is_running or stage.app._exit, "the end")
        assert len(server.heard(SignOut)) == 1
        assert stage.app.return_value is None


async def test_nobody_signs_out_during_a_call() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await stage.press("ctrl+q")
        await stage.sees("通话中不能这样做")
        assert isinstance(stage.app.screen, MainScreen)


async def test_without_the_server_the_desk_is_left_on_the_second_press() -> None:
    async with server_with(IDLE) as server, desk_at(server, pace=Pace(backoff=(30.0,))) as stage:
        await server.stop()
        await stage.sees("与服务器断开")
        await stage.press("f12")
        await stage.sees("再按一次 F12 直接退出")
        assert not stage.app._exit
        await stage.press("f12")
        await stage.until(lambda: stage.app._exit, "the end")


async def test_nothing_of_the_desk_ends_by_ctrl_c() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        before = stage.text()
        await stage.press("ctrl+c")
        await asyncio.sleep(0)
        assert stage.text() == before
