"""Reads an Asterisk `queue_log`: lines `time|call|queue|agent|EVENT|data…` into the figures of its calls. Pure.

The events and their data are those of Asterisk's documentation ("Queue Logs"), 1.4 to 23. What Asterisk itself wrote
as a duration (hold, wait and call time in whole seconds) is believed before the difference of two lines' times.

One entry into a queue is one `CallFigures`: a call that overflows into a second queue, or comes back into the same
one, enters again. An entry is answered by `CONNECT`; it ends unanswered by `ABANDON` (the caller hung up), or given
back by `EXITWITHTIMEOUT`, `EXITWITHKEY`, `EXITEMPTY` or `SYSCOMPAT`. A line that cannot be read, or speaks of an entry
the log does not hold (it was rotated away), is reported with its number and counts for nothing.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

import msgspec

from ivr.calls.figures import CallFigures
from ivr.calls.vocabulary import AgentId, CallId

NOBODY = frozenset({"", "NONE"})
NO_NUMBER = frozenset({"", "unknown", "anonymous", "unavailable", "restricted", "none", "null", "<unknown>"})
MS = 1_000


class Kind(StrEnum):
    """Every event a queue_log knows."""

    ENTERQUEUE = "ENTERQUEUE"
    CONNECT = "CONNECT"
    ABANDON = "ABANDON"
    EXITWITHTIMEOUT = "EXITWITHTIMEOUT"
    EXITWITHKEY = "EXITWITHKEY"
    EXITEMPTY = "EXITEMPTY"
    SYSCOMPAT = "SYSCOMPAT"
    COMPLETEAGENT = "COMPLETEAGENT"
    COMPLETECALLER = "COMPLETECALLER"
    TRANSFER = "TRANSFER"
    BLINDTRANSFER = "BLINDTRANSFER"
    ATTENDEDTRANSFER = "ATTENDEDTRANSFER"
    RINGNOANSWER = "RINGNOANSWER"
    RINGCANCELED = "RINGCANCELED"
    AGENTDUMP = "AGENTDUMP"
    AGENTLOGIN = "AGENTLOGIN"
    AGENTLOGOFF = "AGENTLOGOFF"
    AGENTCALLBACKLOGIN = "AGENTCALLBACKLOGIN"
    AGENTCALLBACKLOGOFF = "AGENTCALLBACKLOGOFF"
    ADDMEMBER = "ADDMEMBER"
    REMOVEMEMBER = "REMOVEMEMBER"
    PAUSE = "PAUSE"
    PAUSEALL = "PAUSEALL"
    UNPAUSE = "UNPAUSE"
    UNPAUSEALL = "UNPAUSEALL"
    PENALTY = "PENALTY"
    QUEUESTART = "QUEUESTART"
    CONFIGRELOAD = "CONFIGRELOAD"
    DID = "DID"
    INFO = "INFO"


LOST = {
    Kind.ABANDON: 2,
    Kind.EXITWITHTIMEOUT: 2,
    Kind.EXITEMPTY: 2,
    Kind.EXITWITHKEY: 3,
}
"""Ends of a wait without an answer, and which of their data is the time waited, in seconds."""

ENDS = {
    Kind.COMPLETEAGENT: 1,
    Kind.COMPLETECALLER: 1,
    Kind.TRANSFER: 3,
    Kind.BLINDTRANSFER: 3,
    Kind.ATTENDEDTRANSFER: 3,
}
"""Ends of a conversation, and which of their data is the time talked, in seconds."""

_CALLS = frozenset({Kind.ENTERQUEUE, Kind.CONNECT, Kind.SYSCOMPAT, *LOST, *ENDS})


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line that could be read. `number` counts from 1; `at` is UTC."""

    file: str
    number: int
    at: datetime
    call: str
    queue: str
    agent: str
    event: str
    data: tuple[str, ...]

    def seconds(self, place: int) -> int | None:
        """A datum as whole seconds; None where it is missing or no number."""
        text = self.data[place].strip() if place < len(self.data) else ""
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was not counted (`rotten`, `orphan`) or only after mending (`mended`). Never quotes the line."""

    file: str
    line: int
    kind: str
    reason: str


class QueueLog(msgspec.Struct, frozen=True, kw_only=True):
    """What a queue_log says; `entries` in order of entry.

    `events` counts the readable lines by event, known or not; `unknown` names those this reader does not know.
    """

    lines: int
    entries: list[CallFigures]
    events: dict[str, int]
    unknown: dict[str, int]
    problems: list[Problem]
    read: list[Line]


def read(files: Iterable[tuple[str, Iterable[bytes]]], zone: tzinfo = UTC) -> QueueLog:
    """Read files, each by its name and its lines, in any order: the file whose first line is oldest is read first.

    `zone` is where times without an offset were written. Epoch times have none to doubt.
    """
    parts: list[list[Line]] = []
    problems: list[Problem] = []
    count = 0
    for name, content in files:
        part: list[Line] = []
        for number, raw in enumerate(content, 1):
            count += 1
            if not raw.strip():
                continue
            line = _line(name, number, raw, zone)
            if isinstance(line, Problem):
                problems.append(line)
            else:
                part.append(line)
        if part:
            parts.append(part)
    lines = [line for part in sorted(parts, key=lambda part: part[0].at) for line in part]
    fold = _Fold(problems)
    for line in lines:
        fold.add(line)
    known = set(Kind)
    events = Counter(line.event for line in lines)
    return QueueLog(
        lines=count,
        entries=fold.entries,
        events=dict(sorted(events.items())),
        unknown={event: n for event, n in sorted(events.items()) if event not in known},
        problems=sorted(problems, key=lambda problem: (problem.file, problem.line)),
        read=lines,
    )


def _line(file: str, number: int, raw: bytes, zone: tzinfo) -> Line | Problem:
    def rotten(reason: str) -> Problem:
        return Problem(file=file, line=number, kind="rotten", reason=reason)

    if b"\0" in raw:
        return rotten("holds NUL bytes: written over while it was rotated")
    fields = [field.strip() for field in raw.decode("utf-8", errors="replace").strip("\r\n\ufeff").split("|")]
    if len(fields) < 5:
        return rotten(f"has {len(fields)} of at least 5 fields")
    at = moment(fields[0], zone)
    if at is None:
        return rotten("its time is neither seconds since 1970 nor ISO 8601")
    if not fields[4]:
        return rotten("names no event")
    if not fields[1]:
        return rotten("names no call")
    return Line(
        file=file,
        number=number,
        at=at,
        call=fields[1],
        queue=fields[2],
        agent=fields[3],
        event=fields[4].upper(),
        data=tuple(fields[5:]),
    )


def moment(text: str, zone: tzinfo) -> datetime | None:
    """A line's time: seconds since 1970, with or without a fraction, or ISO 8601; None for anything else."""
    whole, point, fraction = text.partition(".")
    if whole.isascii() and whole.isdigit() and (not point or (fraction.isascii() and fraction.isdigit())):
        try:
            micros = int((fraction + "000000")[:6]) if point else 0
            return datetime.fromtimestamp(int(whole), UTC).replace(microsecond=micros)
        except (OverflowError, ValueError, OSError):
            return None
    if len(text) < len("2026-01-01T00:00"):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo is not None else found.replace(tzinfo=zone)).astimezone(UTC)


class _Fold:
    """Entries as they open, are answered and end. `problems` is written to."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._all: list[CallFigures] = []
        self._open: dict[tuple[str, str], int] = {}

    @property
    def entries(self) -> list[CallFigures]:
        """Every entry, in order of entry."""
        return sorted(self._all, key=lambda entry: entry.arrived_at)

    def add(self, line: Line) -> None:
        """Count one line."""
        if line.event == Kind.ENTERQUEUE:
            self._enter(line)
        elif line.event == Kind.RINGNOANSWER:
            self._missed(line)
        elif line.event in _CALLS:
            self._end(line)

    def _enter(self, line: Line) -> None:
        number = line.data[1].strip() if len(line.data) > 1 else ""
        key = (line.call, line.queue)
        standing = self._open.get(key)
        if standing is not None and not self._all[standing].decided:
            self._report(line, "mended", "enters a queue it had not left: the first entry stays undecided")
        self._open[key] = len(self._all)
        self._all.append(
            CallFigures(
                call=CallId(line.call),
                arrived_at=line.at,
                queued_ms=0,
                queue=line.queue,
                caller=None if number.lower() in NO_NUMBER else number,
            )
        )

    def _missed(self, line: Line) -> None:
        index = self._open.get((line.call, line.queue))
        if index is not None:
            entry = self._all[index]
            self._all[index] = msgspec.structs.replace(entry, missed_offers=entry.missed_offers + 1)

    def _end(self, line: Line) -> None:
        index = self._open.get((line.call, line.queue))
        if index is None:
            self._report(line, "orphan", f"{line.event} of a call whose ENTERQUEUE is not in the log: rotated away?")
            return
        entry = self._all[index]
        if line.event == Kind.CONNECT:
            self._connect(line, index, entry)
        elif line.event in ENDS:
            self._complete(line, index, entry)
        elif entry.decided:
            self._report(line, "orphan", f"{line.event} of a call that had been answered or had left")
        else:
            wait = self._ms(line, LOST.get(Kind(line.event)), entry.arrived_at)
            back = line.event != Kind.ABANDON
            self._all[index] = msgspec.structs.replace(entry, left_ms=wait, given_back=back, left_by=line.event)

    def _connect(self, line: Line, index: int, entry: CallFigures) -> None:
        if entry.decided:
            self._report(line, "orphan", "CONNECT of a call that had been answered or had left")
            return
        hold = self._ms(line, 0, entry.arrived_at)
        agent = None if line.agent in NOBODY else AgentId(line.agent)
        self._all[index] = msgspec.structs.replace(entry, answered_ms=hold, agent=agent)

    def _complete(self, line: Line, index: int, entry: CallFigures) -> None:
        if entry.answered_ms is None:
            self._report(line, "orphan", f"{line.event} of a call that was not connected")
        elif entry.handled:
            self._report(line, "orphan", f"{line.event} of a conversation that had ended")
        else:
            place = ENDS[Kind(line.event)]
            if line.event == Kind.ATTENDEDTRANSFER and line.data[:1] == ("LINK",):
                place += 1
            answered = entry.arrived_at.timestamp() + entry.answered_ms / MS
            talk = self._ms(line, place, datetime.fromtimestamp(answered, UTC))
            self._all[index] = msgspec.structs.replace(entry, talk_ms=talk, handled=True)

    def _ms(self, line: Line, place: int | None, since: datetime) -> int:
        """The duration a line tells, or, where it does not, the time since `since`."""
        told = None if place is None else line.seconds(place)
        if told is not None:
            return told * MS
        if place is not None:
            self._report(line, "mended", "its duration is missing or no number: taken from the lines' times")
        return max(0, round((line.at - since).total_seconds() * MS))

    def _report(self, line: Line, kind: str, reason: str) -> None:
        self._problems.append(Problem(file=line.file, line=line.number, kind=kind, reason=reason))
