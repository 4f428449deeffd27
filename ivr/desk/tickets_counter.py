"""Tickets at the desks: lists, sheets, steps. Rights and masking are `ticketing`'s; here requests become its calls."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import assert_never

import msgspec

from ivr.desk.boxes import BOXES, UNCOUNTED, filter_of, is_open
from ivr.desk.envelope import FromDesk, FromServer
from ivr.desk.refusal import Refusal
from ivr.desk.staff import Staff
from ivr.desk.ticket_cards import Kept, TicketCards, likely_card
from ivr.desk.ticket_views import BoxCount, TicketSheet
from ivr.desk.wire_tickets import (
    LONGEST_LIST,
    LONGEST_TEXT,
    Citizen,
    CountTickets,
    FindLikely,
    LikelyTickets,
    ListRefusals,
    ListTickets,
    NotSigned,
    Refusals,
    RevealCitizen,
    ShowTicket,
    SignTickets,
    TakeStep,
    TicketCounts,
    TicketRequest,
    Tickets,
    TicketShown,
    TicketsSigned,
    Wanted,
)
from ticketing.acts import act, step_named
from ticketing.casework import Casework
from ticketing.database import Database
from ticketing.duplicates import Duplicates, matter_of
from ticketing.errors import (
    AccessRefused,
    CalendarUnknown,
    ChangedMeanwhile,
    DatabaseUnavailable,
    StepRefused,
    UnknownId,
)
from ticketing.lifecycle.steps import Signed
from ticketing.lifecycle.table import HANDLERS, Actor
from ticketing.matter_index import MatterIndex, pairs, words_of
from ticketing.privacy import Privacy
from ticketing.records import DueMark, Tally, TicketFilter, TicketRecord
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import AgencyId, ContactId, PlaceId

CITIZEN_SHOWN_MS = 20_000
"""How long a citizen's name and number may stand on a screen."""

FOUND_BY_WORDS = 200
SINCE_EVER = datetime(2000, 1, 1, tzinfo=UTC)
SHARE_OF_WORDS = 0.5
"""How much of what was looked for a ticket must hold."""


def actor_of(staff: Staff) -> Actor:
    """The person at a desk as those who take steps."""
    return Actor(id=staff.id, role=staff.role, agency_id=staff.agency_id)


class TicketDesk:
    """Answers what desks ask about tickets. `on_stepped` hears of every step taken; it must not wait."""

    requests: tuple[type[FromDesk], ...] = (
        ListTickets,
        CountTickets,
        ShowTicket,
        TakeStep,
        SignTickets,
        FindLikely,
        RevealCitizen,
        ListRefusals,
    )

    def __init__(
        self,
        database: Database,
        site: Site,
        casework: Casework,
        privacy: Privacy,
        index: MatterIndex,
        names: Mapping[str, str],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._site = site
        self._casework = casework
        self._privacy = privacy
        self._index = index
        self._duplicates = Duplicates(site, index)
        self._cards = TicketCards(site, names)
        self._now = now
        self.on_stepped: Callable[[TicketRecord, str], None] = lambda ticket, step: None

    async def carry_out(self, staff: Staff, message: TicketRequest) -> FromServer:
        """The answer. Raises `Refusal`."""
        try:
            return await self._carry_out(staff, message)
        except AccessRefused as why:
            raise Refusal("refused.no_access", reason=why.reason) from None
        except StepRefused as why:
            raise Refusal("refused.step", reason=why.reason, open="|".join(why.open_steps)) from None
        except CalendarUnknown:
            raise Refusal("refused.step", reason="放假安排未公布，不能计算时限", open="") from None
        except ChangedMeanwhile as why:
            raise Refusal("refused.changed_meanwhile", changed="|".join(why.changed)) from None
        except DatabaseUnavailable:
            raise Refusal("refused.unavailable") from None

    async def _carry_out(self, staff: Staff, message: TicketRequest) -> FromServer:
        request = message.request
        match message:
            case ListTickets():
                return await self._list(staff, message)
            case CountTickets():
                (boxes,) = await self.counts((staff,))
                return TicketCounts(request=request, boxes=boxes)
            case ShowTicket(reference=reference):
                async with self._reading(staff, reference) as (unit, ticket):
                    sheet = await self._sheet(unit, staff, ticket)
                return TicketShown(request=request, sheet=sheet)
            case TakeStep():
                return await self._step(staff, message)
            case SignTickets():
                return await self._sign(staff, message)
            case FindLikely():
                return await self._likely(staff, message)
            case RevealCitizen():
                return await self._reveal(staff, message)
            case ListRefusals():
                return Refusals(request=request, reasons=self._cards.refusals())
            case _:
                assert_never(message)

    # ---- lists

    async def counts(self, people: Sequence[Staff]) -> list[tuple[BoxCount, ...]]:
        """What lies in these people's boxes; what is the same for several is counted once.

        Raises `DatabaseUnavailable`.
        """
        now, known, found = self._now(), dict[object, Tally](), []
        if not people:
            return []
        async with UnitOfWork(self._database, reads=True) as unit:
            for staff in people:
                boxes = [(box, filter_of(box, staff, now)) for box in BOXES[staff.role] if box not in UNCOUNTED]
                for _, wanted in boxes:
                    if (staff.agency_id, wanted) not in known:
                        tally = await self._privacy.tally(unit, wanted, actor_of(staff))
                        known[staff.agency_id, wanted] = tally
                tallies = [(box, known[staff.agency_id, wanted]) for box, wanted in boxes]
                found.append(tuple(BoxCount(box=box, tickets=t.tickets, overdue=t.overdue) for box, t in tallies))
        return found

    async def _list(self, staff: Staff, message: ListTickets) -> Tickets:
        limit = max(1, min(message.limit, LONGEST_LIST))
        wanted, now, actor = message.wanted, self._now(), actor_of(staff)
        asked = self._filter(staff, wanted, now)
        async with UnitOfWork(self._database, reads=True) as unit:
            if wanted.words.strip():
                found, more = await self._by_words(unit, wanted.words, asked, actor), ""
            elif is_open(asked):
                after = _due_mark(message.after) if message.after else None
                found = await self._privacy.due_list(unit, asked, actor, after=after, limit=limit + 1)
                more = _due_text(found[limit - 1]) if len(found) > limit else ""
            else:
                asked = msgspec.structs.replace(asked, before=message.after)
                found = await self._privacy.listing(unit, asked, actor, limit + 1)
                more = found[limit - 1].reference if len(found) > limit else ""
        lines = tuple(self._cards.line(one, now) for one in found[:limit])
        return Tickets(request=message.request, lines=lines, next=more)

    def _filter(self, staff: Staff, wanted: Wanted, now: datetime) -> TicketFilter:
        if wanted.box not in BOXES[staff.role]:
            raise Refusal("refused.not_allowed")
        asked = filter_of(wanted.box, staff, now)
        states = tuple(one for one in wanted.states if not asked.states or one in asked.states)
        if wanted.states and not states:
            raise Refusal("refused.bad_value")
        agencies: tuple[AgencyId, ...] = ()
        if wanted.agency:
            if not self._site.has_agency(wanted.agency):
                raise Refusal("refused.bad_value")
            below = (one.id for one in self._site.descendants(wanted.agency))
            agencies = (AgencyId(wanted.agency), *below)
        return msgspec.structs.replace(
            asked,
            states=states or asked.states,
            agencies=agencies,
            category_prefix=wanted.category,
            overdue_at=now if wanted.overdue else asked.overdue_at,
            reference_prefix=wanted.reference,
            of_caller=ContactId(wanted.call) if wanted.call else None,
        )

    async def _by_words(
        self, unit: UnitOfWork, words: str, asked: TicketFilter, actor: Actor
    ) -> tuple[TicketRecord, ...]:
        """Tickets that hold enough of what was looked for, the likeliest first."""
        near = await asyncio.to_thread(self._index.candidates, words, SINCE_EVER, FOUND_BY_WORDS)
        asked = msgspec.structs.replace(asked, references=tuple(near))
        looked_for = pairs(words)
        rank = {reference: place for place, reference in enumerate(near)}
        found = await self._privacy.listing(unit, asked, actor, FOUND_BY_WORDS)
        held = [one for one in found if len(looked_for & pairs(words_of(one))) >= SHARE_OF_WORDS * len(looked_for)]
        return tuple(sorted(held, key=lambda one: rank[one.reference]))

    # ---- one ticket

    @contextlib.asynccontextmanager
    async def _reading(self, staff: Staff, reference: str) -> AsyncIterator[tuple[UnitOfWork, TicketRecord]]:
        """A unit of work and the ticket, masked for the person; reading a sensitive one is kept in it."""
        try:
            async with UnitOfWork(self._database, reads=True) as unit:
                sensitive = (await unit.tickets.get(reference)).sensitive
        except UnknownId:
            raise Refusal("refused.unknown_ticket") from None
        async with UnitOfWork(self._database, reads=not sensitive) as unit:
            yield unit, await self._privacy.sheet(unit, reference, actor_of(staff))

    async def _sheet(self, unit: UnitOfWork, staff: Staff, ticket: TicketRecord) -> TicketSheet:
        actor, reference = actor_of(staff), ticket.reference
        main = await unit.tickets.get(ticket.merged_into) if ticket.merged_into else None
        children = await unit.tickets.merged_into(reference)
        place = self._site.places.get(ticket.place_id) if ticket.place_id else None
        county = PlaceId(place.county_id) if place is not None and place.county_id else None
        inside = staff.role not in HANDLERS
        kept = Kept(
            ticket=ticket,
            case=await self._casework.case(unit, reference, actor),
            history=await self._privacy.history(unit, reference, actor),
            main=self._privacy.masked(main, actor) if main is not None else None,
            children=tuple(self._privacy.masked(one, actor) for one in children),
            precedents=await unit.precedents.of_matter(ticket.category_code, county) if inside else (),
            outbox=await unit.outbox.of_ticket(reference) if inside else (),
        )
        return self._cards.sheet(kept, self._now())

    async def _step(self, staff: Staff, message: TakeStep) -> TicketShown:
        texts = [message.why, *(one for one in message.said.values() if isinstance(one, str))]
        if any(len(one) > LONGEST_TEXT for one in texts):
            raise Refusal("refused.bad_value")
        actor = actor_of(staff)
        async with self._reading(staff, message.reference):
            pass  # it is there, and this person may see it
        async with UnitOfWork(self._database) as unit:
            try:
                kind = str(step_named(message.step).__struct_config__.tag)
                taken = await act(
                    self._casework,
                    unit,
                    message.reference,
                    message.step,
                    message.said,
                    actor,
                    why=message.why,
                    revision=message.revision,
                )
            except UnknownId:
                raise Refusal("refused.bad_value") from None
        self.on_stepped(taken, kind)
        if not self._privacy.may_see(taken, actor):
            return TicketShown(request=message.request, sheet=None)
        async with UnitOfWork(self._database, reads=True) as unit:
            ticket = self._privacy.masked(await unit.tickets.get(message.reference), actor)
            sheet = await self._sheet(unit, staff, ticket)
        return TicketShown(request=message.request, sheet=sheet)

    async def _sign(self, staff: Staff, message: SignTickets) -> TicketsSigned:
        if len(message.references) > LONGEST_LIST:
            raise Refusal("refused.too_much", most=str(LONGEST_LIST))
        signed: list[str] = []
        refused: list[NotSigned] = []
        for reference in dict.fromkeys(message.references):
            try:
                async with UnitOfWork(self._database) as unit:
                    ticket = await self._casework.take(unit, reference, Signed(), actor_of(staff))
            except StepRefused as why:
                refused.append(NotSigned(reference=reference, reason=why.reason))
            except ChangedMeanwhile:
                refused.append(NotSigned(reference=reference, reason="他人已先处理"))
            except UnknownId:
                refused.append(NotSigned(reference=reference, reason="没有这件工单"))
            else:
                signed.append(reference)
                self.on_stepped(ticket, "signed")
        return TicketsSigned(request=message.request, signed=tuple(signed), refused=tuple(refused))

    async def _likely(self, staff: Staff, message: FindLikely) -> LikelyTickets:
        actor = actor_of(staff)
        async with self._reading(staff, message.reference) as (unit, _):
            ticket = await unit.tickets.get(message.reference)
            likely = await self._duplicates.find(unit, matter_of(ticket, self._now()))
        shown = [
            likely_card(msgspec.structs.replace(one, ticket=self._privacy.masked(one.ticket, actor)))
            for one in likely
            if one.ticket.reference != ticket.reference and self._privacy.may_see(one.ticket, actor)
        ]
        return LikelyTickets(request=message.request, likely=tuple(shown))

    async def _reveal(self, staff: Staff, message: RevealCitizen) -> Citizen:
        async with UnitOfWork(self._database) as unit:
            try:
                who = await self._privacy.reveal(unit, message.reference, actor_of(staff), message.why[:LONGEST_TEXT])
            except UnknownId:
                raise Refusal("refused.unknown_ticket") from None
        return Citizen(request=message.request, name=who.name, phone=who.phone, for_ms=CITIZEN_SHOWN_MS)


def _due_text(ticket: TicketRecord) -> str:
    due = ticket.due_at.isoformat() if ticket.due_at is not None else ""
    return f"{due}|{ticket.reference}"


def _due_mark(text: str) -> DueMark:
    due, given, reference = text.partition("|")
    try:
        at = datetime.fromisoformat(due) if due else None
    except ValueError:
        raise Refusal("refused.bad_value") from None
    if not given or (at is not None and at.tzinfo is None):
        raise Refusal("refused.bad_value")
    return DueMark(due_at=at, reference=reference)
