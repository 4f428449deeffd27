"""Vosk's answers, from the library and from its server alike: the one file that knows their JSON."""

from typing import Final

import msgspec

from asr.engine import Utterance
from asr.transcript import Word


class _FoundWord(msgspec.Struct, frozen=True):
    word: str
    start: float
    end: float
    conf: float


class Answer(msgspec.Struct, frozen=True):
    """Either a hypothesis or the end of an utterance, which may be empty."""

    partial: str | None = None
    result: tuple[_FoundWord, ...] = ()

    def utterance(self) -> Utterance | None:
        """What was said, if anything was."""
        if not self.result:
            return None
        return Utterance(
            words=tuple(
                Word(
                    text=each.word,
                    start_ms=round(each.start * 1000),
                    end_ms=round(each.end * 1000),
                    confidence=min(1.0, max(0.0, each.conf)),
                )
                for each in self.result
            )
        )


_answers: Final = msgspec.json.Decoder(Answer)


def read(answer: str | bytes) -> Answer:
    """Raises `msgspec.DecodeError` on anything else."""
    return _answers.decode(answer)
