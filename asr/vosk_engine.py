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
from asr.vosk_json import read

logger = logging.getLogger(__name__)

_QUIET: Final = -1
"""Vosk's log level: errors only, on the process's standard error."""


class VoskRecognizer:
    """One stream. Audio at another rate than the model's is resampled here: official models refuse 8 kHz."""

    def __init__(self, inner: Any, resampler: Resampler | None) -> None:
        self._inner = inner
        self._resampler = resampler

    def accept(self, pcm: bytes) -> Utterance | None:
        """See `Recognizer.accept`."""
        if self._resampler is not None:
            pcm = self._resampler.feed(samples_of(pcm)).tobytes()
        return read(self._inner.Result()).utterance() if self._inner.AcceptWaveform(pcm) else None

    def hypothesis(self) -> str:
        """See `Recognizer.hypothesis`."""
        return read(self._inner.PartialResult()).partial or ""

    def finish(self) -> Utterance | None:
        """See `Recognizer.finish`."""
        return read(self._inner.FinalResult()).utterance()

    def close(self) -> None:
        """Free the decoder; its memory (about 5 MB with a look-ahead graph) goes with the last reference."""
        self._inner = None


class VoskEngine:
    """A loaded model. Loading blocks (15 ms for the embedded model, seconds for a big one).

    Raises `ModelBroken` when Vosk refuses the model although its files look whole.
    """

    def __init__(self, model: ModelInfo) -> None:
        vosk.SetLogLevel(_QUIET)
        self.model = model
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
        try:
            inner = vosk.KaldiRecognizer(self._model, float(rate))
        except Exception as error:
            # as above; also raised when a graph file is cut
            raise ModelBroken(f"{self.model.path}/graph: Vosk refuses the graph; fetch or unpack it again") from error
        inner.SetWords(True)
        return VoskRecognizer(inner, None if sample_rate == rate else Resampler(sample_rate, rate))
