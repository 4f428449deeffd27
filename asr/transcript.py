"""What was said: the words of this room, shared by engines, pipeline, desk and database."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Speaker(StrEnum):
    """Who is heard on a stream."""

    CITIZEN = "citizen"
    AGENT = "agent"


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """One recognised word; times in ms on the call's axis (0 = arrival), confidence 0..1."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


class Hypothesis(msgspec.Struct, frozen=True, kw_only=True):
    """What the recogniser believes is being said; replaced by the next one or by the segment that ends it."""

    speaker: Speaker
    start_ms: int
    text: str


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One finished utterance. `text` is written form without spaces, `spoken` the recogniser's own words.

    `lost` marks a stretch whose audio was not recognised (overload, tap gone); its text is empty and its times say
    what has to be read again from the recording.
    """

    id: str
    speaker: Speaker
    start_ms: int
    end_ms: int
    text: str
    spoken: str
    words: tuple[Word, ...] = ()
    lost: bool = False


def merge(*legs: Iterable[Segment]) -> list[Segment]:
    """The legs' segments as one transcript in order of time; a segment told twice (same id) counts as last told."""
    latest = {segment.id: segment for leg in legs for segment in leg}
    return sorted(latest.values(), key=lambda segment: (segment.start_ms, segment.end_ms, segment.id))


def fill(transcript: Iterable[Segment], gap: Segment, found: Iterable[Segment]) -> list[Segment]:
    """The transcript with a lost segment replaced by what was found when its stretch was read again, perhaps nothing.

    Raises ValueError when `gap` is not a lost segment: nothing that was heard may be replaced.
    """
    if not gap.lost:
        raise ValueError(f"segment {gap.id} was heard; only a lost one can be filled")
    return merge((segment for segment in transcript if segment.id != gap.id), found)
