"""Conversations written as lines `市民 …` and `话务 …`, for the tests of this room."""

from ticketing.drafting.spoken import plain
from ticketing.views import Utterance
from ticketing.vocabulary import Speaker


def conversation(*lines: str) -> list[Utterance]:
    """Utterances of the lines, two seconds each; ids count from `u0`."""
    said = []
    for number, line in enumerate(lines):
        who, _, text = line.partition(" ")
        speaker = Speaker.CITIZEN if who == "市民" else Speaker.AGENT
        start = 2_500 * number
        said.append(Utterance(id=f"u{number}", speaker=speaker, start_ms=start, end_ms=start + 2_000, text=plain(text)))
    return said


def citizen(*texts: str) -> list[Utterance]:
    """A conversation in which only the citizen is heard."""
    return conversation(*(f"市民 {text}" for text in texts))
