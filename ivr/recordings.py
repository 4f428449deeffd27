"""A call's recordings, tied to it once Asterisk has closed the files."""

import asyncio
import logging
import wave
from datetime import timedelta
from pathlib import Path

from ivr.calls.dialling import BACK
from ivr.calls.events import Recorded
from ivr.calls.roster import Seat
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.calls.vocabulary import Direction
from ivr.keeper import Keeper
from ivr.tasks import Tasks
from ticketing.records import RecordingRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, RecordingKind

_log = logging.getLogger(__name__)

SUFFIXES = {
    RecordingKind.MIX: ".wav",
    RecordingKind.CITIZEN: "-citizen.wav",
    RecordingKind.AGENT: "-agent.wav",
}
CLOSED_WITHIN_S = 5.0
LOOK_EVERY_S = 0.1
HEADER_BYTES = 44
MISSING_MS = 5_000
"""How much shorter than its call a recording may be before somebody is told."""


class RecordingKeeper:
    """Watches calls end and ties their files to them. A watcher of the switchboard."""

    def __init__(self, folder: Path, keeper: Keeper, tasks: Tasks) -> None:
        self._folder = folder
        self._keeper = keeper
        self._tasks = tasks
        self._tying: set[asyncio.Task[None]] = set()

    def call_changed(self, call: CallSeen) -> None:
        """See `watchers.Watcher`."""
        if call.over and _is_recorded(call):
            task = self._tasks.start(f"recordings {call.call}", self._tie(call))
            self._tying.add(task)
            task.add_done_callback(self._tying.discard)

    async def settled(self) -> None:
        """Wait until the files of every ended call are tied to it: a few seconds at most."""
        if self._tying:
            await asyncio.wait(self._tying)

    def agent_changed(self, seat: Seat) -> None:
        """See `watchers.Watcher`; no concern of recordings."""

    def queue_changed(self, queue: QueueSeen) -> None:
        """See `watchers.Watcher`; no concern of recordings."""

    def recorded(self, record: Recorded) -> None:
        """See `watchers.Watcher`; no concern of recordings."""

    def link_changed(self, *, up: bool) -> None:
        """See `watchers.Watcher`; no concern of recordings."""

    async def _tie(self, call: CallSeen) -> None:
        lasted = (call.ended_at or call.arrived_at) - call.arrived_at
        found = await closed_recordings(self._folder, call.call, lasted // timedelta(milliseconds=1))
        back = f"{call.call}{BACK}"
        if call.answered_at is not None and (self._folder / f"{back}.wav").exists():
            offset_ms = (call.answered_at - call.arrived_at) // timedelta(milliseconds=1)
            found += await closed_recordings(self._folder, back, 0, offset_ms)
        contact = ContactId(call.call)

        async def keep(unit: UnitOfWork) -> None:
            for recording in found:
                await unit.transcripts.add_recording(contact, recording)

        self._keeper.keep("recordings", keep)


def _is_recorded(call: CallSeen) -> bool:
    """Calls of our own are recorded from a citizen's answer on, those within the house never."""
    return call.direction is Direction.INBOUND or (
        call.direction is Direction.OUTBOUND and call.answered_at is not None
    )


async def closed_recordings(folder: Path, call: str, lasted_ms: int, offset_ms: int = 0) -> list[RecordingRecord]:
    """The call's files once they are whole. Asterisk writes a file's length only when it closes it: that is waited for.

    A file that stays open, is not there, or is clearly shorter than the call, which lasted `lasted_ms`, is logged and
    taken as it is or left out. Files begin with the call unless `offset_ms` says when they do on its axis.
    """
    found: list[RecordingRecord] = []
    for kind, suffix in SUFFIXES.items():
        path = folder / f"{call}{suffix}"
        seen = await _closed(path)
        if seen is None:
            _log.error("call %s has no recording of the %s; is the disk full?", call, kind)
            continue
        ms, whole, size = seen
        if not whole:
            _log.error("recording of the %s of call %s was not closed; taken as it is", kind, call)
        elif lasted_ms - ms > MISSING_MS:
            short = (lasted_ms - ms) // 1000
            _log.error("recording of the %s of call %s lacks %d s; is the disk full?", kind, call, short)
        found.append(RecordingRecord(kind=kind, path=path.name, ms=ms, bytes=size, offset_ms=offset_ms))
    return found


async def _closed(path: Path) -> tuple[int, bool, int] | None:
    deadline = asyncio.get_running_loop().time() + CLOSED_WITHIN_S
    while True:
        seen = await asyncio.to_thread(_look, path)
        if (seen is not None and seen[1]) or asyncio.get_running_loop().time() > deadline:
            return seen
        await asyncio.sleep(LOOK_EVERY_S)


def _look(path: Path) -> tuple[int, bool, int] | None:
    """Length in ms, whether the file is closed, and its bytes; None where there is nothing to hear."""
    try:
        size = path.stat().st_size
        with wave.open(str(path), "rb") as sound:
            rate, frame = sound.getframerate(), sound.getsampwidth() * sound.getnchannels()
            told = sound.getnframes()
    except (FileNotFoundError, EOFError, wave.Error):
        return None
    there = max(0, size - HEADER_BYTES) // frame
    return there * 1000 // rate, told == there and there > 0, size
