"""What the ear costs and how long it takes: `python -m tests.bench.bench_asr [STREAMS] [SECONDS]`.

The same audio, in the same run, through a bare Vosk loop and through the whole pipeline (RTP over a socket in real
time, sent by another process). Costs are CPU seconds a stream second; streams a core are their inverse. Two kinds of
audio: the demonstration call's legs, where each party is silent while the other speaks, and the same turns without any
silence. How long things take is measured with a few streams, so that the machine's own queue is not measured with it.
"""

import asyncio
import statistics
import sys
import time

from asr.model import store
from asr.transcript import Hypothesis, Segment
from asr.vosk_engine import VoskEngine
from tests.bench.measure import say
from tests.bench.taps import heard_by, legs, live, resident_mb

RATIO = 0.9
"""Goal: of the streams a bare Vosk loop carries on a core, what part our pipeline carries."""
BEYOND_MS = 300
"""Goal: 95 of 100 hypotheses come no later than this after Vosk itself could have given them."""
LATENCY_STREAMS = 6


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


async def cost(engine: VoskEngine, both: list[bytes], streams: int, seconds: float) -> tuple[float, float, str]:
    """CPU a stream second, MB a stream, and what was met."""
    before_mb = resident_mb()
    used = time.process_time()
    async with live(engine, both, streams, seconds) as running:
        await asyncio.sleep(seconds + 0.3)
        await running.caught_up(120)
        used = time.process_time() - used
        memory = (resident_mb() - before_mb) / streams
        tally = running.pipeline.stats().tally
    notes = (
        f"packets {tally.packets} of {streams * int(seconds * 50)}, lost {tally.packets_lost}; "
        f"hypotheses left out {tally.dropped_hypotheses}; audio lost {tally.lost_ms} ms"
    )
    return used / (streams * seconds), memory, notes


async def latency(
    engine: VoskEngine, both: list[bytes], seconds: float
) -> tuple[list[float], list[float], list[float]]:
    """Seconds: hypotheses beyond Vosk's own time, finals after the last audio, finals beyond Vosk's own endpoint."""
    async with live(engine, both, LATENCY_STREAMS, seconds) as running:
        await asyncio.sleep(seconds + 1)
        told = [(tap, at - running.began_at, heard) for tap, at, heard in running.told]
    hypotheses: list[float] = []
    finals: list[float] = []
    beyond: list[float] = []
    for tap in range(LATENCY_STREAMS):
        own, ends = bare_times(engine, heard_by(tap, both, 0, seconds))
        for each, at, heard in told:
            if each != tap or at > seconds:
                continue
            if isinstance(heard, Hypothesis) and heard.text in own:
                hypotheses.append(at - own.pop(heard.text))
            elif isinstance(heard, Segment):
                finals.append(at - heard.end_ms / 1000)
                if heard.spoken in ends:
                    beyond.append(at - ends.pop(heard.spoken))
    return hypotheses, finals, beyond


def quantiles(values: list[float]) -> tuple[str, float]:
    """In words, and the 95th percentile in ms."""
    if len(values) < 2:
        return f"too few ({len(values)})", 0.0
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return f"p50 {cuts[49] * 1000:.0f} ms, p95 {cuts[94] * 1000:.0f} ms (n={len(values)})", cuts[94] * 1000


def verdict(*, kept: bool) -> str:
    return "kept" if kept else "MISSED"


def main() -> int:
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 12.0
    engine = VoskEngine(store.select())
    say(f"{streams} streams, {seconds:.0f} s each, model {engine.model.name}")
    missed = False
    for title, silence in (("conversation", True), ("speech without silence", False)):
        both = legs(silence=silence)
        plain = bare(engine, [heard_by(tap, both, 0, seconds) for tap in range(streams)])
        used, memory, notes = asyncio.run(cost(engine, both, streams, seconds))
        ratio = plain / used
        missed |= ratio < RATIO
        say(f"\n{title}")
        say(
            f"  streams a core: bare Vosk {1 / plain:.0f}, pipeline {1 / used:.0f}, ratio {ratio:.2f}; "
            f"goal >= {RATIO}: {verdict(kept=ratio >= RATIO)}"
        )
        say(f"  memory a stream: {memory:.1f} MB; {notes}")
        if silence:
            hypotheses, finals, beyond = asyncio.run(latency(engine, both, 4 * seconds))
            text, p95 = quantiles(hypotheses)
            missed |= p95 > BEYOND_MS
            say(f"  audio to hypothesis, beyond Vosk's own look-ahead, {LATENCY_STREAMS} streams: {text}; "
                f"goal p95 <= {BEYOND_MS} ms: {verdict(kept=p95 <= BEYOND_MS)}")  # fmt: skip
            say(f"  last audio to final segment: {quantiles(finals)[0]}; beyond Vosk's own: {quantiles(beyond)[0]}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
