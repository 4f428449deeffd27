import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.knowledge.spelling import Lexicon, initials, syllables_of, take_apart, tokens


@pytest.mark.parametrize(
    ("latin", "expected"),
    [
        ("nuanqi", (("nuan", "qi"), "")),
        ("nuanq", (("nuan",), "q")),
        ("xian", (("xian",), "")),
        ("ranqikaihu", (("ran", "qi", "kai", "hu"), "")),
        ("bdczbb", None),
    ],
)
def test_latin_is_read_as_the_fewest_syllables(latin: str, expected: tuple[tuple[str, ...], str] | None) -> None:
    assert syllables_of(latin) == expected


def test_a_query_is_taken_apart() -> None:
    typed = take_apart("不动产 zheng bdc 12345")
    assert "不动产" in typed.letters
    assert "12345" in typed.letters
    assert "bdc" in typed.initials
    assert [hanzi for _, hanzi in typed.sounds] == ["不动产", ""]


def test_initials_stand_for_words_of_the_site() -> None:
    lexicon = Lexicon(["不动产证丢失补办", "不动产登记", "办证"])
    words = [word for word, _ in lexicon.of_initials("bdczbb")]
    assert "不动产" in words
    assert "补办" in words


def test_initials_of_hanzi_and_signs() -> None:
    assert initials("不动产证12") == "bdcz12"


@given(st.text())
def test_tokens_are_parts_of_the_text(text: str) -> None:
    assert all(token in text.lower() for token in tokens(text))


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", max_size=20))
def test_syllables_cover_what_was_typed(latin: str) -> None:
    read = syllables_of(latin)
    assert read is None or "".join(read[0]) + read[1] == latin
