"""Phrases looked for by sound, so that a cue survives a recogniser that heard it as other hanzi. Pure.

A cue of two syllables must sound exactly the same without tone (保密 is found in 包蜜), because loosely read pairs
occur in any sentence; from three syllables on the slack of `ticketing.sound` is allowed. A cue may hold one gap,
written `*`, for at most four syllables that vary: `别说*是我`.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from ticketing.sound import slack_key, syllables


class Cue(NamedTuple):
    """A cue that was heard, and where its words stand in the text."""

    phrase: str
    start: int
    end: int


class CueList:
    """A set of cues to look for in plain texts. `exact_pairs` takes cues of two hanzi by letter only."""

    def __init__(self, phrases: Iterable[str], *, exact_pairs: bool = False) -> None:
        self._exact_pairs = exact_pairs
        self.phrases = tuple(dict.fromkeys(phrases))
        plain = sorted((slack_key(p), p) for p in self.phrases if "*" not in p)
        gapped = [
            (".{0,4}?".join(re.escape(slack_key(part)) for part in p.split("*")), p) for p in self.phrases if "*" in p
        ]
        self._names = [p for _, p in sorted(plain, key=lambda kp: -len(kp[0]))] + [p for _, p in gapped]
        patterns = [re.escape(slack_key(p)) for p in self._names[: len(plain)]] + [pattern for pattern, _ in gapped]
        self._pattern = re.compile("|".join(f"(?P<g{i}>{p})" for i, p in enumerate(patterns))) if patterns else None

    def find(self, text: str) -> list[Cue]:
        """Every cue in `text`, from left to right, longest first, without overlaps."""
        if self._pattern is None:
            return []
        key = slack_key(text)
        found = []
        at = 0
        while hit := self._pattern.search(key, at):
            phrase = self._names[int((hit.lastgroup or "g0")[1:])]
            said = text[hit.start() : hit.end()]
            if len(phrase) > 2 or said == phrase or (not self._exact_pairs and syllables(said) == syllables(phrase)):
                found.append(Cue(phrase, hit.start(), hit.end()))
                at = hit.end()
            else:
                at = hit.start() + 1
        return found

    def any(self, text: str) -> bool:
        """Whether a cue is in `text`."""
        return bool(self.find(text))
