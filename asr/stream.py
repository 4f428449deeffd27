"""One live stream: a tap's packets in order or a recording as it grows, the audio that waits, the ear that hears it."""

import asyncio
from collections.abc import Callable
from typing import Final

from asr.audio import SAMPLE_BYTES
from asr.backlog import Audio, Backlog, Missing
from asr.ear import Ear
from asr.framing import Reassembly, Run
from asr.transcript import Hypothesis, Segment

SAMPLE_RATE: Final = 16000
"""Hz of the taps: Asterisk's slin16."""
BATCH_MS: Final = 100
"""Least audio handed to a worker, so that handing over costs little."""
HYPOTHESES_A_SECOND: Final = 5


class Stream:
    """Packets come on the event loop; `work` and `leave` run in a worker thread, one at a time.

    `source_port` is where a tap's packets come from, None for audio that is fed.
    """

    def __init__(self, source_port: int | None, ear: Ear, *, backlog_ms: int, clock: Callable[[], float]) -> None:
        self.source_port = source_port
        self.ear = ear
        self.rtp = Reassembly(SAMPLE_RATE)
        self.backlog = Backlog(backlog_ms * SAMPLE_RATE // 1000)
        self.closing = False
        self.last_packet = clock()
        self.received = 0
        self._clock = clock
        self._awake = asyncio.Event()
        self._slot = -1

    @property
    def backlog_ms(self) -> int:
        """Audio that waits."""
        return self.backlog.waiting * 1000 // SAMPLE_RATE

    @property
    def received_ms(self) -> int:
        """How far the audio reaches that came, holes in it counted."""
        return self.received * 1000 // SAMPLE_RATE

    def receive(self, datagram: bytes) -> None:
        """A packet of this tap came."""
        self.last_packet = self._clock()
        for run in self.rtp.push(datagram, int(self.last_packet * 1000)):
            self._push(run)

    def feed(self, pcm: bytes) -> None:
        """More audio came, PCM16 little-endian at `SAMPLE_RATE`."""
        self.last_packet = self._clock()
        self._push(Run(pcm=pcm))

    def end(self) -> None:
        """Nothing will come any more."""
        for run in self.rtp.flush():
            self._push(run)
        self.closing = True
        self._awake.set()

    async def ready(self) -> None:
        """Wait for a batch, or for the end."""
        while not self.closing and not self._enough():
            self._awake.clear()
            await self._awake.wait()

    def due(self) -> bool:
        """Whether a hypothesis may be asked for: once in each fifth of a second."""
        slot = int(self._clock() * HYPOTHESES_A_SECOND)
        due, self._slot = slot != self._slot, slot
        return due

    def work(self, pieces: list[Audio | Missing], show: bool) -> tuple[list[Segment], Hypothesis | None]:
        """In a worker thread: hear the pieces."""
        segments: list[Segment] = []
        for piece in pieces:
            if isinstance(piece, Audio):
                segments += self.ear.hear(piece.pcm)
            else:
                segments += self.ear.skip(piece.samples, lost=piece.lost)
        return segments, self.ear.hypothesis() if show else None

    def leave(self) -> tuple[list[Segment], Hypothesis | None]:
        """In a worker thread: the last words, and the withdrawal of a hypothesis that led to none."""
        return self.ear.close(), self.ear.hypothesis()

    def _push(self, run: Run) -> None:
        self.received += run.hole + len(run.pcm) // SAMPLE_BYTES
        self.backlog.push(run)
        if self._enough():
            self._awake.set()

    def _enough(self) -> bool:
        return self.backlog.waiting * 1000 >= BATCH_MS * SAMPLE_RATE
