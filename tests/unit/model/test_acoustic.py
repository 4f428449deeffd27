from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the model extra")

from asr.model.recipe import acoustic, options


def speech() -> acoustic.Speech:
    rng = np.random.default_rng(3)
    lengths = np.full(400, 170, np.int64)
    frames = int(lengths.sum())
    features = rng.standard_normal((frames, options.DIM)).astype(np.float16)
    return acoustic.Speech(features, rng.integers(0, 20, frames).astype(np.uint8), lengths)


def test_training_taken_up_again_is_training_never_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acoustic, "WIDTH", 8)
    monkeypatch.setattr(acoustic, "BATCH", 4)
    heard: list[int] = []
    monkeypatch.setattr(acoustic, "STEPS", 12)
    whole = acoustic.Trainer(speech(), 1)
    whole.run(tmp_path / "whole.pt", lambda done, _total, _loss: heard.append(done))
    stopped = acoustic.Trainer(speech(), 1)
    stopped.run(tmp_path / "parts.pt", lambda *_: None, until=7)
    again = acoustic.Trainer(speech(), 1)
    again.run(tmp_path / "parts.pt", lambda *_: None)
    for one, other in zip(whole.network.parameters(), again.network.parameters(), strict=True):
        assert np.array_equal(one.detach().numpy(), other.detach().numpy())
    assert heard[-1] == 12
    whole.export(tmp_path / "whole.mdl")
    again.export(tmp_path / "parts.mdl")
    assert (tmp_path / "whole.mdl").read_bytes() == (tmp_path / "parts.mdl").read_bytes()
