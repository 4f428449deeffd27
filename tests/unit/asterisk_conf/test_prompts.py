import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from asterisk_conf import promptbook
from asterisk_conf.errors import SoundRefused, SynthesisFailed
from asterisk_conf.espeak import Speaker, Voice
from asterisk_conf.layout import Layout
from asterisk_conf.music import hold_music
from asterisk_conf.promptbook import PromptBook
from asterisk_conf.prompts import SoundsReport, lacking, make_sounds
from asterisk_conf.sound import SPEECH_DB, Samples, level, read_wav, resample, trim, write_wav


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """An instance's folders; of the numbers only a few, because each is synthesised."""
    monkeypatch.setattr(promptbook, "vocabulary", lambda: {"number.1": "一", "number.2": "两"})
    made = Layout(tmp_path)
    made.recorded.mkdir(parents=True)
    made.music.mkdir()
    write_wav(made.music / "own.wav", np.zeros(800), 8000)
    return made


def make(layout: Layout, **texts: str) -> SoundsReport:
    return make_sounds(PromptBook(texts), layout)


def decibel(samples: Samples) -> float:
    return float(20 * np.log10(np.sqrt((samples**2).mean())))


def tone(frequency: float, rate: int, seconds: float = 1.0, amplitude: float = 0.5) -> Samples:
    samples: Samples = amplitude * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)
    return samples


def test_each_sound_is_made_for_narrow_and_wide_phones_at_one_level(layout: Layout) -> None:
    report = make(layout, recording="为保证服务质量，本次通话将被录音。", queue="您前面还有{n}位。")
    assert set(report.made) == {"recording", "queue.1", "queue.2", "number.1", "number.2", "beep"} | set(
        promptbook.BUILT_IN
    )
    for name in ("recording", "queue.1", "number.2"):
        narrow, rate = read_wav(layout.rendered / f"{name}.wav")
        wide, wide_rate = read_wav(layout.rendered / f"{name}.wav16")
        assert (rate, wide_rate) == (8000, 16000)
        assert len(wide) == pytest.approx(2 * len(narrow), abs=2)
        assert np.abs(wide).max() < 0.95
        assert decibel(narrow) == pytest.approx(SPEECH_DB, abs=3)
    assert 3 < len(read_wav(layout.rendered / "recording.wav")[0]) / 8000 < 8
    assert (
        lacking(PromptBook({"recording": "为保证服务质量，本次通话将被录音。", "queue": "您前面还有{n}位。"}), layout)
        == []
    )


def test_only_what_changed_is_made_again(layout: Layout) -> None:
    make(layout, a="你好", b="再见")
    before = (layout.rendered / "b.wav").stat().st_mtime_ns
    assert lacking(PromptBook({"a": "您好", "b": "再见"}), layout) == ["a"]
    report = make(layout, a="您好", b="再见")
    assert report.made == ("a",)
    assert (layout.rendered / "b.wav").stat().st_mtime_ns == before
    (layout.rendered / "b.wav16").unlink()
    assert make(layout, a="您好", b="再见").made == ("b",)


def test_what_no_announcement_asks_for_is_removed(layout: Layout) -> None:
    make(layout, a="你好", b="再见")
    make(layout, a="你好")
    assert not list(layout.rendered.glob("b.*"))
    assert (layout.rendered / "a.wav").exists()


def test_a_recording_wins_whatever_its_rate_and_is_given_up_when_it_goes(layout: Layout) -> None:
    make(layout, a="你好")
    write_wav(layout.recorded / "a.wav", tone(1000, 44100), 44100)
    write_wav(layout.recorded / "typo.wav", tone(1000, 8000), 8000)
    report = make(layout, a="你好")
    assert (report.made, report.recorded, report.strange) == (("a",), ("a",), ("typo",))
    for suffix, rate in ((".wav", 8000), (".wav16", 16000)):
        samples, _ = read_wav(layout.rendered / f"a{suffix}")
        spectrum = np.abs(np.fft.rfft(samples))
        assert spectrum.argmax() * rate / len(samples) == pytest.approx(1000, abs=5)
    assert not list(layout.rendered.glob("typo*"))
    (layout.recorded / "a.wav").unlink()
    assert make(layout, a="你好").made == ("a",)


def test_a_recording_that_is_no_wav_is_named(layout: Layout) -> None:
    (layout.recorded / "a.wav").write_bytes(b"ID3 not a wave file")
    with pytest.raises(SoundRefused, match=r"a\.wav cannot be read: give a PCM WAV"):
        make(layout, a="你好")


def test_stereo_and_24_bits_are_taken(tmp_path: Path) -> None:
    left, right = tone(440, 48000, 0.1), np.zeros(4800)
    wide = (np.stack([left, right], axis=1) * 2**23).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3]
    with wave.open(str(tmp_path / "x.wav"), "wb") as file:
        file.setparams((2, 3, 48000, 0, "NONE", "not compressed"))
        file.writeframes(wide.tobytes())
    samples, rate = read_wav(tmp_path / "x.wav")
    assert rate == 48000
    np.testing.assert_allclose(samples, left / 2, atol=1e-6)


def test_our_music_makes_room_for_the_sites_own(layout: Layout) -> None:
    make(layout)
    assert [path.name for path in layout.music.iterdir()] == ["own.wav"]
    (layout.music / "own.wav").unlink()
    make(layout)
    assert sorted(path.name for path in layout.music.iterdir()) == ["hold.wav", "hold.wav16"]
    write_wav(layout.music / "own.wav", np.zeros(800), 8000)
    make(layout)
    assert [path.name for path in layout.music.iterdir()] == ["own.wav"]


def test_music_on_hold_is_long_soft_seamless_and_steady() -> None:
    music = hold_music(8000)
    assert len(music) / 8000 >= 30
    assert decibel(music) == pytest.approx(-26, abs=1)
    assert np.abs(music).max() < 0.5
    steps = np.abs(np.diff(np.concatenate([music, music[:1]])))
    assert steps[-1] <= np.percentile(steps, 99)
    seconds = music.reshape(-1, 8000)
    loudness = np.sqrt((seconds**2).mean(axis=1))
    assert loudness.min() > loudness.max() / 4, "speech pauses, music of this kind does not"


@pytest.mark.parametrize(("rate", "to"), [(22050, 8000), (22050, 16000), (44100, 8000), (8000, 16000), (48000, 16000)])
def test_resampling_keeps_what_fits_and_drops_what_would_fold(rate: int, to: int) -> None:
    middle = slice(to // 10, -to // 10)
    kept = resample(tone(1000, rate), rate, to)
    np.testing.assert_allclose(kept[middle], tone(1000, to)[: len(kept)][middle], atol=1e-3)
    if rate / 2 > 0.62 * to:
        assert np.abs(resample(tone(0.62 * to, rate), rate, to)[middle]).max() < 1e-3


def test_levelling_counts_speech_and_not_pauses() -> None:
    speech = tone(500, 8000, amplitude=0.05)
    with_pause = np.concatenate([speech, np.zeros(16000), speech])
    assert decibel(level(with_pause, 8000)[:8000]) == pytest.approx(SPEECH_DB, abs=0.5)
    spiky = np.concatenate([speech, [1.0]])
    assert np.abs(level(spiky, 8000)).max() < 1
    assert not level(np.zeros(800), 8000).any()


def test_silence_around_a_sound_is_cut_to_measure() -> None:
    padded = np.pad(tone(500, 8000, 0.5), 4000)
    assert len(trim(padded, 8000, lead_ms=30, tail_ms=90)) == pytest.approx(4000 + 240 + 720, abs=16)


CHILD = """
import json, pathlib, struct, sys
home = pathlib.Path(__file__).parent
sys.stdout.buffer.write(struct.pack(">I", 22050)); sys.stdout.buffer.flush()
for line in sys.stdin:
    starts = home / "crashes"
    left = int(starts.read_text())
    if left:
        starts.write_text(str(left - 1))
        sys.exit(139)
    pcm = b"\\x00\\x10" * len(json.loads(line))
    sys.stdout.buffer.write(struct.pack(">I", len(pcm)) + pcm); sys.stdout.buffer.flush()
"""


@pytest.mark.parametrize("crashes", [0, 1, 2])
def test_a_crash_of_the_synthesiser_is_survived(tmp_path: Path, crashes: int) -> None:
    child = tmp_path / "child.py"
    child.write_text(CHILD)
    (tmp_path / "crashes").write_text(str(crashes))
    with Speaker(Voice(), child=child) as speaker:
        samples, rate = speaker.say("您好")
    assert (len(samples), rate) == (2, 22050)


def test_a_text_it_always_crashes_over_is_named(tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text(CHILD)
    (tmp_path / "crashes").write_text("9")
    with Speaker(Voice(), child=child) as speaker, pytest.raises(SynthesisFailed, match="'您好': put a recording"):
        speaker.say("您好")


def test_a_synthesiser_that_does_not_start_is_no_silence(tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text("import sys; sys.exit('no voice')")
    with Speaker(Voice(), child=child) as speaker, pytest.raises(SynthesisFailed):
        speaker.say("您好")
    assert sys.executable
