"""A site's own names in our model: the graph is made anew in seconds, the sound stays as it is.

Works for models of our own recipe, which carry the counts their language came from (`adaptation/language.xz`). An
official model carries none: with a look-ahead graph it takes hot words at run time, a static one stays as it is.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from asr.errors import ModelBroken
from asr.model.recipe import artefact, openfst
from asr.model.recipe.language import Counts
from asr.model.recipe.pronounce import readings
from asr.model.recipe.segment import classed, classes_of, segmenter
from asr.model.recipe.site_text import HANZI, clauses

_SENTENCE_WEIGHT = 20.0
_WORD_COUNT = 60.0


class NotAdaptable(ModelBroken):
    """The model is not of our recipe, so its graph cannot be made anew."""


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What an adaptation did: names that are new, sentences learned, names nobody can read (left out)."""

    folder: Path
    new_words: int
    sentences: int
    unreadable: tuple[str, ...]


def adapt(
    model_dir: Path, words_file: Path | None, sentences_file: Path | None, out_dir: Path, *, fst: Path | None = None
) -> Adaptation:
    """Make a model in `out_dir` that also knows the site's names and sentences.

    `words_file` holds one name a line (places, agencies, compounds; hanzi), `sentences_file` sentences callers say.
    A name is expected wherever the model's own texts have a place name. `fst` is a private folder of OpenFst's tools
    (see `asr.model.recipe.openfst`). The result is whole or absent. Raises NotAdaptable, ToolsMissing, OSError.
    """
    language = model_dir / artefact.LANGUAGE
    if not language.is_file():
        raise NotAdaptable(
            f"{model_dir}: no {artefact.LANGUAGE}, so this is not a model of our recipe. "
            "Give an official look-ahead model hot words at run time; a static one needs its vendor's compile package."
        )
    tools = openfst.find(fst)
    counts = Counts.read(language)
    before = set(counts.words())
    names = list(dict.fromkeys(_lines(words_file)))
    unreadable = [name for name in names if not readings(name)]
    for name in names:
        if readings(name):
            counts.members["<place>"][name] = 1.0
            for char in name:
                counts.general.setdefault(char, _WORD_COUNT)
    sentences = [clause for line in _lines(sentences_file) for clause in clauses(line)]
    cut, classes = segmenter(counts), classes_of(counts)
    for sentence in sentences:
        counts.add(classed(cut.cut(sentence), classes), _SENTENCE_WEIGHT)
    part = out_dir.with_name(out_dir.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        unreadable += artefact.regraph(model_dir, part, counts, tools)
        made = {"from": model_dir.name, "names": len(names), "sentences": len(sentences)}
        artefact.manifest(part, {"note": "not measured after the site adaptation"}, {"adapted": made})
        shutil.rmtree(out_dir, ignore_errors=True)
        part.rename(out_dir)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Adaptation(out_dir, len(set(counts.words()) - before), len(sentences), tuple(dict.fromkeys(unreadable)))


def _lines(path: Path | None) -> Iterable[str]:
    """The lines of a file that hold hanzi, stripped; none where there is no file."""
    if path is None:
        return []
    return [line.strip() for line in path.read_text("utf-8").splitlines() if HANZI.search(line)]
