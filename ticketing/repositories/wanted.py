"""Which tickets a list shows, as conditions of a query, in the form the databases' indexes can answer.

What a partial index stands on must be written into the statement: neither database looks into parameters for it.
"""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select, text, union_all
from sqlalchemy.orm import aliased

from ticketing.columns import written
from ticketing.lifecycle.life import OPEN
from ticketing.models import STILL_OPEN, Contact, Ticket, TicketEvent
from ticketing.records import TicketFilter
from ticketing.vocabulary import AgencyId, ContactId, TicketState

AWAITING_REPLY = (TicketState.DISPATCHED, TicketState.RETURN_ASKED, TicketState.IN_PROGRESS)
"""The states in which an agency's clock runs."""

SUPERVISED = Ticket.supervision > literal(0, literal_execute=True)
"""Tickets under 督办."""

_BRANCH = 64
_WHOLE = {"category_code": 6, "reference": 10}
_SETTLES = ("extension_granted", "extension_denied", "replied", "return_upheld", "reopened")


def in_state(state: TicketState) -> ColumnElement[bool]:
    """Tickets in a state that has an index of its own."""
    return Ticket.state == written(state)


def as_wanted(wanted: TicketFilter) -> list[ColumnElement[bool]]:
    """A filter as conditions of a query."""
    asked: list[ColumnElement[bool]] = []
    if only_open(wanted):
        asked.append(text(STILL_OPEN))  # type: ignore[arg-type]
    if wanted.states:
        asked.append(Ticket.state.in_(wanted.states))
    if wanted.agencies and wanted.whole_branches:
        asked.append(_of_branch(wanted.agencies))
    elif wanted.agencies:
        theirs = (Ticket.lead_agency_id, Ticket.holder_agency_id)
        asked.append(or_(*(column.in_(wanted.agencies) for column in theirs)))
    if wanted.due_before is not None:
        asked.append(Ticket.due_at < wanted.due_before)
    if wanted.overdue_at is not None:
        asked += [Ticket.state.in_(AWAITING_REPLY), Ticket.due_at < wanted.overdue_at]
    if wanted.category_prefix:
        asked += _beginning(Ticket.category_code, wanted.category_prefix)
    if wanted.supervised:
        asked.append(SUPERVISED)
    if wanted.extension_asked:
        asked += [Ticket.state == TicketState.IN_PROGRESS, _extension_waits()]
    if wanted.created_by:
        asked.append(Ticket.created_by == wanted.created_by)
    if wanted.of_caller is not None:
        asked.append(same_caller(wanted.of_caller))
    if wanted.reference_prefix:
        asked += _beginning(Ticket.reference, wanted.reference_prefix)
    if wanted.references is not None:
        asked.append(Ticket.reference.in_(wanted.references))
    if wanted.before:
        asked.append(Ticket.reference < wanted.before)
    return asked


def newest(wanted: TicketFilter, limit: int) -> Select[str]:
    """The numbers of the newest tickets that are as wanted, from indexes alone; their rows are read by number.

    A branch of agencies is asked unit by unit, each for its newest: together they would all be read to be sorted.
    """
    order = Ticket.reference.desc()
    if not (wanted.whole_branches and 1 < len(wanted.agencies) <= _BRANCH) or only_open(wanted):
        return select(Ticket.reference).where(*as_wanted(wanted)).order_by(order).limit(limit)
    parts = [
        select(Ticket.reference)
        .where(*as_wanted(msgspec.structs.replace(wanted, agencies=(one,))))
        .order_by(order)
        .limit(limit)
        .subquery()
        for one in wanted.agencies
    ]
    together = union_all(*(select(part.c.reference) for part in parts)).subquery()
    return select(together.c.reference).order_by(together.c.reference.desc()).limit(limit)


def only_open(wanted: TicketFilter) -> bool:
    """Whether none but open tickets can be wanted: there are few of them, and one small index knows them all."""
    asked = wanted.overdue_at is not None or wanted.extension_asked
    return asked or (bool(wanted.states) and OPEN.issuperset(wanted.states))


def same_caller(contact: ContactId) -> ColumnElement[bool]:
    """Tickets of the number a contact came from."""
    return Ticket.caller_id == select(Contact.caller_id).where(Contact.id == contact).scalar_subquery()


def _of_branch(agencies: tuple[AgencyId, ...]) -> ColumnElement[bool]:
    """Held by one of these. Of very many it is sooner found by walking the newest than by any index."""
    if len(agencies) == 1:
        return Ticket.holder_agency_id == agencies[0]
    held = Ticket.holder_agency_id if len(agencies) <= _BRANCH else func.coalesce(Ticket.holder_agency_id, "")
    return held.in_(agencies)


def _beginning(column: Any, digits: str) -> list[ColumnElement[bool]]:
    """Digits that begin so, as a range an index knows (":" comes after "9")."""
    if len(digits) == _WHOLE.get(column.key):
        return [column == digits]
    return [column >= digits, column < digits + ":"]


def _extension_waits() -> ColumnElement[bool]:
    """It was asked for, and nothing that settles it came after."""
    asked, settled = aliased(TicketEvent), aliased(TicketEvent)
    later = exists().where(settled.ticket_id == asked.ticket_id, settled.seq > asked.seq, settled.kind.in_(_SETTLES))
    return exists().where(asked.ticket_id == Ticket.id, asked.kind == "extension_asked", ~later)
