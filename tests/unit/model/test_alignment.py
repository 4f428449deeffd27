from asr.model.recipe.alignment import SILENCE, align
from asr.model.recipe.espeak import RATE, Phoneme
from asr.model.recipe.syllables import split


def said(*events: tuple[str, float]) -> list[Phoneme]:
    return [Phoneme(name, round(seconds * RATE)) for name, seconds in events]


def test_glides_and_closing_nasals_belong_to_the_final() -> None:
    # 迎暖, as eSpeak NG reports it
    phonemes = said(("j", 0.0), ("i", 0.1), ("N", 0.2), ("n", 0.3), ("ua", 0.4), ("n", 0.5), ("_:", 0.6))
    spans = align(phonemes, [split("ying2"), split("nuan3")], RATE)
    assert spans is not None
    assert [(s.base, round(s.start / RATE, 1), round(s.end / RATE, 1)) for s in spans] == [
        ("ing2", 0.0, 0.3),
        ("n", 0.3, 0.4),
        ("uan3", 0.4, 0.6),
        (SILENCE, 0.6, 1.0),
    ]


def test_a_short_gap_before_a_stop_is_its_closure() -> None:
    spans = align(said(("A", 0.0), ("_|", 0.2), ("p", 0.25), ("A", 0.3)), [split("a1"), split("ba4")], RATE // 2)
    assert spans is not None
    assert [(s.base, round(s.start / RATE, 2)) for s in spans] == [("a1", 0.0), ("b", 0.2), ("a4", 0.3)]


def test_a_long_gap_is_silence() -> None:
    spans = align(said(("A", 0.0), ("_", 0.2), ("m", 0.5), ("A", 0.6)), [split("a1"), split("ma1")], RATE)
    assert spans is not None
    assert [s.base for s in spans] == ["a1", SILENCE, "m", "a1"]


def test_refuses_another_language_and_other_syllables() -> None:
    assert align(said(("(en)", 0.0), ("l", 0.0), ("u:", 0.1)), [split("lv4")], RATE) is None
    assert align(said(("m", 0.0), ("A", 0.1), ("m", 0.2), ("A", 0.3)), [split("ma1")], RATE) is None
    assert align(said(("m", 0.0), ("A", 0.1)), [split("ma1"), split("ma1")], RATE) is None
