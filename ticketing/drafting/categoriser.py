"""Which category a conversation is about, with the words that decided. Pure but for the cached model.

The model is trained from the corpus when no model of exactly this corpus is in the cache folder; the first start of a
site takes some ten seconds, later ones a moment.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ticketing.drafting.corpus import (
    BACKGROUND,
    Line,
    conversations,
    manifest,
    read_learned,
    read_training,
    site_lines,
    training_dir,
)
from ticketing.drafting.features import bag
from ticketing.drafting.mentions import AgencyMentions
from ticketing.drafting.textmodel import TextModel, odds, train
from ticketing.site import Site
from ticketing.views import Utterance
from ticketing.vocabulary import CategoryCode, Speaker

_log = logging.getLogger(__name__)

AGENT_WEIGHT = 0.6
"""An agent's words name the matter well but also offer what it is not."""

_MENTION_WEIGHT = 0.8
_SHARPNESS = 1.6
"""Brings scores to probabilities; set so that a guess of 0.8 is right four times of five (docs/drafting-scores.md)."""


_LITTLE, _ENOUGH = 2.5, 8.0
"""`TextModel.told` up to which scores are not believed at all, and from which in full."""


class Guess(NamedTuple):
    """A category and how probable it is."""

    code: CategoryCode
    probability: float


def corpus(site: Site) -> list[Line]:
    """Everything a site's categoriser learns from before anybody corrected it."""
    return [*read_training(training_dir("categories"), _names(site) | {BACKGROUND: ""}), *site_lines(site)]


def _names(site: Site) -> dict[str, str]:
    return {str(category.code): category.level3 for category in site.categories.values()}


def topics(site: Site) -> dict[str, str]:
    """What people say of each category, by its code, for the knowledge base's search."""
    said: dict[str, list[str]] = {}
    for line in read_training(training_dir("categories"), _names(site)):
        said.setdefault(line.label, []).append(" ".join(line.clauses))
    for category in site.categories.values():
        said.setdefault(category.code, []).extend(category.keywords)
    return {code: " ".join(texts) for code, texts in said.items()}


def fit(lines: Sequence[Line]) -> TextModel:
    """Train a model on single lines, and on conversations made of them."""
    single = [(line.label, bag([(line.text, 1.0)])) for line in lines if line.label != BACKGROUND]
    mixed = [(label, bag([(text, 1.0) for text in texts])) for label, texts in conversations(lines)]
    return train(single, mixed)


class Categoriser:
    """Guesses categories with a trained model and the agencies an agent names."""

    def __init__(self, site: Site, model: TextModel) -> None:
        self._model = model
        self._mentions = AgencyMentions(site, model.labels)

    @classmethod
    def of_site(cls, site: Site, cache: Path | None = None) -> "Categoriser":
        """The categoriser of a site, with the corrections kept in `cache`.

        The model comes from `cache` if one of this very corpus is there, else it is trained and kept.
        """
        lines = [*corpus(site), *(read_learned(cache, _names(site)) if cache else ())]
        mark = manifest(lines)
        path = cache / "categories.npz" if cache else None
        model = TextModel.load(path, mark) if path else None
        if model is None:
            _log.info("training categories: %d lines", len(lines))
            model = fit(lines)
            if path:
                model.save(path, mark)
        return cls(site, model)

    def guesses(self, utterances: Sequence[Utterance], limit: int = 3) -> list[Guess]:
        """The most probable categories, best first; empty where nothing was said the model knows."""
        heard = bag([(u.text, 1.0 if u.speaker is Speaker.CITIZEN else AGENT_WEIGHT) for u in utterances])
        scores = self._model.scores(heard)
        if not scores.any():
            return []
        agent = (u.text for u in utterances if u.speaker is Speaker.AGENT)
        scores = scores + _MENTION_WEIGHT * self._mentions.support(agent)
        believed = min(1.0, max(0.02, (self._model.told(heard) - _LITTLE) / (_ENOUGH - _LITTLE)))
        probable = odds(scores, _SHARPNESS * believed)
        return [Guess(CategoryCode(self._model.labels[i]), float(probable[i])) for i in (-scores).argsort()[:limit]]

    def support(self, text: str, code: str) -> float:
        """How much one plain text speaks for a category rather than for the others (may be negative)."""
        return self._model.support(bag([(text, 1.0)]), code)

    def rarity(self, text: str) -> float:
        """How much a plain text tells at all: its known words, each by how rare it is."""
        return self._model.rarity(bag([(text, 1.0)]))
