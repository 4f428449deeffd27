"""How much a citizen's words sound like a danger of now, learned from lines of dangers and of what only sounds so.

The patterns of `dangers` know the usual words; people in distress use others. A small model of whole calls stands
beside them: trained at start from `training/dangers`, with some ordinary matters for safety. Pure.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ticketing.drafting.corpus import Line, line, read_training, training_dir
from ticketing.drafting.features import bag
from ticketing.drafting.textmodel import TextModel, train

SAFE = "平安"
"""The label of lines that tell of no danger now."""

_SHORTEST, _CALM_LINES = 8, 500
"""Length of the ordinary lines taken, and about how many; more would outweigh the dangers."""


class Learned(NamedTuple):
    """The likeliest emergency line, and how much it is likelier than safety (about -5 to 5)."""

    score: float
    target: str


class DangerSense:
    """Knows dangers by what was written for them."""

    def __init__(self, targets: Sequence[str]) -> None:
        names = dict.fromkeys((*targets, SAFE), "")
        told = [*read_training(training_dir("dangers"), names), *_ordinary()]
        self._model: TextModel = train([(one.label, bag([(one.text, 1.0)])) for one in told])
        self._safe = self._model.number[SAFE]

    def judge(self, texts: Sequence[str]) -> Learned:
        """What all a citizen said sounds like."""
        scores = self._model.scores(bag([(text, 1.0) for text in texts]))
        best = max((at for at in range(len(scores)) if at != self._safe), key=lambda at: float(scores[at]))
        return Learned(float(scores[best] - scores[self._safe]), self._model.labels[best])


def _ordinary() -> list[Line]:
    """Some of the lines written for the categories, whatever site they are of."""
    lines = [
        line(SAFE, raw)
        for path in sorted(training_dir("categories").glob("[0-9]*.txt"))
        for raw in path.read_text(encoding="utf-8").splitlines()
        if not raw.startswith("#") and len(raw) >= _SHORTEST
    ]
    return lines[:: max(1, len(lines) // _CALM_LINES)]
