"""The port to speech recognition: audio of one speaker in, utterances out.

Calls block for as long as recognition takes, so they belong in a worker thread; one recogniser is used by one thread
at a time, different ones by different threads at once. A recogniser or engine may raise anything when it fails; whoever
holds it throws that recogniser away and opens another.
"""

from typing import Protocol

import msgspec

from asr.transcript import Word


class Utterance(msgspec.Struct, frozen=True, kw_only=True):
    """What was said between two pauses. Word times are ms since the recogniser's first sample; never without words."""

    words: tuple[Word, ...]

    @property
    def spoken(self) -> str:
        """The words joined as the recogniser separated them."""
        return " ".join(word.text for word in self.words)


class Recognizer(Protocol):
    """One speaker's audio turned into words."""

    def accept(self, pcm: bytes) -> Utterance | None:
        """Hear more: PCM16 little-endian mono at the rate it was opened with. Returns the utterance it ended."""
        ...

    def hypothesis(self) -> str:
        """The words believed so far of the utterance that has not ended, separated by spaces; empty when none."""
        ...

    def finish(self) -> Utterance | None:
        """End the current utterance now and return it, if anything was said. More audio may follow; times go on."""
        ...

    def close(self) -> None:
        """Let go of what it holds. Nothing may be asked of it afterwards."""
        ...


class Engine(Protocol):
    """Where recognisers come from: one loaded model, or a connection to a server that has one."""

    def recognizer(self, sample_rate: int) -> Recognizer:
        """A fresh recogniser for audio at `sample_rate` (8000 or 16000 Hz). Raises `ModelBroken` when it cannot."""
        ...
