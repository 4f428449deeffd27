"""The measures of an Asterisk queue_log, by the same definitions as the hotline's own. Pure."""

from collections import Counter, defaultdict
from datetime import datetime

import msgspec

from ivr.calls import report
from ivr.calls.attendance import occupancy, times
from ivr.calls.figures import CallFigures, ClockStart
from ivr.calls.queue_log import Kind, Problem, QueueLog
from ivr.calls.queue_log_people import attendance
from ivr.calls.report import Figures, Rate, Terms, WorstDay


class AgentFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What one agent did. `ring_no_answer` counts the rings they let pass; talk is of the conversations that ended."""

    answered: int
    talk_s: float
    ring_no_answer: int


class QueueLogReport(Figures, frozen=True, kw_only=True):
    """The figures over all queues, then what a queue_log tells beside them. See docs/reference/measures.md.

    `entries` counts entries into queues, `calls` the different calls among them. `begin` and `end` are the times of
    the first and last line, or the period asked for.
    """

    source: str
    files: list[str]
    begin: datetime | None
    end: datetime | None
    clock_start: ClockStart
    threshold_s: float
    short_abandon_s: float
    first_dial_window_s: float
    lines: int
    entries: int
    calls: int
    left_by: dict[str, int]
    first_dial_answer_rate: Rate
    worst_24h: dict[str, WorstDay | None]
    occupancy: Rate
    callbacks: None
    satisfaction: None
    queues: dict[str, Figures]
    agents: dict[str, AgentFigures]
    events: dict[str, int]
    unknown_events: dict[str, int]
    problems: list[Problem]


def queue_log_report(
    log: QueueLog,
    terms: Terms,
    files: list[str],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QueueLogReport:
    """The report over entries in [`since`, `until`), by default all; the clock starts with entry into the queue."""
    terms = msgspec.structs.replace(terms, start=ClockStart.QUEUE_ENTRY)
    before_end = [entry for entry in log.entries if until is None or entry.arrived_at < until]
    inside = [entry for entry in before_end if since is None or entry.arrived_at >= since]
    told = [line.at for line in log.read]
    begin, end = since or min(told, default=None), until or max(told, default=None)
    period = (since, until) if since is not None and until is not None else None
    return QueueLogReport(
        source="queue_log",
        files=files,
        begin=begin,
        end=end,
        clock_start=terms.start,
        threshold_s=report.seconds(terms.within_ms),
        short_abandon_s=report.seconds(terms.short_ms),
        first_dial_window_s=terms.first_dial.total_seconds(),
        lines=log.lines,
        entries=len(inside),
        calls=len({entry.call for entry in inside}),
        left_by=_left_by(inside),
        first_dial_answer_rate=report.first_dials(before_end, terms, since),
        worst_24h=report.worst_days(inside, terms, period),
        occupancy=_occupancy(log, begin, end),
        callbacks=None,
        satisfaction=None,
        queues=report.by_queue(inside, terms),
        agents=_agents(log, inside),
        events=log.events,
        unknown_events=log.unknown,
        problems=log.problems,
        **msgspec.structs.asdict(report.figures(inside, terms)),
    )


def _left_by(entries: list[CallFigures]) -> dict[str, int]:
    counts = Counter(entry.left_by for entry in entries if entry.left_by is not None)
    return dict(sorted(counts.items()))


def _occupancy(log: QueueLog, begin: datetime | None, end: datetime | None) -> Rate:
    moves, unknown = attendance(log.read)
    spent = times(moves, begin, end) if begin is not None and end is not None else {}
    return report.in_seconds(
        occupancy(spent.values(), left_out=(("agents whose sign-in the log does not hold", unknown),)),
        "talk / (talk + available); a queue_log knows neither after-call work nor ringing",
    )


def _agents(log: QueueLog, entries: list[CallFigures]) -> dict[str, AgentFigures]:
    talked: dict[str, list[CallFigures]] = defaultdict(list)
    for entry in entries:
        if entry.agent is not None:
            talked[entry.agent].append(entry)
    calls = {entry.call for entry in entries}
    rang = Counter(line.agent for line in log.read if line.event == Kind.RINGNOANSWER and line.call in calls)
    return {
        agent: AgentFigures(
            answered=len(talked[agent]),
            talk_s=report.seconds(sum(entry.talk_ms for entry in talked[agent])),
            ring_no_answer=rang[agent],
        )
        for agent in sorted({*talked, *rang})
    }
