"""What a desk does with tickets: submit a draft, know the caller. Never commits, the unit of work does."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from ticketing.consequences import UNHURRIED
from ticketing.deadlines import choose_rule, due_at
from ticketing.entries import dispatches_of, event_of
from ticketing.errors import AlreadySubmitted, DraftIncomplete, DueTimeRefused, UnknownId
from ticketing.lifecycle.life import OPEN, Life, after
from ticketing.lifecycle.steps import AnsweredDirectly, Received, Refused, Submitted, TransferredOut
from ticketing.lifecycle.table import Actor
from ticketing.pack import Category
from ticketing.records import ContactRecord, TicketRecord
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.views import CallerView, DraftField, DraftView, TicketView
from ticketing.vocabulary import (
    CategoryCode,
    ContactId,
    FieldName,
    PlaceId,
    Reference,
    RequestType,
    Role,
    TicketState,
    Urgency,
)
from ticketing.work_calendar import WorkCalendar

_Word = TypeVar("_Word", RequestType, Urgency)

REQUIRED = (FieldName.REQUEST_TYPE, FieldName.CATEGORY, FieldName.LEAD_AGENCY, FieldName.TITLE, FieldName.CONTENT)
"""What no ticket can do without."""

OPEN_STATES = tuple(OPEN)

Outcome: TypeAlias = AnsweredDirectly | TransferredOut | Refused | Received
"""How a matter may end on the phone; or that it only was registered and waits for somebody to accept it (登记)."""


def utc_now() -> datetime:
    """The real time."""
    return datetime.now(UTC)


class TicketService:
    """The rules of one site at work."""

    def __init__(self, site: Site, now: Callable[[], datetime] = utc_now) -> None:
        self._site = site
        self._calendar = WorkCalendar.of_site(site)
        self._now = now

    async def submit(
        self,
        unit: UnitOfWork,
        draft: DraftView,
        agent_id: str,
        key: str,
        *,
        outcome: Outcome | None = None,
        review: bool = False,
    ) -> TicketView:
        """Make the draft a ticket with a number, a due time and an entry in the outbox for each of its agencies.

        With an `outcome` the matter ended on the phone (直办, 转紧急电话, 不予受理): it is closed and goes nowhere;
        or it was only registered (登记) and waits to be accepted.
        With `review` somebody looks at it before it is dispatched (预审).
        Submitting a draft again answers with the ticket it is, whatever the key. A due time a person set may be
        earlier than the rule's; giving more time is an extension and has a procedure of its own.
        Raises `DraftIncomplete` with the missing fields, `UnknownId` for an id the site does not have,
        `DueTimeRefused`.
        """
        now = self._now()
        contact = await unit.contacts.get(ContactId(draft.call))
        try:
            await unit.drafts.save(draft, now)
        except AlreadySubmitted as earlier:
            return ticket_view(await unit.tickets.get(earlier.reference))
        required = REQUIRED if outcome is None else tuple(one for one in REQUIRED if one is not FieldName.LEAD_AGENCY)
        missing = tuple(field for field in required if not draft.fields[field].value.strip())
        if missing:
            raise DraftIncomplete(missing)
        if isinstance(outcome, Refused):
            self._site.refusal(outcome.reason_id)
        ticket = self._ticket(draft, contact, agent_id, key, now)  # everything is checked before a number is taken
        reference = await unit.tickets.next_reference(now.astimezone(self._site.zone).strftime("%y%m%d"))
        step = outcome or _submitted(ticket, review)
        life = after(Life(), now, step)
        ticket = msgspec.structs.replace(
            ticket, reference=reference, state=life.state, closure=life.closure, closed_at=life.closed_at
        )
        actor = Actor(id=agent_id, role=Role.AGENT)
        await unit.tickets.add(ticket, event_of(Life(), life, now, step, actor, ""))
        await unit.drafts.submitted(draft.id, reference)
        if life.state is TicketState.PENDING_DISPATCH:
            await unit.outbox.add(dispatches_of(ticket, now, helpers=True))
        return ticket_view(ticket)

    async def caller(self, unit: UnitOfWork, contact: ContactId) -> CallerView:
        """What is known of who is calling, this call left out."""
        tickets = await unit.tickets.of_caller(contact, limit=1)
        return CallerView(
            earlier_calls=await unit.contacts.earlier_of_caller(contact),
            open_tickets=await unit.tickets.count_of_caller(contact, OPEN_STATES),
            last_ticket=ticket_view(tickets[0]) if tickets else None,
        )

    async def similar(
        self, unit: UnitOfWork, contact: ContactId, category: str | None, place: str | None
    ) -> tuple[TicketView, ...]:
        """The caller's open tickets, those about the same matter first: is this call about one of them?"""
        found = await unit.tickets.similar_of_caller(
            contact,
            CategoryCode(category) if category else None,
            PlaceId(place) if place else None,
            OPEN_STATES,
        )
        return tuple(ticket_view(ticket) for ticket in found)

    def _ticket(self, draft: DraftView, contact: ContactRecord, agent_id: str, key: str, now: datetime) -> TicketRecord:
        values = {name: field.value.strip() for name, field in draft.fields.items()}
        category = self._site.category(values[FieldName.CATEGORY])
        lead = self._site.agency(values[FieldName.LEAD_AGENCY] or self._site.info.hotline_agency_id)
        co = [self._site.agency(one).id for one in values[FieldName.CO_AGENCIES].split("|") if one]
        place = self._site.place(values[FieldName.PLACE]).id if values[FieldName.PLACE] else None
        request_type = _word(FieldName.REQUEST_TYPE, RequestType, values[FieldName.REQUEST_TYPE])
        usual = Urgency.NORMAL if request_type in UNHURRIED else category.urgency
        urgency = _word(FieldName.URGENCY, Urgency, values[FieldName.URGENCY] or usual)
        rule, _ = choose_rule(self._site.deadlines, category, request_type, urgency)
        due = due_at(self._site.rule_for(rule, lead.id, now), now, self._calendar).due_at
        promised = _set_by_hand(draft.fields[FieldName.DUE_AT], due, now, self._site.zone)
        return TicketRecord(
            reference=Reference(""),
            revision=0,
            state=TicketState.PENDING_DISPATCH,
            contact=contact.id,
            draft_id=draft.id,
            submit_key=key,
            medium=contact.medium,
            request_type=request_type,
            category_code=category.code,
            category=category_path(category),
            place_id=place,
            address=values[FieldName.ADDRESS],
            citizen_name=values[FieldName.CITIZEN_NAME],
            callback_phone=values[FieldName.CALLBACK_PHONE] or contact.caller_number or "",
            confidential=values[FieldName.CONFIDENTIAL] == "yes",
            sensitive=category.sensitive,
            lead_agency_id=lead.id,
            lead_agency=lead.name,
            co_agency_ids=tuple(dict.fromkeys(one for one in co if one != lead.id)),
            urgency=urgency,
            deadline_rule_id=rule,
            due_at=promised or due,
            promised_by=promised,
            title=values[FieldName.TITLE],
            content=values[FieldName.CONTENT],
            created_by=agent_id,
            created_at=now,
            holder_agency_id=lead.id,
        )


def category_path(category: Category) -> str:
    """A category as people write it: 城市管理/市容秩序/占道经营."""
    return f"{category.level1}/{category.level2}/{category.level3}"


def ticket_view(ticket: TicketRecord) -> TicketView:
    """The short form of a ticket."""
    return TicketView(
        reference=ticket.reference,
        title=ticket.title,
        state=ticket.state,
        request_type=ticket.request_type,
        category=ticket.category,
        lead_agency_id=ticket.lead_agency_id,
        lead_agency=ticket.lead_agency,
        due_at=ticket.due_at,
        created_at=ticket.created_at,
        dispatched_at=ticket.dispatched_at,
    )


def _submitted(ticket: TicketRecord, review: bool) -> Submitted:
    return Submitted(
        request_type=ticket.request_type,
        category_code=ticket.category_code,
        lead_agency_id=ticket.lead_agency_id,
        co_agency_ids=ticket.co_agency_ids,
        urgency=ticket.urgency,
        deadline_rule_id=ticket.deadline_rule_id,
        review=review,
    )


def _set_by_hand(field: DraftField, latest: datetime, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The due time a person set; None where the rule's stands."""
    if not field.mine or not field.value.strip():
        return None
    try:
        wanted = datetime.fromisoformat(field.value.strip())
    except ValueError:
        wanted = None
    if wanted is None or wanted.tzinfo is None:
        raise UnknownId(f"no {FieldName.DUE_AT} {field.value[:40]!r}")
    if wanted <= now:
        raise DueTimeRefused("手工填写的时限已过，请改填以后的时间或清空该项")
    if wanted > latest:
        last = latest.astimezone(zone)
        raise DueTimeRefused(f"手工时限只能早于规则时限（{last:%Y-%m-%d %H:%M}），延长时限请在派单后申请延期")
    return wanted if wanted < latest else None


def _word(field: FieldName, words: type[_Word], value: str) -> _Word:
    try:
        return words(value)
    except ValueError:
        raise UnknownId(f"no {field} {value[:20]!r}") from None
