"""The import contracts of pyproject.toml hold, and would be seen to break."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("ivr", "asr", "ticketing", "agent_console", "asterisk_conf")
ROOM = 500  # lines; past it a file is two nouns


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy_of_the_source(tmp_path: Path) -> Path:
    for package in PACKAGES:
        ignore = shutil.ignore_patterns("__pycache__", "embedded", "sites", "sounds", "training")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_point_one_way() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("asr/transcript.py", "import ticketing.views", "strangers"),
        ("agent_console/smuggled.py", "import ivr.switchboard", "by its wire"),
        ("ivr/calls/vocabulary.py", "import asyncio", "decisions are pure"),
        ("ticketing/vocabulary.py", "import ticketing.service", "inside ticketing"),
        ("ivr/ports.py", "import ivr.bootstrap", "inside ivr"),
    ],
)
def test_a_broken_contract_is_caught(copy_of_the_source: Path, file: str, line: str, contract: str) -> None:
    with (copy_of_the_source / file).open("a") as source:
        source.write(f"\n{line}\n")
    result = lint_imports(copy_of_the_source)
    assert result.returncode != 0
    broken = [row for row in result.stdout.splitlines() if row.endswith("BROKEN")]
    assert any(contract in row for row in broken), result.stdout


def test_every_init_is_empty() -> None:
    assert [p for package in PACKAGES for p in (ROOT / package).rglob("__init__.py") if p.stat().st_size] == []


def test_no_file_outgrows_its_noun() -> None:
    sources = [p for package in PACKAGES for p in (ROOT / package).rglob("*.py")]
    too_long = {str(p.relative_to(ROOT)): n for p in sources if (n := len(p.read_text().splitlines())) > ROOM}
    assert too_long == {}
