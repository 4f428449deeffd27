"""What a desk may watch beside its own seat, and who may. Pure."""

from enum import StrEnum

from ticketing.vocabulary import Role


class Topic(StrEnum):
    """Something whose newest state is told to everybody who watches it."""

    FLOOR = "floor"  # 大屏: who waits, who does what, today's rates
    FAULTS = "faults"  # 告警: what is broken now
    CALLBACKS = "callbacks"  # 回拨队列
    TICKETS = "tickets"  # 工单箱: each person's own boxes and the words on their tickets


WATCHERS: dict[Topic, frozenset[Role]] = {
    Topic.FLOOR: frozenset({Role.SUPERVISOR, Role.ANALYST, Role.LEADER, Role.ADMIN, Role.QUALITY}),
    Topic.FAULTS: frozenset({Role.SUPERVISOR, Role.ADMIN}),
    Topic.CALLBACKS: frozenset({Role.AGENT, Role.SUPERVISOR, Role.VISITOR, Role.ADMIN}),
    Topic.TICKETS: frozenset(Role) - {Role.SYSTEM},
}
"""Whose work needs a topic."""
