"""The ear under load for a long time: `python -m tests.bench.soak_asr [STREAMS] [SECONDS]`.

120 streams (60 calls) for ten minutes on two cores: memory must not grow, nothing may be dropped silently. 300
streams: overload is stated, hypotheses thin out, finals come late, and what the bounded backlogs could not hold is
marked lost and read again afterwards: every word is there in the end. Prints ten lines on the way and a verdict.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from asr.model import store
from asr.model.voices import write_wav
from asr.pipeline import PipelineStats
from asr.transcribe import reread, transcribe
from asr.transcript import Hypothesis, Segment, Speaker, fill, merge
from asr.vosk_engine import VoskEngine
from tests.bench.measure import say
from tests.bench.taps import Live, heard_by, legs, live, resident_mb

LINES = 10
SAMPLES = 6
"""Streams whose transcript is compared with that of the same audio heard at leisure."""
ALIKE = 0.95
"""Characters right; the edges of a gap cost one or two where they cut a word."""
GROWTH_MB_A_STREAM = 1.0
"""More than this between the third line and the last is growth."""


def line(running: Live, streams: int, began: float, since: int, interval_s: float) -> str:
    stats = running.pipeline.stats()
    told = [heard for _, _, heard in running.told[since:]]
    shown = sum(isinstance(heard, Hypothesis) for heard in told)
    finals = [heard for heard in told if isinstance(heard, Segment) and not heard.lost]
    return (
        f"  {time.monotonic() - began:5.0f} s  {resident_mb():6.0f} MB  behind {stats.behind:3} of {streams}, "
        f"worst {stats.backlog_ms / 1000:4.1f} s  hypotheses {shown / interval_s / streams:.2f} a stream second, "
        f"left out {stats.tally.dropped_hypotheses}  finals {len(finals)}  "
        f"audio lost {stats.tally.lost_ms / 1000:.0f} s"
    )


async def soak(
    engine: VoskEngine, both: list[bytes], streams: int, seconds: float
) -> tuple[list[tuple[int, Segment]], PipelineStats, list[float], float]:
    """Every final segment, the last statistics, memory at each line, and how late the last word was."""
    memory: list[float] = []
    async with live(engine, both, streams, seconds) as running:
        began = running.began_at
        for number in range(LINES):
            since = len(running.told)
            await asyncio.sleep(max(0.0, began + (number + 1) * seconds / LINES - time.monotonic()))
            memory.append(resident_mb())
            say(line(running, streams, began, since, seconds / LINES))
        await running.caught_up(60 + seconds)
        late = time.monotonic() - began - seconds
    stats = running.pipeline.stats()
    return [(tap, heard) for tap, _, heard in running.told if isinstance(heard, Segment)], stats, memory, late


def made_whole(engine: VoskEngine, both: list[bytes], tap: int, segments: list[Segment]) -> list[Segment]:
    """The transcript of a tap with its gaps read again, as a recording would have them."""
    whole = merge(segments)
    for gap in [segment for segment in whole if segment.lost]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "gap.wav"
            began_ms = max(0, gap.start_ms - 2000)
            pcm = heard_by(tap, both, began_ms / 1000, (gap.end_ms + 2000 - began_ms) / 1000)
            write_wav(path, np.frombuffer(pcm, dtype="<i2").astype(np.int16), 16000)
            whole = fill(whole, gap, reread(engine, gap, path, began_ms=began_ms))
    return whole


def alike(engine: VoskEngine, both: list[bytes], tap: int, seconds: float, segments: list[Segment]) -> float:
    """How like the live transcript is to that of the same audio heard at leisure."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tap.wav"
        write_wav(path, np.frombuffer(heard_by(tap, both, 0, seconds), dtype="<i2").astype(np.int16), 16000)
        wanted = "".join(s.text for s in transcribe(engine, [path], speakers=(Speaker.CITIZEN,)))
    heard = "".join(segment.text for segment in made_whole(engine, both, tap, segments))
    return 1 - distance(heard, wanted) / len(wanted)


def distance(a: str, b: str) -> int:
    """Levenshtein's. The recipe's own needs what only the recipe installs."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def main() -> int:
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else 120
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 600.0
    engine = VoskEngine(store.select())
    both = legs(silence=True)
    say(f"{streams} streams, {seconds:.0f} s, model {engine.model.name}")
    used = time.process_time()
    segments, stats, memory, late = asyncio.run(soak(engine, both, streams, seconds))
    used = time.process_time() - used
    tally = stats.tally
    lost = [segment for _, segment in segments if segment.lost]
    stated_ms = sum(segment.end_ms - segment.start_ms for segment in lost)
    growth = (memory[-1] - memory[2]) / streams
    say(f"packets {tally.packets} of {streams * int(seconds * 50)}, lost on the way {tally.packets_lost}")
    say(f"processor {used / seconds:.2f} cores, {1000 * used / seconds / streams:.1f} % of a core for 10 streams")
    say(f"the last word came {late:.1f} s after its audio; lost audio {tally.lost_ms / 1000:.1f} s in {len(lost)} gaps")
    say(f"memory {memory[-1] / streams:.1f} MB a stream, growth {growth:.2f} MB a stream since line 3")
    taps = range(0, streams, max(1, streams // SAMPLES))
    ratios = [alike(engine, both, tap, seconds, [s for t, s in segments if t == tap]) for tap in taps]
    say(f"transcripts with their gaps read again against the same audio at leisure: {min(ratios):.3f} alike at least")
    verdicts = {
        "nothing dropped silently": abs(stated_ms - tally.lost_ms) < 1000 and tally.restarts == 0,
        "memory does not grow": growth <= GROWTH_MB_A_STREAM,
        "words whole": min(ratios) >= ALIKE,
    }
    say("; ".join(f"{what}: {'kept' if kept else 'MISSED'}" for what, kept in verdicts.items()))
    return int(not all(verdicts.values()))


if __name__ == "__main__":
    sys.exit(main())
