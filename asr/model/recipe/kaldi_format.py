"""Writes Kaldi's binary am/final.mdl: transition model, network, empty priors, in one stream.

Layout read from Kaldi's documentation of its I/O: a token is text and a space, an int is a length byte 4 and four
little-endian bytes, vectors and matrices carry their own token. Only two component types are needed because input
normalisation, batch norm and priors are folded into the affine layers.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from asr.model.recipe import units


@dataclass(frozen=True, slots=True)
class Layer:
    """One affine layer over frames spliced at `offsets` (frames relative to the output), then ReLU if `relu`."""

    offsets: tuple[int, ...]
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    relu: bool


def write_model(path: Path, layers: list[Layer], input_dim: int) -> None:
    """Write the acoustic model; the file is whole or absent."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(b"\0B")
        _transitions(file)
        _network(file, layers, input_dim)
    part.replace(path)


def _token(file: BinaryIO, text: str) -> None:
    file.write(text.encode() + b" ")


def _int(file: BinaryIO, value: int) -> None:
    file.write(b"\4" + struct.pack("<i", value))


def _float(file: BinaryIO, value: float) -> None:
    file.write(b"\4" + struct.pack("<f", value))


def _ints(file: BinaryIO, values: list[int]) -> None:
    file.write(b"\4" + struct.pack("<i", len(values)) + struct.pack(f"<{len(values)}i", *values))


def _vector(file: BinaryIO, values: NDArray[np.float64]) -> None:
    _token(file, "FV")
    _int(file, len(values))
    file.write(np.asarray(values, "<f4").tobytes())


def _matrix(file: BinaryIO, values: NDArray[np.float64]) -> None:
    """As Kaldi's CompressedMatrix of 16-bit steps between least and greatest: half the size, the same hearing."""
    least = np.float32(values.min())
    span = max(float(values.max() - least), 1e-12)
    _token(file, "CM2")
    file.write(struct.pack("<ffii", least, span, *values.shape))
    file.write(np.clip(np.round((values - least) / span * 65535), 0, 65535).astype("<u2").tobytes())


def _transitions(file: BinaryIO) -> None:
    _token(file, "<TransitionModel>")
    _token(file, "<Topology>")
    lengths = sorted(set(units.PHONE_STATES.values()))
    _ints(file, list(range(1, units.PHONE_COUNT + 1)))
    _ints(file, [-1, *(lengths.index(units.PHONE_STATES[p]) for p in range(1, units.PHONE_COUNT + 1))])
    _int(file, len(lengths))
    for count in lengths:
        _int(file, count + 1)
        for state in range(count):
            _int(file, state)
            _int(file, 2)
            for target in (state, state + 1):
                _int(file, target)
                _float(file, 0.5)
        _int(file, -1)
        _int(file, 0)
    _token(file, "</Topology>")
    _token(file, "<Triples>")
    _int(file, len(units.TRIPLES))
    for triple in units.TRIPLES:
        _int(file, triple.phone)
        _int(file, triple.state)
        _int(file, triple.pdf)
    _token(file, "</Triples>")
    _token(file, "<LogProbs>")
    _vector(file, np.array([0.0] + [np.log(0.5)] * units.TRANSITION_COUNT))
    _token(file, "</LogProbs>")
    _token(file, "</TransitionModel>")


def _network(file: BinaryIO, layers: list[Layer], input_dim: int) -> None:
    config, previous = [f"input-node name=input dim={input_dim}"], "input"
    for k, layer in enumerate(layers):
        spliced = ", ".join(f"Offset({previous}, {o})" if o else previous for o in layer.offsets)
        source = f"Append({spliced})" if len(layer.offsets) > 1 else spliced
        names = [f"L{k}.affine"] + ([f"L{k}.relu"] if layer.relu else [])
        for name in names:
            config.append(f"component-node name={name} component={name} input={source}")
            source = previous = name
    config.append(f"output-node name=output input={previous} objective=linear")
    file.write(b"<Nnet3> \n" + "\n".join(config).encode() + b"\n\n")
    _token(file, "<NumComponents>")
    _int(file, len(layers) + sum(layer.relu for layer in layers))
    empty = np.zeros(0)
    for k, layer in enumerate(layers):
        _token(file, "<ComponentName>")
        _token(file, f"L{k}.affine")
        _token(file, "<FixedAffineComponent>")
        _token(file, "<LinearParams>")
        _matrix(file, layer.weight)
        _token(file, "<BiasParams>")
        _vector(file, layer.bias)
        _token(file, "</FixedAffineComponent>")
        if layer.relu:
            _token(file, "<ComponentName>")
            _token(file, f"L{k}.relu")
            _token(file, "<RectifiedLinearComponent>")
            _token(file, "<Dim>")
            _int(file, len(layer.bias))
            _token(file, "<ValueAvg>")
            _vector(file, empty)
            _token(file, "<DerivAvg>")
            _vector(file, empty)
            _token(file, "<Count>")
            _float(file, 0.0)
            _token(file, "</RectifiedLinearComponent>")
    _token(file, "</Nnet3>")
    for name in ("<LeftContext>", "<RightContext>"):  # recomputed by the reader, any number will do
        _token(file, name)
        _int(file, 0)
    _token(file, "<Priors>")
    _vector(file, empty)
