"""A second independent SIP stack: baresip, from Debian, phones the hotline and is put through."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from asterisk_conf.tools import Toolbox, install_tools
from ivr.demo.sip.received import Answer
from ivr.demo.story import SOUNDS
from tests.asterisk_prefix import PREFIX
from tests.e2e.stage import HOTLINE, Stage
from tests.e2e.test_line import connected

pytestmark = pytest.mark.e2e

NUMBER = "13800000008"


@pytest.fixture(scope="session")
def baresip() -> Toolbox:
    return install_tools(["sip-tester", "baresip-core"], PREFIX.with_name("tools"))


@asynccontextmanager
async def phoning(toolbox: Toolbox, stage: Stage, folder: Path) -> AsyncIterator[None]:
    """A baresip in a call to the hotline, saying the demonstration's first complaint, until the block ends."""
    host, port = stage.sip
    modules = toolbox.root / "usr" / "lib" / "baresip" / "modules"
    (folder / "config").write_text(
        "\n".join(
            (
                f"module_path {modules}",
                *(f"module {name}.so" for name in ("account", "g711", "aufile", "menu")),
                f"audio_source aufile,{SOUNDS / 'citizen-1.wav'}",
                "audio_player nil",
                "audio_alert none",
                "sip_listen 127.0.0.1:0",
                "net_interface 127.0.0.1",
                "",
            )
        )
    )
    (folder / "accounts").write_text(f"<sip:{NUMBER}@{host}:{port}>;regint=0;audio_codecs=PCMA\n")
    (folder / "contacts").write_text("")
    process = await asyncio.create_subprocess_exec(
        toolbox.path("baresip"), "-f", str(folder), "-e", f"/dial sip:{HOTLINE}@{host}:{port}",
        env=toolbox.environment(), stdin=DEVNULL, stdout=PIPE, stderr=STDOUT,
    )  # fmt: skip
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def test_baresip_is_put_through_to_an_agent(stage: Stage, baresip: Toolbox, tmp_path: Path) -> None:
    await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    async with phoning(baresip, stage, tmp_path):
        view = await hand.until(connected, "baresip talking to the agent", 30)
        assert view.call is not None
        assert view.call.masked_number == "138****0008"
    await stage.free(hand)
