from pathlib import Path

import pytest

from asr.model import adapt
from asr.model.recipe import artefact, openfst
from asr.model.recipe.language import Counts

TOOLS = openfst.Tools(Path("/"))
needs_tools = pytest.mark.skipif(not TOOLS.complete(), reason="OpenFst's command-line tools are not installed")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model folder of our layout whose sound is never loaded."""
    folder = tmp_path / "model"
    for name in ("am/final.mdl", "conf/mfcc.conf", "conf/pitch.conf", "conf/model.conf"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name}\n")
    counts = Counts(general={"我": 100.0, "家": 50.0, "在": 80.0, "小区": 20.0, "棠": 1.0})
    counts.members["<place>"] = {"安邑": 1.0}
    counts.add(["我", "家", "在", "<place>"])
    (folder / "adaptation").mkdir()
    counts.write(folder / artefact.LANGUAGE)
    return folder


def test_a_foreign_model_is_refused_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(adapt.NotAdaptable, match="hot words"):
        adapt.adapt(tmp_path, None, None, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_tools_are_named_with_their_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openfst, "_SYSTEM", tmp_path)
    with pytest.raises(openfst.ToolsMissing, match="libfst-tools"):
        openfst.find(tmp_path / "nowhere")


@needs_tools
def test_new_names_are_in_the_graph_and_the_sound_is_untouched(model: Path, tmp_path: Path) -> None:
    words, said = tmp_path / "words.txt", tmp_path / "said.txt"
    words.write_text("棠溪小区\n悦容公园\n\n# KTV\n", "utf-8")
    said.write_text("我家在棠溪小区，暖气不热\n", "utf-8")
    done = adapt.adapt(model, words, said, tmp_path / "out")
    known = {line.split()[0] for line in (done.folder / "graph/words.txt").read_text("utf-8").splitlines()}
    assert {"棠溪小区", "悦容公园", "安邑", "我", "暖"} <= known
    assert (done.folder / "am/final.mdl").read_bytes() == (model / "am/final.mdl").read_bytes()
    assert (done.folder / "graph/HCLr.fst").stat().st_size > 100
    assert done.sentences == 2
    assert not done.unreadable


@needs_tools
def test_the_same_input_makes_the_same_graph(model: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        adapt.adapt(model, None, None, tmp_path / name)
    for file in ("graph/words.txt", "graph/Gr.fst", "graph/HCLr.fst"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@needs_tools
def test_nothing_half_made_is_left(model: Path, tmp_path: Path) -> None:
    (model / "conf/pitch.conf").unlink()
    with pytest.raises(FileNotFoundError):
        adapt.adapt(model, None, None, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model"]
