"""Audio of one stream that waits to be recognised: bounded, and honest about what did not fit."""

from collections import deque

import msgspec

from asr.audio import SAMPLE_BYTES
from asr.framing import Run


class Audio(msgspec.Struct, frozen=True, kw_only=True):
    """Samples to recognise, PCM16 little-endian."""

    pcm: bytes


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """Samples that are not there; `lost` if they should have been."""

    samples: int
    lost: bool


class Backlog:
    """At most `limit` samples. When full, newer audio is left out until half has been worked off: one long gap to be
    read from the recording later, not a hundred short ones. Nothing is left out without a `Missing` in its place.
    """

    def __init__(self, limit: int) -> None:
        self.waiting = 0
        self._limit = limit
        self._full = False
        self._pieces: deque[bytes | Missing] = deque()

    def push(self, run: Run) -> None:
        """Add what was received."""
        if run.hole:
            self._miss(run.hole, lost=run.lost > 0)
        samples = len(run.pcm) // SAMPLE_BYTES
        if self._full:
            self._full = self.waiting > self._limit // 2
        elif self.waiting + samples > self._limit:
            self._full = True
        if self._full:
            self._miss(samples, lost=True)
        elif samples:
            self._pieces.append(run.pcm)
            self.waiting += samples

    def take(self, samples: int) -> list[Audio | Missing]:
        """The oldest pieces, up to about `samples` of audio; neighbouring audio comes joined."""
        taken: list[Audio | Missing] = []
        joined: list[bytes] = []
        left = samples
        while self._pieces and left > 0:
            piece = self._pieces.popleft()
            if isinstance(piece, Missing):
                if joined:
                    taken.append(Audio(pcm=b"".join(joined)))
                    joined = []
                taken.append(piece)
            else:
                joined.append(piece)
                left -= len(piece) // SAMPLE_BYTES
        if joined:
            taken.append(Audio(pcm=b"".join(joined)))
        self.waiting -= samples - left
        return taken

    def abandon(self) -> None:
        """Give up what waits: it becomes one gap."""
        total = self.waiting + sum(piece.samples for piece in self._pieces if isinstance(piece, Missing))
        self._pieces.clear()
        self.waiting = 0
        if total:
            self._miss(total, lost=True)

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def _miss(self, samples: int, *, lost: bool) -> None:
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, Missing) and last.lost == lost:
            self._pieces[-1] = Missing(samples=last.samples + samples, lost=lost)
        else:
            self._pieces.append(Missing(samples=samples, lost=lost))
