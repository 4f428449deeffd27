"""What agents did, as far as an Asterisk queue_log tells: signed in, paused, talking. Pure.

A member of several queues is available while at least one of them has them unpaused. After-call work and ringing are
not in a queue_log. An agent whose sign-in the log does not hold, because it is older or the member is a fixed one of
the configuration, is not in the result: nobody knows since when they waited.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ivr.calls.attendance import AgentMoved
from ivr.calls.queue_log import ENDS, NOBODY, Kind, Line
from ivr.calls.vocabulary import AgentId, AgentState

_EVERYWHERE = "*"
"""The queue of those who sign in to all of theirs at once."""


@dataclass
class _Member:
    queues: set[str] = field(default_factory=set)
    paused: set[str] = field(default_factory=set)
    talking: set[tuple[str, str]] = field(default_factory=set)

    @property
    def state(self) -> AgentState:
        if self.talking:
            return AgentState.ON_CALL
        if not self.queues:
            return AgentState.LOGGED_OUT
        if _EVERYWHERE in self.paused or self.queues <= self.paused:
            return AgentState.PAUSED
        return AgentState.AVAILABLE


def attendance(lines: Iterable[Line]) -> tuple[list[AgentMoved], int]:
    """The changes of the agents' states, in order, and how many agents talked whose sign-in is not in the log."""
    members: dict[str, _Member] = {}
    moves: list[AgentMoved] = []
    seen: set[str] = set()
    known: set[str] = set()
    for line in lines:
        if line.agent in NOBODY:
            continue
        member = members.setdefault(line.agent, _Member())
        before = member.state
        _apply(member, line)
        if member.queues:
            known.add(line.agent)
        if member.talking:
            seen.add(line.agent)
        if line.agent in known and member.state is not before:
            moves.append(AgentMoved(agent=AgentId(line.agent), at=line.at, state=member.state))
    return moves, len(seen - known)


def _apply(member: _Member, line: Line) -> None:
    match line.event:
        case Kind.ADDMEMBER:
            member.queues.add(line.queue)
            if line.data[:1] == ("1",):
                member.paused.add(line.queue)
        case Kind.REMOVEMEMBER:
            member.queues.discard(line.queue)
            member.paused.discard(line.queue)
        case Kind.AGENTLOGIN | Kind.AGENTCALLBACKLOGIN:
            member.queues.add(_EVERYWHERE)
        case Kind.AGENTLOGOFF | Kind.AGENTCALLBACKLOGOFF:
            member.queues.discard(_EVERYWHERE)
        case Kind.PAUSEALL:
            member.paused.add(_EVERYWHERE)
        case Kind.UNPAUSEALL:
            member.paused.clear()
        case Kind.PAUSE:
            member.paused.add(_EVERYWHERE if line.queue in NOBODY else line.queue)
        case Kind.UNPAUSE:
            member.paused -= {_EVERYWHERE, line.queue}
        case Kind.CONNECT:
            member.talking.add((line.call, line.queue))
        case event if event in ENDS:
            member.talking.discard((line.call, line.queue))
