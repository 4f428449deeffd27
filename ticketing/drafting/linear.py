"""Multinomial logistic regression on sparse text features, in numpy. Pure but for `save` and `load`.

A text is the L2-normalised vector of `(1 + ln count) * idf` of its features; the model is one weight a feature and
label. Training is minibatch gradient descent with AdaGrad steps (Duchi, Hazan, Singer 2011), deterministic for a given
seed. About 15 s for 25,000 texts, 160 labels and 100,000 features on one core.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Bag = Mapping[str, float]
_Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]


class LinearModel:
    """A trained model. `labels` are in the order of the columns of `weights`."""

    def __init__(self, labels: Sequence[str], vocabulary: dict[str, int], idf: _Floats, weights: _Floats) -> None:
        self.labels = tuple(labels)
        self.vocabulary = vocabulary
        self.idf = idf
        self.weights = weights

    def vector(self, bag: Bag) -> tuple[_Ints, _Floats]:
        """Column numbers and values of a bag; features never seen in training are left out."""
        known = [(self.vocabulary[f], n) for f, n in bag.items() if f in self.vocabulary]
        if not known:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        at = np.fromiter((a for a, _ in known), np.int64, len(known))
        counts = np.fromiter((n for _, n in known), np.float32, len(known))
        values = np.log1p(counts) * self.idf[at]
        norm = float(np.sqrt(values @ values))
        return at, (values / norm).astype(np.float32)

    def logits(self, bag: Bag) -> _Floats:
        """One score a label; zeros for a text of unknown features only."""
        at, values = self.vector(bag)
        result: _Floats = values @ self.weights[at].astype(np.float32)
        return result

    def probabilities(self, bag: Bag) -> _Floats:
        """Softmax of the logits."""
        return softmax(self.logits(bag))

    def save(self, path: Path, manifest: str) -> None:
        """Write the model beside `manifest`, a text that says what it was trained on; whole or not at all."""
        ordered = sorted(self.vocabulary, key=self.vocabulary.__getitem__)
        text = json.dumps([manifest, self.labels, ordered], ensure_ascii=False).encode()
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, text=np.frombuffer(text, np.uint8), idf=self.idf, weights=self.weights.astype(np.float16))
        partial.replace(path)

    @classmethod
    def load(cls, path: Path, manifest: str) -> "LinearModel | None":
        """The model at `path`, or None where there is none or it was trained on something else."""
        if not path.exists():
            return None
        with np.load(path) as stored:
            found, labels, ordered = json.loads(stored["text"].tobytes())
            if found != manifest:
                return None
            vocabulary = {feature: at for at, feature in enumerate(ordered)}
            return cls(labels, vocabulary, stored["idf"], stored["weights"].astype(np.float32))


def softmax(logits: _Floats) -> _Floats:
    """Probabilities of logits."""
    shifted = np.exp(logits - logits.max())
    result: _Floats = shifted / shifted.sum()
    return result


def train(
    bags: Sequence[Bag],
    labels: Sequence[str],
    *,
    epochs: int = 8,
    rate: float = 0.5,
    decay: float = 2e-6,
    batch: int = 128,
    rare: int = 2,
    seed: int = 12345,
) -> LinearModel:
    """Fit a model. Features that occur in fewer than `rare` texts are left out."""
    names = sorted(set(labels))
    frequency: dict[str, int] = {}
    for bag in bags:
        for feature in bag:
            frequency[feature] = frequency.get(feature, 0) + 1
    kept = sorted(feature for feature, n in frequency.items() if n >= rare)
    vocabulary = {feature: at for at, feature in enumerate(kept)}
    seen = np.array([frequency[feature] for feature in kept], np.float32)
    idf = np.log((1 + len(bags)) / (1 + seen)).astype(np.float32) + np.float32(1)
    weights = np.zeros((len(kept), len(names)), np.float32)
    model = LinearModel(names, vocabulary, idf, weights)
    vectors = [model.vector(bag) for bag in bags]
    number = {name: at for at, name in enumerate(names)}
    target = np.array([number[label] for label in labels])
    memory = np.full(weights.shape, 1e-6, np.float32)
    random = np.random.default_rng(seed)
    for _ in range(epochs):
        order = random.permutation(len(vectors))
        for begin in range(0, len(order), batch):
            _step(weights, memory, [vectors[i] for i in order[begin : begin + batch]], target[order[begin : begin + batch]], rate, decay)
    return model


def _step(
    weights: _Floats,
    memory: _Floats,
    rows: Sequence[tuple[_Ints, _Floats]],
    target: _Ints,
    rate: float,
    decay: float,
) -> None:
    """One AdaGrad step on the features that occur in these rows."""
    used, where = np.unique(np.concatenate([at for at, _ in rows]), return_inverse=True)
    dense = np.zeros((len(rows), len(used)), np.float32)
    line = np.repeat(np.arange(len(rows)), [len(at) for at, _ in rows])
    dense[line, where] = np.concatenate([values for _, values in rows])
    local = weights[used]
    logits = dense @ local
    logits -= logits.max(axis=1, keepdims=True)
    error = np.exp(logits)
    error /= error.sum(axis=1, keepdims=True)
    error[np.arange(len(rows)), target] -= 1
    gradient = dense.T @ error + decay * len(rows) * local
    squares = memory[used] + gradient**2
    memory[used] = squares
    weights[used] = local - rate * gradient / np.sqrt(squares)
