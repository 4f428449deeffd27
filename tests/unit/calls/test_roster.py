from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.calls.errors import AgentUnknown, MoveRefused
from ivr.calls.roster import BOUND, MOVES, Move, Roster, Seat
from ivr.calls.vocabulary import AgentId, AgentState, CallId, OfferOutcome, PauseReason
from tests.unit.calls.world import AT, agent

A, B = AgentId("1001"), AgentId("1002")
CALL, OTHER = CallId("c1"), CallId("c2")
LATER = AT + timedelta(seconds=5)


@pytest.fixture
def roster() -> Roster:
    roster = Roster([agent("1001"), agent("1002")], AT)
    for one in (A, B):
        roster.sign_in(one, AT)
        roster.ready(one, AT)
    return roster


def bind(roster: Roster, state: AgentState) -> None:
    roster.reserve(A, CALL, AT)
    if state is not AgentState.RESERVED:
        roster.connect(A, CALL, AT)
    if state is AgentState.WRAP_UP:
        roster.begin_wrap_up(A, CALL, AT)


def test_who_signs_in_takes_no_calls_until_they_say_so() -> None:
    roster = Roster([agent("1001")], AT)
    seat = roster.sign_in(A, LATER)
    assert (seat.state, seat.pause_reason, seat.since) == (AgentState.PAUSED, None, LATER)
    assert roster.ready(A, LATER).state is AgentState.AVAILABLE


def test_a_call_from_offer_to_the_end_of_wrap_up(roster: Roster) -> None:
    bind(roster, AgentState.WRAP_UP)
    assert roster.seat(A).call == CALL
    seat = roster.end_wrap_up(A, CALL, LATER)
    assert seat is not None
    assert (seat.state, seat.call, seat.since) == (AgentState.AVAILABLE, None, LATER)


@pytest.mark.parametrize(
    ("outcome", "state", "reason"),
    [
        (OfferOutcome.NO_ANSWER, AgentState.PAUSED, PauseReason.NO_ANSWER),
        (OfferOutcome.REFUSED, AgentState.PAUSED, PauseReason.NO_ANSWER),
        (OfferOutcome.UNREACHABLE, AgentState.PAUSED, PauseReason.UNREACHABLE),
        (OfferOutcome.WITHDRAWN, AgentState.AVAILABLE, None),
    ],
)
def test_a_silent_phone_gets_no_further_call(
    roster: Roster, outcome: OfferOutcome, state: AgentState, reason: PauseReason | None
) -> None:
    bind(roster, AgentState.RESERVED)
    seat = roster.release(A, CALL, outcome, AT)
    assert seat is not None
    assert (seat.state, seat.pause_reason, seat.call) == (state, reason, None)


@pytest.mark.parametrize("state", BOUND)
def test_a_pause_asked_for_during_a_call_waits_for_its_end(roster: Roster, state: AgentState) -> None:
    bind(roster, state)
    assert roster.pause(A, PauseReason.MEAL, AT).state is state
    after = finish(roster)
    assert (after.state, after.pause_reason, after.pause_next) == (AgentState.PAUSED, PauseReason.MEAL, None)


@pytest.mark.parametrize("state", BOUND)
def test_ready_takes_back_a_pause_asked_for(roster: Roster, state: AgentState) -> None:
    bind(roster, state)
    roster.pause(A, PauseReason.MEAL, AT)
    roster.ready(A, AT)
    assert finish(roster).state is AgentState.AVAILABLE


def finish(roster: Roster) -> Seat:
    roster.connect(A, CALL, AT)
    roster.begin_wrap_up(A, CALL, AT)
    seat = roster.end_wrap_up(A, CALL, AT)
    assert seat is not None
    return seat


@pytest.mark.parametrize("state", [AgentState.RESERVED, AgentState.ON_CALL])
def test_nobody_leaves_during_a_call_unless_forced(roster: Roster, state: AgentState) -> None:
    bind(roster, state)
    with pytest.raises(MoveRefused):
        roster.sign_out(A, AT)
    assert roster.sign_out(A, AT, forced=True).state is state
    assert finish(roster).state is AgentState.LOGGED_OUT


def test_who_comes_back_before_the_call_ends_has_not_left(roster: Roster) -> None:
    bind(roster, AgentState.ON_CALL)
    roster.sign_out(A, AT, forced=True)
    roster.sign_in(A, AT)
    assert finish(roster).state is AgentState.AVAILABLE


def test_a_calls_word_about_an_agent_it_does_not_have_is_stale(roster: Roster) -> None:
    bind(roster, AgentState.ON_CALL)
    before = roster.seats()
    assert roster.connect(A, OTHER, AT) is None
    assert roster.release(A, OTHER, OfferOutcome.NO_ANSWER, AT) is None
    assert roster.begin_wrap_up(A, OTHER, AT) is None
    assert roster.end_wrap_up(A, CALL, AT) is None, "not in wrap-up yet"
    assert roster.release(B, CALL, OfferOutcome.NO_ANSWER, AT) is None
    assert roster.adopt(A, OTHER, AgentState.ON_CALL, AT) is None
    assert roster.seats() == before


def test_an_agent_adopted_after_a_restart_is_gone_with_the_call_unless_they_sign_in() -> None:
    roster = Roster([agent("1001"), agent("1002")], AT)
    for one in (A, B):
        roster.adopt(one, CallId(f"call-{one}"), AgentState.WRAP_UP, AT)
    roster.sign_in(B, AT)
    ends = [roster.end_wrap_up(one, CallId(f"call-{one}"), AT) for one in (A, B)]
    assert [seat.state for seat in ends if seat is not None] == [AgentState.LOGGED_OUT, AgentState.AVAILABLE]


def test_an_offer_taken_back_costs_no_place_among_the_idle(roster: Roster) -> None:
    before = roster.seat(A).idle_rank
    bind(roster, AgentState.RESERVED)
    seat = roster.release(A, CALL, OfferOutcome.WITHDRAWN, AT)
    assert seat is not None
    assert seat.idle_rank == before < roster.seat(B).idle_rank
    bind(roster, AgentState.ON_CALL)
    assert finish(roster).idle_rank > roster.seat(B).idle_rank


def test_an_unknown_number_is_named() -> None:
    with pytest.raises(AgentUnknown, match="1003"):
        Roster([], AT).seat(AgentId("1003"))


def test_every_state_can_be_left_and_reached() -> None:
    assert {state for state, _ in MOVES} == set(AgentState)
    assert set(MOVES.values()) == set(AgentState)
    offered = {state for (state, move), _ in MOVES.items() if move is Move.RESERVE}
    assert offered == {AgentState.AVAILABLE}


ACTS = ("sign_in", "ready", "pause", "out", "force", "reserve", "connect", "release", "wrap", "finish")


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from([CALL, OTHER]), st.sampled_from(OfferOutcome))))
def test_whatever_happens_the_table_is_kept(acts: list[tuple[str, CallId, OfferOutcome]]) -> None:
    roster = Roster([agent("1001")], AT)
    for act, call, outcome in acts:
        before = roster.seat(A)
        try:
            do(roster, act, call, outcome)
        except MoveRefused as refused:
            assert refused.state is before.state
            assert roster.seat(A) == before
        seat = roster.seat(A)
        assert (seat.call is not None) == (seat.state in BOUND)
        assert seat.pause_reason is None or seat.state is AgentState.PAUSED
        assert (seat.pause_next is None and not seat.leaving) or seat.state in BOUND
        if before.state in BOUND and seat.state in BOUND:
            assert seat.call == before.call, "an agent changes calls only through being free"
        if seat.state is not before.state:
            assert reachable(before.state, seat.state)


def do(roster: Roster, act: str, call: CallId, outcome: OfferOutcome) -> None:
    match act:
        case "sign_in":
            roster.sign_in(A, AT)
        case "ready":
            roster.ready(A, AT)
        case "pause":
            roster.pause(A, PauseReason.BREAK, AT)
        case "out" | "force":
            roster.sign_out(A, AT, forced=act == "force")
        case "reserve":
            roster.reserve(A, call, AT)
        case "connect":
            roster.connect(A, call, AT)
        case "release":
            roster.release(A, call, outcome, AT)
        case "wrap":
            roster.begin_wrap_up(A, call, AT)
        case "finish":
            roster.end_wrap_up(A, call, AT)


def reachable(before: AgentState, after: AgentState) -> bool:
    """By one move, or one and the pause or leave it was waiting for; or found talking, from anywhere free."""
    steps = {target for (state, _), target in MOVES.items() if state is before}
    two = {target for (state, _), target in MOVES.items() if state in steps}
    return after in steps | two or (before not in BOUND and after is AgentState.ON_CALL)
