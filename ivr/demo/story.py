"""The demonstration's conversation: who says what when, from sound files that ship with the program."""

from pathlib import Path
from typing import Literal

import msgspec

SOUNDS = Path(__file__).parent / "sounds"


class Line(msgspec.Struct, frozen=True):
    """One turn: `pause_after_ms` of silence follow it."""

    file: str
    who: Literal["citizen", "agent"]
    text: str
    pause_after_ms: int

    @property
    def sound(self) -> Path:
        """8 kHz, 16 bit, mono."""
        return SOUNDS / self.file


class Story(msgspec.Struct, frozen=True):
    """The whole conversation, in order."""

    lines: tuple[Line, ...]


def load_story() -> Story:
    """The conversation that ships."""
    return msgspec.json.decode((SOUNDS / "script.json").read_bytes(), type=Story)
