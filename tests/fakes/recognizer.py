"""A recogniser whose language is plain to read: a run of one sample value is a word.

`say` writes that language, `FakeEngine` reads it. So a test sees which audio reached the recogniser and in which order;
nothing is scripted behind its back.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from asr.engine import Utterance
from asr.transcript import Word

WORDS: Final = ("您好", "我要反映", "光明小区", "暖气不热", "谢谢", "十五", "度")
"""Word n is a run of samples of value 1000 * (n + 1), about -30 dBFS and louder."""
ENDPOINT_MS: Final = 500
GAP_MS: Final = 20


def say(words: Sequence[str], *, sample_rate: int = 16000, word_ms: int = 200, pause_ms: int = 0) -> bytes:
    """The words one after another, 20 ms of silence between them, then `pause_ms` of silence."""
    pieces: list[bytes] = []
    for word in words:
        value = 1000 * (WORDS.index(word) + 1)
        pieces.append(np.full(sample_rate * word_ms // 1000, value, dtype="<i2").tobytes())
        pieces.append(silence(GAP_MS, sample_rate=sample_rate))
    return b"".join(pieces) + silence(pause_ms, sample_rate=sample_rate)


def silence(ms: int, *, sample_rate: int = 16000) -> bytes:
    return bytes(2 * (sample_rate * ms // 1000))


@dataclass(slots=True)
class FakeRecognizer:
    sample_rate: int
    before: Callable[[], None]
    heard: int = 0
    quiet: int = 0
    value: int = 0
    run: int = 0
    words: list[Word] = field(default_factory=list)
    closed: bool = False
    busy: threading.Lock = field(default_factory=threading.Lock)

    def accept(self, pcm: bytes) -> Utterance | None:
        assert not self.closed, "asked after close"
        assert self.busy.acquire(blocking=False), "two threads in one recogniser"
        try:
            self.before()
            ended = None
            samples = np.frombuffer(pcm, dtype="<i2").astype(np.int64)
            edges = [0, *(np.flatnonzero(np.diff(samples)) + 1), len(samples)] if len(samples) else [0]
            for start, end in pairwise(edges):
                ended = self._hear(int(samples[start]), int(end - start)) or ended
            return ended
        finally:
            self.busy.release()

    def hypothesis(self) -> str:
        assert not self.closed, "asked after close"
        return " ".join(word.text for word in self.words)

    def finish(self) -> Utterance | None:
        assert not self.closed, "asked after close"
        self._end_word()
        return self._end()

    def close(self) -> None:
        self.closed = True

    def _hear(self, value: int, length: int) -> Utterance | None:
        ended = None
        if value == 0:
            self._end_word()
            self.quiet += length
            if self.words and self.quiet * 1000 >= ENDPOINT_MS * self.sample_rate:
                ended = self._end()
        else:
            if value != self.value:
                self._end_word()
            self.quiet, self.value = 0, value
            self.run += length
        self.heard += length
        return ended

    def _end_word(self) -> None:
        if self.run:
            start = (self.heard - self.run) * 1000 // self.sample_rate
            end = self.heard * 1000 // self.sample_rate
            text = WORDS[min(len(WORDS), max(1, round(self.value / 1000))) - 1]
            self.words.append(Word(text=text, start_ms=start, end_ms=end, confidence=1.0))
        self.value = self.run = 0

    def _end(self) -> Utterance | None:
        words, self.words = tuple(self.words), []
        return Utterance(words=words) if words else None


@dataclass(slots=True)
class FakeEngine:
    """`before` is called in the worker thread ahead of every `accept`: it may wait, or raise what a recogniser may."""

    before: Callable[[], None] = lambda: None
    opened: list[FakeRecognizer] = field(default_factory=list)
    refuses: bool = False

    def recognizer(self, sample_rate: int) -> FakeRecognizer:
        if self.refuses:
            raise RuntimeError("no recogniser today")
        made = FakeRecognizer(sample_rate, self.before)
        self.opened.append(made)
        return made
