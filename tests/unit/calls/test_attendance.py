from datetime import timedelta

from ivr.calls.attendance import AgentMoved, occupancy, times
from ivr.calls.vocabulary import AgentId, AgentState
from tests.unit.calls.world import AT

A, B = AgentId("1001"), AgentId("1002")


def move(agent: AgentId, after_s: float, state: AgentState) -> AgentMoved:
    return AgentMoved(agent=agent, at=AT + timedelta(seconds=after_s), state=state)


def test_time_in_each_state_within_the_period() -> None:
    moves = [
        move(A, -100, AgentState.AVAILABLE),
        move(A, 10, AgentState.RESERVED),
        move(A, 15, AgentState.ON_CALL),
        move(B, 20, AgentState.AVAILABLE),
        move(A, 45, AgentState.WRAP_UP),
        move(A, 55, AgentState.PAUSED),
        move(B, 200, AgentState.LOGGED_OUT),
    ]
    spent = times(moves, AT, AT + timedelta(seconds=60))
    assert spent[A] == {
        AgentState.AVAILABLE: 10_000,
        AgentState.RESERVED: 5_000,
        AgentState.ON_CALL: 30_000,
        AgentState.WRAP_UP: 10_000,
        AgentState.PAUSED: 5_000,
    }
    assert spent[B] == {AgentState.LOGGED_OUT: 20_000, AgentState.AVAILABLE: 40_000}
    found = occupancy(spent.values())
    assert (found.part, found.of) == (40_000, 90_000)
    assert dict(found.left_out) == {"ms reserved": 5_000, "ms paused": 5_000}


def test_nobody_there_is_no_occupancy() -> None:
    assert occupancy([]).value is None
