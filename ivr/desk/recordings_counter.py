"""Recordings at the desks: searched, read along, heard by link or on one's own phone. Every hearing is in the audit."""

import asyncio
import logging
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import msgspec
import numpy as np

from asr.transcript import Segment
from ivr.calls.vocabulary import AgentId, CallId, PlaybackId
from ivr.desk.envelope import Done, FromDesk, FromServer
from ivr.desk.recordings_web import GOOD_FOR, RecordingsWeb
from ivr.desk.refusal import Refusal
from ivr.desk.staff import Staff
from ivr.desk.wire_recordings import (
    PAGE,
    FindRecordings,
    OpenRecording,
    PlaybackStep,
    PlayOnPhone,
    RecordingCard,
    RecordingOpened,
    RecordingsFound,
    RecordingsRequest,
    StepPlayback,
)
from ivr.lines import Line, Lines
from ivr.ports import Clock, HotlineError, LegGone, Telephony
from ticketing.database import Database
from ticketing.errors import DatabaseUnavailable, UnknownId
from ticketing.masking import mask_number
from ticketing.records import AuditRecord, RecordedCall, RecordingFilter, RecordingRecord, SegmentRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, RecordingKind, Role

_log = logging.getLogger(__name__)

LISTENERS = frozenset({Role.SUPERVISOR, Role.QUALITY, Role.ADMIN})
PEAKS = 400
FULL = 32_768.0


@dataclass
class _Playing:
    line: Line
    path: str
    playback: PlaybackId | None = None


class RecordingDesk:
    """Answers about recordings, whose files are in `folder`."""

    requests: tuple[type[FromDesk], ...] = (FindRecordings, OpenRecording, PlayOnPhone, StepPlayback)

    def __init__(
        self,
        database: Database,
        folder: Path,
        web: RecordingsWeb,
        lines: Lines,
        telephony: Telephony,
        clock: Clock,
    ) -> None:
        self._database = database
        self._folder = folder
        self._web = web
        self._lines = lines
        self._telephony = telephony
        self._clock = clock
        self._playing: dict[AgentId, _Playing] = {}

    async def carry_out(self, staff: Staff, message: RecordingsRequest) -> FromServer:
        """The answer. Raises `Refusal`."""
        if staff.role not in LISTENERS:
            raise Refusal("refused.not_allowed")
        try:
            match message:
                case FindRecordings():
                    return await self._find(message)
                case OpenRecording():
                    return await self._open(staff, message)
                case PlayOnPhone():
                    await self._play(staff, message)
                case StepPlayback():
                    await self._step(staff, message)
                case _:
                    assert_never(message)
        except UnknownId:
            raise Refusal("refused.no_recording") from None
        except DatabaseUnavailable:
            raise Refusal("refused.unavailable") from None
        except LegGone:
            raise Refusal("refused.no_playback") from None
        except Refusal:
            raise
        except HotlineError as why:
            _log.warning("a recording is not played: %s", why)
            raise Refusal("refused.telephony_unavailable") from None
        return Done(request=message.request)

    async def _find(self, message: FindRecordings) -> RecordingsFound:
        wanted = RecordingFilter(
            since=message.since,
            until=message.until,
            before=message.before,
            agent=message.agent,
            number=message.number,
            reference=message.ticket,
            words=tuple(message.words.split()),
        )
        async with UnitOfWork(self._database, reads=True) as unit:
            found = await unit.recordings.find(wanted, PAGE + 1)
        return RecordingsFound(
            request=message.request, found=tuple(_card(call) for call in found[:PAGE]), more=len(found) > PAGE
        )

    async def _open(self, staff: Staff, message: OpenRecording) -> RecordingOpened:
        contact = ContactId(message.call)
        async with UnitOfWork(self._database) as unit:
            call = await unit.recordings.get(contact)
            segments = await unit.transcripts.segments(contact)
            files = await unit.transcripts.recordings(contact)
            await unit.audits.add(self._audit(staff, "open_recording", contact, message.why))
        until = self._clock.now() + GOOD_FOR
        mixed = next((file.path for file in files if file.kind is RecordingKind.MIX), None)
        peaks = await asyncio.to_thread(_peaks, self._folder / mixed) if mixed is not None else ()
        return RecordingOpened(
            request=message.request,
            card=_card(call),
            segments=tuple(_segment(segment) for segment in segments),
            links={file.kind: self._web.link(staff.id, file.path, until) for file in files},
            until=until,
            peaks=peaks,
        )

    async def _play(self, staff: Staff, message: PlayOnPhone) -> None:
        if staff.extension is None:
            raise Refusal("refused.no_phone")
        contact = ContactId(message.call)
        async with UnitOfWork(self._database) as unit:
            file = _of_kind(await unit.transcripts.recordings(contact), message.kind)
            await unit.audits.add(self._audit(staff, "play_recording", contact, message.why))
        line = await self._lines.open(staff.id)
        playing = self._playing.get(staff.id)
        if playing is None or playing.line is not line:
            playing = self._playing[staff.id] = _Playing(line, "")
            line.finished = self._finished(staff.id, line)
        playing.path = str(self._folder / Path(file.path).stem)
        await self._from(playing, message.from_ms)

    def _finished(self, listener: AgentId, line: Line) -> Callable[[PlaybackId], None]:
        def finished(playback: PlaybackId) -> None:
            playing = self._playing.get(listener)
            if playing is not None and playing.line is line and playing.playback == playback:
                playing.playback = None

        return finished

    async def _from(self, playing: _Playing, at_ms: int) -> None:
        if (before := playing.playback) is not None:
            playing.playback = None
            await self._telephony.stop_playing(before)
        line = playing.line
        playback = playing.playback = line.next_playback()
        await self._telephony.play_file(line.id, line.leg, playback, playing.path, max(0, at_ms))

    async def _step(self, staff: Staff, message: StepPlayback) -> None:
        playing = self._playing.get(staff.id)
        if playing is None or self._lines.of(staff.id) is not playing.line:
            self._playing.pop(staff.id, None)
            raise Refusal("refused.no_playback")
        match message.step:
            case PlaybackStep.STOP:
                del self._playing[staff.id]
                await self._lines.close(staff.id)
            case PlaybackStep.SEEK:
                await self._from(playing, message.at_ms)
            case PlaybackStep.PAUSE | PlaybackStep.RESUME:
                if playing.playback is None:
                    raise Refusal("refused.no_playback")
                await self._telephony.pause_playing(playing.playback, message.step is PlaybackStep.PAUSE)
            case _:
                assert_never(message.step)

    def _audit(self, staff: Staff, action: str, contact: ContactId, why: str) -> AuditRecord:
        return AuditRecord(
            at=self._clock.now(),
            actor=staff.id,
            action=action,
            subject_kind="contact",
            subject_id=CallId(contact),
            why=why,
        )


def _of_kind(files: tuple[RecordingRecord, ...], kind: RecordingKind) -> RecordingRecord:
    found = next((file for file in files if file.kind is kind), None)
    if found is None:
        raise Refusal("refused.no_recording")
    return found


def _card(call: RecordedCall) -> RecordingCard:
    return RecordingCard(
        call=call.contact,
        arrived_at=call.arrived_at,
        ms=call.ms,
        agent=call.agent_id,
        masked_number=mask_number(call.caller_number),
        tickets=call.references,
        said=call.said,
        said_at_ms=call.said_at_ms,
        rating=call.rating,
    )


def _segment(record: SegmentRecord) -> Segment:
    return msgspec.convert(msgspec.to_builtins(record), Segment)


def _peaks(path: Path) -> tuple[float, ...]:
    """The loudest sample of each of `PEAKS` equal parts, 0..1; nothing where there is no sound to read."""
    try:
        with wave.open(str(path), "rb") as sound:
            samples = np.abs(np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.float64))
    except (FileNotFoundError, EOFError, wave.Error):
        return ()
    parts = np.array_split(samples, PEAKS)
    return tuple(round(float(part.max(initial=0.0)) / FULL, 3) for part in parts)
