"""What the ear costs and how long it takes: `python -m tests.bench.bench_asr [STREAMS] [SECONDS]`.

The same audio, in the same run, through a bare Vosk loop and through the whole pipeline (RTP over a
socket in real time, sent by another process). Costs are CPU seconds a stream second; streams a core are their inverse.
Two kinds of audio: the demonstration call's legs, where each party is silent while the other speaks, and the same turns
without any silence.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np

from asr.audio import Resampler
from asr.media_server import MediaServer
from asr.model import store
from asr.model.voices import Script, write_wav
from asr.pipeline import Pipeline
from asr.recording import open_recording
from asr.transcript import Hypothesis, Segment, Speaker
from asr.vosk_engine import VoskEngine
from tests.unit.asr.until import until

SOUNDS = Path(__file__).parents[2] / "ivr" / "demo" / "sounds"
PAGE = 4096


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


def legs(*, silence: bool) -> list[bytes]:
    """Citizen and agent, 16 kHz."""
    script = msgspec.json.decode((SOUNDS / "script.json").read_bytes(), type=Script)
    made = {"citizen": b"", "agent": b""}
    for line in script.lines:
        resampler = Resampler(8000, 16000)
        turn = np.concatenate([resampler.feed(open_recording(SOUNDS / line.file).read(0)), resampler.flush()])
        pcm = turn.astype("<i2").tobytes() + bytes(32 * line.pause_after_ms if silence else 0)
        for who in made:
            if who == line.who or silence:
                made[who] += pcm if who == line.who else bytes(len(pcm))
    return list(made.values())


def taps(streams: int, seconds: float, *, silence: bool) -> list[bytes]:
    """As many legs as asked for, each beginning somewhere else."""
    both = legs(silence=silence)
    need = int(seconds * 32000)
    made = []
    for number in range(streams):
        leg = both[number % 2]
        at = number * 7 * 32000 % len(leg)
        made.append((leg[at:] + leg * (1 + need // len(leg)))[:need])
    return made


def bare(engine: VoskEngine, audio: list[bytes]) -> float:
    """CPU a stream second of the plainest loop there is: 100 ms at a time, five hypotheses a second."""
    recognizers = [engine.recognizer(16000) for _ in audio]
    began = time.process_time()
    for number, at in enumerate(range(0, len(audio[0]), 3200)):
        for recognizer, pcm in zip(recognizers, audio, strict=True):
            if recognizer.accept(pcm[at : at + 3200]) is None and number % 2:
                recognizer.hypothesis()
    for recognizer in recognizers:
        recognizer.finish()
    used = time.process_time() - began
    return used / (len(audio) * len(audio[0]) / 32000)


def bare_times(engine: VoskEngine, pcm: bytes) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds of audio after which Vosk itself first gives each hypothesis and each utterance, fed 20 ms at a time."""
    recognizer = engine.recognizer(16000)
    hypotheses: dict[str, float] = {}
    utterances: dict[str, float] = {}
    for at in range(0, len(pcm), 640):
        ended = recognizer.accept(pcm[at : at + 640])
        now = (at + 640) / 32000
        if ended is not None:
            utterances.setdefault(ended.spoken, now)
        text = recognizer.hypothesis()
        if text:
            hypotheses.setdefault(text.replace(" ", ""), now)
    return hypotheses, utterances


async def live(
    engine: VoskEngine, audio: list[bytes], seconds: float
) -> tuple[float, float, list[tuple[str, float, Hypothesis | Segment]], list[str]]:
    """CPU a stream second, MB a stream, and everything told with its time since the first packet."""
    told: list[tuple[str, float, Hypothesis | Segment]] = []

    def listener(stream_id: str, heard: Hypothesis | Segment) -> None:
        told.append((stream_id, time.monotonic(), heard))

    before_mb = resident_mb()
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, pcm in enumerate(audio):
            files.append(Path(folder) / f"{number}.wav")
            write_wav(files[-1], np.frombuffer(pcm, dtype="<i2").astype(np.int16), 16000)
        async with MediaServer() as media, Pipeline(engine, media, listener) as pipeline:
            sender = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-m",
                    "tests.bench.rtp_sender",
                    str(media.address[1]),
                    str(seconds),
                    *map(str, files),
                ),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            assert sender.stdin is not None
            assert sender.stdout is not None
            ports = msgspec.json.decode(await sender.stdout.readline(), type=list[int])
            for number, port in enumerate(ports):
                who = Speaker.AGENT if number % 2 else Speaker.CITIZEN
                pipeline.open_stream(str(number), speaker=who, source_port=port, began_ms=0)
            used = time.process_time()
            sender.stdin.write(b"\n")
            began = float(await sender.stdout.readline())
            await sender.wait()
            behind = pipeline.stats().backlog_ms
            await until(lambda: pipeline.stats().backlog_ms < 200, 60)
            used = time.process_time() - used
            memory = (resident_mb() - before_mb) / len(audio)
            stats = pipeline.stats()
            notes = [
                f"packets {stats.tally.packets} of {len(audio) * int(seconds * 50)}, lost {stats.tally.packets_lost}",
                f"behind at the end {behind} ms, hypotheses left out {stats.tally.dropped_hypotheses}",
                f"audio lost {stats.tally.lost_ms} ms",
            ]
            mine = [(stream_id, at - began, heard) for stream_id, at, heard in told]
    return used / (len(audio) * seconds), memory, mine, notes


def quantiles(values: list[float]) -> str:
    if len(values) < 2:
        return f"too few ({len(values)})"
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return f"p50 {cuts[49] * 1000:.0f} ms, p95 {cuts[94] * 1000:.0f} ms ({len(values)})"


def main() -> None:
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 12.0
    engine = VoskEngine(store.select())
    say(f"{streams} streams, {seconds:.0f} s each, model {engine.model.name}")
    for title, silence in (("conversation", True), ("speech without silence", False)):
        audio = taps(streams, seconds, silence=silence)
        plain = bare(engine, audio)
        cost, memory, told, notes = asyncio.run(live(engine, audio, seconds))
        say(f"\n{title}")
        say(f"  streams a core: bare Vosk {1 / plain:.0f}, pipeline {1 / cost:.0f}, ratio {plain / cost:.2f}")
        say(f"  memory a stream: {memory:.1f} MB; " + "; ".join(notes))
        hypotheses, finals, beyond = [], [], []
        for number in range(min(streams, 6)):
            own, ends = bare_times(engine, audio[number])
            for stream_id, at, heard in told:
                if stream_id == str(number) and isinstance(heard, Hypothesis) and heard.text in own:
                    hypotheses.append(at - own.pop(heard.text))
                if stream_id == str(number) and isinstance(heard, Segment) and at < seconds:
                    finals.append(at - heard.end_ms / 1000)
                    if heard.spoken in ends:
                        beyond.append(at - ends.pop(heard.spoken))
        say(f"  audio to hypothesis, beyond Vosk's own look-ahead: {quantiles(hypotheses)}")
        say(f"  last audio to final segment: {quantiles(finals)}; beyond Vosk's own endpoint: {quantiles(beyond)}")


if __name__ == "__main__":
    main()
