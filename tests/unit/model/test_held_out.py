from pathlib import Path

import pytest

from asr.model.recipe.site_text import clauses

TESTS = Path(__file__).parents[2] / "data/speech"
TEXTS = Path(__file__).parents[3] / "asr/model/recipe/text"
RUN = 7


def runs(text: str) -> set[str]:
    return {text[i : i + RUN] for i in range(len(text) - RUN + 1)}


@pytest.mark.parametrize("name", ["hotline", "general"])
def test_sentences_are_many_and_hanzi_only(name: str) -> None:
    lines = (TESTS / f"{name}.txt").read_text("utf-8").splitlines()
    assert len(set(lines)) == len(lines) >= 150
    assert all(clauses(line) == [line] for line in lines)


@pytest.mark.parametrize("name", ["hotline", "general"])
def test_the_recipe_has_not_read_them(name: str) -> None:
    held_out = set().union(*(runs(line) for line in (TESTS / f"{name}.txt").read_text("utf-8").splitlines()))
    for text in sorted(TEXTS.glob("*.txt")):
        read = set().union(*(runs(line) for line in text.read_text("utf-8").splitlines()))
        assert not read & held_out, text.name
