import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypinyin.constants import PINYIN_DICT

from asr.model.recipe import units
from asr.model.recipe.syllables import FINALS, INITIALS, NotPinyin, Syllable, common_syllables, plain, split


@pytest.mark.parametrize(
    ("pinyin", "initial", "final", "tone"),
    [
        ("zhuang4", "zh", "uang", 4),
        ("lv4", "l", "v", 4),
        ("lü4", "l", "v", 4),
        ("nve4", "n", "ve", 4),
        ("ju1", "j", "v", 1),
        ("xue2", "x", "ve", 2),
        ("yuan2", None, "van", 2),
        ("yi1", None, "i", 1),
        ("you3", None, "iou", 3),
        ("wu3", None, "u", 3),
        ("weng1", None, "ueng", 1),
        ("liu2", "l", "iou", 2),
        ("gui4", "g", "uei", 4),
        ("dun1", "d", "uen", 1),
        ("zhi1", "zh", "ir", 1),
        ("si4", "s", "ih", 4),
        ("bo1", "b", "uo", 1),
        ("er2", None, "er", 2),
        ("ma5", "m", "a", 5),
        ("en5", None, "en", 5),
    ],
)
def test_splits_by_the_spelling_rules(pinyin: str, initial: str | None, final: str, tone: int) -> None:
    assert split(pinyin) == Syllable(initial, final, tone)


@pytest.mark.parametrize("text", ["", "ma", "ma6", "4", "xyz1", "ma1 ma2", "b4", "啊1"])
def test_refuses_what_is_no_syllable(text: str) -> None:
    with pytest.raises(NotPinyin):
        split(text)


def test_every_common_syllable_has_phones() -> None:
    syllables = common_syllables(PINYIN_DICT)
    assert len(syllables) > 1100
    for pinyin in syllables:
        syllable = split(pinyin)
        assert all(base in units.BASES for base in units.bases_of(syllable))
    assert {split(p).final for p in syllables} >= set(FINALS) - {"o"}
    assert {split(p).initial for p in syllables} >= set(INITIALS)


def test_reads_tone_marks() -> None:
    assert [plain(s) for s in ("lǜ", "mā", "ér", "hǎo", "de")] == ["lv4", "ma1", "er2", "hao3", "de5"]


@given(st.lists(st.sampled_from(common_syllables(PINYIN_DICT)), min_size=1, max_size=6))
def test_word_phones_mark_their_places(pinyin: list[str]) -> None:
    phones = units.word_phones([split(p) for p in pinyin])
    places = [units.PLACES[(phone - 2) % 4] for phone in phones]
    if len(phones) == 1:
        assert places == ["singleton"]
    else:
        assert places[0] == "begin"
        assert places[-1] == "end"
        assert set(places[1:-1]) <= {"internal"}


def test_transition_ids_are_pairs_without_holes() -> None:
    ids = sorted(number for pair in units.TRANSITIONS.values() for number in pair)
    assert ids == list(range(1, units.TRANSITION_COUNT + 1))


def test_tones_share_the_first_half_of_a_final_only() -> None:
    assert units.pdfs("ang1")[0] == units.pdfs("ang4")[0]
    assert units.pdfs("ang1")[1] != units.pdfs("ang4")[1]
    assert {pdf for triple in units.TRIPLES for pdf in (triple.pdf,)} == set(range(units.STATE_COUNT))
