"""Live transcription: taps in, hypotheses and segments out, recognisers in worker threads.

Packets are put in order on the event loop and wait in a bounded backlog a stream; one task a stream hands a tenth of a
second or more at a time to a pool of threads and awaits it, so a stream's audio is never heard out of order or twice at
once. When the pool falls behind, hypotheses are left out first; when a backlog is full, its audio is left out and said
to be: a segment marked `lost` stands in its place, for the recording to be read again.
"""

import asyncio
import logging
import os
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

import msgspec

from asr.ear import AS_SPOKEN, Ear, Writer
from asr.engine import Engine
from asr.errors import PipelineFull, StreamUnknown
from asr.media_server import MediaServer
from asr.stream import SAMPLE_RATE, Stream
from asr.transcript import Hypothesis, Segment, Speaker

logger = logging.getLogger(__name__)

Listener = Callable[[str, Hypothesis | Segment], None]
"""Told what a stream says, on the event loop; must not block. A listener that raises loses that one report."""

_LARGEST_BATCH: Final = SAMPLE_RATE // 2
"""Samples handed over at once at most, so that streams take turns when behind."""
_BEHIND_MS: Final = 1000
"""From this backlog on, a stream's hypotheses are left out."""


class StreamStats(msgspec.Struct, frozen=True, kw_only=True):
    """One open stream. `idle_ms` since its last audio: a tap that has gone silent altogether is broken."""

    stream_id: str
    backlog_ms: int
    idle_ms: int


class Tally(msgspec.Struct, kw_only=True):
    """What was met; `lost_ms` is audio that became lost segments, `restarts` counts recognisers that failed."""

    dropped_hypotheses: int = 0
    lost_ms: int = 0
    restarts: int = 0
    packets: int = 0
    packets_lost: int = 0
    packets_late: int = 0
    packets_duplicate: int = 0
    packets_malformed: int = 0

    def add(self, stream: Stream) -> None:
        """Count one stream in."""
        counts = stream.rtp.counts
        self.lost_ms += stream.ear.lost_samples * 1000 // SAMPLE_RATE
        self.restarts += stream.ear.restarts
        self.packets += counts.packets
        self.packets_lost += counts.lost
        self.packets_late += counts.late
        self.packets_duplicate += counts.duplicate
        self.packets_malformed += counts.malformed


class PipelineStats(msgspec.Struct, frozen=True, kw_only=True):
    """The open streams now, the worst backlog among them, and the tally of all streams there ever were.

    `unknown_packets` came from ports nobody had registered.
    """

    streams: tuple[StreamStats, ...]
    backlog_ms: int
    tally: Tally
    unknown_packets: int


class Pipeline:
    """Every leg's live transcription. An async context manager; leaving it ends all streams, last words included.

    `write` gives the written form. `workers` threads recognise (one a core by default). `max_backlog_ms` of
    audio may wait on each stream. Leaving it, however that comes about, takes at most `drain_ms` over what waits; what
    is still waiting then becomes lost segments.
    """

    def __init__(
        self,
        engine: Engine,
        media: MediaServer,
        listener: Listener,
        *,
        write: Writer = AS_SPOKEN,
        workers: int | None = None,
        max_streams: int = 400,
        max_backlog_ms: int = 30_000,
        drain_ms: int = 5_000,
    ) -> None:
        self._engine = engine
        self._media = media
        self._listener = listener
        self._write = write
        self._max_streams = max_streams
        self._max_backlog_ms = max_backlog_ms
        self._drain_ms = drain_ms
        self._pool = ThreadPoolExecutor(workers or os.cpu_count() or 1, thread_name_prefix="asr")
        self._group = asyncio.TaskGroup()
        self._streams: dict[str, Stream] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._past = Tally()

    async def __aenter__(self) -> Self:
        """Ready for streams."""
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every stream, then the threads."""
        try:
            for stream in self._streams.values():
                self._end(stream)
            if self._tasks:
                _, slow = await asyncio.wait(self._tasks.values(), timeout=self._drain_ms / 1000)
                if slow:
                    logger.warning("asr: %d streams not worked off in %d ms", len(slow), self._drain_ms)
        finally:
            for stream in self._streams.values():
                stream.backlog.abandon()
            try:
                await self._group.__aexit__(kind, error, trace)
            finally:
                self._pool.shutdown()

    def open_stream(self, stream_id: str, *, speaker: Speaker, source_port: int | None, began_ms: int) -> None:
        """Transcribe the tap that sends from `source_port`; its first sample stands at `began_ms` of the call's axis.
        Without a port nothing is received: the audio is given with `feed`.

        Segment ids are `{speaker}-{began_ms}-{n}`, so a tap begun again in the same call repeats none. Raises
        `PipelineFull` at `max_streams`, ValueError when the id or the port is in use.
        """
        if stream_id in self._streams:
            raise ValueError(f"stream {stream_id} is open already")
        if len(self._streams) >= self._max_streams:
            raise PipelineFull(f"{self._max_streams} streams are open; raise max_streams or add a machine")
        ear = Ear(self._engine, speaker, began_ms=began_ms, sample_rate=SAMPLE_RATE, write=self._write)
        clock = asyncio.get_running_loop().time
        stream = Stream(source_port, ear, backlog_ms=self._max_backlog_ms, clock=clock)
        if source_port is not None:
            self._media.register(source_port, stream.receive)
        self._streams[stream_id] = stream
        self._tasks[stream_id] = self._group.create_task(self._run(stream_id, stream), name=f"asr:{stream_id}")

    def feed(self, stream_id: str, pcm: bytes) -> None:
        """More audio of a stream opened without a port: PCM16 little-endian, 16 kHz. Raises `StreamUnknown`."""
        self._stream(stream_id).feed(pcm)

    def end_stream(self, stream_id: str) -> int:
        """Take no more audio; the last segments follow. Returns how many ms of audio came in all, holes counted.

        Raises `StreamUnknown`.
        """
        stream = self._stream(stream_id)
        self._end(stream)
        return stream.received_ms

    async def close_stream(self, stream_id: str) -> None:
        """End the stream; returns when its last segments were told. Raises `StreamUnknown`."""
        self.end_stream(stream_id)
        await asyncio.wait([self._tasks[stream_id]])

    def idle_ms(self, stream_id: str) -> int | None:
        """How long no audio of the stream has come; None where it is not open, or a fault ended it."""
        stream = self._streams.get(stream_id)
        if stream is None or stream.closing:
            return None
        return int((asyncio.get_running_loop().time() - stream.last_packet) * 1000)

    def stats(self) -> PipelineStats:
        """A snapshot."""
        now = asyncio.get_running_loop().time()
        tally = msgspec.structs.replace(self._past)
        for stream in self._streams.values():
            tally.add(stream)
        streams = tuple(
            StreamStats(
                stream_id=stream_id,
                backlog_ms=stream.backlog_ms,
                idle_ms=int((now - stream.last_packet) * 1000),
            )
            for stream_id, stream in self._streams.items()
        )
        return PipelineStats(
            streams=streams,
            backlog_ms=max((stream.backlog_ms for stream in streams), default=0),
            tally=tally,
            unknown_packets=self._media.counts.unknown,
        )

    def _stream(self, stream_id: str) -> Stream:
        stream = self._streams.get(stream_id)
        if stream is None:
            raise StreamUnknown(f"no stream {stream_id} is open")
        return stream

    def _end(self, stream: Stream) -> None:
        if stream.closing:
            return
        if stream.source_port is not None:
            self._media.unregister(stream.source_port)
        stream.end()

    async def _run(self, stream_id: str, stream: Stream) -> None:
        """The one task of a stream."""
        loop = asyncio.get_running_loop()
        try:
            while not stream.closing or stream.backlog:
                await stream.ready()
                late = stream.backlog_ms >= _BEHIND_MS
                due = stream.due()
                self._past.dropped_hypotheses += late and due
                pieces = stream.backlog.take(_LARGEST_BATCH)
                heard = await loop.run_in_executor(self._pool, stream.work, pieces, due and not late)
                self._tell(stream_id, *heard)
            self._tell(stream_id, *await loop.run_in_executor(self._pool, stream.leave))
        except Exception as error:  # a fault of ours in one stream must not take the other calls' words away
            _report("a fault of ours ended", stream_id, error)
        finally:
            self._end(stream)
            self._past.add(stream)
            del self._streams[stream_id], self._tasks[stream_id]

    def _tell(self, stream_id: str, segments: list[Segment], hypothesis: Hypothesis | None) -> None:
        heard: list[Segment | Hypothesis] = [*segments]
        if hypothesis is not None:
            heard.append(hypothesis)
        for each in heard:
            try:
                self._listener(stream_id, each)
            except Exception as error:  # the listener is another's code; its fault must not end the stream
                _report("the listener failed on", stream_id, error)


def _report(what: str, stream_id: str, error: Exception) -> None:
    """Log a fault's kind and place without its text: that may hold what a citizen said."""
    place = "".join(traceback.format_tb(error.__traceback__))
    logger.error("asr: %s stream %s: %s\n%s", what, stream_id, type(error).__name__, place)
