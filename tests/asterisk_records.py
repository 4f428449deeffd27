"""What Asterisk itself wrote down of calls, as the same figures the hotline folds from its own log.

CEL (channel event log) and CDR rows carry the call's id and no number. A call waited from its holding bridge on, was
answered when its citizen's and an agent's channel were both in its talk bridge, and ended when the citizen's hung up.
"""

import csv
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ivr.calls.figures import CallFigures
from ivr.calls.vocabulary import CallId

HOLD, TALK = ".hold", ".talk"


@dataclass
class _Seen:
    citizen: str = ""
    began: float = 0.0
    queued: float | None = None
    joined: dict[str, float] = field(default_factory=dict)
    ended: float | None = None


def from_cel(file: Path) -> dict[CallId, CallFigures]:
    """The calls of a CEL file. Times are Asterisk's, in milliseconds since the citizen's channel began."""
    began: dict[str, float] = {}
    seen: dict[str, _Seen] = defaultdict(_Seen)
    with file.open(newline="", encoding="utf-8") as rows:
        for event, time, _, unique, linked, call, _, _, extra in csv.reader(rows):
            if event == "CHAN_START":
                began[unique] = float(time)
            if call and unique == linked:
                one = seen[call]
                one.citizen, one.began = unique, began[unique]
                if event == "HANGUP":
                    one.ended = float(time)
            if event == "BRIDGE_ENTER":
                bridge = str(json.loads(extra)["bridge_id"])
                if bridge.endswith(HOLD) and seen[bridge.removesuffix(HOLD)].queued is None:
                    seen[bridge.removesuffix(HOLD)].queued = float(time)
                if bridge.endswith(TALK):
                    seen[bridge.removesuffix(TALK)].joined.setdefault(unique, float(time))
    return {CallId(call): _figures(CallId(call), one) for call, one in seen.items()}


def _figures(call: CallId, seen: _Seen) -> CallFigures:
    def ms(at: float) -> int:
        return round((at - seen.began) * 1000)

    answered = max(seen.joined.values()) if len(seen.joined) > 1 and seen.citizen in seen.joined else None
    talked = 0 if answered is None or seen.ended is None else ms(seen.ended) - ms(answered)
    return CallFigures(
        call=call,
        arrived_at=datetime.fromtimestamp(seen.began, UTC),
        queued_ms=None if seen.queued is None else ms(seen.queued),
        answered_ms=None if answered is None else ms(answered),
        left_ms=None if answered is not None or seen.ended is None else ms(seen.ended),
        talk_ms=talked,
        handled=talked > 0,
    )


@dataclass(frozen=True)
class Record:
    """One CDR of a citizen's channel; times in seconds since 1970."""

    start: float
    end: float
    outcome: str


def from_cdr(file: Path) -> dict[CallId, Record]:
    """The citizens' records of a CDR file."""
    with file.open(newline="", encoding="utf-8") as rows:
        return {
            CallId(row[0]): Record(start=float(row[6]), end=float(row[8]), outcome=row[11])
            for row in csv.reader(rows)
            if row[0] and row[1] == row[2]
        }
