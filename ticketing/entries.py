"""What a step writes: its line in the log and its entries in the outbox; and the fold of a log as it is kept. Pure."""

from datetime import datetime
from typing import Any

from ticketing.lifecycle import steps as s
from ticketing.lifecycle.life import Life, fold
from ticketing.lifecycle.table import TABLE, Actor
from ticketing.records import OutboxRecord, TicketEventRecord, TicketRecord
from ticketing.vocabulary import AgencyId, AgencyPart, DispatchState

TOLD: tuple[type[s.Step], ...] = (
    s.ReturnUpheld,
    s.ReturnRejected,
    s.ExtensionGranted,
    s.ExtensionDenied,
    s.ReplySentBack,
    s.Visited,
    s.Supervised,
    s.SupervisionEnded,
    s.Urged,
    s.Noted,
    s.Merged,
    s.SplitOff,
    s.Withdrawn,
)
"""The steps an agency hears of; its own it knows."""


def notices_of(
    ticket: TicketRecord, life: Life, then: Life, step: s.AnyStep, at: datetime, why: str
) -> list[OutboxRecord]:
    """What the agency that had the ticket before the step must hear; nothing before it was ever dispatched."""
    if not isinstance(step, TOLD) or life.dispatched_at is None or life.lead is None:
        return []
    if isinstance(step, s.Visited) and step.done_anew_by is None:
        return []
    return [a_notice(ticket, life.lead, s.kind_of(step), TABLE[type(step)].name, str(then.steps), at, then.due_at, why)]


def a_notice(
    ticket: TicketRecord,
    agency: AgencyId,
    kind: str,
    name: str,
    mark: str,
    at: datetime,
    due_at: datetime | None,
    why: str,
) -> OutboxRecord:
    """One entry of the outbox; `mark` tells notices of one kind apart."""
    body: dict[str, Any] = {
        "name": name,
        "at": at.isoformat(),
        "due_at": due_at.isoformat() if due_at else None,
        "why": why,
    }
    return OutboxRecord(
        key=f"{ticket.reference}-{agency}-{mark}-{kind}",
        reference=ticket.reference,
        agency_id=agency,
        part=AgencyPart.LEAD,
        kind=kind,
        body=body,
        state=DispatchState.PENDING,
        attempts=0,
        created_at=at,
        next_at=at,
    )


def life_of(events: tuple[TicketEventRecord, ...]) -> Life:
    """The fold of a ticket's log."""
    return fold((event.at, s.step_of(event.kind, event.body)) for event in events)


def event_of(life: Life, then: Life, at: datetime, step: s.AnyStep, actor: Actor, why: str) -> TicketEventRecord:
    """A step as the log keeps it."""
    return TicketEventRecord(
        seq=life.steps,
        at=at,
        actor=actor.id,
        role=actor.role,
        kind=s.kind_of(step),
        from_state=life.state if life.steps else None,
        to_state=then.state,
        why=why,
        body=s.body_of(step),
    )


def dispatches_of(ticket: TicketRecord, at: datetime, *, helpers: bool) -> list[OutboxRecord]:
    """What must be sent for a ticket that is to be dispatched; `helpers` unless they have it already.

    A later dispatch of the same ticket has keys of its own, by the revision at which it became necessary.
    """
    mark = str(ticket.revision) if ticket.revision else ""
    lead = a_dispatch(ticket, ticket.lead_agency_id, AgencyPart.LEAD, at, mark)
    if not helpers:
        return [lead]
    return [lead, *(a_dispatch(ticket, one, AgencyPart.CO, at, mark) for one in ticket.co_agency_ids)]


def a_dispatch(ticket: TicketRecord, agency: AgencyId, part: AgencyPart, at: datetime, mark: str) -> OutboxRecord:
    """One entry of the outbox."""
    return OutboxRecord(
        key=f"{ticket.reference}-{agency}" + (f"-{mark}" if mark else ""),
        reference=ticket.reference,
        agency_id=agency,
        part=part,
        state=DispatchState.PENDING,
        attempts=0,
        created_at=at,
        next_at=at,
    )
