"""The network: a small time-delay network trained frame by frame, exported with everything folded into its layers."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from asr.model.recipe import options, units
from asr.model.recipe.kaldi_format import Layer, write_model

SPLICES = ((-2, -1, 0, 1, 2), (-1, 0, 1), (-3, 0, 3), (-3, 0, 3), (-6, 0, 6), (-6, 0, 3))
"""Frames each hidden layer sees of the one below; from the second on every third frame is computed."""
WIDTH = 352
LEFT = sum(-splice[0] for splice in SPLICES)
RIGHT = sum(splice[-1] for splice in SPLICES)
CHUNK = 150
BATCH = 64
STEPS = 10_000
PEAK_RATE = 2e-3
_WARM = 360
PRIOR_FLOOR = 0.0012
"""A sound rarer than this is scored as if it were this frequent: a tiny prior makes it swallow whole sentences."""
_IGNORED = 255
_EPSILON = 1e-5

Tensor = Any  # torch is an extra: without it mypy sees no types at all


@dataclass(frozen=True, slots=True)
class Speech:
    """All training frames: features (frames, DIM), the pdf of each, frames of each utterance."""

    features: NDArray[np.float16]
    pdfs: NDArray[np.uint8]
    lengths: NDArray[np.int64]

    @classmethod
    def read(cls, parts: list[Path]) -> "Speech":
        """Join the parts the speech stage wrote."""
        loaded = [np.load(path) for path in parts]
        return cls(*(np.concatenate([z[name] for z in loaded]) for name in ("features", "pdfs", "lengths")))


def _sizes() -> list[tuple[int, int]]:
    """Inputs and outputs of every affine."""
    inputs = [options.DIM * len(SPLICES[0]), *(WIDTH * len(splice) for splice in SPLICES[1:]), WIDTH]
    return list(zip(inputs, [WIDTH] * len(SPLICES) + [units.STATE_COUNT], strict=True))


def weights() -> int:
    """How many numbers the network learns."""
    return sum((inputs + 1) * outputs for inputs, outputs in _sizes())


class Network:
    """Affine, ReLU, batch norm, six times, then an affine to the states."""

    def __init__(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.weights: list[Tensor] = []
        self.biases: list[Tensor] = []
        for size, output in _sizes():
            bound = size**-0.5
            self.weights.append(((torch.rand(output, size, generator=generator) * 2 - 1) * bound).requires_grad_())
            self.biases.append(torch.zeros(output).requires_grad_())
        self.means = [torch.zeros(WIDTH) for _ in SPLICES]
        self.variances = [torch.ones(WIDTH) for _ in SPLICES]

    def parameters(self) -> list[Tensor]:
        """What the optimiser moves."""
        return [*self.weights, *self.biases]

    def forward(self, x: Tensor, *, training: bool) -> Tensor:
        """(batch, LEFT + frames + RIGHT, DIM) normalised features to (batch, frames / 3, states)."""
        for k, splice in enumerate(SPLICES):
            step = 1 if k < 2 else 3
            span = x.shape[1] - (splice[-1] - splice[0]) // step
            columns = [x[:, (o - splice[0]) // step : (o - splice[0]) // step + span] for o in splice]
            x = torch.cat(columns, -1)
            if k == 1:
                x = x[:, ::3]
            x = torch.relu(functional.linear(x, self.weights[k], self.biases[k]))
            flat = functional.batch_norm(
                x.reshape(-1, WIDTH), self.means[k], self.variances[k], training=training, momentum=0.05, eps=_EPSILON,
            )  # fmt: skip
            x = flat.reshape(x.shape)
        return functional.linear(x, self.weights[-1], self.biases[-1])

    def layers(
        self, mean: NDArray[np.float64], scale: NDArray[np.float64], log_prior: NDArray[np.float64]
    ) -> list[Layer]:
        """The same function on raw features: input statistics, batch norms and priors folded into the affines."""
        out: list[Layer] = []
        factor, shift = scale, -mean * scale
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            w = weight.detach().numpy().astype(np.float64)
            b = bias.detach().numpy().astype(np.float64)
            splice = SPLICES[k] if k < len(SPLICES) else (0,)
            b = b + w @ np.tile(shift, len(splice))
            w = w * np.tile(factor, len(splice))[None]
            if k < len(SPLICES):
                out.append(Layer(splice, w, b, relu=True))
                factor = 1 / np.sqrt(self.variances[k].numpy().astype(np.float64) + _EPSILON)
                shift = -self.means[k].numpy().astype(np.float64) * factor
            else:
                out.append(Layer(splice, w, b - log_prior, relu=False))
        return out


def _half_precision() -> bool:
    """Whether this processor multiplies bfloat16 itself: several times the speed, the same accuracy."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 - torch has no public name for it


def rate(step: int) -> float:
    """The learning rate of a step counted from 0: a short warming up, then down to nothing, both by cosine."""
    part = step / _WARM if step < _WARM else 1 + (step - _WARM) / (STEPS - _WARM)
    return PEAK_RATE * max(0.5 - 0.5 * math.cos(math.pi * part), 1e-4 if part > 1 else 0.04)


class Trainer:
    """Trains on random chunks with AdamW; the state can be saved, and taken up again as if nothing had happened."""

    def __init__(self, speech: Speech, seed: int) -> None:
        self._speech = speech
        self._starts = np.concatenate([[0], np.cumsum(speech.lengths)[:-1]])
        self._seed = seed
        sample = speech.features[::7].astype(np.float64)
        self.mean: NDArray[np.float64] = sample.mean(0)
        self.scale: NDArray[np.float64] = 1 / (sample.std(0) + 1e-3)
        counts = np.bincount(speech.pdfs, minlength=units.STATE_COUNT) + 1.0
        self.prior: NDArray[np.float64] = counts / counts.sum()
        self._unused = counts < 50
        order = np.random.default_rng(seed).permutation(len(speech.lengths))
        self._dev, train = order[:150], order[150:]
        self._places = [(int(u), o) for u in train for o in range(0, int(speech.lengths[u]), CHUNK)]
        self.network = Network(seed)
        self._optimiser = torch.optim.AdamW(self.network.parameters(), lr=1.0, weight_decay=1e-2)
        self._done = 0

    def run(self, checkpoint: Path, report: Callable[[int, int, float], None], until: int | None = None) -> None:
        """Train to the end, or `until` a step, from the checkpoint if there is one.

        `report` gets step, steps and the running loss.
        """
        last = STEPS if until is None else until
        if checkpoint.exists():
            self._load(checkpoint)
        mean = torch.tensor(self.mean, dtype=torch.float32)
        scale = torch.tensor(self.scale, dtype=torch.float32)
        running, saved = 0.0, time.monotonic()
        for x, y in self._batches():
            if self._done >= last:
                break
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=_half_precision()):
                output = self.network.forward((x - mean) * scale, training=True)
            flat = output.float().reshape(-1, units.STATE_COUNT)
            loss = functional.cross_entropy(flat, y.reshape(-1), ignore_index=_IGNORED)
            self._optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            for group in self._optimiser.param_groups:
                group["lr"] = rate(self._done)
            self._optimiser.step()
            self._done += 1
            value = float(loss.item())
            running = 0.98 * running + 0.02 * value if running else value
            if self._done % 50 == 0 or self._done == last:
                report(self._done, STEPS, running)
            if time.monotonic() - saved > 120 or self._done == last:
                self._save(checkpoint)
                saved = time.monotonic()

    def accuracy(self) -> float:
        """Share of frames of 150 utterances kept out of training whose state is right."""
        mean = torch.tensor(self.mean, dtype=torch.float32)
        scale = torch.tensor(self.scale, dtype=torch.float32)
        right = count = 0
        with torch.no_grad():
            for utterance in self._dev:
                chunks = [self._chunk(int(utterance), o) for o in range(0, int(self._speech.lengths[utterance]), CHUNK)]
                x = torch.from_numpy(np.stack([a for a, _ in chunks]))
                y = torch.from_numpy(np.stack([b for _, b in chunks]))
                best = self.network.forward((x - mean) * scale, training=False).argmax(-1)
                right += int(((best == y) & (y != _IGNORED)).sum())
                count += int((y != _IGNORED).sum())
        return right / count

    def export(self, path: Path) -> None:
        """Write am/final.mdl."""
        log_prior = np.log(np.maximum(self.prior, PRIOR_FLOOR))
        log_prior[self._unused] = 10.0  # never heard in training: never to be recognised
        write_model(path, self.network.layers(self.mean, self.scale, log_prior), options.DIM)

    def _chunk(self, utterance: int, offset: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """CHUNK frames with their context (edges repeated, as Kaldi does) and every third label."""
        length, start = int(self._speech.lengths[utterance]), int(self._starts[utterance])
        frames = np.clip(np.arange(offset - LEFT, offset + CHUNK - 3 + RIGHT + 1), 0, length - 1) + start
        at = np.arange(offset, offset + CHUNK, 3)
        heard = self._speech.pdfs[np.clip(at, 0, length - 1) + start].astype(np.int64)
        return self._speech.features[frames].astype(np.float32), np.where(at < length, heard, _IGNORED)

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """From the step reached on: every chunk once an epoch, in an order that the seed and the epoch alone decide."""
        each = len(self._places) // BATCH
        step = self._done
        while True:
            epoch, first = divmod(step, each)
            rng = np.random.default_rng((self._seed, epoch))
            order, shifts = rng.permutation(len(self._places)), rng.integers(0, 3, len(self._places))
            for batch in range(first, each):
                chosen = order[batch * BATCH : (batch + 1) * BATCH]
                chunks = [self._chunk(self._places[i][0], self._places[i][1] + int(shifts[i])) for i in chosen]
                yield (
                    torch.from_numpy(np.stack([a for a, _ in chunks])),
                    torch.from_numpy(np.stack([b for _, b in chunks])),
                )
            step = (epoch + 1) * each

    def _save(self, path: Path) -> None:
        part = path.with_suffix(".part")
        state = {
            "weights": self.network.weights,
            "biases": self.network.biases,
            "means": self.network.means,
            "variances": self.network.variances,
            "optimiser": self._optimiser.state_dict(),
            "done": self._done,
        }
        torch.save(state, part)
        part.replace(path)

    def _load(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        with torch.no_grad():
            for name in ("weights", "biases", "means", "variances"):
                for mine, theirs in zip(getattr(self.network, name), state[name], strict=True):
                    mine.copy_(theirs)
        self._optimiser.load_state_dict(state["optimiser"])
        self._done = state["done"]
