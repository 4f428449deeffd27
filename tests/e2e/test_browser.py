"""The desk and the wallboard in a real browser: headless Chromium against `python -m agent_console.web`."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from ivr.calls.vocabulary import AgentState
from ivr.demo.sip.received import Answer
from tests.e2e.stage import Stage
from tests.until import until_async
from ticketing.vocabulary import FieldName

pytestmark = pytest.mark.e2e

CHROMIUM = os.environ.get("HUYING_CHROMIUM", "chromium")
BLANK_BYTES = 8_000
"""A picture of the bare page is smaller."""

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Nothing is looked up outside: tests stay on this machine."""


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


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    program = shutil.which(CHROMIUM)
    assert program is not None, (
        "Chromium is missing: install it (Debian: apt-get install chromium) or set HUYING_CHROMIUM"
    )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(QUIET))
        try:
            yield browser
        finally:
            await browser.close()


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
        return before == last and len(before) > BLANK_BYTES

    await until_async(still, "the desk drawn", 20)
    await page.locator(".xterm-helper-textarea").focus()


async def test_an_agent_works_in_the_browser_and_comes_back_to_the_same_desk(stage: Stage, tmp_path: Path) -> None:
    await stage.phone("1001", Answer())
    floor = stage.hotline.switchboard.floor
    async with web_server(stage) as address, chromium() as browser:
        page = await opened(browser, address)
        await page.keyboard.insert_text("1001")
        await page.keyboard.press("Tab")
        await page.keyboard.insert_text(stage.hotline.instance.passwords["1001"])
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
        await page.wait_for_selector("body.-first-byte", timeout=20_000)
        await page.locator(".xterm-helper-textarea").focus()

        async def written(name: FieldName, text: str) -> bool:
            return text in file.draft.fields[name].value

        await page.keyboard.press("Tab")
        for _ in range(20):  # to the title, wherever it stands among the fields
            await page.keyboard.insert_text("市民")
            await page.keyboard.press("Tab")
            if "市民" in file.draft.fields[FieldName.TITLE].value:
                break
            await page.wait_for_timeout(500)
        await until_async(lambda: written(FieldName.TITLE, "市民"), "Chinese in the title", 10)
        await page.screenshot(path=tmp_path / "desk.png")
        await call.hang_up()
        await until_async(lambda: state_is(AgentState.WRAP_UP), "wrap-up", 10)
        await page.keyboard.press("F8")
        await page.keyboard.press("2")
        await until_async(lambda: state_is(AgentState.AVAILABLE), "free again", 10)


async def test_the_wallboard_asks_who_looks_and_shows_the_floor(stage: Stage) -> None:
    async with web_server(stage) as address, chromium() as browser:
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
