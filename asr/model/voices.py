"""Synthesised test voices: `python -m asr.model.voices SCRIPT.json` writes the wav files a script names, beside it.

eSpeak NG comes with the `espeakng-loader` wheel and reads hanzi. Its library is called in this process, so use this as
a tool, not inside a server. The same script gives the same samples.
"""

import ctypes
import logging
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Final

import espeakng_loader
import msgspec
import numpy as np

from asr.audio import Resampler, Samples, level_dbfs

logger = logging.getLogger(__name__)

_SYNCHRONOUS: Final = 2
_UTF8: Final = 1
_RATE, _PITCH = 1, 3
_SPEECH_LEVEL: Final = -20.0
_PEAK: Final = 10 ** (-3 / 20) * 32767
_SEED: Final = 12345
_EDGE_MS: Final = 100
_SAMPLE_RATE: Final = 8000

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """eSpeak's voice name with its variant (`cmn+f2`), words a minute, and pitch 0..99."""

    name: str
    rate: int = 165
    pitch: int = 50


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One turn: who says what into which file, and the silence before the next turn."""

    file: str
    who: str
    text: str
    pause_after_ms: int = 600


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A dialogue in order, and a voice for each who."""

    about: str
    voices: dict[str, Voice]
    lines: tuple[Line, ...]


class Synthesizer:
    """eSpeak NG, loaded once a process."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.sample_rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
        self._pieces: list[Samples] = []
        self._callback: Callable[..., int] = _Callback(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: Voice) -> Samples:
        """The text as samples at `sample_rate`. Raises ValueError for a voice eSpeak does not have."""
        if self._library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise ValueError(f"eSpeak NG has no voice {voice.name}")
        self._library.espeak_SetParameter(_RATE, voice.rate, 0)
        self._library.espeak_SetParameter(_PITCH, voice.pitch, 0)
        self._library.espeak_ng_SetRandSeed(_SEED)
        self._pieces = []
        utf8 = text.encode() + b"\0"
        if self._library.espeak_Synth(utf8, len(utf8), 0, 1, 0, _UTF8, None, None) != 0:
            raise RuntimeError("eSpeak NG did not speak")
        return np.concatenate(self._pieces)

    def _collect(self, wav: "ctypes._Pointer[ctypes.c_short]", length: int, _events: int | None) -> int:
        if length > 0:
            self._pieces.append(np.ctypeslib.as_array(wav, shape=(length,)).astype(np.int16))
        return 0


def telephone(samples: Samples, source_rate: int) -> Samples:
    """As a phone would send it: 8 kHz, -20 dBFS where there is speech, a tenth of a second of silence at both ends."""
    resampler = Resampler(source_rate, _SAMPLE_RATE)
    narrow = np.concatenate([resampler.feed(samples), resampler.flush()])
    sounding = narrow[np.abs(narrow) > 200]
    gain = min(10 ** ((_SPEECH_LEVEL - level_dbfs(sounding)) / 20), _PEAK / max(1, int(np.abs(narrow).max())))
    edge = np.zeros(_SAMPLE_RATE * _EDGE_MS // 1000, dtype=np.int16)
    return np.concatenate([edge, np.rint(narrow * gain).astype(np.int16), edge])


def write_wav(path: Path, samples: Samples, sample_rate: int = _SAMPLE_RATE) -> None:
    """16-bit mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())


def main() -> None:
    """Write every file of the scripts named on the command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    synthesizer = Synthesizer()
    for name in sys.argv[1:]:
        script_file = Path(name)
        script = msgspec.json.decode(script_file.read_bytes(), type=Script)
        for line in script.lines:
            samples = telephone(synthesizer.speak(line.text, script.voices[line.who]), synthesizer.sample_rate)
            write_wav(script_file.parent / line.file, samples)
            logger.info("%s: %.1f s", line.file, len(samples) / _SAMPLE_RATE)


if __name__ == "__main__":
    main()
