"""Headless Chromium for tests: the machine's own, or Debian's unpacked without root beside the Asterisk prefix."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from asterisk_conf.tools import install_tools
from tests.asterisk_prefix import PREFIX

FOLDER = PREFIX.parent / "browser"
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


def program() -> tuple[str, dict[str, str]]:
    """The browser and the environment it runs in. Blocks for seconds the first time it must be fetched.

    Raises `asterisk_conf.errors.InstallFailed`.
    """
    named = os.environ.get("HUYING_CHROMIUM") or shutil.which("chromium")
    if named:
        return named, dict(os.environ)
    tools = install_tools(["chromium"], FOLDER)
    return str(tools.root / "usr" / "lib" / "chromium" / "chromium"), tools.environment()


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Browser]:
    """A browser for as long as the block runs; `profile` is where it may write."""
    path, environment = program()
    async with async_playwright() as playwright:
        env: dict[str, str | float | bool] = {**environment, "HOME": str(profile)}
        browser = await playwright.chromium.launch(executable_path=path, args=list(QUIET), env=env)
        try:
            yield browser
        finally:
            await browser.close()
