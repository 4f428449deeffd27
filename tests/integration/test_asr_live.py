"""The demonstration call over real sockets into the shipped model."""

import asyncio
import socket
from difflib import SequenceMatcher
from pathlib import Path

import msgspec
import numpy as np
import pytest

from asr.audio import Resampler, Samples
from asr.media_server import MediaServer
from asr.model import store
from asr.model.voices import Line, Script
from asr.pipeline import Pipeline
from asr.recording import open_recording
from asr.transcribe import transcribe
from asr.transcript import Hypothesis, Segment, Speaker, merge
from asr.vosk_engine import VoskEngine
from tests.unit.asr.packets import packet
from tests.unit.asr.until import until

SOUNDS = Path(__file__).parents[2] / "ivr" / "demo" / "sounds"
SCRIPT = msgspec.json.decode((SOUNDS / "script.json").read_bytes(), type=Script)


@pytest.fixture(scope="module")
def engine() -> VoskEngine:
    return VoskEngine(store.select())


def mu_law(samples: Samples) -> Samples:
    """There and back through G.711's continuous µ-law curve with 8 bits."""
    level = samples / 32768
    coded = np.round((np.sign(level) * np.log1p(255 * np.abs(level)) / np.log(256) + 1) / 2 * 255) / 255 * 2 - 1
    back: Samples = np.rint(np.sign(coded) * (256 ** np.abs(coded) - 1) / 255 * 32767).astype(np.int16)
    return back


def as_tapped(file: str) -> bytes:
    """A turn as a tap of a µ-law leg hears it: 16 kHz with nothing above 4 kHz."""
    resampler = Resampler(8000, 16000)
    narrow = mu_law(open_recording(SOUNDS / file).read(0))
    return np.concatenate([resampler.feed(narrow), resampler.flush()]).astype("<i2").tobytes()


def plain(text: str) -> str:
    return text.replace("，", "")


@pytest.mark.parametrize("line", SCRIPT.lines, ids=[line.file for line in SCRIPT.lines])
def test_every_turn_of_the_demonstration_call_is_understood(engine: VoskEngine, line: Line) -> None:
    recogniser = engine.recognizer(16000)
    pcm = as_tapped(line.file) + bytes(32 * 500)
    heard = [recogniser.accept(pcm[at : at + 3200]) for at in range(0, len(pcm), 3200)] + [recogniser.finish()]
    said = "".join(each.spoken for each in heard if each).replace(" ", "")
    assert said == plain(line.text)


def call() -> tuple[dict[Speaker, bytes], list[tuple[Speaker, int, str]]]:
    """Both legs of the whole call, and who began to say what when."""
    legs = {Speaker.CITIZEN: b"", Speaker.AGENT: b""}
    turns: list[tuple[Speaker, int, str]] = []
    for line in SCRIPT.lines:
        speaker = Speaker(line.who)
        turns.append((speaker, len(legs[speaker]) // 32, plain(line.text)))
        turn = as_tapped(line.file) + bytes(32 * line.pause_after_ms)
        for each in legs:
            legs[each] += turn if each is speaker else bytes(len(turn))
    return legs, turns


async def test_a_call_over_sockets_becomes_a_transcript(engine: VoskEngine) -> None:
    """Who said what and when, both legs merged, with packets lost, doubled and out of order on the way."""
    legs, turns = call()
    told: list[Hypothesis | Segment] = []
    senders = {speaker: socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for speaker in legs}
    async with MediaServer() as media, Pipeline(engine, media, lambda _, heard: told.append(heard)) as pipeline:
        for speaker, sender in senders.items():
            sender.bind(("127.0.0.1", 0))
            port = sender.getsockname()[1]
            pipeline.open_stream(str(speaker), speaker=speaker, source_port=port, began_ms=2000)
        count = max(len(pcm) for pcm in legs.values()) // 640
        for number in range(count):
            for speaker, sender in senders.items():
                order = number ^ 1 if number % 50 in (10, 11) else number
                sent = packet(65_000 + order, legs[speaker][order * 640 : (order + 1) * 640])
                if order % 200 != 77:
                    sender.sendto(sent, media.address)
                if order % 200 == 33:
                    sender.sendto(sent, media.address)
            if number % 20 == 0:
                await asyncio.sleep(0)
                await until(lambda: pipeline.stats().backlog_ms < 2000)
        for speaker, sender in senders.items():
            await pipeline.close_stream(str(speaker))
            sender.close()
        tally = pipeline.stats().tally
    assert tally.packets_lost == 2 * len([n for n in range(count) if n % 200 == 77])
    assert tally.packets_duplicate == 2 * len([n for n in range(count) if n % 200 == 33])
    assert (tally.packets_late, tally.lost_ms, tally.restarts) == (0, 0, 0)
    segments = merge(each for each in told if isinstance(each, Segment))
    heard = "".join(segment.spoken.replace(" ", "") for segment in segments)
    expected = "".join(text for _, _, text in turns)
    assert SequenceMatcher(None, heard, expected, autojunk=False).ratio() >= 0.97
    for speaker, start_ms, text in turns:
        first = text[:2]
        near = [s for s in segments if s.speaker is speaker and abs(s.start_ms - 2000 - start_ms) < 400]
        assert near, f"{speaker} {first} at {start_ms}"


def test_the_same_call_from_its_recording(engine: VoskEngine, tmp_path: Path) -> None:
    legs, turns = call()
    stereo = np.stack([np.frombuffer(legs[speaker], dtype="<i2") for speaker in legs], axis=1)
    path = tmp_path / "call.wav"
    header = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\2\0\x80\x3e\0\0\0\xfa\0\0\4\0\x10\0data\0\0\0\0"
    path.write_bytes(header + stereo.tobytes())
    segments = transcribe(engine, [path])
    assert "".join(segment.spoken.replace(" ", "") for segment in segments) == "".join(text for _, _, text in turns)
