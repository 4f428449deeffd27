"""Names put right after recognition, by their sound: for models whose words cannot be changed.

A stretch of text that sounds exactly like a name of the city, tone apart, and is written otherwise becomes that name.
Names of four characters and more are also found where initials and finals are confused as dialects do (n and l, z and
zh, in and ing). Shorter names than three characters are left alone: too much in ordinary speech sounds like them.
"""

from collections.abc import Iterable

from ticketing.sound import slack_key, syllables

LEAST = 3
LEAST_CONFUSED = 4


class NamesBySound:
    """A writer step: text in, text out. Two names that sound the same are both left alone where neither is written."""

    def __init__(self, names: Iterable[str]) -> None:
        wanted = {name for name in names if len(name) >= LEAST}
        self._names = frozenset(wanted)
        self._lengths = sorted({len(name) for name in wanted}, reverse=True)
        self._exact = _unambiguous((" ".join(syllables(name)), name) for name in wanted)
        self._confused = _unambiguous((slack_key(name), name) for name in wanted if len(name) >= LEAST_CONFUSED)

    def __call__(self, text: str) -> str:
        """The text with every name written as the city writes it."""
        if not self._names:
            return text
        sounds, slack = syllables(text), slack_key(text)
        out: list[str] = []
        at = 0
        while at < len(text):
            name = self._at(text, sounds, slack, at)
            out.append(name or text[at])
            at += len(name) if name else 1
        return "".join(out)

    def _at(self, text: str, sounds: list[str], slack: str, at: int) -> str | None:
        for length in self._lengths:
            end = at + length
            if end > len(text):
                continue
            if text[at:end] in self._names:
                return text[at:end]
            found = self._exact.get(" ".join(sounds[at:end]))
            if found is None and length >= LEAST_CONFUSED:
                found = self._confused.get(slack[at:end])
            if found is not None:
                return found
        return None


def _unambiguous(keyed: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str | None] = {}
    for key, name in keyed:
        found[key] = None if key in found else name
    return {key: name for key, name in found.items() if name is not None}
