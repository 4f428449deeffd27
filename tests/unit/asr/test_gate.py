import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.gate import HOLD_MS, PREROLL_MS, VoiceGate

RATE = 16000
PIECE = RATE // 10


def noise(level_dbfs: float, seed: int = 0) -> bytes:
    made = np.random.default_rng(seed).standard_normal(PIECE) * 32768 * 10 ** (level_dbfs / 20)
    return np.clip(made, -32768, 32767).astype("<i2").tobytes()


def passed(pieces: list[bytes]) -> list[bool]:
    """For each piece, whether it was given, with nothing ever given twice or out of order."""
    gate = VoiceGate(RATE)
    position = 0
    given_at = [False] * len(pieces)
    for number, piece in enumerate(pieces):
        admitted = gate.push(piece)
        if admitted is not None:
            position += admitted.skipped // PIECE
            for _ in range(len(admitted.pcm) // (2 * PIECE)):
                given_at[position] = True
                position += 1
            assert position == number + 1
        if gate.may_close:
            gate.close()
    return given_at


@settings(max_examples=60)
@given(
    st.lists(st.booleans(), max_size=80),
    st.sampled_from([-120.0, -70.0, -60.0]),
    st.sampled_from([-12.0, -36.0, -42.0]),
)
def test_every_loud_piece_passes_with_what_is_around_it(loud: list[bool], floor: float, speech: float) -> None:
    given_at = passed([noise(speech if each else floor, n) for n, each in enumerate(loud)])
    for number, each in enumerate(loud):
        if each:
            before, after = number - PREROLL_MS // 100, number + HOLD_MS // 100
            assert all(given_at[max(0, before) : after]), f"cut around piece {number}"


def test_long_silence_does_not_pass() -> None:
    given_at = passed([noise(-30), *[noise(-70, n) for n in range(600)]])
    assert sum(given_at) <= 1 + HOLD_MS // 100 + 1


@pytest.mark.parametrize("level", [-45.0, -30.0])
def test_a_noisy_line_is_heard_throughout(level: float) -> None:
    assert all(passed([noise(level, n) for n in range(100)]))


def test_a_quiet_caller_on_a_quiet_line_is_heard() -> None:
    pieces = [noise(-75, n) for n in range(20)] + [noise(-52, n) for n in range(10)]
    assert all(passed(pieces)[20:])


def test_a_short_click_inside_a_piece_opens_the_gate() -> None:
    click = np.zeros(PIECE, dtype="<i2")
    click[-100:] = 3000
    assert passed([bytes(2 * PIECE), click.tobytes()]) == [True, True]


def test_discarding_says_how_much_was_skipped() -> None:
    gate = VoiceGate(RATE)
    for _ in range(20):
        assert gate.push(bytes(2 * PIECE)) is None
    assert gate.discard() == 20 * PIECE
    assert gate.discard() == 0


def test_nothing_is_not_loud() -> None:
    assert VoiceGate(RATE).push(b"") is None
