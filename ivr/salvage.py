"""Takes in what citizens left while the server was away: into the callback queue, the figures and the recordings.

Each exactly once, wherever it is interrupted: the database first, in one transaction that knows the call; then the
message goes to the recordings; then the files go. A crash in between leaves files of a call that is known already.
"""

import asyncio
import logging
import wave
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from asterisk_conf.layout import Layout
from ivr.calls.events import AnyEvent, CallArrived, GivenBack, Recorded
from ivr.calls.vocabulary import LegId
from ivr.event_log import record_of
from ivr.ports import Clock
from ivr.spool import Left, Spool
from ticketing.callbacks import Callbacks
from ticketing.database import Database
from ticketing.errors import DatabaseUnavailable
from ticketing.records import RecordingRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, Medium, RecordingKind

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
_MESSAGE = "-message.wav"


class Salvage:
    """The spool's reader. `run` is its task; `dialled` is the hotline's number.

    `first` is waited for before a call is taken in: the event log, which knows the calls the server itself gave back.
    """

    def __init__(
        self,
        database: Database,
        callbacks: Callbacks,
        clock: Clock,
        layout: Layout,
        recordings: Path,
        dialled: str,
        first: Callable[[], Awaitable[object]],
    ) -> None:
        self._first = first
        self._database = database
        self._callbacks = callbacks
        self._clock = clock
        self._pid_file = layout.run / "asterisk.pid"
        self._spool = Spool(layout.fallback_spool)
        self._recordings = recordings
        self._dialled = dialled

    async def run(self) -> None:
        """Take in whatever comes, for ever."""
        while True:
            try:
                await self.take_in()
            except DatabaseUnavailable as why:
                _log.warning("what the fallback took waits: %s", why)
            except OSError as why:
                _log.error("the fallback's spool cannot be read: %s", why.strerror)
            await asyncio.sleep(LOOK_EVERY_S)

    async def take_in(self) -> int:
        """Take in what is ready; how many calls. Raises `DatabaseUnavailable` and OSError; what is left stays."""
        ready = await asyncio.to_thread(lambda: self._spool.ready(self._booted_at()))
        if ready:
            await self._first()
        for left in ready:
            await self._take(left)
        return len(ready)

    async def _take(self, left: Left) -> None:
        message = await asyncio.to_thread(self._describe, left)
        async with UnitOfWork(self._database) as unit:
            if await unit.spooled.take(left.call, self._clock.now()):
                await self._keep(unit, left, message)
        if message is not None and left.message is not None:
            await asyncio.to_thread(left.message.replace, self._recordings / message.path)
        await asyncio.to_thread(self._spool.remove, left.call)
        _log.info("call %s was taken by the fallback: %s", left.call, "to be called back" if left.number else "noted")

    async def _keep(self, unit: UnitOfWork, left: Left, message: RecordingRecord | None) -> None:
        contact = ContactId(left.call)
        await unit.contacts.open(
            contact,
            arrived_at=left.at,
            caller_number=left.caller_number,
            dialled=self._dialled,
            medium=Medium.PHONE,
        )
        if not await unit.call_events.of_contact(contact):
            await unit.call_events.append([record_of(recorded) for recorded in self._events(left)])
        await unit.contacts.ended(contact, at=left.at)
        await self._callbacks.left(unit, contact, left.number)
        if message is not None:
            await unit.transcripts.add_recording(contact, message)

    def _events(self, left: Left) -> list[Recorded]:
        """A call no server saw, as the figures count it: it arrived and nobody was there."""
        leg = LegId(left.call)
        events: list[AnyEvent] = [
            CallArrived(leg=leg, caller_number=None, dialled=self._dialled),
            GivenBack(leg=leg),
        ]
        return [
            Recorded(call=left.call, seq=seq, at=left.at, offset_ms=0, event=event) for seq, event in enumerate(events)
        ]

    def _describe(self, left: Left) -> RecordingRecord | None:
        """The message as a recording; None where nothing can be heard. It may have been moved already."""
        for path in (left.message, self._recordings / f"{left.call}{_MESSAGE}"):
            if path is not None and (ms := _length_ms(path)):
                size = path.stat().st_size
                name = f"{left.call}{_MESSAGE}"
                return RecordingRecord(kind=RecordingKind.MESSAGE, path=name, ms=ms, bytes=size, offset_ms=0)
        return None

    def _booted_at(self) -> datetime | None:
        """Since when the Asterisk that runs has run: it writes its pid file as it starts."""
        try:
            return datetime.fromtimestamp(self._pid_file.stat().st_mtime, UTC)
        except FileNotFoundError:
            return None


def _length_ms(path: Path) -> int:
    try:
        with wave.open(str(path), "rb") as sound:
            return sound.getnframes() * 1000 // sound.getframerate()
    except (FileNotFoundError, EOFError, wave.Error):
        return 0
