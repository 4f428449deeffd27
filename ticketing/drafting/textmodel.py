"""Text to label: a large-margin classifier and naive Bayes over the same sparse features, in numpy. Pure but for files.

The two see the same evidence and fail differently: the margin (multiclass passive-aggressive steps, PA-I of Crammer et
al., JMLR 7, 2006, averaged over all steps) weighs what tells labels apart in short lines; naive Bayes (multinomial,
Lidstone smoothing) adds up much weak evidence, which is what a long call is. Their scores are standardised over the
labels and added. Steps touch two labels only, so twenty thousand lines of 160 labels take some three seconds.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Bag = Mapping[str, float]
Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]

_SMOOTHING = 0.01
_EPOCHS, _SEED = 3, 12345
_MARGIN, _MOST = 1.0, 0.05
"""The margin asked for, and the longest step: small, because lines of two labels may say the same."""


class TextModel:
    """A trained model. Columns of both weight tables stand for `labels`, rows for the features of `vocabulary`."""

    def __init__(
        self, labels: Sequence[str], vocabulary: dict[str, int], idf: Floats, weights: Floats, bayes: Floats
    ) -> None:
        self.labels = tuple(labels)
        self.number = {label: at for at, label in enumerate(self.labels)}
        self.vocabulary = vocabulary
        self.idf = idf
        self._weights = weights
        self._bayes = bayes

    def scores(self, bag: Bag) -> Floats:
        """One score a label, mean 0; all zeros for a text the model knows nothing of."""
        at, counts = self._known(bag)
        if not len(at):
            return np.zeros(len(self.labels), np.float32)
        margin = _vector(counts, self.idf[at]) @ self._weights[at].astype(np.float32)
        bayes = np.sqrt(np.minimum(counts, 1)) @ self._bayes[at].astype(np.float32)
        return _standard(margin) + _standard(bayes)

    def told(self, bag: Bag) -> float:
        """How much a text tells at all: what the margin finds for the best label over the average one, with the length
        of the text. About 50 for small talk, 100 to 300 for one telling sentence, 500 for a call.
        """
        at, counts = self._known(bag)
        if not len(at):
            return 0.0
        found = (np.log1p(counts) * self.idf[at]) @ self._weights[at].astype(np.float32)
        return float(found.max() - found.mean())

    def support(self, bag: Bag, label: str) -> float:
        """How much a text speaks for one label rather than the average of the others, by naive Bayes."""
        at, counts = self._known(bag)
        column = self._bayes[at, self.number[label]].astype(np.float32)
        return float(np.sqrt(np.minimum(counts, 1)) @ column)

    def rarity(self, bag: Bag) -> float:
        """How many words of a text are rare in what the model was trained on, each by how rare it is."""
        at, _ = self._known(bag)
        return float(np.maximum(0, self.idf[at] - 5).sum())

    def _known(self, bag: Bag) -> tuple[_Ints, Floats]:
        known = [(at, n) for feature, n in bag.items() if (at := self.vocabulary.get(feature)) is not None]
        rows = np.fromiter((at for at, _ in known), np.int64, len(known))
        return rows, np.fromiter((n for _, n in known), np.float32, len(known))

    def save(self, path: Path, manifest: str) -> None:
        """Write the model with `manifest`, a text that says what it was trained on; whole or not at all."""
        ordered = sorted(self.vocabulary, key=self.vocabulary.__getitem__)
        text = np.frombuffer(json.dumps([manifest, self.labels, ordered], ensure_ascii=False).encode(), np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, text=text, idf=self.idf, weights=self._weights, bayes=self._bayes)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path, manifest: str) -> "TextModel | None":
        """The model at `path`, None where there is none or it was trained on something else."""
        if not path.exists():
            return None
        with np.load(path) as stored:
            found, labels, ordered = json.loads(stored["text"].tobytes())
            if found != manifest:
                return None
            vocabulary = {feature: at for at, feature in enumerate(ordered)}
            return cls(labels, vocabulary, stored["idf"], stored["weights"], stored["bayes"])


def train(
    texts: Sequence[tuple[str, Bag]], mixed: Sequence[tuple[str, Bag]] = (), *, epochs: int = _EPOCHS
) -> TextModel:
    """Fit a model to `(label, bag)` pairs; `mixed` are further ones for the margin only. Same input, same model."""
    labels = sorted({label for label, _ in texts})
    number = {label: at for at, label in enumerate(labels)}
    everything = [*texts, *mixed]
    frequency: dict[str, int] = {}
    for _, bag in everything:
        for feature in bag:
            frequency[feature] = frequency.get(feature, 0) + 1
    vocabulary = {feature: at for at, feature in enumerate(sorted(frequency))}
    seen = np.array([frequency[feature] for feature in vocabulary], np.float32)
    idf = (np.log((1 + len(everything)) / (1 + seen)) + 1).astype(np.float32)
    rows = [np.fromiter((vocabulary[f] for f in bag), np.int64, len(bag)) for _, bag in everything]
    values = [
        _vector(np.fromiter(bag.values(), np.float32, len(bag)), idf[at])
        for at, (_, bag) in zip(rows, everything, strict=True)
    ]
    target = np.array([number[label] for label, _ in everything])
    weights = _divide(rows, values, target, (len(vocabulary), len(labels)), epochs)
    bayes = _count(rows[: len(texts)], target[: len(texts)], (len(vocabulary), len(labels)))
    return TextModel(labels, vocabulary, idf, weights.astype(np.float16), bayes.astype(np.float16))


def odds(scores: Floats, sharpness: float) -> Floats:
    """Probabilities of scores."""
    shifted = np.exp((scores - scores.max()) * sharpness)
    result: Floats = shifted / shifted.sum()
    return result


def _vector(counts: Floats, idf: Floats) -> Floats:
    values = np.log1p(counts) * idf
    result: Floats = (values / max(float(np.sqrt(values @ values)), 1e-9)).astype(np.float32)
    return result


def _standard(scores: Floats) -> Floats:
    result: Floats = (scores - scores.mean()) / max(float(scores.std()), 1e-6)
    return result


def _count(rows: Sequence[_Ints], target: _Ints, shape: tuple[int, int]) -> Floats:
    """Log likelihood of each feature in each label, less its mean over the labels."""
    counts = np.zeros(shape, np.float32)
    for at, label in zip(rows, target, strict=True):
        counts[at, label] += 1
    total = counts.sum(axis=0) + _SMOOTHING * shape[0]
    table = np.log(counts + _SMOOTHING) - np.log(total)
    result: Floats = (table - table.mean(axis=1, keepdims=True)).astype(np.float32)
    return result


def _divide(
    rows: Sequence[_Ints], values: Sequence[Floats], target: _Ints, shape: tuple[int, int], epochs: int
) -> Floats:
    """Weights that put each row's own label first by a margin, as far as rows allow: the mean over all steps, of
    root mean square 1.
    """
    weights, late = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    random = np.random.default_rng(_SEED)
    step = 0
    for _ in range(epochs):
        for one in random.permutation(len(rows)):
            at, value, own = rows[one], values[one], target[one]
            scores = value @ weights[at]
            margin = float(scores[own])
            scores[own] = -np.inf
            rival = int(scores.argmax()) if shape[1] > 1 else int(own)
            loss = _MARGIN - margin + float(scores[rival])
            step += 1
            if loss > 0 and rival != own:
                move: Floats = np.float32(min(_MOST, loss / 2)) * value
                weights[at, own] += move
                weights[at, rival] -= move
                late[at, own] += step * move
                late[at, rival] -= step * move
    weights -= late / np.float32(max(1, step))
    used = weights[weights != 0]
    size = np.sqrt(np.mean(used * used)) if used.size else np.float32(1)
    result: Floats = (weights / size).astype(np.float32)
    return result
