import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio import Resampler, Samples, level_dbfs, samples_of, swap


def tone(hz: float, rate: int, seconds: float = 0.5) -> Samples:
    at = np.arange(int(rate * seconds)) / rate
    made: Samples = np.rint(10000 * np.sin(2 * np.pi * hz * at)).astype(np.int16)
    return made


def test_network_order_is_swapped() -> None:
    assert swap(b"\x12\x34\xff\xfe") == b"\x34\x12\xfe\xff"


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of element size"):
        samples_of(b"\x00\x00\x00")


def test_levels() -> None:
    assert level_dbfs(tone(1000, 16000)) == pytest.approx(20 * np.log10(10000 / 32768 / np.sqrt(2)), abs=0.1)
    assert level_dbfs(np.zeros(10, dtype=np.int16)) == -120
    assert level_dbfs(np.zeros(0, dtype=np.int16)) == -120


@pytest.mark.parametrize(
    ("source", "target"), [(8000, 16000), (44100, 16000), (48000, 16000), (11025, 16000), (22050, 8000)]
)
def test_a_tone_stays_itself_at_another_rate(source: int, target: int) -> None:
    resampler = Resampler(source, target)
    made = np.concatenate([resampler.feed(tone(1000, source)), resampler.flush()])
    wanted = tone(1000, target)
    length = min(len(made), len(wanted))
    assert abs(len(made) - len(wanted)) <= 1
    inner = slice(200, length - 200)
    assert np.max(np.abs(made[inner].astype(int) - wanted[inner].astype(int))) < 200


def test_what_the_lower_rate_cannot_hold_is_removed() -> None:
    resampler = Resampler(48000, 8000)
    made = np.concatenate([resampler.feed(tone(6000, 48000)), resampler.flush()])
    assert level_dbfs(made[200:-200]) < -60


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 4000), max_size=8), rates=st.sampled_from([(8000, 16000), (44100, 16000)]))
def test_how_the_audio_is_cut_changes_no_sample(cuts: list[int], rates: tuple[int, int]) -> None:
    source = tone(440, 8000)
    whole = Resampler(*rates)
    expected = np.concatenate([whole.feed(source), whole.flush()])
    pieces = np.split(source, sorted(cut for cut in cuts if cut < len(source)))
    cut = Resampler(*rates)
    made = np.concatenate([*[cut.feed(piece) for piece in pieces], cut.flush()])
    assert np.array_equal(made, expected)


@pytest.mark.parametrize("rates", [(0, 16000), (8000, -1)])
def test_a_rate_must_be_positive(rates: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Resampler(*rates)
