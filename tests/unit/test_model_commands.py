"""`hotline asr model …` and `hotline asr adapt` as an operator types them."""

import shutil
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from asr.model import fetch, store
from ivr.cli import app
from ivr.settings import load_settings


def hotline(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["asr", *words, "--home", str(home)])


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """A look-ahead model that is not of our recipe, unpacked where the operator is told to."""
    path = tmp_path / "models" / "official"
    shutil.copytree(store.EMBEDDED, path)
    (path / store.MANIFEST).unlink()
    (path / store.LANGUAGE).unlink()
    return path


@pytest.fixture
def static(official: Path) -> Path:
    (official / "graph" / "HCLr.fst").unlink()
    (official / "graph" / "Gr.fst").rename(official / "graph" / "HCLG.fst")
    return official


def test_the_model_in_use_is_marked_and_a_broken_one_says_why(tmp_path: Path, official: Path) -> None:
    (tmp_path / "models" / "half").mkdir()
    lines = hotline(tmp_path, "model", "list").stdout.splitlines()
    assert lines[0].startswith("* embedded: 18 MB, learns names and sentences")
    assert lines[1].startswith("! half: ")
    assert "am/final.mdl: missing" in lines[1]
    assert lines[2].startswith("  official: ")
    assert "hot words" in lines[2]


def test_a_model_is_selected_and_taken_back(tmp_path: Path, official: Path) -> None:
    assert hotline(tmp_path, "model", "select", "official").exit_code == 0
    assert load_settings(tmp_path, {}).speech.model == "official"
    assert "* official" in hotline(tmp_path, "model", "list").stdout
    assert hotline(tmp_path, "model", "select", "embedded").exit_code == 0
    assert load_settings(tmp_path, {}).speech.model == ""


def test_what_is_not_there_or_not_whole_is_not_selected(tmp_path: Path, official: Path) -> None:
    (official / "graph" / "words.txt").unlink()
    for name, fault in (("official", "words.txt: missing"), ("other", "does not exist; unpack the model there")):
        refused = hotline(tmp_path, "model", "select", name)
        assert (refused.exit_code, fault in refused.stderr) == (2, True)
        assert fault in hotline(tmp_path, "model", "check", name).stderr
    assert not (tmp_path / "hotline.toml").exists()


def test_a_whole_model_is_told_so_by_name_or_folder(tmp_path: Path, official: Path) -> None:
    for name in ("official", str(official), "embedded"):
        assert ": whole, " in hotline(tmp_path, "model", "check", name).stdout


def test_get_says_what_to_do_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivr.commands.models.fetch", partial(fetch.fetch, index="http://127.0.0.1:1/"))
    got = hotline(tmp_path, "model", "get", "small-cn")
    assert got.exit_code == 2
    assert "on a machine with a network download" in got.stderr


def test_an_official_model_takes_names_and_says_how(tmp_path: Path, official: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("棠溪小区\n\n悦容公园\n", "utf-8")
    told = hotline(tmp_path, "adapt", "--model", "official", "--words", str(words))
    assert "official: 2 names are put right" in told.stdout
    assert "look-ahead" in told.stdout
    assert (tmp_path / "models" / "official.words.txt").read_text("utf-8") == words.read_text("utf-8")


def test_a_static_model_says_that_it_cannot_learn(tmp_path: Path, static: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("棠溪小区\n", "utf-8")
    told = hotline(tmp_path, "adapt", "--model", static.name, "--words", str(words))
    assert "its graph is static, so it cannot learn them: names are corrected by their sound" in told.stdout
    refused = hotline(tmp_path, "adapt", "--model", static.name, "--sentences", str(words))
    assert (refused.exit_code, "cannot learn sentences" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    ("given", "fault"), [((), "nothing to learn"), (("--words", "none.txt"), "none.txt: no such file")]
)
def test_nothing_to_learn_is_said(tmp_path: Path, given: tuple[str, ...], fault: str) -> None:
    refused = hotline(tmp_path, "adapt", *given)
    assert (refused.exit_code, fault in refused.stderr) == (2, True)
