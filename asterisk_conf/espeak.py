"""Texts to speech by eSpeak NG in a child process, which is started again when it crashes."""

import json
import os
import select
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from asterisk_conf.errors import SynthesisFailed
from asterisk_conf.sound import Samples

_CHILD = Path(__file__).with_name("espeak_child.py")
_TRIES = 3
_DEADLINE_S = 30.0


@dataclass(frozen=True)
class Voice:
    """How it speaks: a Mandarin voice a little slower than talk, which a telephone listener can follow."""

    name: str = "cmn+f2"
    words_a_minute: int = 160
    pitch: int = 48
    word_gap: int = 1

    def arguments(self) -> tuple[str, ...]:
        """As the child takes them."""
        return (self.name, str(self.words_a_minute), str(self.pitch), str(self.word_gap))


class _Died(Exception):
    """The child ended or hung before it answered."""


class Speaker:
    """A context in which texts can be said. Blocks; texts of a second's length take milliseconds."""

    def __init__(self, voice: Voice, *, child: Path = _CHILD) -> None:
        self._command = (sys.executable, "-P", str(child), *voice.arguments())
        self._process: subprocess.Popen[bytes] | None = None
        self._rate = 0

    def say(self, text: str) -> tuple[Samples, int]:
        """What the text sounds like, and its rate in Hz. Raises SynthesisFailed when it cannot be said three times."""
        for _ in range(_TRIES):
            try:
                return self._ask(text), self._rate
            except _Died:
                self._end()
        raise SynthesisFailed(f"eSpeak NG ended {_TRIES} times over {text!r}: put a recording of it in its place")

    def _ask(self, text: str) -> Samples:
        child = self._process or self._start()
        assert child.stdin is not None
        try:
            child.stdin.write(json.dumps(text).encode() + b"\n")
            child.stdin.flush()
        except BrokenPipeError as gone:
            raise _Died from gone
        (count,) = struct.unpack(">I", self._read(child, 4))
        pcm = self._read(child, count)
        if not pcm:
            raise SynthesisFailed(f"eSpeak NG says nothing for {text!r}: word it otherwise")
        return np.frombuffer(pcm, "<i2").astype(np.float64) / 32768.0

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        (self._rate,) = struct.unpack(">I", self._read(self._process, 4))
        return self._process

    def _read(self, child: subprocess.Popen[bytes], count: int) -> bytes:
        assert child.stdout is not None
        deadline = time.monotonic() + _DEADLINE_S
        data = b""
        while len(data) < count:
            ready, _, _ = select.select([child.stdout], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(child.stdout.fileno(), count - len(data)) if ready else b""
            if not chunk:
                raise _Died
            data += chunk
        return data

    def _end(self) -> None:
        if self._process is None:
            return
        child, self._process = self._process, None
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        child.wait()

    def __enter__(self) -> Self:
        """Itself; the child starts with the first text."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the child."""
        self._end()
