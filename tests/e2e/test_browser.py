"""The desk and the wallboard in a real browser: headless Chromium against `python -m agent_console.web`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from ivr.calls.vocabulary import AgentState
from ivr.demo.sip.received import Answer
from ivr.desk.envelope import Done
from ivr.desk.wire import EditField
from tests.browser import chromium
from tests.e2e.stage import Stage
from tests.until import until_async
from ticketing.vocabulary import FieldName

pytestmark = pytest.mark.e2e

BLANK_BYTES = 8_000
"""A picture of the bare page is smaller."""

CLOCK_BYTES = 500
"""More than a clock's turn changes a picture's size."""


@asynccontextmanager
async def web_server(stage: Stage) -> AsyncIterator[str]:
    command = ["-m", "agent_console.web", "--server", stage.desk_address, "--port", "0"]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            line = (await process.stdout.readline()).decode()
        assert line.startswith("ready: http://127.0.0.1:"), line
        yield line.split()[1]
    finally:
        process.terminate()
        async with asyncio.timeout(15):
            await process.wait()


async def opened(browser: Browser, address: str) -> Page:
    page = await browser.new_page(viewport={"width": 1280, "height": 800})
    await page.goto(address)
    await drawn(page)
    return page


async def drawn(page: Page) -> None:
    """The desk stands on the page: something was drawn, and it changes no more."""
    await page.wait_for_selector("body.-first-byte", timeout=20_000)
    before = b""

    async def still() -> bool:
        nonlocal before
        await page.wait_for_timeout(300)
        last, before = before, await page.screenshot()
        return len(before) > BLANK_BYTES and abs(len(before) - len(last)) < CLOCK_BYTES

    await until_async(still, "the desk drawn", 20)
    await page.locator(".xterm-helper-textarea").focus()


async def test_an_agent_works_in_the_browser_and_comes_back_to_the_same_desk(stage: Stage, tmp_path: Path) -> None:
    await stage.phone("1001", Answer())
    floor = stage.hotline.switchboard.floor
    async with web_server(stage) as address, chromium(tmp_path) as browser:
        page = await opened(browser, address)
        await page.keyboard.type("1001")
        await page.keyboard.press("Tab")
        await page.keyboard.type(stage.hotline.instance.passwords["1001"])
        await page.keyboard.press("Enter")

        async def state_is(wanted: AgentState) -> bool:
            return floor.seats()[0].state is wanted

        await until_async(lambda: state_is(AgentState.PAUSED), "signed in", 20)
        await page.keyboard.press("F2")
        await page.keyboard.press("1")
        await until_async(lambda: state_is(AgentState.AVAILABLE), "ready", 10)
        call = await stage.dial(await stage.citizen())
        await until_async(lambda: state_is(AgentState.ON_CALL), "talking", 20)
        (talking,) = stage.hotline.switchboard.calls()
        file = stage.hotline.intake.file(talking.call)

        await page.reload()
        await drawn(page)

        async def written() -> bool:
            return "市民反映路灯不亮" in file.draft.fields[FieldName.CONTENT].value

        await page.keyboard.press("Shift+Tab")  # the last field
        await page.keyboard.insert_text("市民反映路灯不亮")
        await page.wait_for_timeout(4000)
        await page.screenshot(path="/tmp/fail.png")
        await until_async(written, "Chinese in the draft", 10)
        await fill_the_rest(stage, file.draft.id)
        await call.hang_up()
        await until_async(lambda: state_is(AgentState.WRAP_UP), "wrap-up", 10)
        await page.keyboard.press("F9")
        await until_async(lambda: state_is(AgentState.AVAILABLE), "submitted and free again", 10)
        assert file.ticket is not None
        await page.screenshot(path=tmp_path / "desk.png")


async def fill_the_rest(stage: Stage, draft: str) -> None:
    """From another window of the same agent's."""
    fields = {FieldName.CATEGORY: "", FieldName.LEAD_AGENCY: "d-cgj", FieldName.TITLE: "路灯不亮影响夜间出行"}
    fields[FieldName.CATEGORY] = next(iter(stage.hotline.instance.site.categories))
    async with stage.hand("1001") as hand:
        for name, value in fields.items():
            await hand.ask(EditField(request=hand.number(), draft=draft, field=name, value=value), Done)


async def test_the_wallboard_asks_who_looks_and_shows_the_floor(stage: Stage, tmp_path: Path) -> None:
    async with web_server(stage) as address, chromium(tmp_path) as browser:
        page = await browser.new_page(viewport={"width": 1920, "height": 1080})
        await page.goto(f"{address}wall")
        await page.locator("input[name=person]").fill("1001")
        await page.locator("input[name=password]").fill("wrong")
        await page.locator("#enter").click()
        await page.locator("#refused", has_text="密码").wait_for()
        await page.locator("input[name=person]").fill("2006")
        await page.locator("input[name=password]").fill(stage.hotline.instance.passwords["2006"])
        await page.locator("#enter").click()
        await page.wait_for_selector("#wall", state="visible")
        assert await page.locator("#site").text_content() == stage.hotline.instance.site.info.short_name
