"""The folder that is shipped: what Vosk reads, what the site adaptation needs, and what the folder says of itself."""

import hashlib
import json
import shutil
from pathlib import Path

from asr.model.recipe import graph, language, options
from asr.model.recipe.openfst import Tools

NAME = "huying-demo-cn"
VERSION = "3"
"""The recipe's version: raised whenever it makes another model. 1 was a sketch without tones."""
ABOUT = "Demonstration model made from synthetic Mandarin only; not for human callers"

SIZE_LIMIT = 20_000_000
LANGUAGE = "adaptation/language.xz"
_FILES = ("am/final.mdl", "conf/mfcc.conf", "conf/pitch.conf", "conf/model.conf")

ACOUSTIC_SCALE = 0.8
MODEL_CONF = f"""--min-active=200
--max-active=4000
--beam=13.0
--lattice-beam=6.0
--acoustic-scale={ACOUSTIC_SCALE}
--frame-subsampling-factor=3
--endpoint.silence-phones=1
--endpoint.rule2.min-trailing-silence=0.5
--endpoint.rule3.min-trailing-silence=0.8
--endpoint.rule4.min-trailing-silence=1.2
"""


def assemble(folder: Path, acoustic: Path, counts: language.Counts, tools: Tools) -> list[str]:
    """Make a whole model folder from an acoustic model and the language's counts; returns words nobody can read."""
    for name in ("am", "conf", "adaptation"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(acoustic, folder / "am/final.mdl")
    (folder / "conf/mfcc.conf").write_text(options.MFCC_CONF)
    (folder / "conf/pitch.conf").write_text(options.PITCH_CONF)
    (folder / "conf/model.conf").write_text(MODEL_CONF)
    counts.write(folder / LANGUAGE)
    return graph.build(folder, language.estimate(counts), counts.words(), tools)


def regraph(source: Path, folder: Path, counts: language.Counts, tools: Tools) -> list[str]:
    """Copy a model folder's sound and make its graph anew from other counts; returns words nobody can read."""
    for name in _FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)
    (folder / LANGUAGE).parent.mkdir(parents=True, exist_ok=True)
    counts.write(folder / LANGUAGE)
    return graph.build(folder, language.estimate(counts), counts.words(), tools)


def manifest(folder: Path, scores: dict[str, object], made: dict[str, object]) -> None:
    """Write folder/manifest.json: what the model is, how it was made, its scores, size and SHA-256 of every file."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json")
    found = {
        "name": NAME,
        "version": VERSION,
        "about": ABOUT,
        "made": made,
        "scores": scores,
        "files": [
            {
                "path": str(p.relative_to(folder)),
                "size": p.stat().st_size,
                "sha256": hashlib.sha256(p.read_bytes()).hexdigest(),
            }
            for p in paths
        ],
    }
    (folder / "manifest.json").write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
