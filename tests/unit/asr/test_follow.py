from pathlib import Path

import pytest

from asr.audio import samples_of
from asr.errors import RecordingUnreadable
from asr.follow import Tail
from tests.fakes.recognizer import say, silence
from tests.unit.asr.test_transcribe import header, write


def test_what_is_new_comes_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    tail = Tail(path, 100)
    assert tail.read() == b""  # not there yet
    pcm = silence(100) + say(["您好"])
    path.write_bytes(header(0)[:20])
    assert tail.read() == b""  # its header is not whole yet
    path.write_bytes(header(0) + pcm[:1600])
    assert tail.read() == b""  # not as far as what is wanted
    heard = b""
    for end in (4000, 4000, len(pcm)):
        path.write_bytes(header(0) + pcm[:end])
        heard += tail.read()
    assert heard == pcm[3200:]


def test_a_telephone_recording_comes_at_the_pipelines_rate(tmp_path: Path) -> None:
    path = write(tmp_path / "call.wav", say(["您好"], sample_rate=8000, word_ms=400), rate=8000)
    heard = samples_of(Tail(path, 0).read())
    assert abs(len(heard) - 420 * 16) < 64
    assert abs(int(heard[len(heard) // 2]) - 1000) < 20


def test_a_long_backlog_comes_in_bounded_pieces(tmp_path: Path) -> None:
    path = write(tmp_path / "call.wav", silence(12_000))
    tail = Tail(path, 0)
    assert [len(tail.read()) // 32 for _ in range(4)] == [5000, 5000, 2000, 0]


def test_what_is_no_recording_is_named(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"OggS" * 20)
    with pytest.raises(RecordingUnreadable, match="not a WAV file"):
        Tail(path, 0).read()
    with pytest.raises(RecordingUnreadable, match="none of number 1"):
        Tail(write(tmp_path / "mono.wav", silence(100)), 0, channel=1).read()
