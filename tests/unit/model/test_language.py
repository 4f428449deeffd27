import math
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.model.recipe.language import Acceptor, Counts, estimate
from asr.model.recipe.segment import Segmenter, classed, classes_of, segmenter

WORDS = ["暖气", "不", "热", "我", "家", "的"]


def counted(sentences: list[list[str]]) -> Counts:
    counts = Counts(general=dict.fromkeys(WORDS, 10.0))
    for sentence in sentences:
        counts.add(sentence)
    counts.members["<place>"] = {"安邑": 1.0, "解州镇": 1.0}
    return counts


def probability(model: Acceptor, words: list[str]) -> float:
    """Of the best way through the automaton, as the recogniser takes it."""
    after = defaultdict(list)
    for arc in model.arcs:
        after[arc.source].append(arc)
    best = {model.start: 0.0}

    def closed(costs: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
        todo = list(costs)
        while todo:
            state = todo.pop()
            for arc in after[state]:
                if not arc.word and costs[state] + arc.cost < costs.get(arc.target, math.inf):
                    costs[arc.target] = costs[state] + arc.cost
                    todo.append(arc.target)
        return costs

    for word in words:
        step: dict[tuple[str, ...], float] = {}
        for state, cost in closed(best).items():
            for arc in after[state]:
                if arc.word == word:
                    step[arc.target] = min(step.get(arc.target, math.inf), cost + arc.cost)
        best = step
    return math.exp(-min(cost + model.finals[s] for s, cost in closed(best).items() if s in model.finals))


@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6), min_size=1, max_size=12))
def test_every_sentence_of_the_vocabulary_is_possible(sentences: list[list[str]]) -> None:
    model = estimate(counted(sentences))
    assert 0 < probability(model, ["热", "的", "不", "安邑"]) < 1
    for sentence in sentences:
        assert 0 < probability(model, sentence) <= 1


@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6), min_size=1, max_size=12))
def test_no_history_gives_away_more_than_everything(sentences: list[list[str]]) -> None:
    model = estimate(counted(sentences))
    mass: dict[tuple[str, ...], float] = defaultdict(float)
    for arc in model.arcs:
        if arc.word or arc.target[:1] == ("class",):
            mass[arc.source] += math.exp(-arc.cost)
    for state, cost in model.finals.items():
        mass[state] += math.exp(-cost)
    assert all(total <= 1.0001 for total in mass.values())
    assert mass[()] == pytest.approx(1)


def test_what_was_read_is_likelier_than_what_was_not() -> None:
    model = estimate(counted([["我", "家", "暖气", "不", "热"]] * 5))
    assert probability(model, ["我", "家", "暖气", "不", "热"]) > 20 * probability(
        model, ["热", "不", "暖气", "家", "我"]
    )


def test_a_name_never_read_is_as_likely_as_one_that_was() -> None:
    model = estimate(counted([["我", "家", "<place>"]] * 5))
    assert probability(model, ["我", "家", "安邑"]) == pytest.approx(probability(model, ["我", "家", "解州镇"]))


def test_counts_come_back_from_disk_byte_for_byte(tmp_path: Path) -> None:
    counts = counted([["我", "家"], ["暖气", "<place>"]])
    counts.write(tmp_path / "a.gz")
    again = Counts.read(tmp_path / "a.gz")
    again.write(tmp_path / "b.gz")
    assert again == counts
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_names_stay_whole_and_stand_for_their_class() -> None:
    counts = Counts(general={"解": 5.0, "州": 5.0, "镇": 50.0, "明天": 5000.0, "停电": 90.0, "了": 9000.0})
    counts.members["<place>"] = {"解州镇": 1.0, "明天": 1.0}
    cut = segmenter(counts).cut("明天解州镇停电了")
    assert cut == ["明天", "解州镇", "停电", "了"]
    assert classed(cut, classes_of(counts)) == ["明天", "<place>", "停电", "了"]


@given(st.text(alphabet="暖气不热我家的囧", max_size=20))
def test_cutting_loses_nothing(text: str) -> None:
    assert "".join(Segmenter(dict.fromkeys(WORDS, 1.0)).cut(text)) == text
