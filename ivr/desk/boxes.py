"""The boxes of the inbox: which of them a role works through, and which tickets lie in each. Pure."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from ivr.desk.staff import Staff
from ivr.desk.ticket_views import Box
from ticketing.lifecycle.life import OPEN
from ticketing.lifecycle.table import HANDLERS, UNDISPATCHED
from ticketing.records import TicketFilter
from ticketing.vocabulary import Role, TicketState

S = TicketState

_AGENCY = (Box.TO_SIGN, Box.AT_WORK, Box.OVERDUE, Box.SUPERVISED, Box.OPEN, Box.ALL)
_WATCHING = (Box.OVERDUE, Box.SUPERVISED, Box.OPEN, Box.ALL)

BOXES: Mapping[Role, tuple[Box, ...]] = {
    Role.AGENT: (Box.MINE, Box.TO_ACCEPT, Box.OPEN, Box.ALL),
    Role.SUPERVISOR: (
        Box.TO_ACCEPT,
        Box.TO_REVIEW,
        Box.TO_JUDGE,
        Box.TO_EXTEND,
        Box.TO_APPROVE,
        Box.UNSENT,
        Box.TO_VISIT,
        Box.OVERDUE,
        Box.OPEN,
        Box.ALL,
    ),
    Role.REVIEWER: (
        Box.TO_REVIEW,
        Box.TO_JUDGE,
        Box.TO_EXTEND,
        Box.TO_APPROVE,
        Box.UNSENT,
        Box.OVERDUE,
        Box.OPEN,
        Box.ALL,
    ),
    Role.HANDLER: _AGENCY,
    Role.HANDLER_HEAD: _AGENCY,
    Role.VISITOR: (Box.TO_VISIT, Box.OPEN, Box.ALL),
    Role.OVERSEER: (Box.OVERDUE, Box.SUPERVISED, Box.TO_EXTEND, Box.OPEN, Box.ALL),
    Role.QUALITY: (Box.OPEN, Box.ALL),
    Role.ANALYST: _WATCHING,
    Role.LEADER: _WATCHING,
    Role.ADMIN: (Box.OPEN, Box.ALL),
}
"""What each role works through, in its order."""

UNCOUNTED = frozenset({Box.ALL})
"""Boxes whose number tells nobody anything and would be long in counting."""

STATES: Mapping[Box, tuple[TicketState, ...]] = {
    Box.TO_ACCEPT: (S.PENDING_ACCEPT,),
    Box.TO_REVIEW: (S.PENDING_REVIEW,),
    Box.TO_JUDGE: (S.RETURN_ASKED,),
    Box.TO_EXTEND: (S.IN_PROGRESS,),
    Box.TO_APPROVE: (S.PENDING_APPROVAL,),
    Box.TO_SIGN: (S.DISPATCHED,),
    Box.AT_WORK: (S.IN_PROGRESS, S.SUSPENDED),
    Box.TO_VISIT: (S.PENDING_VISIT,),
    Box.UNSENT: (S.PENDING_DISPATCH,),
    Box.MINE: tuple(sorted(OPEN)),
    Box.SUPERVISED: tuple(sorted(OPEN)),
    Box.OPEN: tuple(sorted(OPEN)),
}


def filter_of(box: Box, staff: Staff, now: datetime) -> TicketFilter:
    """The tickets in a person's box. What an agency has not been given yet is in none of its boxes."""
    states = STATES.get(box, ())
    if staff.role in HANDLERS:
        given = frozenset(states or S) - UNDISPATCHED - {S.DRAFT}
        states = tuple(sorted(given))
    wanted = TicketFilter(states=states)
    match box:
        case Box.TO_EXTEND:
            return msgspec.structs.replace(wanted, extension_asked=True)
        case Box.SUPERVISED:
            return msgspec.structs.replace(wanted, supervised=True)
        case Box.OVERDUE:
            return msgspec.structs.replace(wanted, overdue_at=now)
        case Box.MINE:
            return msgspec.structs.replace(wanted, created_by=staff.id)
        case _:
            return wanted


def is_open(wanted: TicketFilter) -> bool:
    """Whether it finds open tickets only, which people read by due time."""
    return wanted.overdue_at is not None or (bool(wanted.states) and OPEN.issuperset(wanted.states))
