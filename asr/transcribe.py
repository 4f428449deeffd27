"""Recordings into the same segments as live taps: for whole calls, and for the gaps of a live transcript.

Blocking; a server calls it in a thread.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from asr.audio import Resampler
from asr.ear import AS_SPOKEN, Ear, Writer
from asr.engine import Engine
from asr.recording import Recording, open_recording
from asr.stream import SAMPLE_RATE
from asr.transcript import Segment, Speaker, merge

ID_PREFIX: Final = "tape-"
"""Ids of segments read from a recording begin so: they can never be those of a live tap."""
_PIECE_MS: Final = 200


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """What `hotline asr transcribe --json` prints: segments in order of time."""

    segments: tuple[Segment, ...]


def transcribe(
    engine: Engine,
    paths: Sequence[Path],
    *,
    speakers: Sequence[Speaker] = (Speaker.CITIZEN, Speaker.AGENT),
    began_ms: int = 0,
    from_ms: int = 0,
    to_ms: int | None = None,
    write: Writer = AS_SPOKEN,
) -> list[Segment]:
    """Every channel of every file, in order, belongs to the speaker of that order: one mono file is the first speaker,
    a stereo file has both, two mono files have one each.

    `began_ms` is where the recordings' first sample stands on the call's axis; with `from_ms` and `to_ms`, which count
    on that axis too, only a part is read. Any rate. Raises `RecordingUnreadable`; ValueError when there are more
    channels than speakers.
    """
    recordings = [open_recording(path) for path in paths]
    channels = [(recording, channel) for recording in recordings for channel in range(recording.channels)]
    if not 0 < len(channels) <= len(speakers):
        raise ValueError(f"{len(channels)} channels for {len(speakers)} speakers")
    legs: list[list[Segment]] = []
    for (recording, channel), speaker in zip(channels, speakers, strict=False):
        rate = recording.sample_rate
        start = max(0, from_ms - began_ms) * rate // 1000
        stop = recording.frames if to_ms is None else max(0, to_ms - began_ms) * rate // 1000
        ear = Ear(
            engine,
            speaker,
            began_ms=began_ms + start * 1000 // rate,
            sample_rate=SAMPLE_RATE,
            write=write,
            id_prefix=ID_PREFIX,
        )
        legs.append(_hear(ear, recording, channel, start, min(stop, recording.frames)))
    return merge(*legs)


def reread(engine: Engine, gap: Segment, path: Path, *, began_ms: int, write: Writer = AS_SPOKEN) -> list[Segment]:
    """What was said in a lost segment's stretch, from that speaker's own recording (mono), which may still grow."""
    return transcribe(
        engine,
        [path],
        speakers=(gap.speaker,),
        began_ms=began_ms,
        from_ms=gap.start_ms,
        to_ms=gap.end_ms,
        write=write,
    )


def to_json(segments: Sequence[Segment]) -> bytes:
    """`{"segments": [{id, speaker, start_ms, end_ms, text, spoken, words, lost}]}`, UTF-8."""
    return msgspec.json.encode(Transcript(segments=tuple(segments)))


def _hear(ear: Ear, recording: Recording, channel: int, start: int, stop: int) -> list[Segment]:
    resampler = Resampler(recording.sample_rate, SAMPLE_RATE)
    piece = recording.sample_rate * _PIECE_MS // 1000
    segments: list[Segment] = []
    for at in range(start, stop, piece):
        samples = resampler.feed(recording.read(channel, at, min(at + piece, stop)))
        segments += ear.hear(samples.astype("<i2").tobytes())
    segments += ear.hear(resampler.flush().astype("<i2").tobytes())
    return segments + ear.close()
