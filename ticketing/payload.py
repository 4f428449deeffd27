"""What an agency gets to see of a ticket: the messages the gateways carry. Pure.

A confidential ticket (保密) carries nothing that says who called: no name, no number, and neither of them inside title
or content. Fields are added in later releases, never renamed; `schema` changes when an old reader could be wrong.
"""

from datetime import datetime
from typing import TypeAlias

import msgspec

from ticketing.masking import without
from ticketing.records import OutboxRecord, TicketRecord
from ticketing.site import Site
from ticketing.vocabulary import AgencyId, AgencyPart, CategoryCode, PlaceId, Reference, RequestType, Urgency

SCHEMA = "huying.dispatch.v1"


class Citizen(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the agency may call back."""

    name: str
    phone: str


class Dispatch(msgspec.Struct, frozen=True, kw_only=True):
    """One dispatch (派单) to one agency.

    `key` is the same on every attempt: who has taken it once answers a repetition with success and does nothing.
    `part` is what this agency has to do: lead (主办) or help (协办). Times are UTC; `due_at` counts from
    `dispatched_at`. `citizen` is None when the ticket is confidential. `place` is the place as people say it.
    """

    schema: str = SCHEMA
    key: str
    reference: Reference
    part: AgencyPart
    agency_id: AgencyId
    agency: str
    lead_agency_id: AgencyId
    lead_agency: str
    request_type: RequestType
    category_code: CategoryCode
    category: str
    urgency: Urgency
    title: str
    content: str
    place_id: PlaceId | None
    place: str
    address: str
    citizen: Citizen | None
    confidential: bool
    sensitive: bool
    created_at: datetime
    dispatched_at: datetime
    due_at: datetime


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Word of a later step (退单审定, 延期, 督办, 催办, 撤单…) to the lead agency of a ticket it was dispatched before.

    `kind` is the step's name in the log, `name` its Chinese one. Texts hide a confidential citizen as a dispatch does.
    """

    schema: str = "huying.notice.v1"
    key: str
    reference: Reference
    agency_id: AgencyId
    kind: str
    name: str
    at: datetime
    due_at: datetime | None
    why: str


Message: TypeAlias = Dispatch | Notice
"""What a gateway carries."""


def notice_of(ticket: TicketRecord, entry: OutboxRecord) -> Notice:
    """The message of an entry that is not a dispatch."""
    due_at = entry.body["due_at"]
    return Notice(
        key=entry.key,
        reference=entry.reference,
        agency_id=entry.agency_id,
        kind=entry.kind,
        name=entry.body["name"],
        at=datetime.fromisoformat(entry.body["at"]),
        due_at=datetime.fromisoformat(due_at) if due_at else None,
        why=without(entry.body["why"], _secrets(ticket)),
    )


def dispatch_of(
    ticket: TicketRecord, entry: OutboxRecord, site: Site, *, dispatched_at: datetime, due_at: datetime
) -> Dispatch:
    """The message for one agency of a ticket."""
    place = site.places.get(ticket.place_id) if ticket.place_id else None
    agency = site.agencies.get(entry.agency_id)
    secret = _secrets(ticket)
    return Dispatch(
        key=entry.key,
        reference=ticket.reference,
        part=entry.part,
        agency_id=entry.agency_id,
        agency=agency.name if agency else entry.agency_id,
        lead_agency_id=ticket.lead_agency_id,
        lead_agency=ticket.lead_agency,
        request_type=ticket.request_type,
        category_code=ticket.category_code,
        category=ticket.category,
        urgency=ticket.urgency,
        title=without(ticket.title, secret),
        content=without(ticket.content, secret),
        place_id=ticket.place_id,
        place=site.place_path(place) if place else "",
        address=without(ticket.address, secret),
        citizen=None if ticket.confidential else Citizen(name=ticket.citizen_name, phone=ticket.callback_phone),
        confidential=ticket.confidential,
        sensitive=ticket.sensitive,
        created_at=ticket.created_at,
        dispatched_at=dispatched_at,
        due_at=due_at,
    )


def _secrets(ticket: TicketRecord) -> tuple[str, ...]:
    return (ticket.citizen_name, ticket.callback_phone) if ticket.confidential else ()
