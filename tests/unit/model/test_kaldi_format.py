import struct
from pathlib import Path

import numpy as np

from asr.model.recipe import units
from asr.model.recipe.kaldi_format import Layer, write_model


def test_the_model_file_holds_all_weights_and_ends_whole(tmp_path: Path) -> None:
    weight = np.arange(12, dtype=np.float64).reshape(2, 6)
    layers = [
        Layer((-1, 0, 1), weight, np.array([0.5, -0.5]), relu=True),
        Layer((0,), np.ones((units.STATE_COUNT, 2)), np.zeros(units.STATE_COUNT), relu=False),
    ]
    write_model(tmp_path / "final.mdl", layers, 2)
    data = (tmp_path / "final.mdl").read_bytes()
    assert data.startswith(b"\0B<TransitionModel> ")
    assert data.endswith(b"<Priors> FV \4" + struct.pack("<i", 0))
    header = b"CM2 " + struct.pack("<ffii", 0.0, 11.0, 2, 6)
    start = data.index(header) + len(header)
    kept = np.frombuffer(data[start : start + 24], "<u2") * (11.0 / 65535)
    assert np.allclose(kept.reshape(2, 6), weight, atol=1e-4)
    assert b"input=Append(Offset(input, -1), input, Offset(input, 1))" in data
    assert data.count(b"<FixedAffineComponent>") == 2
    assert data.count(b"<RectifiedLinearComponent>") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["final.mdl"]
