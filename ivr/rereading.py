"""What was said while nobody listened, read from the recording: a restarted server leaves no hole in a transcript.

MixMonitor writes each party's file inside Asterisk whatever the server does, in pieces of 32 KiB. When a tap begins
again in the same conversation, the stretch since the last words known is read from there.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path

from asr.engine import Engine
from asr.errors import RecordingUnreadable
from asr.recording import open_recording
from asr.transcribe import transcribe
from asr.transcript import Segment, Speaker
from ivr.calls.events import AgentReserved, LegsJoined, MediaForked, Recorded
from ivr.calls.roster import Seat
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.calls.vocabulary import CallId, Party
from ivr.event_log import recorded_of
from ivr.tasks import Tasks
from ticketing.database import Database
from ticketing.errors import DatabaseUnavailable
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId

_log = logging.getLogger(__name__)

LEAST_MS = 300
"""A shorter gap holds no word."""
WRITTEN_WITHIN_S = 8.0
LOOK_EVERY_S = 0.25


class Rereader:
    """A watcher of the switchboard. `hear` takes the segments, whose ids are those of a recording's."""

    def __init__(
        self,
        engine: Engine,
        write: Callable[[str], str],
        folder: Path,
        database: Database,
        executor: Executor,
        tasks: Tasks,
        hear: Callable[[CallId, Segment], None],
    ) -> None:
        self._engine = engine
        self._write = write
        self._folder = folder
        self._database = database
        self._executor = executor
        self._tasks = tasks
        self._hear = hear
        self._one_at_a_time = asyncio.Semaphore(1)  # live words have the cores first

    def recorded(self, record: Recorded) -> None:
        """See `watchers.Watcher`."""
        if isinstance(record.event, MediaForked) and record.seq:
            self._tasks.start(f"reread {record.call}", self._fill(record, record.event.party))

    def call_changed(self, call: CallSeen) -> None:
        """See `watchers.Watcher`; no concern of rereading."""

    def agent_changed(self, seat: Seat) -> None:
        """See `watchers.Watcher`; no concern of rereading."""

    def queue_changed(self, queue: QueueSeen) -> None:
        """See `watchers.Watcher`; no concern of rereading."""

    def link_changed(self, *, up: bool) -> None:
        """See `watchers.Watcher`; no concern of rereading."""

    async def _fill(self, fork: Recorded, party: Party) -> None:
        contact = ContactId(fork.call)
        try:
            async with UnitOfWork(self._database, reads=True) as unit:
                log = [recorded_of(record) for record in await unit.call_events.of_contact(contact)]
                said = await unit.transcripts.segments(contact)
        except DatabaseUnavailable as why:
            _log.warning("call %s: nothing is read from its recording: %s", fork.call, why)
            return
        earlier = listened_since(log, fork, party)
        if earlier is None:
            return
        heard = [one.end_ms for one in said if one.speaker.value == party.value and one.end_ms <= fork.offset_ms]
        start = max([earlier, *heard])
        if fork.offset_ms - start < LEAST_MS:
            return
        async with self._one_at_a_time:
            await self._read(fork.call, party, start, fork.offset_ms)

    async def _read(self, call: CallId, party: Party, from_ms: int, to_ms: int) -> None:
        path = self._folder / f"{call}-{party.value}.wav"
        loop = asyncio.get_running_loop()
        try:
            if not await self._written(path, to_ms):
                _log.warning("call %s: the recording of the %s lacks what was to be read", call, party.value)
            segments = await loop.run_in_executor(
                self._executor,
                lambda: transcribe(
                    self._engine, [path], speakers=(Speaker(party),), from_ms=from_ms, to_ms=to_ms, write=self._write
                ),
            )
        except RecordingUnreadable as why:
            _log.error("call %s: %s", call, why)
            return
        _log.info("call %s: %d ms of the %s read from the recording", call, to_ms - from_ms, party.value)
        for segment in segments:
            self._hear(call, segment)

    async def _written(self, path: Path, to_ms: int) -> bool:
        """Wait until the file reaches so far; Asterisk flushes it every two seconds or so."""
        deadline = asyncio.get_running_loop().time() + WRITTEN_WITHIN_S
        while asyncio.get_running_loop().time() < deadline:
            recording = await asyncio.to_thread(open_recording, path)
            if recording.frames * 1000 // recording.sample_rate >= to_ms:
                return True
            await asyncio.sleep(LOOK_EVERY_S)
        return False


def listened_since(log: Sequence[Recorded], fork: Recorded, party: Party) -> int | None:
    """When the same conversation's earlier tap of that party began, in ms; None where this is its first."""
    for record in sorted(log, key=lambda record: record.seq, reverse=True):
        if record.seq >= fork.seq:
            continue
        if isinstance(record.event, LegsJoined | AgentReserved):
            return None
        if isinstance(record.event, MediaForked) and record.event.party is party:
            return record.offset_ms
    return None
