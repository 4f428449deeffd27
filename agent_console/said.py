"""The conversation as lines to show. Pure."""

from dataclasses import dataclass
from datetime import timedelta, tzinfo
from difflib import SequenceMatcher
from typing import Final

from agent_console.formats import time_of_day
from asr.transcript import Segment, Speaker
from ivr.desk.views import CallCard, DeskView

DOUBTFUL: Final = 0.6
"""Words the recogniser believes less than this are underlined."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One utterance. `live` may still change, `lost` could not be transcribed; `doubts` are ranges of `text`."""

    id: str
    when: str
    speaker: Speaker
    text: str
    doubts: tuple[tuple[int, int], ...] = ()
    live: bool = False
    lost: bool = False


def said(view: DeskView, zone: tzinfo) -> tuple[Said, ...]:
    """What was said, in order, then what is being said: one line a party at most."""
    if view.call is None:
        return ()
    finished = tuple(_finished(segment, view.call, zone) for segment in view.segments)
    live = tuple(
        Said(
            id=f"live-{hypothesis.speaker}",
            when=_when(view.call, hypothesis.start_ms, zone),
            speaker=hypothesis.speaker,
            text=hypothesis.text,
            live=True,
        )
        for hypothesis in sorted(view.hypotheses, key=lambda h: (h.start_ms, h.speaker))
    )
    return finished + live


def _finished(segment: Segment, call: CallCard, zone: tzinfo) -> Said:
    return Said(
        id=segment.id,
        when=_when(call, segment.start_ms, zone),
        speaker=segment.speaker,
        text=segment.text,
        doubts=doubts(segment),
        lost=segment.lost,
    )


def _when(call: CallCard, offset_ms: int, zone: tzinfo) -> str:
    return time_of_day(call.arrived_at + timedelta(milliseconds=offset_ms), zone)


def doubts(segment: Segment) -> tuple[tuple[int, int], ...]:
    """The ranges of the written text that come from doubtful words.

    The written form is not the spoken one (numbers are digits, spaces are gone), so the two are aligned; a written
    piece that replaces several spoken words is doubtful if one of them is.
    """
    if all(word.confidence >= DOUBTFUL for word in segment.words):
        return ()
    spoken = "".join(word.text for word in segment.words)
    doubtful: list[bool] = []
    for word in segment.words:
        doubtful.extend([word.confidence < DOUBTFUL] * len(word.text))
    marked = [False] * len(segment.text)
    for kind, a, b, c, d in SequenceMatcher(None, spoken, segment.text, autojunk=False).get_opcodes():
        if kind == "equal":
            marked[c:d] = doubtful[a:b]
        elif kind == "replace":
            marked[c:d] = [any(doubtful[a:b])] * (d - c)
    return tuple(_runs(marked))


def _runs(marked: list[bool]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    begin: int | None = None
    for at, mark in enumerate([*marked, False]):
        if mark and begin is None:
            begin = at
        elif not mark and begin is not None:
            runs.append((begin, at))
            begin = None
    return runs
