"""A name nobody knew is heard after the adaptation, which never runs in the process that recognises."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from asr.audio import Samples
from asr.model import store
from asr.model.recipe import openfst
from asr.model.voices import Synthesizer, Voice, telephone, write_wav
from asr.transcribe import transcribe
from asr.transcript import Speaker
from asr.vosk_engine import VoskEngine
from ivr.names_by_sound import NamesBySound

SAID = "我家住在棠溪小区，楼道的灯不亮"
needs_tools = pytest.mark.skipif(
    not openfst.Tools(Path("/")).complete(), reason="OpenFst's command-line tools are not installed"
)


def hotline(home: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ivr", "asr", *words, "--home", str(home)], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def voice() -> Callable[[str], Samples]:
    synthesizer = Synthesizer()
    return lambda text: telephone(synthesizer.speak(text, Voice(name="cmn")), synthesizer.sample_rate)


@needs_tools
def test_a_new_name_is_heard_after_the_adaptation(tmp_path: Path, voice: Callable[[str], Samples]) -> None:
    sound = tmp_path / "said.wav"
    write_wav(sound, voice(SAID))
    assert "棠溪小区" not in hotline(tmp_path, "transcribe", str(sound))
    words = tmp_path / "words.txt"
    words.write_text("棠溪小区\n悦容公园\n", "utf-8")
    assert "2 new words" in hotline(tmp_path, "adapt", "--words", str(words))
    assert "棠溪小区" in hotline(tmp_path, "transcribe", str(sound))


@pytest.mark.parametrize(
    ("said", "free", "with_names"),
    [("翠屏山庄", "察凭山庄", "翠屏山庄"), ("泗安镇", "四盒镇", "泗安镇"), ("查平山庄", "查凭山庄", "查凭山庄")],
)
def test_a_look_ahead_model_hears_a_name_at_run_time_and_no_other(
    tmp_path: Path, voice: Callable[[str], Samples], said: str, free: str, with_names: str
) -> None:
    sound = tmp_path / "said.wav"
    write_wav(sound, voice(f"我家住在{said}，楼道的灯不亮"))
    names = NamesBySound(["翠屏山庄", "泗安镇", "光明小区"])
    for near, heard in ((None, free), (names.near, with_names)):
        segments = transcribe(VoskEngine(store.select(), near), [sound], speakers=(Speaker.CITIZEN,))
        assert heard in "".join(segment.text for segment in segments)
        ends = [ms for segment in segments for word in segment.words for ms in (word.start_ms, word.end_ms)]
        assert ends == sorted(ends)
