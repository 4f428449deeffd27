"""Vosk in this process: the one file that knows Vosk's API.

The model is loaded once and shared; each stream has a recogniser of its own. Vosk lets go of the interpreter while it
works, so worker threads use every core. Never import OpenFst bindings (kaldifst, pywrapfst) in a process that loads
this: two registries of graph types end in a hang or an abort.
"""

import logging
from typing import Any, Final

import vosk

from asr.audio import Resampler, samples_of
from asr.engine import Utterance
from asr.errors import ModelBroken
from asr.model.store import ModelInfo
from asr.second_look import Near, SecondLook
from asr.transcript import Word
from asr.vosk_json import read

logger = logging.getLogger(__name__)

_PIECE: Final = 3200
_QUIET: Final = -1
"""Vosk's log level: errors only, on the process's standard error."""


class VoskRecognizer:
    """One stream. Audio at another rate than the model's is resampled here: official models refuse 8 kHz."""

    def __init__(self, inner: Any, resampler: Resampler | None, look: SecondLook | None = None) -> None:
        self._inner = inner
        self._resampler = resampler
        self._look = look

    def accept(self, pcm: bytes) -> Utterance | None:
        """See `Recognizer.accept`."""
        if self._resampler is not None:
            pcm = self._resampler.feed(samples_of(pcm)).tobytes()
        if self._look is not None:
            self._look.hear(pcm)
        return self._ended(self._inner.Result()) if self._inner.AcceptWaveform(pcm) else None

    def hypothesis(self) -> str:
        """See `Recognizer.hypothesis`."""
        return read(self._inner.PartialResult()).partial or ""

    def finish(self) -> Utterance | None:
        """See `Recognizer.finish`."""
        return self._ended(self._inner.FinalResult())

    def close(self) -> None:
        """Free the decoder; its memory (about 5 MB with a look-ahead graph) goes with the last reference."""
        self._inner = None

    def _ended(self, answer: str) -> Utterance | None:
        utterance = read(answer).utterance()
        return utterance if self._look is None else self._look.again(utterance)


class VoskEngine:
    """A loaded model. Loading blocks (15 ms for the embedded model, seconds for a big one).

    `near` finds names a text may mean: a look-ahead model hears such utterances a second time (`asr.second_look`).
    Raises `ModelBroken` when Vosk refuses the model although its files look whole.
    """

    def __init__(self, model: ModelInfo, near: Near | None = None) -> None:
        vosk.SetLogLevel(_QUIET)
        self.model = model
        self._near = near if model.look_ahead else None
        try:
            self._model = vosk.Model(str(model.path))
        except Exception as error:
            # Vosk raises bare Exception and tells the reason only on standard error
            raise ModelBroken(f"{model.path}: Vosk refuses this model; fetch or unpack it again") from error
        self.recognizer(model.sample_rate).close()
        logger.info("speech model loaded: %s, %d bytes, look-ahead %s", model.name, model.size, model.look_ahead)

    def recognizer(self, sample_rate: int) -> VoskRecognizer:
        """See `Engine.recognizer`. About 5 MB and 1 ms each with the embedded model."""
        rate = self.model.sample_rate
        look = None if self._near is None else SecondLook(self._near, self._knows, self._decode, rate)
        inner = self._open()
        return VoskRecognizer(inner, None if sample_rate == rate else Resampler(sample_rate, rate), look)

    def _open(self, *grammar: str) -> Any:
        try:
            inner = vosk.KaldiRecognizer(self._model, float(self.model.sample_rate), *grammar)
        except Exception as error:
            # as above; also raised when a graph file is cut
            raise ModelBroken(f"{self.model.path}/graph: Vosk refuses the graph; fetch or unpack it again") from error
        inner.SetWords(True)
        return inner

    def _knows(self, word: str) -> bool:
        return int(self._model.vosk_model_find_word(word)) >= 0

    def _decode(self, pcm: bytes, grammar: str) -> Utterance | None:
        """The whole audio as one utterance: no pause in it may end it."""
        inner = self._open(grammar)
        words: list[Word] = []
        for at in range(0, len(pcm), _PIECE):
            if inner.AcceptWaveform(pcm[at : at + _PIECE]):
                found = read(inner.Result()).utterance()
                words += found.words if found else ()
        found = read(inner.FinalResult()).utterance()
        words += found.words if found else ()
        return Utterance(words=tuple(words)) if words else None
