import struct
import wave
from pathlib import Path

import msgspec
import numpy as np
import pytest

from asr.audio import samples_of
from asr.errors import RecordingUnreadable
from asr.recording import open_recording
from asr.transcribe import reread, to_json, transcribe
from asr.transcript import Segment, Speaker
from tests.fakes.recognizer import FakeEngine, say, silence


def write(path: Path, *channels: bytes, rate: int = 16000, width: int = 2) -> Path:
    """16-bit channels into a file of that width."""
    samples = np.stack([samples_of(channel) for channel in channels], axis=1)
    if width == 1:
        raw = ((samples >> 8) + 128).astype(np.uint8).tobytes()
    else:
        wide = (samples.astype(np.int32) << 16).view(np.uint8).reshape(*samples.shape, 4)
        raw = wide[:, :, 4 - width :].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(raw)
    return path


def brief(segments: list[Segment]) -> list[tuple[Speaker, int, str]]:
    return [(segment.speaker, segment.start_ms, segment.text) for segment in segments]


CITIZEN = say(["您好"]) + silence(2000) + say(["谢谢"], pause_ms=480)
AGENT = silence(1000) + say(["暖气不热"], pause_ms=1700)
BOTH = [(Speaker.CITIZEN, 0, "您好"), (Speaker.AGENT, 1000, "暖气不热"), (Speaker.CITIZEN, 2220, "谢谢")]


def test_a_mono_file_is_one_speaker(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", CITIZEN)
    assert brief(transcribe(FakeEngine(), [path])) == [BOTH[0], BOTH[2]]
    assert {each.speaker for each in transcribe(FakeEngine(), [path], speakers=[Speaker.AGENT])} == {Speaker.AGENT}


def test_a_stereo_file_and_two_files_are_both_speakers(tmp_path: Path) -> None:
    stereo = write(tmp_path / "both.wav", CITIZEN, AGENT)
    one, two = write(tmp_path / "c.wav", CITIZEN), write(tmp_path / "a.wav", AGENT)
    assert brief(transcribe(FakeEngine(), [stereo])) == BOTH
    assert brief(transcribe(FakeEngine(), [one, two])) == BOTH


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_any_pcm_width_is_read(tmp_path: Path, width: int) -> None:
    path = write(tmp_path / "a.wav", CITIZEN, width=width)
    recording = open_recording(path)
    assert np.max(np.abs(recording.read(0).astype(int) - samples_of(CITIZEN))) < (256 if width == 1 else 1)


def test_another_rate_is_heard_at_its_own_time(tmp_path: Path) -> None:
    tone = np.rint(6000 * np.sin(np.arange(44100) / 20)).astype("<i2").tobytes()
    path = write(tmp_path / "a.wav", silence(1000, sample_rate=44100) + tone, rate=44100)
    [said] = transcribe(FakeEngine(), [path])
    assert said.start_ms == pytest.approx(1000, abs=2)
    assert said.end_ms == pytest.approx(2000, abs=2)


def test_a_part_keeps_the_times_of_the_call(tmp_path: Path) -> None:
    path = write(tmp_path / "c.wav", CITIZEN)
    gap = Segment(
        id="citizen-0-7", speaker=Speaker.AGENT, start_ms=12_000, end_ms=12_900, text="", spoken="", lost=True
    )
    [said] = reread(FakeEngine(), gap, path, began_ms=10_000)
    assert (said.speaker, said.start_ms, said.text) == (Speaker.AGENT, 12_220, "谢谢")
    assert said.id == "tape-agent-12000-1"
    cut = msgspec.structs.replace(gap, start_ms=11_500, end_ms=12_250)
    assert reread(FakeEngine(), cut, path, began_ms=10_000) == []  # most of the word lies behind the gap's end
    assert transcribe(FakeEngine(), [path], from_ms=500, to_ms=1500) == []
    assert transcribe(FakeEngine(), [path], from_ms=50_000) == []


def header(data_length: int, *, kind: int = 1, channels: int = 1, bits: int = 16) -> bytes:
    layout = struct.pack("<HHIIHH", kind, channels, 16000, 32000, 2, bits)
    return b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", 16) + layout + b"data" + struct.pack("<I", data_length)


@pytest.mark.parametrize("claimed", [0, 3200, 0xFFFFFFFF])
def test_a_recording_still_growing_is_read_to_its_end(tmp_path: Path, claimed: int) -> None:
    path = tmp_path / "growing.wav"
    path.write_bytes(header(claimed) + CITIZEN)
    assert open_recording(path).frames == len(CITIZEN) // 2


def test_what_stands_after_the_samples_is_not_sound(tmp_path: Path) -> None:
    path = tmp_path / "tagged.wav"
    path.write_bytes(header(len(CITIZEN)) + CITIZEN + b"LIST" + struct.pack("<I", 4) + b"INFO")
    assert open_recording(path).frames == len(CITIZEN) // 2


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"OggS" + bytes(40), "not a WAV file"),
        (b"RIFF", "cut short in its header"),
        (header(4, kind=7, bits=8) + bytes(4), "format 7 with 8 bits is not PCM"),
        (header(4, channels=0) + bytes(4), "0 channels"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "its format stands after its data"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "odd.wav"
    path.write_bytes(content)
    with pytest.raises(RecordingUnreadable, match=f"odd.wav: {fault}"):
        transcribe(FakeEngine(), [path])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingUnreadable, match=r"none\.wav: No such file"):
        transcribe(FakeEngine(), [tmp_path / "none.wav"])


def test_more_channels_than_speakers_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "three.wav", CITIZEN, CITIZEN, CITIZEN)
    with pytest.raises(ValueError, match="3 channels for 2 speakers"):
        transcribe(FakeEngine(), [path])


def test_json_has_the_fields_others_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", CITIZEN)
    decoded = msgspec.json.decode(to_json(transcribe(FakeEngine(), [path])))
    first = decoded["segments"][0]
    assert {"speaker", "start_ms", "end_ms", "text", "spoken", "words"} <= set(first)
    assert first["words"][0] == {"text": "您好", "start_ms": 0, "end_ms": 200, "confidence": 1.0}
