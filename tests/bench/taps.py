"""Live taps for the ear's benchmarks: the demonstration call's legs, played by another process into a real pipeline."""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from asr.audio import Resampler
from asr.media_server import MediaServer
from asr.model.voices import Script, write_wav
from asr.pipeline import Pipeline
from asr.recording import open_recording
from asr.transcript import Hypothesis, Segment, Speaker
from asr.vosk_engine import VoskEngine
from tests.bench.rtp_sender import SHIFT_S

SOUNDS = Path(__file__).parents[2] / "ivr" / "demo" / "sounds"
PACKET = 640
PAGE = 4096


def resident_mb() -> float:
    """What this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


def legs(*, silence: bool) -> list[bytes]:
    """Citizen and agent, 16 kHz, whole packets; with `silence` each is silent while the other speaks."""
    script = msgspec.json.decode((SOUNDS / "script.json").read_bytes(), type=Script)
    made = {"citizen": b"", "agent": b""}
    for line in script.lines:
        resampler = Resampler(8000, 16000)
        turn = np.concatenate([resampler.feed(open_recording(SOUNDS / line.file).read(0)), resampler.flush()])
        pcm = turn.astype("<i2").tobytes() + bytes(32 * line.pause_after_ms if silence else 0)
        for who in made:
            if who == line.who or silence:
                made[who] += pcm if who == line.who else bytes(len(pcm))
    return [leg[: len(leg) // PACKET * PACKET] for leg in made.values()]


def heard_by(tap: int, both: list[bytes], start_s: float, seconds: float) -> bytes:
    """What a tap plays from `start_s` on."""
    leg = both[tap % 2]
    at = round((tap * SHIFT_S + start_s) * 16000) * 2 % len(leg)
    need = round(seconds * 16000) * 2
    return (leg[at:] + leg * (1 + need // len(leg)))[:need]


@dataclass
class Live:
    """Taps that send: `told` is everything the pipeline said and when, `began_at` the time of the first packet."""

    pipeline: Pipeline = field(init=False)
    told: list[tuple[int, float, Hypothesis | Segment]] = field(default_factory=list)
    began_at: float = 0.0

    def listen(self, stream_id: str, heard: Hypothesis | Segment) -> None:
        """The pipeline's listener."""
        self.told.append((int(stream_id), time.monotonic(), heard))

    async def caught_up(self, within_s: float) -> None:
        """Wait until nothing waits for recognition. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while self.pipeline.stats().backlog_ms > 200:  # noqa: ASYNC110 - a measure, not an event
                await asyncio.sleep(0.05)


@asynccontextmanager
async def live(engine: VoskEngine, both: list[bytes], taps: int, seconds: float) -> AsyncIterator[Live]:
    """Taps that send for `seconds` from when the block begins, in real time."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, pcm in zip(("citizen", "agent"), both, strict=True):
            files.append(Path(folder) / f"{name}.wav")
            write_wav(files[-1], np.frombuffer(pcm, dtype="<i2").astype(np.int16), 16000)
        media = MediaServer()
        running = Live()
        async with media, Pipeline(engine, media, running.listen, max_streams=taps) as pipeline:
            running.pipeline = pipeline
            sender = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.bench.rtp_sender", str(media.address[1]), str(seconds), str(taps),
                *map(str, files), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            assert sender.stdin is not None
            assert sender.stdout is not None
            try:
                for tap, port in enumerate(msgspec.json.decode(await sender.stdout.readline(), type=list[int])):
                    who = Speaker.AGENT if tap % 2 else Speaker.CITIZEN
                    pipeline.open_stream(str(tap), speaker=who, source_port=port, began_ms=0)
                sender.stdin.write(b"\n")
                running.began_at = float(await sender.stdout.readline())
                yield running
                await sender.wait()
            finally:
                if sender.returncode is None:
                    sender.kill()
                    await sender.wait()
