"""No hole in a transcript: what was not heard of a conversation is read again from its recording, which still grows.

A gap is first a lost segment, shown and kept like any other, so nothing is silently missing; when its stretch has been
read its words take its place. Gaps come from an overloaded or dead recogniser, from a tap that fell silent, and from a
server that died: what the dead one had not kept is looked up in the database when the call is taken over.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from asr.ear import Writer
from asr.engine import Engine
from asr.errors import AsrError, RecordingUnreadable
from asr.recording import open_recording
from asr.transcribe import reread
from asr.transcript import Segment, Speaker
from ivr.calls.events import Recorded
from ivr.calls.roster import Seat
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.calls.vocabulary import CallId, Party
from ivr.speech import SLACK_MS, recording_of
from ivr.tasks import Tasks
from ticketing.errors import DatabaseUnavailable

_Answer = TypeVar("_Answer")
_log = logging.getLogger(__name__)

MOST = 1_000
"""Gaps read or waited for at once; a further one stays lost until the server starts again."""
LOOK_EVERY_S = 0.25
QUIET_EVERY_S = 1.0
STILL_S = 6.0
"""A recording that has not grown for this long, of a call that is no more, is whole."""
RETRY_S = (5.0, 30.0, 120.0, 600.0)
"""Pauses before a gap is tried again when recognition failed."""
DATABASE_S = 2.0


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a call: when its last conversation began (ms since arrival) and what was said in all."""

    joined_ms: int | None
    segments: tuple[Segment, ...]


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """A gap an earlier server left."""

    call: CallId
    gap: Segment


class GapReader:
    """Fills gaps. A watcher of the switchboard, and what the ear tells its gaps to.

    `said` and `filled` are the intake's. `past` and `unread` read the database. `live` says whether a call stands.
    Reading, in `executor`, waits while `busy`: the living are heard first.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        write: Writer,
        recordings: Path,
        said: Callable[[CallId, Segment], None],
        filled: Callable[[CallId, Segment, tuple[Segment, ...]], None],
        past: Callable[[CallId], Awaitable[Past]],
        unread: Callable[[], Awaitable[tuple[Unread, ...]]],
        live: Callable[[CallId], bool],
        busy: Callable[[], bool],
        executor: Executor,
        tasks: Tasks,
    ) -> None:
        self._engine = engine
        self._write = write
        self._recordings = recordings
        self._said = said
        self._filled = filled
        self._past = past
        self._unread = unread
        self._live = live
        self._busy = busy
        self._executor = executor
        self._tasks = tasks
        self._turn = asyncio.Semaphore(1)
        self._begun: set[tuple[CallId, Party]] = set()
        self._reading: set[asyncio.Task[None]] = set()

    @property
    def unfilled(self) -> int:
        """Gaps that are being read or waited for."""
        return len(self._reading)

    # ---- told by the ear

    def begins(self, call: CallId, party: Party, began_ms: int) -> None:
        """See `speech.Gaps`: an earlier server may have left a gap before this."""
        if (call, party) not in self._begun:
            self._begun.add((call, party))
            self._start(call, party, self._look_back(call, party, began_ms))

    def missed(self, call: CallId, party: Party, start_ms: int, end_ms: int) -> None:
        """See `speech.Gaps`."""
        gap = _gap(party, start_ms, end_ms)
        self._said(call, gap)
        self._start(call, party, self._read(call, gap))

    def lost(self, call: CallId, gap: Segment) -> None:
        """The pipeline told a lost segment, which is shown and kept already."""
        self._start(call, Party(gap.speaker), self._read(call, gap))

    # ---- told by the switchboard

    def call_changed(self, call: CallSeen) -> None:
        """See `watchers.Watcher`: a conversation that ended while no server lived is read to its end."""
        for party in Party:
            if call.answered_at is not None and call.ended_at is not None:
                self.begins(call.call, party, round((call.ended_at - call.arrived_at).total_seconds() * 1000))
            if call.over:
                self._begun.discard((call.call, party))

    def agent_changed(self, seat: Seat) -> None:
        """See `watchers.Watcher`; no concern of gaps."""

    def queue_changed(self, queue: QueueSeen) -> None:
        """See `watchers.Watcher`; no concern of gaps."""

    def recorded(self, record: Recorded) -> None:
        """See `watchers.Watcher`; no concern of gaps."""

    def link_changed(self, *, up: bool) -> None:
        """See `watchers.Watcher`; no concern of gaps."""

    # ---- reading

    async def run(self) -> None:
        """Take up what an earlier server left unread; the rest is told."""
        for each in await self._patiently(self._unread):
            self.lost(each.call, each.gap)

    def _start(self, call: CallId, party: Party, work: Coroutine[Any, Any, None]) -> None:
        if len(self._reading) >= MOST:
            work.close()
            _log.error("call %s: a gap of the %s stays lost, %d are being read", call, party.value, MOST)
            return
        task = self._tasks.start(f"gap {call} {party.value}", self._guarded(call, work))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _guarded(self, call: CallId, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:  # a gap that cannot be read stays marked lost; nothing else may suffer for it
            _log.error("call %s: a gap could not be read: %s", call, type(error).__name__)

    async def _look_back(self, call: CallId, party: Party, until_ms: int) -> None:
        past = await self._patiently(lambda: self._past(call))
        if past.joined_ms is None:
            return
        speaker = Speaker(party)
        ends = [segment.end_ms for segment in past.segments if segment.speaker is speaker and segment.end_ms < until_ms]
        start_ms = max([past.joined_ms, *ends])
        if until_ms - start_ms > SLACK_MS:
            gap = _gap(party, start_ms, until_ms)
            self._said(call, gap)
            await self._read(call, gap)

    async def _read(self, call: CallId, gap: Segment) -> None:
        path = recording_of(self._recordings, call, Party(gap.speaker))
        for pause_s in (*RETRY_S, None):
            if not await self._recorded(call, path, gap.end_ms):
                _log.error("call %s: no recording holds what was lost of the %s", call, gap.speaker.value)
                return
            async with self._turn:
                await self._quiet()
                found = await self._heard_again(gap, path)
            if found is not None:
                self._filled(call, gap, tuple(found))
                return
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        _log.error("call %s: what was lost of the %s cannot be recognised", call, gap.speaker.value)

    async def _quiet(self) -> None:
        """Wait until the living are heard in time."""
        while self._busy():  # noqa: ASYNC110 - a measure, not an event
            await asyncio.sleep(QUIET_EVERY_S)

    async def _heard_again(self, gap: Segment, path: Path) -> list[Segment] | None:
        """What was said in a gap; None when recognition failed in it once more."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._executor, lambda: reread(self._engine, gap, path, began_ms=0, write=self._write)
            )
        except AsrError as error:
            _log.warning("a gap was not read: %s", error)
            return None
        return None if any(segment.lost for segment in found) else found

    async def _recorded(self, call: CallId, path: Path, until_ms: int) -> bool:
        """Wait until the recording reaches that far or grows no more; whether there is one."""
        loop = asyncio.get_running_loop()
        seen_ms, grown_at = None, loop.time()
        while True:
            there_ms = await asyncio.to_thread(_length_ms, path)
            if there_ms is not None and there_ms >= until_ms:
                return True
            if there_ms != seen_ms:
                seen_ms, grown_at = there_ms, loop.time()
            elif loop.time() - grown_at > STILL_S and not self._live(call):
                return there_ms is not None
            await asyncio.sleep(LOOK_EVERY_S)

    async def _patiently(self, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        while True:
            try:
                return await ask()
            except DatabaseUnavailable:
                await asyncio.sleep(DATABASE_S)


def _gap(party: Party, start_ms: int, end_ms: int) -> Segment:
    return Segment(
        id=f"{party.value}-gap-{start_ms}",
        speaker=Speaker(party),
        start_ms=start_ms,
        end_ms=end_ms,
        text="",
        spoken="",
        lost=True,
    )


def _length_ms(path: Path) -> int | None:
    try:
        recording = open_recording(path)
    except RecordingUnreadable:
        return None
    return recording.frames * 1000 // recording.sample_rate
