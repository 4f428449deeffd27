from pathlib import Path

import numpy as np
import pytest

from asr.model.recipe import espeak, invented
from asr.model.recipe.alignment import align
from asr.model.recipe.syllables import split

SAID = ["nuan3", "qi4", "bu4", "re4", "lv4"]


def test_the_synthesiser_says_and_times_every_syllable() -> None:
    with espeak.Voice() as voice:
        samples, phonemes = voice.speak(" ".join(SAID), espeak.Manner(f"{espeak.PINYIN}+f2"))
    spans = align(phonemes, [split(pinyin) for pinyin in SAID], len(samples))
    assert spans is not None
    assert [s.base for s in spans if s.base != "SIL"] == ["n", "uan3", "q", "i4", "b", "u4", "r", "e4", "l", "v4"]
    assert spans[-1].end == len(samples) > espeak.RATE


def test_a_voice_that_does_not_exist_is_an_error() -> None:
    with espeak.Voice() as voice, pytest.raises(espeak.SynthesiserFailed):
        voice.speak("ma1", espeak.Manner("no-such-voice"))


def test_invented_voices_speak_and_differ(tmp_path: Path) -> None:
    folder = invented.folder(tmp_path / "voices", 1)
    again = invented.folder(tmp_path / "again", 1)
    others = invented.folder(tmp_path / "others", 2)
    name, other = invented.names()[:2]
    text = (folder / "voices/!v" / name).read_text()
    assert text == (again / "voices/!v" / name).read_text()
    assert text != (others / "voices/!v" / name).read_text()
    with espeak.Voice(folder) as voice:
        one, _ = voice.speak("ma1", espeak.Manner(f"{espeak.PINYIN}+{name}"))
        two, _ = voice.speak("ma1", espeak.Manner(f"{espeak.PINYIN}+{other}"))
    assert len(one) != len(two) or not np.array_equal(one, two)
