"""eSpeak NG as a library: samples and phoneme times of a text.

One library instance a process. Some voice variants crash inside the synthesiser about once in a thousand calls, so
`Voice` keeps it in a child process and starts another when it dies.
"""

import ctypes
import multiprocessing as mp
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

RATE = 22050
"""Samples a second of what eSpeak NG returns."""
PINYIN = "cmn-latn-pinyin"
HANZI = "cmn"

_SYNCHRONOUS = 2
_PHONEME_EVENTS = 1
_UTF8 = 1
_PHONEME = 7
_CRASHES_IN_A_ROW = 10


@dataclass(frozen=True, slots=True)
class Phoneme:
    """One event of the synthesiser: a phoneme's mnemonic without stress marks and its first sample."""

    name: str
    sample: int


@dataclass(frozen=True, slots=True)
class Manner:
    """How to speak: a voice with an optional variant (`cmn+f2`), words a minute, pitch and range 0-99."""

    voice: str
    rate: int = 175
    pitch: int = 50
    range: int = 50


class SynthesiserFailed(RuntimeError):
    """eSpeak NG refused the voice or died twice on the same text."""


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("uid", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class _Library:
    def __init__(self, folder: Path | None) -> None:
        self._lib = ctypes.CDLL(espeakng_loader.get_library_path())
        data = str(folder or espeakng_loader.get_data_path()).encode()
        rate = self._lib.espeak_Initialize(_SYNCHRONOUS, 1000, data, _PHONEME_EVENTS)
        if rate != RATE:
            raise SynthesiserFailed(f"eSpeak NG answered {rate} instead of {RATE} samples a second; is its data whole?")
        self._callback = _CALLBACK(self._collect)
        self._lib.espeak_SetSynthCallback(self._callback)
        self._samples: list[NDArray[np.int16]] = []
        self._phonemes: list[Phoneme] = []

    def _collect(
        self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]"
    ) -> int:
        if count > 0:
            self._samples.append(np.ctypeslib.as_array(samples, shape=(count,)).astype(np.int16))
        index = 0
        while events[index].type != 0:
            event = events[index]
            if event.type == _PHONEME:
                name = event.id.string.decode("utf-8", "ignore").lstrip("',%=")
                self._phonemes.append(Phoneme(name, event.sample))
            index += 1
        return 0

    def speak(self, text: str, manner: Manner) -> tuple[NDArray[np.int16], list[Phoneme]]:
        if self._lib.espeak_SetVoiceByName(manner.voice.encode()) != 0:
            raise SynthesiserFailed(f"eSpeak NG has no voice {manner.voice!r}")
        for parameter, value in ((1, manner.rate), (3, manner.pitch), (4, manner.range)):
            self._lib.espeak_SetParameter(parameter, value, 0)
        self._samples, self._phonemes = [], []
        data = text.encode() + b"\0"
        self._lib.espeak_Synth(data, len(data), 0, 1, 0, _UTF8, None, None)
        pcm = np.concatenate(self._samples) if self._samples else np.zeros(0, np.int16)
        return pcm, self._phonemes


def _serve(pipe: Connection, folder: Path | None) -> None:
    library = _Library(folder)
    while True:
        try:
            text, manner = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(library.speak(text, manner))
        except SynthesiserFailed as failure:
            pipe.send(failure)


class Voice:
    """Speaks texts in a child process that is replaced when it dies. Close it, or use it as a context manager.

    `folder` is the synthesiser's data, the packaged one if None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._child: mp.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self.crashes = 0
        self._unanswered = 0

    def __enter__(self) -> "Voice":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def speak(self, text: str, manner: Manner) -> tuple[NDArray[np.int16], list[Phoneme]]:
        """Samples at RATE and the phonemes; empty where the synthesiser crashed on this text twice.

        Raises SynthesiserFailed where it has no such voice or does not live at all.
        """
        for _ in range(2):
            pipe = self._pipe or self._start()
            try:
                pipe.send((text, manner))
                answer = pipe.recv()
            except (EOFError, BrokenPipeError, ConnectionResetError):
                self.crashes += 1
                self._unanswered += 1
                self.close()
                if self._unanswered > _CRASHES_IN_A_ROW:
                    raise SynthesiserFailed(f"eSpeak NG died {self._unanswered} times in a row") from None
            else:
                self._unanswered = 0
                if isinstance(answer, SynthesiserFailed):
                    raise answer
                samples, phonemes = answer
                return samples, phonemes
        return np.zeros(0, np.int16), []

    def _start(self) -> Connection:
        context = mp.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._child = context.Process(target=_serve, args=(theirs, self._folder), name="espeak", daemon=True)
        self._child.start()
        theirs.close()
        return self._pipe

    def close(self) -> None:
        """End the child; closing twice is harmless."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._child is not None:
            self._child.join(5)
            if self._child.is_alive():
                self._child.terminate()
                self._child.join()
            self._child = None


def variants() -> list[str]:
    """Names of all voice variants the packaged eSpeak NG carries, sorted."""
    folder = Path(str(espeakng_loader.get_data_path())) / "voices" / "!v"
    return sorted(path.name for path in folder.iterdir())
