"""`hotline measures` as a person or a program meets it."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ivr.cli import app
from tests.unit.calls.test_queue_log import BEGAN, abandoned, answered


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "queue_log"
    lines = [*answered("1", 5), *answered("2", 25), *abandoned("3", 3), *answered("4", 15, BEGAN + 3600, "other")]
    path.write_text("\n".join([*lines, "rotten"]) + "\n")
    return path


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["measures", *words])
    return done.exit_code, done.stdout, done.stderr


def document(*words: str) -> dict[str, Any]:
    status, out, err = run(*words, "--json")
    assert status == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_queue_log_as_json(log: Path) -> None:
    found = document("--queue-log", str(log), "--threshold", "20")
    assert (found["offered"], found["answered"], found["abandoned"]) == (4, 3, 1)
    assert found["threshold_s"] == 20
    assert found["service_level"]["strict"]["value"] == 0.5
    assert found["service_level"]["answered_only"]["numerator"] == 2
    assert found["fifteen_second_rate"] == {
        "value": 0.5,
        "numerator": 2,
        "denominator": 4,
        "exclusions": {"undecided": 0, "left before the queue": 0, "unanswered": 0},
        "definition": "answered within 15 s / (answered + unanswered)",
        "unit": "fraction",
    }
    assert found["abandonment"]["value"] == 0
    assert found["problems"] == [
        {"file": str(log), "line": 12, "kind": "rotten", "reason": "has 1 of at least 5 fields"}
    ]
    assert set(found["queues"]) == {"q", "other"}


def test_a_period_and_packed_files(log: Path, tmp_path: Path) -> None:
    packed = tmp_path / "queue_log.1.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    log.write_text("")
    found = document("--queue-log", str(log), "--queue-log", str(packed), "--from", str(BEGAN + 1))
    assert (found["offered"], list(found["queues"])) == (1, ["other"])


def test_figures_for_people(log: Path) -> None:
    status, out, _ = run("--queue-log", str(log), "--threshold", "20")
    assert status == 0
    assert "service level 3 strict: 2/4 = 50.00%" in out
    assert f"{log}:12: rotten" in out


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        (["--queue-log", "nowhere"], "give a readable queue_log"),
        (["--queue-log", "LOG", "--threshold", "-1"], "give 0 to 86400 seconds"),
        (["--queue-log", "LOG", "--from", "yesterday"], "give ISO 8601"),
        (["--queue-log", "LOG", "--zone", "Mars/Base"], "give one like Asia/Shanghai"),
    ],
)
def test_what_can_be_mended_is_said(log: Path, words: list[str], mend: str) -> None:
    status, _, err = run(*[str(log) if word == "LOG" else word for word in words])
    assert status == 2
    assert mend in err


def test_cut_gzip_is_named(tmp_path: Path) -> None:
    cut = tmp_path / "queue_log.gz"
    cut.write_bytes(gzip.compress(b"x" * 1000)[:20])
    status, _, err = run("--queue-log", str(cut))
    assert status == 2
    assert str(cut) in err
