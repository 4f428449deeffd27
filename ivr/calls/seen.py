"""Calls and the queue as others see them."""

from datetime import datetime

import msgspec

from ivr.calls.vocabulary import AgentId, CallId, CallState, Direction, GuestState, LegId, Party, Skill


class GuestSeen(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody called into a conversation; `agent` is a person of ours."""

    leg: LegId
    name: str
    state: GuestState
    agent: AgentId | None = None


class CallSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A call as it stands. Times are UTC. `over` is true on its last view: nothing of it is left.

    `agent` is who is offered the call, talks, or wraps it up; `hearing` are the parties whose words are recognised;
    `failed` says that its logic broke, `given_back` that the citizen went to the dialplan's fallback, for whatever
    reason; `cut` that Asterisk went down under them. `keeping`: the citizen hung up and keeps their place. `callee` is
    a colleague called within the house.
    """

    call: CallId
    state: CallState
    caller_number: str | None
    dialled: str
    skill: Skill
    arrived_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    agent: AgentId | None = None
    hearing: frozenset[Party] = frozenset()
    over: bool = False
    cut: bool = False
    given_back: bool = False
    failed: bool = False
    direction: Direction = Direction.INBOUND
    callee: AgentId | None = None
    held: bool = False
    muted: bool = False
    keeping: bool = False
    guests: tuple[GuestSeen, ...] = ()


class QueueSeen(msgspec.Struct, frozen=True, kw_only=True):
    """Who waits for a person now, not counting whose offer rings. `oldest_since` is UTC."""

    waiting: int
    oldest_since: datetime | None = None
