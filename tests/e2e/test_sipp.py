"""An independent SIP stack phones us and is phoned: SIPp, from Debian, as citizen and as the agent's phone."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest

from asterisk_conf.tools import Toolbox, install_tools
from ivr.demo.sip.received import Answer
from tests.asterisk_prefix import PREFIX
from tests.e2e.stage import HOTLINE, Stage
from tests.e2e.test_line import connected

pytestmark = pytest.mark.e2e

SCENARIOS = Path(__file__).parent / "sipp"


@pytest.fixture(scope="session")
def toolbox() -> Toolbox:
    return install_tools(["sip-tester", "baresip-core"], PREFIX.with_name("tools"))


async def sipp(toolbox: Toolbox, stage: Stage, scenario: str, folder: Path, *keys: str) -> tuple[int, str]:
    """One call of a scenario; SIPp's exit status (0: every step as written) and what it said when it failed."""
    host, port = stage.sip
    (folder / "silence.al").write_bytes(b"\xd5" * 8000)  # a second of A-law silence, played over and over
    process = await asyncio.create_subprocess_exec(
        toolbox.path("sipp"), f"{host}:{port}", "-sf", str(SCENARIOS / scenario), "-s", HOTLINE, "-m", "1",
        "-i", "127.0.0.1", "-mi", "127.0.0.1", "-nostdin", "-trace_err", "-timeout", "40s", "-timeout_error", *keys,
        env=toolbox.environment() | {"TERM": "dumb"}, cwd=folder, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    return process.returncode or 0, said.decode(errors="replace")


async def test_sipp_is_put_through_to_an_agent(stage: Stage, toolbox: Toolbox, tmp_path: Path) -> None:
    phone = await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    running = asyncio.create_task(sipp(toolbox, stage, "citizen.xml", tmp_path), name="sipp")
    view = await hand.until(connected, "SIPp talking to the agent", 30)
    assert view.call is not None
    assert view.call.masked_number == "138****0009"
    await (await phone.next_call()).answered()
    status, said = await running
    assert status == 0, said
    await stage.free(hand)


async def test_sipp_hangs_up_while_it_waits(stage: Stage, toolbox: Toolbox, tmp_path: Path) -> None:
    status, said = await sipp(toolbox, stage, "impatient.xml", tmp_path)
    assert status == 0, said
