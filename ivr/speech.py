"""The `Ear` port on the speech pipeline: taps of a call's legs become its words, handed to the intake.

A leg is heard by a tap, or from its recording as it grows where the settings say so or no tap can be made. What was
not heard of a conversation is told as a gap, to be read from the recording (see `ivr.gaps`).
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from asr.errors import PipelineFull, RecordingUnreadable, StreamUnknown
from asr.follow import Tail
from asr.media_server import MediaServer
from asr.pipeline import Pipeline
from asr.transcript import Hypothesis, Segment, Speaker
from ivr.calls.vocabulary import CallId, Party, Skill
from ivr.ports import RecogniserUnavailable

_log = logging.getLogger(__name__)

Heard = Callable[[CallId, Hypothesis | Segment], None]

EVERY_QUEUE = "*"
FOLLOW_EVERY_S = 0.25
SLACK_MS = 500
"""How far a tap may lag behind the clock before what is missing counts as a gap."""


class Gaps(Protocol):
    """Told what was not heard; must neither wait nor raise. Times in ms on the call's axis."""

    def begins(self, call: CallId, party: Party, began_ms: int) -> None:
        """A party is heard from here on, for the first time in this server's life."""
        ...

    def missed(self, call: CallId, party: Party, start_ms: int, end_ms: int) -> None:
        """Nobody listened to this stretch of a conversation."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Moment:
    """A time on the call's axis and the same on the loop's clock."""

    ms: int
    at: float

    @classmethod
    def now(cls, ms: int) -> Self:
        return cls(ms=ms, at=asyncio.get_running_loop().time())

    def now_ms(self) -> int:
        """The present on the call's axis."""
        return self.ms + round((asyncio.get_running_loop().time() - self.at) * 1000)


@dataclass(kw_only=True)
class _Hearing:
    """How a party is heard. `said_ms` is how far its words reach, `tail` the recording that is followed, if one is."""

    stream: str
    began: _Moment
    said_ms: int
    tail: Tail | None


class PipelineEar:
    """Opens and closes the streams of calls. `report` is the pipeline's listener, `follow` its task.

    Conversations of `from_recording` queues are heard from their recordings alone, a second or two later.
    """

    def __init__(
        self, media: MediaServer, heard: Heard, gaps: Gaps, recordings: Path, from_recording: Collection[str] = ()
    ) -> None:
        self._media = media
        self._heard = heard
        self._gaps = gaps
        self._recordings = recordings
        self._from_recording = frozenset(from_recording)
        self._hearing: dict[tuple[CallId, Party], _Hearing] = {}
        self._deaf: dict[tuple[CallId, Party], tuple[int, _Moment]] = {}
        self._count = 0
        self.pipeline: Pipeline | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where taps are to send their RTP."""
        return self._media.address

    def taps(self, skill: Skill) -> bool:
        """See the port."""
        return not self._from_recording & {skill, EVERY_QUEUE}

    async def open(self, call: CallId, party: Party, source_port: int | None, began_ms: int) -> None:
        """Hear a party's tap, or its recording; what an earlier one still had to say follows by itself.

        Raises `RecogniserUnavailable` when recognition cannot take another stream.
        """
        assert self.pipeline is not None
        who, began = (call, party), _Moment.now(began_ms)
        until = self._end(call, party)
        self._count += 1
        hearing = _Hearing(
            stream=f"{call}/{party}/{self._count}",
            began=began,
            said_ms=began_ms,
            tail=Tail(recording_of(self._recordings, call, party), began_ms) if source_port is None else None,
        )
        try:
            self.pipeline.open_stream(
                hearing.stream, speaker=Speaker(party), source_port=source_port, began_ms=began_ms
            )
        except (PipelineFull, ValueError) as why:
            self._deaf[who] = (began_ms if until is None else until, began)
            raise RecogniserUnavailable(f"{party} of call {call}: {type(why).__name__}") from why
        self._hearing[who] = hearing
        if until is None:
            self._gaps.begins(call, party, began_ms)
        elif began_ms > until:
            self._gaps.missed(call, party, until, began_ms)

    async def close(self, call: CallId, party: Party) -> None:
        """The tap ended; its last words have been told when this returns. Quiet when it was not heard."""
        assert self.pipeline is not None
        hearing = self._hearing.get((call, party))
        _, since = self._deaf.get((call, party), (0, None)) if hearing is None else (0, hearing.began)
        until = self._end(call, party)
        if until is None or since is None:
            return
        now_ms = since.now_ms()
        if now_ms - until > SLACK_MS:
            self._gaps.missed(call, party, until, now_ms)
        if hearing is not None:
            with suppress(StreamUnknown):
                await self.pipeline.close_stream(hearing.stream)

    def report(self, stream: str, heard: Hypothesis | Segment) -> None:
        """What the pipeline says of a stream."""
        call, party, _ = stream.rsplit("/", 2)
        hearing = self._hearing.get((CallId(call), Party(party)))
        if isinstance(heard, Segment) and hearing is not None and hearing.stream == stream:
            hearing.said_ms = max(hearing.said_ms, heard.end_ms)
        self._heard(CallId(call), heard)

    def silent_for_ms(self, call: CallId, party: Party) -> int | None:
        """How long nothing has come from a party's tap; None where nothing listens, 0 for a recording."""
        assert self.pipeline is not None
        hearing = self._hearing.get((call, party))
        if hearing is None:
            return None
        idle = self.pipeline.idle_ms(hearing.stream)
        return 0 if hearing.tail is not None and idle is not None else idle

    async def follow(self, executor: Executor) -> None:
        """Hear the recordings that are followed, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(FOLLOW_EVERY_S)
            followed = [(hearing.stream, hearing.tail) for hearing in self._hearing.values() if hearing.tail]
            if followed:
                news = await loop.run_in_executor(executor, _read_all, followed)
                self._feed(news)

    def _feed(self, news: list[tuple[str, bytes]]) -> None:
        assert self.pipeline is not None
        for stream, pcm in news:
            try:
                self.pipeline.feed(stream, pcm)
            except StreamUnknown:
                _log.debug("stream %s ended while its recording was read", stream)

    def _end(self, call: CallId, party: Party) -> int | None:
        """Listen no more; up to where on the call's axis the party was heard, None if it never was."""
        assert self.pipeline is not None
        hearing = self._hearing.pop((call, party), None)
        if hearing is None:
            until, _ = self._deaf.pop((call, party), (None, None))
            return until
        try:
            return hearing.began.ms + self.pipeline.end_stream(hearing.stream)
        except StreamUnknown:  # a fault ended it: how far its words reach is known, how far it heard is not
            return hearing.said_ms


class DeafEar:
    """The ear of a hotline that recognises no speech: calls are taken and recorded all the same."""

    @property
    def address(self) -> tuple[str, int]:
        """Nowhere: no tap is asked for."""
        return ("127.0.0.1", 0)

    def taps(self, skill: Skill) -> bool:
        """See the port."""
        return False

    async def open(self, call: CallId, party: Party, source_port: int | None, began_ms: int) -> None:
        """Always raises `RecogniserUnavailable`."""
        raise RecogniserUnavailable(f"{party} of call {call}: [speech] enabled is false")

    async def close(self, call: CallId, party: Party) -> None:
        """Nothing was opened."""


def recording_of(folder: Path, call: CallId, party: Party) -> Path:
    """The file that holds what a party says; it begins with the call and grows as long as it lasts."""
    return folder / f"{call}-{party}.wav"


def _read_all(followed: list[tuple[str, Tail]]) -> list[tuple[str, bytes]]:
    news: list[tuple[str, bytes]] = []
    for stream, tail in followed:
        try:
            pcm = tail.read()
        except (RecordingUnreadable, OSError) as error:
            _log.error("recording of stream %s cannot be followed: %s", stream, type(error).__name__)
            continue
        if pcm:
            news.append((stream, pcm))
    return news
