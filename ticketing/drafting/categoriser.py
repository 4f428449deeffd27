"""Which category a conversation is about, with the words that decided. Pure but for the cached model.

The model is trained from the corpus when no model of exactly this corpus is in the cache folder; the first start of a
site takes a while, later ones a moment.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ticketing.drafting.corpus import BACKGROUND, Line, conversations, manifest, read_training, site_lines, training_dir
from ticketing.drafting.features import bag
from ticketing.drafting.linear import LinearModel, train
from ticketing.site import Site
from ticketing.views import Utterance
from ticketing.vocabulary import CategoryCode, Speaker

_log = logging.getLogger(__name__)

_AGENT_WEIGHT = 0.6
"""An agent's words name the matter well but also offer what it is not."""


class Guess(NamedTuple):
    """A category and how probable it is."""

    code: CategoryCode
    probability: float


def corpus(site: Site, corrections: Sequence[Line] = ()) -> list[Line]:
    """Everything a site's categoriser learns from."""
    names = {category.code: category.level3 for category in site.categories.values()}
    own = list(read_training(training_dir(), {str(code): name for code, name in names.items()}))
    return [*own, *site_lines(site), *corrections]


def fit(lines: Sequence[Line]) -> LinearModel:
    """Train a model on single lines and on conversations made of them."""
    texts: list[tuple[str, tuple[str, ...]]] = [(line.code, (line.text,)) for line in lines if line.code != BACKGROUND]
    texts += conversations(lines)
    return train([bag(parts) for _, parts in texts], [code for code, _ in texts])


class Categoriser:
    """Guesses categories with a trained model."""

    def __init__(self, model: LinearModel) -> None:
        self._model = model

    @classmethod
    def of_site(cls, site: Site, cache: Path | None = None, corrections: Sequence[Line] = ()) -> "Categoriser":
        """The categoriser of a site, from `cache` if a model of this very corpus is there, else trained (and kept)."""
        lines = corpus(site, corrections)
        mark = manifest(lines)
        path = cache / "categories.npz" if cache else None
        model = LinearModel.load(path, mark) if path else None
        if model is None:
            _log.info("training categories: %d lines", len(lines))
            model = fit(lines)
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
                model.save(path, mark)
        return cls(model)

    def guesses(self, utterances: Sequence[Utterance], limit: int = 3) -> list[Guess]:
        """The most probable categories, best first; empty where nothing was said the model knows."""
        counts: dict[str, float] = {}
        for said in utterances:
            weight = 1.0 if said.speaker is Speaker.CITIZEN else _AGENT_WEIGHT
            for feature, n in bag([said.text]).items():
                counts[feature] = counts.get(feature, 0.0) + weight * n
        logits = self._model.logits(counts)
        if not np.any(logits):
            return []
        odds = np.exp((logits - logits.max()) * self._sharpness(len(counts)))
        odds /= odds.sum()
        order = np.argsort(-odds)[:limit]
        return [Guess(CategoryCode(self._model.labels[i]), float(odds[i])) for i in order]

    @staticmethod
    def _sharpness(features: int) -> float:
        """Longer texts have smaller entries after normalisation; the odds are brought back to scale."""
        return 1.0 + min(features, 400) / 200

    def support(self, text: str, code: str) -> float:
        """How much one plain text speaks for a category rather than for the others (may be negative)."""
        logits = self._model.logits(bag([text]))
        at = self._model.labels.index(code)
        return float(logits[at] - np.partition(logits, -8)[-8:].mean())

    def rarity(self, text: str) -> float:
        """How much a plain text tells at all: the weight of its known words that are rare."""
        model = self._model
        idf = [float(model.idf[at]) for f in bag([text]) if f[0] == "c" and (at := model.vocabulary.get(f)) is not None]
        return sum(max(0.0, v - 4.0) for v in idf) / 6
