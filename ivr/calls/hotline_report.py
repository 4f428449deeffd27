"""The measures of the hotline's own event log. Pure."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from ivr.calls import report
from ivr.calls.attendance import AgentMoved, occupancy, times
from ivr.calls.figures import CallFigures, ClockStart
from ivr.calls.ratios import Ratio
from ivr.calls.report import Figures, Rate, Terms, WorstDay
from ivr.calls.vocabulary import AgentId, AgentState


class Callbacks(msgspec.Struct, frozen=True, kw_only=True):
    """Calls back (漏接回拨、登记回拨) owed for calls of the period, and what became of them.

    `cancelled`: the citizen called in first. `exhausted`: tried as often as allowed. `in_time`: done by the promised
    time. `attempts` counts every dialling.
    """

    owed: int
    missed: int
    promised: int
    done: int
    cancelled: int
    exhausted: int
    waiting: int
    in_time: int
    attempts: int

    @property
    def reached(self) -> Ratio:
        """Reached of those that could be."""
        apart = (("cancelled", self.cancelled), ("waiting", self.waiting))
        return Ratio(name="callbacks", part=self.done, of=self.done + self.exhausted, left_out=apart)


class Satisfaction(msgspec.Struct, frozen=True, kw_only=True):
    """What citizens answered. Scores are of the question after the call, the others of return visits."""

    scores: tuple[int, ...] = ()
    satisfied_from: int = 4
    asked: int = 0
    satisfied: int = 0
    unsatisfied: int = 0
    silent: int = 0


class AgentTimes(msgspec.Struct, frozen=True, kw_only=True):
    """What one agent did in the period."""

    answered: int
    talk_s: float
    wrap_up_s: float
    states_s: dict[str, float]
    occupancy: float | None


class CallbackRates(msgspec.Struct, frozen=True, kw_only=True):
    """Callbacks as they are printed."""

    counts: Callbacks
    reached: Rate


class SatisfactionRates(msgspec.Struct, frozen=True, kw_only=True):
    """Satisfaction as it is printed: with the service (asked by key after the call) and with the handling (回访)."""

    service: Rate
    handling: Rate
    scores: dict[str, int]


class HotlineReport(Figures, frozen=True, kw_only=True):
    """The figures over all queues by one start of the clock, then the rest. See docs/reference/measures.md."""

    source: str
    begin: datetime
    end: datetime
    clock_start: ClockStart
    threshold_s: float
    short_abandon_s: float
    first_dial_window_s: float
    other_clock: Figures
    first_dial_answer_rate: Rate
    worst_24h: dict[str, WorstDay | None]
    occupancy: Rate
    callbacks: CallbackRates
    satisfaction: SatisfactionRates
    queues: dict[str, Figures]
    agents: dict[str, AgentTimes]


def hotline_report(
    calls: Sequence[CallFigures],
    moves: Sequence[AgentMoved],
    callbacks: Callbacks,
    satisfaction: Satisfaction,
    terms: Terms,
    period: tuple[datetime, datetime],
) -> HotlineReport:
    """The report over calls that arrived in `period`; earlier ones only say whose dial was not the first."""
    begin, end = period
    inside = [call for call in calls if begin <= call.arrived_at < end]
    spent = times(moves, begin, end)
    other = ClockStart.ARRIVAL if terms.start is ClockStart.QUEUE_ENTRY else ClockStart.QUEUE_ENTRY
    return HotlineReport(
        source="event_log",
        begin=begin,
        end=end,
        clock_start=terms.start,
        threshold_s=report.seconds(terms.within_ms),
        short_abandon_s=report.seconds(terms.short_ms),
        first_dial_window_s=terms.first_dial.total_seconds(),
        other_clock=report.figures(inside, msgspec.structs.replace(terms, start=other)),
        first_dial_answer_rate=report.first_dials(calls, terms, begin),
        worst_24h=report.worst_days(inside, terms, period),
        occupancy=report.in_seconds(
            occupancy(spent.values()), "(talk with hold + after-call work) / (that + available)"
        ),
        callbacks=CallbackRates(
            counts=callbacks, reached=report.rate(callbacks.reached, "called back and reached / (that + given up)")
        ),
        satisfaction=_satisfaction(satisfaction),
        queues=report.by_queue(inside, terms),
        agents=_agents(inside, spent),
        **msgspec.structs.asdict(report.figures(inside, terms)),
    )


def _satisfaction(found: Satisfaction) -> SatisfactionRates:
    good = sum(score >= found.satisfied_from for score in found.scores)
    service = Ratio(name="service", part=good, of=len(found.scores))
    answered = found.satisfied + found.unsatisfied
    handling = Ratio(name="handling", part=found.satisfied, of=answered, left_out=(("no answer", found.silent),))
    return SatisfactionRates(
        service=report.rate(service, f"scores of {found.satisfied_from} and better / scores given after the call"),
        handling=report.rate(handling, "satisfied / return visits that were answered"),
        scores={str(score): found.scores.count(score) for score in sorted(set(found.scores))},
    )


def _agents(calls: Sequence[CallFigures], spent: dict[AgentId, dict[AgentState, int]]) -> dict[str, AgentTimes]:
    by_agent: dict[AgentId, list[CallFigures]] = {agent: [] for agent in spent}
    for call in calls:
        if call.agent is not None and call.answered_ms is not None:
            by_agent.setdefault(call.agent, []).append(call)
    return {
        agent: AgentTimes(
            answered=len(talked),
            talk_s=report.seconds(sum(call.talk_ms for call in talked)),
            wrap_up_s=report.seconds(sum(call.wrap_ms for call in talked)),
            states_s={state.value: report.seconds(ms) for state, ms in sorted(spent.get(agent, {}).items())},
            occupancy=report.rate(occupancy([spent.get(agent, {})]), "").value,
        )
        for agent, talked in sorted(by_agent.items())
    }
