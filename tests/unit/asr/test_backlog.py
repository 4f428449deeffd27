from hypothesis import given
from hypothesis import strategies as st

from asr.backlog import Audio, Backlog, Missing
from asr.framing import Run


def audio(samples: int, value: int = 1) -> bytes:
    return bytes([value, 0]) * samples


def length(piece: Audio | Missing) -> int:
    return piece.samples if isinstance(piece, Missing) else len(piece.pcm) // 2


def test_neighbouring_audio_comes_joined_and_holes_between() -> None:
    backlog = Backlog(100)
    backlog.push(Run(pcm=audio(2, 1)))
    backlog.push(Run(pcm=audio(2, 2)))
    backlog.push(Run(pcm=audio(2, 3), hole=5, lost=1))
    assert backlog.waiting == 6
    assert backlog.take(100) == [
        Audio(pcm=audio(2, 1) + audio(2, 2)),
        Missing(samples=5, lost=True),
        Audio(pcm=audio(2, 3)),
    ]
    assert not backlog
    assert backlog.waiting == 0


def test_a_hole_nobody_lost_is_told_as_such() -> None:
    backlog = Backlog(100)
    backlog.push(Run(pcm=audio(2), hole=5))
    assert backlog.take(100)[0] == Missing(samples=5, lost=False)


def test_a_full_backlog_leaves_out_one_long_stretch() -> None:
    backlog = Backlog(100)
    for _ in range(15):
        backlog.push(Run(pcm=audio(10)))
    assert backlog.waiting == 100
    backlog.take(40)
    backlog.push(Run(pcm=audio(10)))
    assert backlog.waiting == 60
    backlog.take(20)
    backlog.push(Run(pcm=audio(10, 7)))
    assert backlog.take(1000) == [
        Audio(pcm=audio(40)),
        Missing(samples=60, lost=True),
        Audio(pcm=audio(10, 7)),
    ]


def test_what_is_abandoned_is_one_gap() -> None:
    backlog = Backlog(100)
    backlog.push(Run(pcm=audio(10)))
    backlog.push(Run(pcm=audio(10), hole=5, lost=1))
    backlog.abandon()
    assert backlog.take(1) == [Missing(samples=25, lost=True)]
    backlog.abandon()
    assert not backlog


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 30), st.integers(0, 10), st.booleans()),
            st.integers(1, 80),
        ),
        max_size=60,
    )
)
def test_no_sample_is_unaccounted_for(steps: list[tuple[int, int, bool] | int]) -> None:
    """Whatever is pushed and taken: lengths add up in order, and the audio waiting never passes the limit."""
    backlog = Backlog(100)
    pushed = taken = 0
    for step in steps:
        if isinstance(step, int):
            taken += sum(length(piece) for piece in backlog.take(step))
        else:
            samples, hole, lost = step
            backlog.push(Run(pcm=audio(samples), hole=hole, lost=int(lost)))
            pushed += samples + hole
        assert backlog.waiting <= 100
    taken += sum(length(piece) for piece in backlog.take(10_000))
    assert taken == pushed
    assert backlog.waiting == 0
