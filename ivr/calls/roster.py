"""Who can take calls: the agents and what each is doing, by a table of legal moves. Pure; the caller has the clock."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from ivr.calls.errors import AgentUnknown, MoveRefused
from ivr.calls.vocabulary import AgentId, AgentState, CallerClass, CallId, OfferOutcome, PauseReason, Skill


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """A person of the roster; `endpoint` is their phone in Asterisk's words (`PJSIP/1001`).

    `expertise` is their level in a skill, 1 where it does not say; greater is better. `kept_for` are the classes of
    callers they are kept for, empty for everybody. `most_per_hour` limits the calls they are offered; 0 does not.
    """

    id: AgentId
    name: str
    extension: str
    endpoint: str
    skills: frozenset[Skill]
    expertise: Mapping[Skill, int] = {}
    kept_for: frozenset[CallerClass] = frozenset()
    most_per_hour: int = 0

    @property
    def levels(self) -> dict[Skill, int]:
        """The level of each skill they have."""
        return {skill: self.expertise.get(skill, 1) for skill in self.skills}


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent is doing, since when (UTC) and on which call.

    `pause_next` and `leaving` are what the agent asked for during a call: both take effect when its wrap-up ends.
    `idle_rank` orders the available by how long they have been idle, the smallest longest; `taken` counts the calls
    they have talked on since they signed in.
    """

    agent: Agent
    state: AgentState = AgentState.LOGGED_OUT
    since: datetime
    pause_reason: PauseReason | None = None
    call: CallId | None = None
    pause_next: PauseReason | None = None
    leaving: bool = False
    idle_rank: int = 0
    taken: int = 0


class Move(StrEnum):
    """What may happen to an agent."""

    SIGN_IN = "sign in"
    READY = "ready"
    PAUSE = "pause"
    SIGN_OUT = "sign out"
    RESERVE = "reserve"
    CONNECT = "connect"
    TAKE_BACK = "take back"  # the offer was withdrawn, or the call's logic failed
    MISS = "miss"  # RONA or refused
    LOSE = "lose"  # the phone cannot be reached or broke off
    WRAP_UP = "wrap up"
    FINISH = "finish"


_OUT, _FREE, _PAUSED = AgentState.LOGGED_OUT, AgentState.AVAILABLE, AgentState.PAUSED
_RESERVED, _ON_CALL, _WRAP_UP = AgentState.RESERVED, AgentState.ON_CALL, AgentState.WRAP_UP
BOUND = (_RESERVED, _ON_CALL, _WRAP_UP)

MOVES: dict[tuple[AgentState, Move], AgentState] = {
    (_OUT, Move.SIGN_IN): _PAUSED,
    (_FREE, Move.SIGN_IN): _FREE,
    (_PAUSED, Move.SIGN_IN): _PAUSED,
    (_FREE, Move.READY): _FREE,
    (_PAUSED, Move.READY): _FREE,
    (_FREE, Move.PAUSE): _PAUSED,
    (_PAUSED, Move.PAUSE): _PAUSED,
    (_OUT, Move.SIGN_OUT): _OUT,
    (_FREE, Move.SIGN_OUT): _OUT,
    (_PAUSED, Move.SIGN_OUT): _OUT,
    (_FREE, Move.RESERVE): _RESERVED,
    (_RESERVED, Move.CONNECT): _ON_CALL,
    (_RESERVED, Move.TAKE_BACK): _FREE,
    (_RESERVED, Move.MISS): _PAUSED,
    (_RESERVED, Move.LOSE): _PAUSED,
    (_ON_CALL, Move.TAKE_BACK): _FREE,
    (_ON_CALL, Move.LOSE): _PAUSED,
    (_ON_CALL, Move.WRAP_UP): _WRAP_UP,
    (_WRAP_UP, Move.TAKE_BACK): _FREE,
    (_WRAP_UP, Move.FINISH): _FREE,
    # while bound to a call, these change what comes after it, not what the agent is doing
    (_RESERVED, Move.SIGN_IN): _RESERVED,
    (_RESERVED, Move.READY): _RESERVED,
    (_RESERVED, Move.PAUSE): _RESERVED,
    (_ON_CALL, Move.SIGN_IN): _ON_CALL,
    (_ON_CALL, Move.READY): _ON_CALL,
    (_ON_CALL, Move.PAUSE): _ON_CALL,
    (_WRAP_UP, Move.SIGN_IN): _WRAP_UP,
    (_WRAP_UP, Move.READY): _WRAP_UP,
    (_WRAP_UP, Move.PAUSE): _WRAP_UP,
    (_WRAP_UP, Move.SIGN_OUT): _WRAP_UP,
}
"""Every legal move; what is not here is refused."""

_ENDINGS = {
    OfferOutcome.WITHDRAWN: Move.TAKE_BACK,
    OfferOutcome.NO_ANSWER: Move.MISS,
    OfferOutcome.REFUSED: Move.MISS,
    OfferOutcome.UNREACHABLE: Move.LOSE,
}


class Roster:
    """The agents. Moves made by a call name it: one that is not the agent's own call is stale and changes nothing."""

    def __init__(self, agents: Iterable[Agent], at: datetime) -> None:
        self._seats = {agent.id: Seat(agent=agent, since=at) for agent in agents}
        self._by_endpoint = {seat.agent.endpoint: seat.agent.id for seat in self._seats.values()}
        self._ranks = 0

    def __contains__(self, agent: AgentId) -> bool:
        return agent in self._seats

    def seat(self, agent: AgentId) -> Seat:
        """What an agent is doing. Raises `AgentUnknown`."""
        try:
            return self._seats[agent]
        except KeyError:
            raise AgentUnknown(f"agent {agent} is not in the roster") from None

    def seats(self) -> list[Seat]:
        """Everybody, by agent id."""
        return [self._seats[agent] for agent in sorted(self._seats)]

    def by_endpoint(self, endpoint: str) -> AgentId | None:
        """Whose phone that is."""
        return self._by_endpoint.get(endpoint)

    # ---- what a person does; raises MoveRefused

    def sign_in(self, agent: AgentId, at: datetime) -> Seat:
        """Take a seat: paused without a reason until they say they are ready; as they were if they never left."""
        return self._move(agent, Move.SIGN_IN, at, leaving=False)

    def ready(self, agent: AgentId, at: datetime) -> Seat:
        """示闲. During a call it takes back a pause asked for."""
        return self._move(agent, Move.READY, at, pause_next=None)

    def pause(self, agent: AgentId, reason: PauseReason, at: datetime) -> Seat:
        """示忙; during a call it takes effect after the wrap-up."""
        if self.seat(agent).state in BOUND:
            return self._move(agent, Move.PAUSE, at, pause_next=reason)
        return self._move(agent, Move.PAUSE, at, reason=reason)

    def sign_out(self, agent: AgentId, at: datetime, *, forced: bool = False) -> Seat:
        """Leave. Refused while a call rings or talks, unless forced: then it takes effect when that call lets go."""
        seat = self.seat(agent)
        if seat.state in BOUND and (forced or seat.state is AgentState.WRAP_UP):
            return self._put(msgspec.structs.replace(seat, leaving=True))
        return self._move(agent, Move.SIGN_OUT, at)

    # ---- what a call does

    def reserve(self, agent: AgentId, call: CallId, at: datetime) -> Seat:
        """The ACD matched the agent with a call. Raises `MoveRefused` where they are not available."""
        return self._move(agent, Move.RESERVE, at, call=call)

    def connect(self, agent: AgentId, call: CallId, at: datetime) -> Seat | None:
        """They talk. An agent found talking without a reservation of anybody's is bound to the call; else None."""
        seat = self.seat(agent)
        if seat.state not in BOUND:
            return self.adopt(agent, call, AgentState.ON_CALL, at)
        return self._move(agent, Move.CONNECT, at) if self._own(seat, call, AgentState.RESERVED) else None

    def release(self, agent: AgentId, call: CallId, outcome: OfferOutcome, at: datetime) -> Seat | None:
        """The call lets the agent go without wrap-up; None where it did not have them."""
        seat = self.seat(agent)
        if not self._own(seat, call, *BOUND):
            return None
        move = _ENDINGS[outcome]
        if (seat.state, move) not in MOVES:
            move = Move.TAKE_BACK
        reason = {Move.MISS: PauseReason.NO_ANSWER, Move.LOSE: PauseReason.UNREACHABLE}.get(move)
        return self._let_go(seat, move, at, reason=reason)

    def begin_wrap_up(self, agent: AgentId, call: CallId, at: datetime) -> Seat | None:
        """After-call work begins; None where the agent is not on that call."""
        seat = self.seat(agent)
        return self._move(agent, Move.WRAP_UP, at) if self._own(seat, call, AgentState.ON_CALL) else None

    def end_wrap_up(self, agent: AgentId, call: CallId, at: datetime) -> Seat | None:
        """After-call work is over; None where the agent is not in that call's."""
        seat = self.seat(agent)
        return self._let_go(seat, Move.FINISH, at) if self._own(seat, call, AgentState.WRAP_UP) else None

    def adopt(self, agent: AgentId, call: CallId, state: AgentState, at: datetime) -> Seat | None:
        """Bind an agent to a call taken over after a gap, as `reserved`, `on_call` or `wrap_up`.

        None where another call has them already. Who is not signed in by the end of the call leaves with it.
        """
        seat = self.seat(agent)
        if state not in BOUND or (seat.state in BOUND and seat.call != call):
            return None
        leaving = seat.leaving or seat.state is AgentState.LOGGED_OUT
        pause_next = seat.pause_next or seat.pause_reason
        return self._put(
            msgspec.structs.replace(
                seat, state=state, since=at, call=call, pause_reason=None, pause_next=pause_next, leaving=leaving
            )
        )

    # ---- the table at work

    @staticmethod
    def _own(seat: Seat, call: CallId, *states: AgentState) -> bool:
        return seat.call == call and seat.state in states

    def _let_go(self, seat: Seat, move: Move, at: datetime, *, reason: PauseReason | None = None) -> Seat:
        """Off the call, into what the machine says, then into what the agent asked for meanwhile."""
        agent, next_pause, leaving = seat.agent.id, seat.pause_next, seat.leaving
        freed = self._move(agent, move, at, reason=reason, pause_next=None, leaving=False)
        if leaving:
            return self._move(agent, Move.SIGN_OUT, at)
        if freed.state is AgentState.AVAILABLE and next_pause is not None:
            return self._move(agent, Move.PAUSE, at, reason=next_pause)
        return freed

    def _move(
        self,
        agent: AgentId,
        move: Move,
        at: datetime,
        *,
        call: CallId | None = None,
        reason: PauseReason | None = None,
        **changes: PauseReason | bool | None,
    ) -> Seat:
        seat = self.seat(agent)
        state = MOVES.get((seat.state, move))
        if state is None:
            raise MoveRefused(agent, seat.state, move.value)
        if state is seat.state and (move is not Move.PAUSE or state in BOUND):
            return self._put(msgspec.structs.replace(seat, **changes))
        rank = seat.idle_rank
        if state is AgentState.AVAILABLE and move is not Move.TAKE_BACK:
            self._ranks += 1
            rank = self._ranks
        taken = seat.taken + (move is Move.CONNECT)
        if seat.state is AgentState.LOGGED_OUT:
            taken = 0
        bound = call or seat.call if state in BOUND else None
        return self._put(
            msgspec.structs.replace(
                seat, state=state, since=at, pause_reason=reason, call=bound, idle_rank=rank, taken=taken, **changes
            )
        )

    def _put(self, seat: Seat) -> Seat:
        self._seats[seat.agent.id] = seat
        return seat
