"""`hotline demo --json` from beginning to end, as a newcomer would run it: nothing on the way is faked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ivr.demo.story import load_story
from tests.asterisk_prefix import PREFIX
from tests.e2e.stage import Home

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_the_demonstration_really_happens(tmp_path_factory: pytest.TempPathFactory, home: Home) -> None:
    folder = tmp_path_factory.mktemp("d")
    (folder / "cache").symlink_to(home.settings().cache)  # the classifier need not be trained twice
    run = subprocess.run(
        [sys.executable, "-m", "ivr", "demo", "--json", "--home", str(folder)],
        env={**os.environ, "HOTLINE_ASTERISK_PREFIX": str(PREFIX)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    *steps, result = [json.loads(line) for line in run.stdout.splitlines()]
    assert [step["step"] for step in steps if step["step"] != "setup"][-3:] == [
        "citizen_hangs_up",
        "dispatched",
        "stopped",
    ]
    submitted = next(step for step in steps if step["step"] == "submitted")
    assert submitted["still_talking"]
    call, transcript = result["call"], result["transcript"]
    order = ("arrived_at", "picked_up_at", "queued_at", "offered_at", "answered_at", "ended_at")
    assert [call[name] for name in order] == sorted(call[name] for name in order)
    assert 0 < call["wait_ms"] < 15_000
    spoken = {who: "".join(s["text"] for s in transcript if s["speaker"] == who) for who in ("citizen", "agent")}
    for word in ("光明小区", "暖气不热", "15度", "03590000124"):
        assert word in spoken["citizen"]
        assert word not in spoken["agent"]
    assert "感谢来电" in spoken["agent"]
    assert len(transcript) >= len(load_story().lines) - 2
    assert result["draft"]["fields"]["category"]["value"] == "040101"
    assert result["draft"]["fields"]["title"]["mine"]
    ticket = result["ticket"]
    assert (len(ticket["reference"]), ticket["lead_agency_id"]) == (10, "e-heat")
    assert ticket["dispatched_at"] < ticket["due_at"]
    delivered = next(Path(file) for file in ticket["delivered"] if Path(file).parent.name == "e-heat")
    assert json.loads(delivered.read_text())["reference"] == ticket["reference"]
    assert result["recording"]["seconds"] * 1000 > call["talk_ms"]
    assert result["measures"]["answered"] == result["measures"]["offered"] == 1
