"""Recordings: found, read along and listened to. Pure; part of the console protocol.

Nothing is heard without a reason: who listened to what, when, how and why stands in the audit.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeAlias

import msgspec

from asr.transcript import Segment
from ivr.desk.envelope import FromDesk, FromServer
from ticketing.vocabulary import RecordingKind

Why = Annotated[str, msgspec.Meta(min_length=2, max_length=200)]
PAGE = 50


class PlaybackStep(StrEnum):
    """What one does to a playback on one's phone."""

    PAUSE = "pause"
    RESUME = "resume"
    SEEK = "seek"
    STOP = "stop"


class RecordingCard(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded call. The number is masked; `said` is the first line in which the words looked for were said."""

    call: str
    arrived_at: datetime
    ms: int
    agent: str | None
    masked_number: str
    tickets: tuple[str, ...] = ()
    said: str = ""
    said_at_ms: int | None = None
    rating: int | None = None


# ---- from the desk


class FindRecordings(FromDesk, frozen=True, kw_only=True):
    """What is empty does not matter. `number` is whole: numbers are sealed. `words` must all be said in one line.

    Newest first, `PAGE` at a time; `before` is the last `RecordingCard.arrived_at` of the page before.
    """

    since: datetime | None = None
    until: datetime | None = None
    agent: str = ""
    number: str = ""
    ticket: str = ""
    words: str = ""
    before: datetime | None = None


class OpenRecording(FromDesk, frozen=True, kw_only=True):
    """Read along, and a link to the sound; answered by `RecordingOpened`."""

    call: str
    why: Why


class PlayOnPhone(FromDesk, frozen=True, kw_only=True):
    """Listen on the asker's own phone, which rings; answered by `Done` when it is answered.

    Asking again while the phone is up plays another place or call.
    """

    call: str
    why: Why
    kind: RecordingKind = RecordingKind.MIX
    from_ms: int = 0


class StepPlayback(FromDesk, frozen=True, kw_only=True):
    """Pause, go on, go to `at_ms`, or stop and put the phone down."""

    step: PlaybackStep
    at_ms: int = 0


RecordingsRequest: TypeAlias = FindRecordings | OpenRecording | PlayOnPhone | StepPlayback


# ---- from the server


class RecordingsFound(FromServer, frozen=True, kw_only=True):
    """Answer to `FindRecordings`."""

    request: int
    found: tuple[RecordingCard, ...]
    more: bool


class RecordingOpened(FromServer, frozen=True, kw_only=True):
    """Answer to `OpenRecording`. Times of `segments` and of the sound are both ms since arrival.

    `links` are paths below the server's own address, by kind, to be fetched by HTTP with ranges (RFC 9110 14) until
    `until`. `peaks` are the loudest samples (0..1) of 400 equal parts of the mixed sound, for a waveform line.
    """

    request: int
    card: RecordingCard
    segments: tuple[Segment, ...]
    links: dict[RecordingKind, str]
    until: datetime
    peaks: tuple[float, ...]


RecordingsAnswer: TypeAlias = RecordingsFound | RecordingOpened
