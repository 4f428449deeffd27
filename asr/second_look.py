"""Hot words for a model whose graph stays as it is: an utterance in which a name may have been said is heard once more.

Vosk takes a grammar at run time where the graph is put together while decoding (`HCLr.fst`, `Gr.fst`), but a grammar
shuts out all other words. So an utterance is first heard freely; where a stretch of it sounds nearly like a name the
operator gave, its audio is decoded again with a grammar of two or more sentences only: as it was heard, and with the
name. The name is believed where the sound fits it better. Names made of words the model lacks cannot be put in.
"""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from asr.audio import SAMPLE_BYTES
from asr.engine import Utterance
from asr.transcript import Word

logger = logging.getLogger(__name__)

MOST_READINGS: Final = 4
"""Sentences tried beside the one that was heard."""
LONGEST_S: Final = 30
"""Utterances longer than this are left as they were heard."""
_LONGEST_WORD: Final = 8


class Likeness(NamedTuple):
    """Where a text, between two characters, sounds nearly like a name."""

    start: int
    end: int
    name: str


Near = Callable[[str], Sequence[Likeness]]
"""Finds names a text may mean, the likeliest first; those it has already are not among them."""
Knows = Callable[[str], bool]
"""Whether the model has a word."""
Decode = Callable[[bytes, str], Utterance | None]
"""Hears audio again with a grammar (Vosk's: a JSON list of sentences, words parted by spaces)."""


class SecondLook:
    """One stream's audio since its last utterance, and what it may have meant. `rate` in Hz, PCM16 little-endian."""

    def __init__(self, near: Near, knows: Knows, decode: Decode, rate: int) -> None:
        self._near = near
        self._knows = knows
        self._decode = decode
        self._rate = rate
        self._kept = bytearray()
        self._began = 0
        self._heard = 0

    def hear(self, pcm: bytes) -> None:
        """The stream went on."""
        self._heard += len(pcm) // SAMPLE_BYTES
        if len(self._kept) <= self._most:
            self._kept += pcm

    def again(self, utterance: Utterance | None) -> Utterance | None:
        """The utterance that has just ended, with names where they fit better; the next one begins here."""
        kept, began = bytes(self._kept), self._began
        self._kept.clear()
        self._began = self._heard
        if utterance is None or len(kept) > self._most:
            return utterance
        readings = self._readings(utterance)
        if not readings:
            return utterance
        grammar = json.dumps([utterance.spoken, *(" ".join(words) for words in readings)], ensure_ascii=False)
        found = self._decode(kept, grammar)
        if found is None or tuple(word.text for word in found.words) not in {tuple(words) for words in readings}:
            return utterance
        shift_ms = began * 1000 // self._rate
        return Utterance(words=tuple(_later(word, shift_ms) for word in found.words))

    @property
    def _most(self) -> int:
        return LONGEST_S * self._rate * SAMPLE_BYTES

    def _readings(self, utterance: Utterance) -> list[list[str]]:
        """The utterance with each name that is near in its place, in words the model has."""
        text = utterance.spoken.replace(" ", "")
        found: list[list[str]] = []
        for start, end, name in self._near(text)[:MOST_READINGS]:
            inner = self._cut(name)
            if inner is not None:
                before, after = _around(utterance.words, start, end)
                found.append([*before, *inner, *after])
        return found

    def _cut(self, name: str) -> list[str] | None:
        """A name in the fewest words of the model; None where it lacks one."""
        best: list[list[str] | None] = [[], *[None] * len(name)]
        for end in range(1, len(name) + 1):
            for start in range(max(0, end - _LONGEST_WORD), end):
                words = best[start]
                shorter = best[end]
                if words is None or (shorter is not None and len(shorter) <= len(words) + 1):
                    continue
                if self._knows(name[start:end]):
                    best[end] = [*words, name[start:end]]
        return best[-1]


def _around(words: Sequence[Word], start: int, end: int) -> tuple[list[str], list[str]]:
    """The words before and after a stretch of their joined text; one it cuts in two is spelled in characters."""
    before: list[str] = []
    after: list[str] = []
    at = 0
    for word in words:
        stop = at + len(word.text)
        if stop <= start:
            before.append(word.text)
        elif at >= end:
            after.append(word.text)
        else:
            before += word.text[: max(0, start - at)]
            after += word.text[len(word.text) - max(0, stop - end) :]
        at = stop
    return before, after


def _later(word: Word, ms: int) -> Word:
    return Word(text=word.text, start_ms=word.start_ms + ms, end_ms=word.end_ms + ms, confidence=word.confidence)
