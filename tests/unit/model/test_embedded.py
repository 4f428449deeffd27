import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from asr.model.recipe import artefact, site_text

ROOT = Path(__file__).parents[3]
EMBEDDED = ROOT / "asr/model/embedded"
SITE = ROOT / "ticketing/sites/yuncheng"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EMBEDDED / "manifest.json").read_text("utf-8"))
    return found


def test_the_manifest_names_every_file_as_it_is(manifest: dict[str, Any]) -> None:
    listed = {file["path"]: (file["size"], file["sha256"]) for file in manifest["files"]}
    there = {
        str(path.relative_to(EMBEDDED)): (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in EMBEDDED.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert listed == there
    assert sum(size for size, _ in there.values()) <= artefact.SIZE_LIMIT


def test_the_model_was_measured_by_this_recipe(manifest: dict[str, Any]) -> None:
    assert manifest["version"] == artefact.VERSION
    scores = manifest["scores"]
    assert scores["scores"]["general, A-law"]["cer_percent"] <= 15
    assert scores["places_right_percent"] >= 95
    assert set(scores["words_in_wordless_sound"].values()) == {0}
    assert scores["speed"]["rtf"] <= 0.03
    assert scores["speed"]["load_s"] <= 0.5


@pytest.mark.skipif(not SITE.is_dir(), reason="the demonstration site pack is not here")
def test_every_place_and_agency_is_in_the_vocabulary() -> None:
    words = {line.split()[0] for line in (EMBEDDED / "graph/words.txt").read_text("utf-8").splitlines()}
    site = site_text.load(SITE)
    assert not (set(site.places) | set(site.agencies)) - words
