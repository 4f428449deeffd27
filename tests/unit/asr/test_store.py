import shutil
from pathlib import Path

import pytest

from asr.errors import ModelBroken
from asr.model import store
from asr.vosk_engine import VoskEngine


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The embedded model as an official one looks: without a manifest, in a folder of its own."""
    path = tmp_path / "some-model"
    shutil.copytree(store.EMBEDDED, path)
    (path / store.MANIFEST).unlink()
    return path


def test_the_shipped_model_is_what_its_manifest_says() -> None:
    info = store.check(store.EMBEDDED, hashes=True)
    assert (info.name, info.look_ahead, info.sample_rate) == ("huying-demo-cn", True, 16000)
    assert "not for human callers" in info.about


def test_a_model_without_a_manifest_is_described_by_its_files(copy: Path) -> None:
    info = store.check(copy)
    assert (info.name, info.look_ahead) == ("some-model", True)


def test_a_static_graph_is_told_from_a_look_ahead_one(copy: Path) -> None:
    graph = copy / "graph"
    (graph / "HCLr.fst").unlink()
    (graph / "Gr.fst").rename(graph / "HCLG.fst")
    assert store.check(copy).look_ahead is False


FILES = [
    "am/final.mdl",
    "conf/mfcc.conf",
    "conf/model.conf",
    "graph/Gr.fst",
    "graph/disambig_tid.int",
    "graph/words.txt",
]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ModelBroken, match=f"{name}: missing; fetch or unpack"):
        store.check(copy)


@pytest.mark.parametrize("name", FILES)
def test_an_empty_file_is_named(copy: Path, name: str) -> None:
    (copy / name).write_bytes(b"")
    with pytest.raises(ModelBroken, match=f"{name}: empty"):
        store.check(copy)


@pytest.mark.parametrize(
    "name", ["am/final.mdl", "graph/Gr.fst", "graph/disambig_tid.int", "graph/phones/word_boundary.int"]
)
def test_a_file_cut_short_is_named(copy: Path, name: str) -> None:
    file = copy / name
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(ModelBroken, match=f"{name}: cut short"):
        store.check(copy)


@pytest.mark.parametrize(("name", "fault"), [("am/final.mdl", "not a Kaldi model"), ("graph/Gr.fst", "not a graph")])
def test_a_file_of_another_kind_is_named(copy: Path, name: str, fault: str) -> None:
    (copy / name).write_bytes(b"<html>not found</html>" * 10)
    with pytest.raises(ModelBroken, match=f"{name}: {fault}"):
        store.check(copy)


def test_the_manifest_finds_what_the_format_does_not_show(tmp_path: Path) -> None:
    path = tmp_path / "shipped"
    shutil.copytree(store.EMBEDDED, path)
    words = path / "graph" / "words.txt"
    content = words.read_bytes()
    words.write_bytes(content.replace(b"\n", b" ", 1))
    store.check(path)
    with pytest.raises(ModelBroken, match="content is not what the manifest says"):
        store.check(path, hashes=True)
    words.write_bytes(content[:100])
    with pytest.raises(ModelBroken, match="100 bytes where the manifest says"):
        store.check(path)
    (path / store.MANIFEST).write_text("{")
    with pytest.raises(ModelBroken, match="not a manifest"):
        store.check(path)


def test_models_are_listed_whole_or_broken(tmp_path: Path, copy: Path) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "readme.txt").write_text("no folder")
    embedded, half, whole = store.list_models(tmp_path)
    assert isinstance(embedded, store.ModelInfo)
    assert isinstance(half, store.BrokenModel)
    assert "am/final.mdl" in half.fault
    assert isinstance(whole, store.ModelInfo)


def test_a_model_is_chosen_by_name_or_path(tmp_path: Path, copy: Path) -> None:
    assert store.select().path == store.EMBEDDED
    assert store.select("embedded", tmp_path).path == store.EMBEDDED
    assert store.select("some-model", tmp_path).path == copy
    assert store.select(str(copy)).path == copy
    with pytest.raises(ModelBroken, match="no such model folder"):
        store.select("other", tmp_path)


def test_a_fault_only_vosk_can_see_is_reported_too(copy: Path) -> None:
    graph = copy / "graph" / "HCLr.fst"
    graph.write_bytes(graph.read_bytes()[: graph.stat().st_size // 2])
    with pytest.raises(ModelBroken, match="Vosk refuses the graph"):
        VoskEngine(store.check(copy))


def test_a_model_vosk_refuses_is_reported(copy: Path) -> None:
    (copy / "conf" / "mfcc.conf").write_text("--no-such-option=1\n")
    with pytest.raises(ModelBroken, match="Vosk refuses this model"):
        VoskEngine(store.check(copy))
