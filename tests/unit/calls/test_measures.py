import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.calls import events as ev
from ivr.calls.events import AnyEvent, Recorded
from ivr.calls.measures import CallFigures, ClockStart, Formula, Measures, Waits, fold, measure, worst_day
from ivr.calls.vocabulary import AgentId, CallId, HangupCause, LegId
from tests.unit.calls.world import AT

AGENT = LegId("agent")
NOBODY = Waits(count=0, total_ms=0, longest_ms=0)


def log_of(n: int, queued: int | None, answered: int | None, left: int | None, back: bool = False) -> list[Recorded]:
    call, citizen = CallId(f"c{n}"), LegId(f"leg{n}")
    told: list[tuple[int, AnyEvent]] = [(0, ev.CallArrived(leg=citizen, caller_number=None, dialled="12345"))]
    if queued is not None:
        told.append((queued, ev.QueueMoved(ahead=1)))
        told.append((queued, ev.QueueMoved(ahead=0)))
    if answered is not None:
        told.append((answered, ev.LegsJoined(citizen_leg=citizen, agent_leg=AGENT)))
        told.append((answered + 5, ev.LegHungUp(leg=AGENT, cause=HangupCause.LOST)))
        told.append((answered + 9, ev.LegsJoined(citizen_leg=citizen, agent_leg=AGENT)))
    if left is not None:
        told.append((left, ev.GivenBack(leg=citizen)) if back else (left, hung_up(citizen)))
    at = AT + timedelta(seconds=n)
    return [
        Recorded(call=call, seq=seq, at=at + timedelta(milliseconds=ms), offset_ms=ms, event=event)
        for seq, (ms, event) in enumerate(told)
    ]


def hung_up(leg: LegId) -> AnyEvent:
    return ev.LegHungUp(leg=leg, cause=HangupCause.NORMAL)


def test_what_a_call_counts_for() -> None:
    log = [
        *log_of(0, queued=2_000, answered=9_000, left=60_000),
        *log_of(1, queued=2_000, answered=18_000, left=None),
        *log_of(2, queued=2_000, answered=None, left=40_000),
        *log_of(3, queued=None, answered=None, left=1_000),
        *log_of(4, queued=2_000, answered=None, left=90_000, back=True),
        *log_of(5, queued=2_000, answered=None, left=None),
    ]
    by_arrival = measure(fold(log))
    assert (by_arrival.offered, by_arrival.answered, by_arrival.abandoned) == (6, 2, 2)
    assert (by_arrival.given_back, by_arrival.undecided, by_arrival.lost_short) == (1, 1, 1)
    assert str(by_arrival.answer_rate) == "answer rate: 2/5 = 40.00% (left out: 1 undecided)"
    assert (by_arrival.service_level().part, by_arrival.service_level().of) == (1, 5)
    assert by_arrival.answered_waits == Waits(count=2, total_ms=27_000, longest_ms=18_000)
    assert by_arrival.answered_waits.mean_ms == 13_500
    by_queue = measure(fold(log), ClockStart.QUEUE_ENTRY, within_ms=16_000)
    assert (by_queue.service_level().part, by_queue.service_level().of) == (2, 4)
    assert "1 left before the queue" in str(by_queue.service_level())
    assert str(by_queue.abandon_rate).startswith("abandon rate: 1/4 = 25.00%")
    assert "answered 2, abandoned 2" in str(by_arrival)


def test_a_conversation_found_after_a_gap_is_answered() -> None:
    citizen = LegId("leg")
    told: list[AnyEvent] = [
        ev.CallArrived(leg=citizen, caller_number=None, dialled=""),
        ev.FoundStanding(agent=AgentId("1001"), agent_leg=AGENT),
    ]
    log = [Recorded(call=CallId("c"), seq=n, at=AT, offset_ms=n, event=event) for n, event in enumerate(told)]
    assert measure(fold(log)).answered == 1


@pytest.mark.parametrize(
    ("formula", "percent"),
    [
        (Formula.FORGIVING, 83.0),
        (Formula.ANSWERED_ONLY, 86.0),
        (Formula.STRICT, 81.1),
        (Formula.LATE_ABANDONS, 82.7),
        (Formula.SHORT_AS_GOOD, 82.1),
    ],
)
def test_service_levels_give_the_published_vector(formula: Formula, percent: float) -> None:
    """1000 answered, 860 of them in time; 60 abandoned, 20 in time, 10 of those short (ICMI)."""
    vector = Measures(
        start=ClockStart.QUEUE_ENTRY,
        within_ms=20_000,
        short_ms=5_000,
        offered=1060,
        answered=1000,
        abandoned=60,
        given_back=0,
        undecided=0,
        never_queued=0,
        answered_within=860,
        lost_within=20,
        lost_short=10,
        answered_waits=NOBODY,
        lost_waits=NOBODY,
    )
    value = vector.service_level(formula).value
    assert value is not None
    assert round(100 * value, 1) == percent


def test_nothing_is_no_rate() -> None:
    nothing = measure([])
    assert nothing.answer_rate.value is None
    assert str(nothing.answer_rate) == "answer rate: 0/0 = n/a"
    assert nothing.answered_waits.mean_ms is None
    assert worst_day([]) is None


CALLS = st.lists(
    st.tuples(
        st.none() | st.integers(0, 30_000),
        st.none() | st.integers(0, 60_000),
        st.none() | st.integers(0, 120_000),
        st.booleans(),
    ),
    max_size=30,
)


@given(CALLS, st.randoms(use_true_random=False), st.sampled_from(ClockStart))
def test_the_figures_are_those_of_a_plain_recount(
    calls: list[tuple[int | None, int | None, int | None, bool]], shuffler: random.Random, start: ClockStart
) -> None:
    logs = [log_of(n, queued, answered, left, back) for n, (queued, answered, left, back) in enumerate(calls)]
    mixed = []
    while any(logs):
        mixed.append(shuffler.choice([log for log in logs if log]).pop(0))
    figures = measure(fold(mixed), start)
    waits, given_back = [], []
    for queued, answered, left, back in calls:
        begin = 0 if start is ClockStart.ARRIVAL else queued
        end = answered if answered is not None else left
        if begin is not None and end is not None:
            waits.append((answered is not None, max(0, end - begin)))
            if answered is None and back:
                given_back.append(max(0, end - begin))
    assert figures.offered == len(calls)
    assert figures.undecided == sum(answered is None and left is None for _, answered, left, _ in calls)
    assert figures.answered == sum(was for was, _ in waits)
    assert figures.lost == sum(not was for was, _ in waits)
    assert figures.answered_within == sum(was and wait <= 15_000 for was, wait in waits)
    assert figures.lost_short + sum(wait <= 5_000 for wait in given_back) == sum(
        not was and wait <= 5_000 for was, wait in waits
    )
    assert figures.given_back == len(given_back)
    assert figures.answered_waits.total_ms == sum(wait for was, wait in waits if was)
    assert figures.offered == figures.answered + figures.lost + figures.undecided + figures.never_queued
    assert fold(mixed) == fold(sorted(mixed, key=lambda line: (line.call, line.seq)))


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=25))
def test_the_worst_day_is_that_of_a_plain_search(calls: list[tuple[int, bool]]) -> None:
    """Calls come on the hour, so windows that begin on the hour or half past it are all there are."""
    calls = sorted(calls)
    figures = [arrival(n, hour, answered) for n, (hour, answered) in enumerate(calls)]
    first, last = calls[0][0], calls[-1][0]
    windows = []
    for half in range(2 * first, 2 * (last - 24) + 2):
        inside = [answered for hour, answered in calls if half <= 2 * hour < half + 48]
        if inside:
            windows.append(sum(inside) / len(inside))
    if last - first < 24:
        windows = [sum(answered for _, answered in calls) / len(calls)]
    found = worst_day(figures)
    assert found is not None
    assert found[1].value == pytest.approx(min(windows))
    began = (found[0] - AT) / timedelta(hours=1)
    assert [found[1].part, found[1].of] == [
        sum(answered for hour, answered in calls if began <= hour < began + 24),
        sum(began <= hour < began + 24 for hour, _ in calls),
    ] or last - first < 24


def arrival(n: int, hour: float, answered: bool) -> CallFigures:
    at = AT + timedelta(hours=hour)
    return CallFigures(
        call=CallId(str(n)), arrived_at=at, answered_ms=1 if answered else None, left_ms=None if answered else 1
    )


def test_the_worst_day_may_begin_just_after_a_good_call() -> None:
    """A window that ends with an arrival is not always the worst: here it begins between two."""
    calls = [arrival(0, 0, True), arrival(1, 1, False), arrival(2, 30, True)]
    found = worst_day(calls)
    assert found is not None
    assert (found[1].part, found[1].of) == (0, 1)
    assert timedelta(0) < found[0] - AT <= timedelta(hours=1)


def test_the_worst_day_of_a_longer_period_looks_beyond_the_calls() -> None:
    calls = [arrival(0, 30, True), arrival(1, 31, False)]
    period = (AT, AT + timedelta(hours=72))
    found = worst_day(calls, period=period)
    assert found is not None
    assert (found[1].part, found[1].of) == (0, 1), "the 24 h after the first call hold only the second"


def test_what_agents_did_in_a_call() -> None:
    citizen, agent = LegId("leg"), AgentId("1001")
    told: list[tuple[int, AnyEvent]] = [
        (0, ev.CallArrived(leg=citizen, caller_number="1", dialled="12345")),
        (1_000, ev.AgentReserved(agent=AgentId("1000"), endpoint="")),
        (5_000, ev.LegHungUp(leg=LegId("other"), cause=HangupCause.NO_ANSWER)),
        (5_000, ev.AgentReserved(agent=agent, endpoint="")),
        (6_000, ev.LegsJoined(citizen_leg=citizen, agent_leg=AGENT)),
        (16_000, ev.LegHungUp(leg=AGENT, cause=HangupCause.LOST)),
        (20_000, ev.LegsJoined(citizen_leg=citizen, agent_leg=LegId("again"))),
        (50_000, ev.HangUpRequested(agent=agent)),
        (50_100, ev.LegHungUp(leg=citizen, cause=HangupCause.NORMAL)),
        (50_200, ev.LegHungUp(leg=LegId("again"), cause=HangupCause.NORMAL)),
    ]
    ended: list[tuple[int, AnyEvent]] = [(80_000, ev.TimerFired(timer="wrap_up"))]

    def of(told: list[tuple[int, AnyEvent]]) -> CallFigures:
        lines = [
            Recorded(call=CallId("c"), seq=n, at=AT, offset_ms=ms, event=event) for n, (ms, event) in enumerate(told)
        ]
        return fold(lines)[0]

    working = measure([of(told)])
    assert (working.handled, working.working, working.handle_time.value_ms) == (0, 1, None)
    figures = of(told + ended)
    assert (figures.talk_ms, figures.wrap_ms, figures.missed_offers) == (40_000, 30_000, 1)
    assert (figures.answered_ms, figures.agent, figures.handled) == (6_000, agent, True)
    assert str(measure([figures]).handle_time) == "average handle time: 70 s / 1 = 70.0 s"
