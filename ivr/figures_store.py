"""Reads everything measures are made of from the database, a day at a time."""

from collections import Counter
from datetime import datetime, timedelta

from ivr.attendance import moved_of
from ivr.calls.figures import CallFigures, fold
from ivr.calls.hotline_report import Callbacks, HotlineReport, Satisfaction, hotline_report
from ivr.calls.report import Terms
from ivr.event_log import recorded_of
from ticketing.database import Database
from ticketing.records import CallbackRecord, VisitAnswer
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CallbackKind, CallbackState

STEP = timedelta(days=1)
"""How much of the event log is in memory at once, apart from the figures of its calls."""


async def read_report(
    database: Database, terms: Terms, begin: datetime | None, end: datetime, satisfied_from: int
) -> HotlineReport:
    """The report of calls that arrived in [begin, end); without `begin` from the first call on."""
    async with UnitOfWork(database, reads=True) as unit:
        begin = begin or await unit.statistics.first_arrival() or end
        calls = await _calls(unit, begin - terms.first_dial, end)
        moves = [moved_of(record) for record in await unit.statistics.agent_moves(begin, end)]
        callbacks = _callbacks(await unit.statistics.callbacks(begin, end))
        satisfaction = _satisfaction(await unit.statistics.visits(begin, end), satisfied_from)
    return hotline_report(calls, moves, callbacks, satisfaction, terms, (begin, end))


async def _calls(unit: UnitOfWork, begin: datetime, end: datetime) -> list[CallFigures]:
    calls: list[CallFigures] = []
    while begin < end:
        until = min(begin + STEP, end)
        calls += fold(recorded_of(record) for record in await unit.call_events.of_arrivals(begin, until))
        begin = until
    return calls


def _callbacks(records: tuple[CallbackRecord, ...]) -> Callbacks:
    states = Counter(record.state for record in records)
    kinds = Counter(record.kind for record in records)
    done = [record for record in records if record.state is CallbackState.DONE]
    return Callbacks(
        owed=len(records),
        missed=kinds[CallbackKind.MISSED],
        promised=kinds[CallbackKind.PROMISED],
        done=len(done),
        cancelled=states[CallbackState.CANCELLED],
        exhausted=states[CallbackState.EXHAUSTED],
        waiting=states[CallbackState.WAITING],
        in_time=sum(record.closed_at is not None and record.closed_at <= record.due_at for record in done),
        attempts=sum(record.attempts for record in records),
    )


def _satisfaction(answers: tuple[VisitAnswer, ...], satisfied_from: int) -> Satisfaction:
    return Satisfaction(
        satisfied_from=satisfied_from,
        asked=len(answers),
        satisfied=sum(answer.satisfied is True for answer in answers),
        unsatisfied=sum(answer.satisfied is False for answer in answers),
        silent=sum(answer.satisfied is None for answer in answers),
    )
