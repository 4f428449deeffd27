"""One speaker's audio turned into segments on the call's time axis, live or from a recording."""

import logging
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, Protocol

from asr.audio import SAMPLE_BYTES
from asr.engine import Engine, Recognizer, Utterance
from asr.gate import VoiceGate
from asr.transcript import Hypothesis, Segment, Speaker, Word

logger = logging.getLogger(__name__)


class Writer(Protocol):
    """Gives what was heard its written form (`asr.punctuation.Punctuated`)."""

    def hypothesis(self, spoken: str) -> str:
        """What is believed so far, spoken without spaces."""
        ...

    def sentence(self, words: Sequence[Word]) -> str:
        """A finished utterance; empty without words."""
        ...


class AsSpoken:
    """The words as they were said, joined."""

    def hypothesis(self, spoken: str) -> str:
        """Unchanged."""
        return spoken

    def sentence(self, words: Sequence[Word]) -> str:
        """The words without spaces."""
        return "".join(word.text for word in words)


AS_SPOKEN: Final = AsSpoken()

BRIDGE_MS: Final = 500
"""A hole up to this long is heard as silence; a longer one ends the utterance and, if lost, is a segment of its own."""
_RENEW_AFTER_S: Final = 30
"""Seconds of voice after which a recogniser is let go in the next pause; opening another takes milliseconds."""
_HYPOTHESIS_REACH_MS: Final = 1000
"""A first hypothesis comes at most this long after its first sound, so it starts no earlier than that."""


class _Axis:
    """Where the samples given to one recogniser stand in the stream, when quiet parts were left out."""

    def __init__(self, position: int) -> None:
        self.given = 0
        self._given_from = [0]
        self._skipped = [position]

    @property
    def position(self) -> int:
        """Stream samples passed: given, or left out before one that was given."""
        return self.given + self._skipped[-1]

    def skip(self, samples: int) -> None:
        """Leave out the next `samples` of the stream."""
        if self._given_from[-1] == self.given:
            self._skipped[-1] += samples
        else:
            self._given_from.append(self.given)
            self._skipped.append(self._skipped[-1] + samples)

    def forget(self) -> None:
        """No earlier sample will be asked for."""
        del self._given_from[:-1], self._skipped[:-1]

    def locate(self, sample: int) -> int:
        """Stream position of a sample the recogniser was given."""
        return sample + self._skipped[max(0, bisect_right(self._given_from, sample) - 1)]


class Ear:
    """Hears one speaker's samples in order. Blocking; used by one thread at a time.

    `began_ms` is where the first sample stands on the call's axis. Segment ids are `{prefix}{speaker}-{began_ms}-{n}`:
    a tap that was begun again later can never repeat an id of the one before, so nobody has to hand numbers on. An
    engine that fails costs the utterance it was in, which is marked lost; the next audio gets a fresh recogniser.
    """

    def __init__(
        self,
        engine: Engine,
        speaker: Speaker,
        *,
        began_ms: int = 0,
        sample_rate: int = 16000,
        write: Writer = AS_SPOKEN,
        id_prefix: str = "",
    ) -> None:
        self.restarts = 0
        self.lost_samples = 0
        self._engine = engine
        self._speaker = speaker
        self._began_ms = began_ms
        self._rate = sample_rate
        self._write = write
        self._id_prefix = f"{id_prefix}{speaker}-{began_ms}-"
        self._count = 0
        self._gate = VoiceGate(sample_rate)
        self._recognizer: Recognizer | None = None
        self._axis = _Axis(0)
        self._unsaid_from = 0
        self._voice_from: int | None = None
        self._lost_from: int | None = None
        self._shown = ""

    def hear(self, pcm: bytes) -> list[Segment]:
        """More audio, PCM16 little-endian. Returns what ended in it."""
        admitted = self._gate.push(pcm)
        if admitted is None:
            return []
        if admitted.skipped:
            self._axis.skip(admitted.skipped)
            self._unsaid_from = self._axis.position
        if self._voice_from is None:
            self._voice_from = self._axis.position
        segments = self._accept(admitted.pcm)
        if self._gate.may_close and not self._pending():
            self._gate.close()
            self._voice_from = None
            if self._axis.given >= _RENEW_AFTER_S * self._rate:
                self._renew()
        return segments

    def skip(self, samples: int, *, lost: bool) -> list[Segment]:
        """The next `samples` of the stream are missing. Short holes are heard as silence; before a longer one the
        utterance ends, and with `lost` it becomes a segment of its own that asks to be read again.
        """
        if samples * 1000 <= BRIDGE_MS * self._rate:
            return self.hear(bytes(samples * SAMPLE_BYTES))
        segments = self.finish()
        start = self._axis.position
        self._axis.skip(samples)
        self._unsaid_from = self._axis.position
        if lost:
            segments.append(self._lost(start, self._axis.position))
        return segments

    def hypothesis(self) -> Hypothesis | None:
        """What is believed now, if that changed since last asked; an empty text withdraws what was shown."""
        text = self._write.hypothesis(self._pending().replace(" ", ""))
        if text == self._shown:
            return None
        if not self._shown:
            reach = self._axis.position - _HYPOTHESIS_REACH_MS * self._rate // 1000
            self._voice_from = max(reach, self._unsaid_from, self._voice_from or 0)
        self._shown = text
        return Hypothesis(speaker=self._speaker, start_ms=self._ms(self._voice_from or self._unsaid_from), text=text)

    def finish(self) -> list[Segment]:
        """End the utterance now, as at the end of the stream. More may be heard afterwards."""
        segments: list[Segment] = []
        if self._recognizer is not None:
            try:
                ended = self._recognizer.finish()
            except Exception as error:  # an engine may raise anything; it must cost no more than this utterance
                self._fail(error)
            else:
                segments += self._said(ended)
        self._axis.skip(self._gate.discard())
        self._voice_from = None
        if self._lost_from is not None:
            segments.append(self._lost(self._lost_from, self._axis.position))
            self._lost_from = None
        self._unsaid_from = self._axis.position
        return segments

    def close(self) -> list[Segment]:
        """`finish`, and let the recogniser go."""
        segments = self.finish()
        self._drop()
        return segments

    def _accept(self, pcm: bytes) -> list[Segment]:
        samples = len(pcm) // SAMPLE_BYTES
        lost_until = self._axis.position
        try:
            if self._recognizer is None:
                self._recognizer = self._engine.recognizer(self._rate)
            ended = self._recognizer.accept(pcm)
        except Exception as error:  # an engine may raise anything; the stream goes on with a fresh recogniser
            self._axis.given += samples
            self._fail(error)
            return []
        self._axis.given += samples
        segments: list[Segment] = []
        if self._lost_from is not None:
            segments.append(self._lost(self._lost_from, lost_until))
            self._lost_from = None
        return segments + self._said(ended)

    def _pending(self) -> str:
        if self._recognizer is None or not self._gate.is_open:
            return ""
        try:
            return self._recognizer.hypothesis()
        except Exception as error:  # as in _accept
            self._fail(error)
            return ""

    def _fail(self, error: Exception) -> None:
        logger.warning("recogniser of %s failed: %s; starting another", self._speaker, type(error).__name__)
        self.restarts += 1
        if self._lost_from is None:
            self._lost_from = self._unsaid_from
        self._renew()

    def _renew(self) -> None:
        """Go on with a fresh recogniser: one's memory grows with what it has heard where a model listens to pitch."""
        self._drop()
        self._axis = _Axis(self._axis.position)
        self._unsaid_from = self._axis.position

    def _drop(self) -> None:
        recognizer, self._recognizer = self._recognizer, None
        if recognizer is not None:
            try:
                recognizer.close()
            except Exception as error:  # it is thrown away already; its last fault changes nothing
                logger.warning("recogniser of %s did not close: %s", self._speaker, type(error).__name__)

    def _said(self, ended: Utterance | None) -> list[Segment]:
        if ended is None:
            return []
        words = tuple(
            Word(
                text=word.text,
                start_ms=self._word_ms(word.start_ms),
                end_ms=self._word_ms(word.end_ms),
                confidence=word.confidence,
            )
            for word in ended.words
        )
        self._unsaid_from = self._axis.locate(ended.words[-1].end_ms * self._rate // 1000)
        self._axis.forget()
        self._voice_from, self._shown = None, ""
        spoken = ended.spoken
        return [
            Segment(
                id=self._next_id(),
                speaker=self._speaker,
                start_ms=words[0].start_ms,
                end_ms=words[-1].end_ms,
                text=self._write.sentence(words),
                spoken=spoken,
                words=words,
            )
        ]

    def _lost(self, start: int, end: int) -> Segment:
        self.lost_samples += end - start
        return Segment(
            id=self._next_id(),
            speaker=self._speaker,
            start_ms=self._ms(start),
            end_ms=self._ms(end),
            text="",
            spoken="",
            lost=True,
        )

    def _next_id(self) -> str:
        self._count += 1
        return f"{self._id_prefix}{self._count}"

    def _word_ms(self, recogniser_ms: int) -> int:
        return self._ms(self._axis.locate(recogniser_ms * self._rate // 1000))

    def _ms(self, position: int) -> int:
        return self._began_ms + position * 1000 // self._rate
