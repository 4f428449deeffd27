import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.masking import mask_number


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13800005678", "138****5678"),
        ("03590000110", "035****0110"),
        ("2090110", "2*****0"),
        ("12345", "1***5"),
        ("110", "1**"),
        ("1", "1"),
        ("+8613800005678", "+8**********78"),
        (None, "未显示"),
        ("", "未显示"),
    ],
)
def test_the_middle_of_a_number_is_hidden(number: str | None, shown: str) -> None:
    assert mask_number(number) == shown


@given(st.text(alphabet="0123456789+", min_size=2, max_size=20))
def test_no_number_is_ever_shown_whole(number: str) -> None:
    masked = mask_number(number)
    assert len(masked) == len(number)
    assert masked.count("*") >= len(number) // 3
