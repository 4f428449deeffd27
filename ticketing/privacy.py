"""Who sees what of a citizen. Everything is masked until somebody who may says why, and that is kept. Never commits."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from ticketing.errors import AccessRefused
from ticketing.lifecycle.table import HANDLERS, ROLE_NAMES, Actor
from ticketing.masking import mask_name, mask_number, without
from ticketing.records import AuditRecord, DueMark, Tally, TicketEventRecord, TicketFilter, TicketRecord
from ticketing.service import utc_now
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import AgencyId, Role

REVEALS = HANDLERS | frozenset({Role.AGENT, Role.SUPERVISOR, Role.REVIEWER, Role.VISITOR, Role.OVERSEER})
"""Who may need to know a citizen; the others read what happened, never to whom."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who called; shown once, never kept."""

    name: str
    phone: str


class Privacy:
    """The rules of one site."""

    def __init__(self, site: Site, now: Callable[[], datetime] = utc_now) -> None:
        self._site = site
        self._now = now

    async def sheet(self, unit: UnitOfWork, reference: str, actor: Actor) -> TicketRecord:
        """A ticket for reading: name and number masked, and out of a confidential one's texts altogether.

        Reading a sensitive one is kept. Raises `AccessRefused`, `UnknownId`.
        """
        ticket = await unit.tickets.get(reference)
        self._in_reach(ticket, actor)
        if ticket.sensitive:
            await self._keep(unit, actor, "read", reference, "")
        return self.masked(ticket, actor)

    async def listing(
        self, unit: UnitOfWork, wanted: TicketFilter, actor: Actor, limit: int = 50
    ) -> tuple[TicketRecord, ...]:
        """A list for reading; handlers get their own and what is below them.

        What a sensitive ticket says is not in it: that is read on its sheet, which is kept.
        """
        seen = self._own(wanted, actor)
        found = await unit.tickets.find(seen, limit) if seen is not None else ()
        return tuple(self._listed(one, actor) for one in found)

    async def due_list(
        self, unit: UnitOfWork, wanted: TicketFilter, actor: Actor, *, after: DueMark | None = None, limit: int = 50
    ) -> tuple[TicketRecord, ...]:
        """As `listing`, the earliest due first; asked on `after` the last one."""
        seen = self._own(wanted, actor)
        found = await unit.tickets.by_due(seen, after=after, limit=limit) if seen is not None else ()
        return tuple(self._listed(one, actor) for one in found)

    async def tally(self, unit: UnitOfWork, wanted: TicketFilter, actor: Actor) -> Tally:
        """How many tickets such a list would have, and how many of them are overdue."""
        seen = self._own(wanted, actor)
        return await unit.tickets.tally(seen, self._now()) if seen is not None else Tally(tickets=0, overdue=0)

    async def history(self, unit: UnitOfWork, reference: str, actor: Actor) -> tuple[TicketEventRecord, ...]:
        """Every step of a ticket; a confidential citizen is out of its texts. Raises `AccessRefused`, `UnknownId`."""
        ticket = await unit.tickets.get(reference)
        self._in_reach(ticket, actor)
        secrets = _secrets(ticket)
        return tuple(
            msgspec.structs.replace(
                one,
                why=without(one.why, secrets),
                body={
                    key: without(value, secrets) if isinstance(value, str) else value for key, value in one.body.items()
                },
            )
            for one in await unit.tickets.events(reference)
        )

    async def reveal(self, unit: UnitOfWork, reference: str, actor: Actor, why: str) -> Identity:
        """Who the citizen is, for a reason that is kept. A confidential ticket's agency never learns it."""
        ticket = await unit.tickets.get(reference)
        self._in_reach(ticket, actor)
        if actor.role not in REVEALS:
            raise AccessRefused(f"{ROLE_NAMES[actor.role]}无权查看来电人信息")
        if ticket.confidential and actor.role in HANDLERS:
            raise AccessRefused("保密工单不向承办单位提供来电人信息")
        if not why.strip():
            raise AccessRefused("查看来电人信息必须说明理由")
        await self._keep(unit, actor, "reveal", reference, why)
        return Identity(name=ticket.citizen_name, phone=ticket.callback_phone)

    def may_see(self, ticket: TicketRecord, actor: Actor) -> bool:
        """Whether a ticket is this person's to read."""
        try:
            self._in_reach(ticket, actor)
        except AccessRefused:
            return False
        return True

    def _in_reach(self, ticket: TicketRecord, actor: Actor) -> None:
        if actor.role not in HANDLERS:
            return
        own = actor.agency_id
        units = (ticket.lead_agency_id, ticket.holder_agency_id, *ticket.co_agency_ids)
        known = [one for one in units if one is not None and self._site.has_agency(one)]
        if own is None or not any(self._site.is_under(one, own) for one in known):
            raise AccessRefused("工单不在本单位办理")

    def _own(self, wanted: TicketFilter, actor: Actor) -> TicketFilter | None:
        """What of a list this person may see; None: nothing. Agencies stand for all below them."""
        asked = self._branches(wanted.agencies)
        if actor.role not in HANDLERS:
            return msgspec.structs.replace(wanted, agencies=asked, whole_branches=True)
        if actor.agency_id is None or not self._site.has_agency(actor.agency_id):
            return None
        mine = self._branches((actor.agency_id,))
        agencies = tuple(one for one in mine if not asked or one in asked)
        return msgspec.structs.replace(wanted, agencies=agencies, whole_branches=True) if agencies else None

    def _branches(self, agencies: tuple[AgencyId, ...]) -> tuple[AgencyId, ...]:
        """Agencies with every unit below them. Who leads a ticket is above, or is, who holds it: so holders decide."""
        below = (one.id for agency in agencies for one in self._site.descendants(agency))
        return tuple(dict.fromkeys((*agencies, *below)))

    def _listed(self, ticket: TicketRecord, actor: Actor) -> TicketRecord:
        shown = self.masked(ticket, actor)
        return msgspec.structs.replace(shown, content="", address="") if ticket.sensitive else shown

    def masked(self, ticket: TicketRecord, actor: Actor) -> TicketRecord:
        """A ticket with name and number masked; out of a confidential one's texts they are gone."""
        hidden = ticket.confidential and actor.role not in REVEALS - HANDLERS
        secrets = _secrets(ticket)
        return msgspec.structs.replace(
            ticket,
            citizen_name="" if hidden else mask_name(ticket.citizen_name),
            callback_phone="" if hidden else mask_number(ticket.callback_phone),
            title=without(ticket.title, secrets),
            content=without(ticket.content, secrets),
            address=without(ticket.address, secrets),
        )

    async def _keep(self, unit: UnitOfWork, actor: Actor, action: str, reference: str, why: str) -> None:
        await unit.audits.add(
            AuditRecord(
                at=self._now(),
                actor=actor.id,
                action=action,
                subject_kind="ticket",
                subject_id=reference,
                why=why,
            )
        )


def _secrets(ticket: TicketRecord) -> tuple[str, ...]:
    """What must not stand in the texts of a ticket."""
    return (ticket.citizen_name, ticket.callback_phone) if ticket.confidential else ()
