import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.transcript import Segment, Speaker, fill, merge


def segment(id_: str, start_ms: int, *, lost: bool = False, speaker: Speaker = Speaker.CITIZEN) -> Segment:
    return Segment(id=id_, speaker=speaker, start_ms=start_ms, end_ms=start_ms + 500, text="", spoken="", lost=lost)


@given(st.lists(st.integers(0, 10_000), max_size=20), st.integers(0, 100))
def test_legs_merge_by_time_whatever_order_they_were_told_in(starts: list[int], seed: int) -> None:
    segments = [segment(str(n), start) for n, start in enumerate(starts)]
    shuffled = random.Random(seed).sample(segments, len(segments))
    half = len(shuffled) // 2
    merged = merge(shuffled[:half], shuffled[half:])
    assert merged == merge(segments)
    assert [each.start_ms for each in merged] == sorted(starts)


def test_a_segment_told_twice_counts_once() -> None:
    assert [each.start_ms for each in merge([segment("a", 1)], [segment("a", 2)])] == [2]


def test_a_gap_gives_way_to_what_was_found() -> None:
    gap = segment("citizen-0-2", 1000, lost=True)
    live = [segment("citizen-0-1", 0), gap, segment("agent-0-1", 1200, speaker=Speaker.AGENT)]
    found = [segment("tape-citizen-1000-1", 1100)]
    assert [each.id for each in fill(live, gap, found)] == ["citizen-0-1", "tape-citizen-1000-1", "agent-0-1"]
    assert [each.id for each in fill(live, gap, [])] == ["citizen-0-1", "agent-0-1"]


def test_what_was_heard_is_never_replaced() -> None:
    heard = segment("citizen-0-1", 0)
    with pytest.raises(ValueError, match="citizen-0-1 was heard"):
        fill([heard], heard, [])
