"""`hotline asr transcribe` as an operator types it, for files and for a call of the hotline."""

import asyncio
import getpass
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from typer.testing import CliRunner, Result

from asr.transcribe import Transcript
from ivr.cli import app
from ivr.settings import load_settings
from ticketing import schema
from ticketing.database import open_database
from ticketing.records import RecordingRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, Medium, RecordingKind

CALL = "0c7a4f6e-call"
SOUNDS = Path(__file__).parents[2] / "ivr" / "demo" / "sounds"
CITIZEN, AGENT = SOUNDS / "citizen-5.wav", SOUNDS / "agent-6.wav"
_T = TypeVar("_T")


def hotline(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["asr", "transcribe", *words, "--home", str(home)])


def with_unit(home: Path, work: Callable[[UnitOfWork], Awaitable[_T]]) -> _T:
    async def main() -> _T:
        url = load_settings(home, {}).database_url
        await schema.upgrade(url)
        async with open_database(url) as database, UnitOfWork(database) as unit:
            return await work(unit)

    return asyncio.run(main())


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """An instance that has recorded one call."""
    folder = tmp_path / "recordings"
    folder.mkdir()

    async def keep(unit: UnitOfWork) -> None:
        now = datetime.now(UTC)
        await unit.contacts.open(
            ContactId(CALL), arrived_at=now, caller_number=None, dialled="12345", medium=Medium.PHONE
        )
        for kind, sound in ((RecordingKind.AGENT, AGENT), (RecordingKind.CITIZEN, CITIZEN)):
            path = shutil.copyfile(sound, folder / f"{CALL}-{kind}.wav")
            record = RecordingRecord(kind=kind, path=path.name, ms=1000, bytes=path.stat().st_size, offset_ms=0)
            await unit.transcripts.add_recording(ContactId(CALL), record)

    with_unit(tmp_path, keep)
    return tmp_path


def test_a_call_is_transcribed_and_who_listened_is_kept(instance: Path) -> None:
    done = hotline(instance, CALL, "--json")
    assert done.exit_code == 0, done.stderr
    segments = msgspec.json.decode(done.stdout, type=Transcript).segments
    said = {speaker: "".join(s.text for s in segments if s.speaker == speaker) for speaker in ("citizen", "agent")}
    assert "希望尽快处理" in said["citizen"]
    assert "感谢来电" in said["agent"]
    assert [s.start_ms for s in segments] == sorted(s.start_ms for s in segments)
    (kept,) = with_unit(instance, lambda unit: unit.audits.of_subject("contact", CALL))
    assert kept.action == "transcribe_recording"
    assert kept.actor == f"{getpass.getuser()}@console"


def test_a_call_whose_recordings_are_gone_is_said_so_and_nobody_listened(instance: Path) -> None:
    (instance / "recordings" / f"{CALL}-agent.wav").unlink()
    for name in (CALL, "another-call"):
        refused = hotline(instance, name)
        assert (refused.exit_code, f"{name}: neither a file nor a call" in refused.stderr) == (2, True)
    assert with_unit(instance, lambda unit: unit.audits.of_subject("contact", CALL)) == ()


def test_files_need_no_instance_and_leave_no_trace(tmp_path: Path) -> None:
    done = hotline(tmp_path, str(CITIZEN))
    assert done.exit_code == 0, done.stderr
    assert "citizen  希望尽快处理" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_too_many_voices_are_refused(tmp_path: Path) -> None:
    refused = hotline(tmp_path, *[str(CITIZEN)] * 3)
    assert (refused.exit_code, "3 channels for 2 speakers; give one mono file" in refused.stderr) == (2, True)
