"""What a ticket is: the fold of its steps. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

import msgspec

from ticketing.lifecycle.steps import (
    AnsweredDirectly,
    AnyStep,
    Archived,
    Closed,
    Delegated,
    Dispatched,
    ExtensionAsked,
    ExtensionDenied,
    ExtensionGranted,
    HandedUp,
    HelperAdded,
    Merged,
    Noted,
    Received,
    Refused,
    Reopened,
    Replied,
    ReplyApproved,
    ReplySentBack,
    Resumed,
    ReturnAsked,
    ReturnRejected,
    ReturnUpheld,
    ReviewPassed,
    Signed,
    SplitOff,
    Submitted,
    Supervised,
    SupervisionEnded,
    Suspended,
    TransferredOut,
    Urged,
    Visited,
    Withdrawn,
)
from ticketing.vocabulary import AgencyId, Closure, Reference, TicketState

OPEN = frozenset(TicketState) - {
    TicketState.CLOSED,
    TicketState.ARCHIVED,
    TicketState.MERGED,
    TicketState.WITHDRAWN,
}
"""The states in which a ticket waits for something."""


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A suspension; `end` None while it lasts."""

    start: datetime
    end: datetime | None = None


class Extension(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the ledger of extensions."""

    at: datetime
    due_before: datetime | None
    due_after: datetime


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket's present. `holders` runs from the lead agency down to the unit that works on it.

    `due_at` is the agency's; supervision has its own. `before_merge` is where a merged ticket goes on when split off.
    """

    state: TicketState = TicketState.DRAFT
    steps: int = 0
    holders: tuple[AgencyId, ...] = ()
    co_agency_ids: tuple[AgencyId, ...] = ()
    deadline_rule_id: str = ""
    dispatched_at: datetime | None = None
    due_at: datetime | None = None
    signed_at: datetime | None = None
    returns: int = 0
    redos: int = 0
    visits: int = 0
    extensions: tuple[Extension, ...] = ()
    extension_asked: bool = False
    pauses: tuple[Pause, ...] = ()
    supervision: int = 0
    supervision_due_at: datetime | None = None
    urges: int = 0
    merged_into: Reference | None = None
    before_merge: TicketState | None = None
    closure: Closure | None = None
    closed_at: datetime | None = None

    @property
    def lead(self) -> AgencyId | None:
        """主办单位."""
        return self.holders[0] if self.holders else None

    @property
    def holder(self) -> AgencyId | None:
        """The unit that works on it now."""
        return self.holders[-1] if self.holders else None


def fold(steps: Iterable[tuple[datetime, AnyStep]]) -> Life:
    """A ticket's present from its log."""
    life = Life()
    for at, step in steps:
        life = after(life, at, step)
    return life


def after(life: Life, at: datetime, step: AnyStep) -> Life:
    """What the ticket is once the step is taken; whether it may be is asked elsewhere (`ticketing.lifecycle.table`)."""
    return msgspec.structs.replace(_after(life, at, step), steps=life.steps + 1)


def _after(life: Life, at: datetime, step: AnyStep) -> Life:
    match step:
        case Received():
            return _to(life, TicketState.PENDING_ACCEPT)
        case Submitted():
            state = TicketState.PENDING_REVIEW if step.review else TicketState.PENDING_DISPATCH
            return _to(
                life,
                state,
                holders=(step.lead_agency_id,),
                co_agency_ids=step.co_agency_ids,
                deadline_rule_id=step.deadline_rule_id,
            )
        case AnsweredDirectly():
            return _closed(life, at, Closure.ANSWERED)
        case TransferredOut():
            return _closed(life, at, Closure.TRANSFERRED)
        case Refused():
            return _closed(life, at, Closure.REFUSED)
        case Merged():
            return _to(life, TicketState.MERGED, merged_into=step.main, before_merge=life.state)
        case SplitOff():
            return _to(life, life.before_merge or TicketState.PENDING_DISPATCH, merged_into=None, before_merge=None)
        case ReviewPassed():
            return _to(
                life,
                TicketState.PENDING_DISPATCH,
                holders=(step.lead_agency_id,),
                co_agency_ids=step.co_agency_ids,
            )
        case Dispatched():
            return _to(life, TicketState.DISPATCHED, dispatched_at=step.dispatched_at, due_at=step.due_at)
        case Signed():
            return _to(life, TicketState.IN_PROGRESS, signed_at=at)
        case ReturnAsked():
            return _to(life, TicketState.RETURN_ASKED, returns=life.returns + 1)
        case ReturnUpheld():
            return _to(
                life,
                TicketState.PENDING_DISPATCH,
                holders=(step.lead_agency_id,),
                dispatched_at=None,
                signed_at=None,
                extension_asked=False,
            )
        case ReturnRejected():
            return _to(life, TicketState.IN_PROGRESS, signed_at=life.signed_at or at)
        case Delegated():
            return _to(life, life.state, holders=(*life.holders, step.agency_id))
        case HandedUp():
            return _to(life, life.state, holders=life.holders[:-1])
        case HelperAdded():
            return _to(life, life.state, co_agency_ids=(*life.co_agency_ids, step.agency_id))
        case Suspended():
            return _to(life, TicketState.SUSPENDED, pauses=(*life.pauses, Pause(start=at)))
        case Resumed():
            ended = msgspec.structs.replace(life.pauses[-1], end=at)
            return _to(life, TicketState.IN_PROGRESS, pauses=(*life.pauses[:-1], ended), due_at=step.due_at)
        case ExtensionAsked():
            return _to(life, life.state, extension_asked=True)
        case ExtensionGranted():
            line = Extension(at=at, due_before=life.due_at, due_after=step.due_at)
            return _to(life, life.state, extension_asked=False, due_at=step.due_at, extensions=(*life.extensions, line))
        case ExtensionDenied():
            return _to(life, life.state, extension_asked=False)
        case Replied():
            return _to(life, TicketState.PENDING_APPROVAL, closure=step.closure, extension_asked=False)
        case ReplyApproved():
            return _to(life, TicketState.PENDING_VISIT)
        case ReplySentBack():
            return _to(life, TicketState.IN_PROGRESS, closure=None)
        case Visited():
            return _visited(life, at, step)
        case Closed():
            return _closed(life, at, step.closure)
        case Supervised():
            return _to(life, life.state, supervision=step.level, supervision_due_at=step.due_at)
        case SupervisionEnded():
            return _to(life, life.state, supervision=0, supervision_due_at=None)
        case Urged():
            return _to(life, life.state, urges=life.urges + 1)
        case Noted():
            return life
        case Archived():
            return _to(life, TicketState.ARCHIVED)
        case Reopened():
            return _to(
                life,
                TicketState.PENDING_DISPATCH,
                holders=life.holders[:1],
                closure=None,
                closed_at=None,
                dispatched_at=None,
                signed_at=None,
                visits=0,
                redos=life.redos + 1,
                extension_asked=False,
            )
        case Withdrawn():
            return _to(life, TicketState.WITHDRAWN, closed_at=at, supervision=0, supervision_due_at=None)
        case _:
            assert_never(step)


def _visited(life: Life, at: datetime, step: Visited) -> Life:
    life = msgspec.structs.replace(life, visits=life.visits + 1)
    if not step.reached:
        return life
    if step.done_anew_by is not None:
        return _to(
            life,
            TicketState.IN_PROGRESS,
            due_at=step.done_anew_by,
            redos=life.redos + 1,
            visits=0,
            closure=None,
        )
    return _closed(life, at, life.closure or Closure.SOLVED)


def _closed(life: Life, at: datetime, closure: Closure) -> Life:
    return _to(
        life,
        TicketState.CLOSED,
        closure=closure,
        closed_at=at,
        supervision=0,
        supervision_due_at=None,
        extension_asked=False,
    )


def _to(life: Life, state: TicketState, **changes: object) -> Life:
    return msgspec.structs.replace(life, state=state, **changes)
