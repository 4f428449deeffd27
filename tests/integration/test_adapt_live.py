"""A name nobody knew is heard after the adaptation, which never runs in the process that recognises."""

import subprocess
import sys
from pathlib import Path

import pytest

from asr.model.recipe import openfst
from asr.model.voices import Synthesizer, Voice, telephone, write_wav

SAID = "我家住在棠溪小区，楼道的灯不亮"
needs_tools = pytest.mark.skipif(
    not openfst.Tools(Path("/")).complete(), reason="OpenFst's command-line tools are not installed"
)


def hotline(home: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ivr", "asr", *words, "--home", str(home)], capture_output=True, text=True, check=True
    )
    return done.stdout


@needs_tools
def test_a_new_name_is_heard_after_the_adaptation(tmp_path: Path) -> None:
    synthesizer = Synthesizer()
    sound = tmp_path / "said.wav"
    write_wav(sound, telephone(synthesizer.speak(SAID, Voice(name="cmn")), synthesizer.sample_rate))
    assert "棠溪小区" not in hotline(tmp_path, "transcribe", str(sound))
    words = tmp_path / "words.txt"
    words.write_text("棠溪小区\n悦容公园\n", "utf-8")
    assert "2 new words" in hotline(tmp_path, "adapt", "--words", str(words))
    assert "棠溪小区" in hotline(tmp_path, "transcribe", str(sound))
