"""Which roles may ask what at all: the first question of every request; what they may see of it is decided within.

A kind of request that stands in no table is decided by its counter alone.
"""

from collections.abc import Mapping

from ivr.desk.envelope import FromDesk
from ivr.desk.topics import WATCHERS, Topic
from ivr.desk.wire_callbacks import (
    DialCallback,
    HandBackCallback,
    ListCallbacks,
    ReassignCallback,
    RenewCallback,
    SettleCallback,
    TakeCallback,
)
from ivr.desk.wire_quality import DrawInspections, ListInspections, RegisterPraise, ScoreInspection
from ivr.desk.wire_tickets import (
    CountTickets,
    FindLikely,
    ListRefusals,
    ListTickets,
    RevealCitizen,
    ShowTicket,
    SignTickets,
    TakeStep,
)
from ticketing.vocabulary import Role

EVERYBODY = frozenset(Role) - {Role.SYSTEM}
HANDLING = frozenset({Role.HANDLER, Role.HANDLER_HEAD})
_QUEUE = WATCHERS[Topic.CALLBACKS]
_CALLING = frozenset({Role.AGENT, Role.SUPERVISOR, Role.VISITOR})

_JUDGING = frozenset({Role.QUALITY, Role.SUPERVISOR})

MAY: Mapping[type[FromDesk], frozenset[Role]] = {
    ListTickets: EVERYBODY,
    CountTickets: EVERYBODY,
    ShowTicket: EVERYBODY,
    TakeStep: EVERYBODY,
    SignTickets: HANDLING,
    FindLikely: EVERYBODY,
    RevealCitizen: _CALLING | HANDLING | {Role.REVIEWER, Role.OVERSEER},
    ListRefusals: EVERYBODY,
    ListCallbacks: _QUEUE,
    TakeCallback: _CALLING,
    DialCallback: _CALLING,
    RenewCallback: _CALLING,
    SettleCallback: _CALLING,
    HandBackCallback: _CALLING,
    ReassignCallback: frozenset({Role.SUPERVISOR}),
    DrawInspections: _JUDGING,
    ListInspections: _JUDGING,
    ScoreInspection: _JUDGING,
    RegisterPraise: frozenset({Role.AGENT, Role.SUPERVISOR, Role.REVIEWER}),
}
