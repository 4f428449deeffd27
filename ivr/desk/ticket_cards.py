"""Tickets as a desk is shown them, made of what the database keeps; masking happened before."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from ivr.desk.moves import CLOSURE_NAMES, Grounds, agency_name, moves
from ivr.desk.ticket_views import (
    DispatchLine,
    ExtensionLine,
    LikelyTicket,
    PauseLine,
    PrecedentLine,
    RefusalReason,
    StepLine,
    TicketLine,
    TicketSheet,
)
from ticketing.casework import Case
from ticketing.duplicates import Likely
from ticketing.errors import UnknownId
from ticketing.lifecycle import steps as s
from ticketing.lifecycle.table import TABLE
from ticketing.records import OutboxRecord, PrecedentRecord, TicketEventRecord, TicketRecord
from ticketing.repositories.tickets import AWAITING_REPLY
from ticketing.service import ticket_view
from ticketing.site import Site
from ticketing.vocabulary import AgencyId, Closure

_AGENCIES = frozenset({"agency_id", "lead_agency_id", "rather"})
_UNSAID = frozenset({"by_itself", "review"})
_SYSTEM = "系统"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a sheet is made of; tickets and history masked for the person."""

    ticket: TicketRecord
    case: Case
    history: tuple[TicketEventRecord, ...]
    main: TicketRecord | None
    children: tuple[TicketRecord, ...]
    precedents: tuple[PrecedentRecord, ...]
    outbox: tuple[OutboxRecord, ...]


class TicketCards:
    """The cards of one site. `names` are people's by their number."""

    def __init__(self, site: Site, names: Mapping[str, str]) -> None:
        self._site = site
        self._names = names

    def line(self, ticket: TicketRecord, now: datetime) -> TicketLine:
        """A ticket in a list."""
        late = ticket.state in AWAITING_REPLY and ticket.due_at is not None and ticket.due_at < now
        return TicketLine(
            reference=ticket.reference,
            revision=ticket.revision,
            title=ticket.title,
            state=ticket.state,
            request_type=ticket.request_type,
            category=ticket.category,
            urgency=ticket.urgency,
            place=self._place(ticket),
            lead_agency=ticket.lead_agency,
            holder=agency_name(self._site, ticket.holder_agency_id),
            due_at=ticket.due_at,
            overdue=late,
            created_at=ticket.created_at,
            dispatched_at=ticket.dispatched_at,
            sign_by=ticket.sign_by,
            closed_at=ticket.closed_at,
            closure=ticket.closure,
            supervision=ticket.supervision,
            confidential=ticket.confidential,
            merged_into=ticket.merged_into,
        )

    def sheet(self, kept: Kept, now: datetime) -> TicketSheet:
        """A ticket whole."""
        ticket, life, site = kept.ticket, kept.case.life, self._site
        said = _last_said(kept.history)
        grounds = Grounds(
            site=site,
            ticket=ticket,
            life=life,
            rather=AgencyId(str(said["return_asked"].get("rather") or "")) or None,
            precedents=kept.precedents,
        )
        return TicketSheet(
            line=self.line(ticket, now),
            medium=ticket.medium,
            call=ticket.contact,
            address=ticket.address,
            citizen_name=ticket.citizen_name,
            callback_phone=ticket.callback_phone,
            content=ticket.content,
            co_agencies=tuple(agency_name(site, one) for one in ticket.co_agency_ids),
            holders=tuple(agency_name(site, one) for one in life.holders),
            deadline_rule=self._rule(ticket.deadline_rule_id),
            result=str(said["replied"].get("result", "")),
            public_reply=str(said["replied"].get("public_reply", "")),
            supervision_name=self._level(life.supervision),
            supervision_due_at=life.supervision_due_at,
            extension_asked=life.extension_asked,
            returns=life.returns,
            redos=life.redos,
            visits=life.visits,
            urges=life.urges,
            history=tuple(self._step(one) for one in kept.history),
            extensions=tuple(
                ExtensionLine(at=one.at, due_before=one.due_before, due_after=one.due_after) for one in life.extensions
            ),
            pauses=tuple(PauseLine(start=one.start, end=one.end) for one in life.pauses),
            main=self.line(kept.main, now) if kept.main is not None else None,
            children=tuple(self.line(one, now) for one in kept.children),
            precedents=tuple(
                PrecedentLine(
                    at=one.at,
                    reference=one.reference,
                    refused=agency_name(site, one.refused),
                    assigned=agency_name(site, one.assigned),
                    why=one.why,
                )
                for one in kept.precedents
            ),
            dispatches=tuple(self._dispatch(one) for one in kept.outbox),
            moves=moves(kept.case.open_steps, grounds),
        )

    def refusals(self) -> tuple[RefusalReason, ...]:
        """Why a matter may not be accepted."""
        return tuple(
            RefusalReason(id=one.id, name=one.name, script=one.script, send_to=one.send_to)
            for one in self._site.not_accepted.reasons
        )

    def _step(self, event: TicketEventRecord) -> StepLine:
        said = {key: self._told(key, value) for key, value in event.body.items()}
        return StepLine(
            seq=event.seq,
            at=event.at,
            actor=self._names.get(event.actor, _SYSTEM if event.actor == "system" else event.actor),
            role=event.role,
            step=event.kind,
            name=TABLE[s.STEPS[event.kind]].name,
            to_state=event.to_state,
            why=event.why,
            said={key: value for key, value in said.items() if value},
        )

    def _told(self, key: str, value: object) -> str:
        """A value of a step as people read it; empty where nothing was said."""
        match value:
            case None | "" | []:
                return ""
            case False if key in _UNSAID:
                return ""
            case bool():
                return "是" if value else "否"
            case str() if key in _AGENCIES:
                return agency_name(self._site, value)
            case str() if key == "closure":
                return CLOSURE_NAMES[Closure(value)]
            case str() if key.endswith(("_at", "_by")):
                return f"{datetime.fromisoformat(value).astimezone(self._site.zone):%Y-%m-%d %H:%M}"
            case int() if key == "level":
                return self._level(value)
            case list():
                return "、".join(agency_name(self._site, str(one)) for one in value)
            case _:
                return str(value)

    def _dispatch(self, entry: OutboxRecord) -> DispatchLine:
        return DispatchLine(
            agency=agency_name(self._site, entry.agency_id),
            part=entry.part,
            kind=entry.kind,
            state=entry.state,
            attempts=entry.attempts,
            sent_at=entry.sent_at,
            last_error=entry.last_error,
        )

    def _place(self, ticket: TicketRecord) -> str:
        try:
            return self._site.place_path(self._site.place(ticket.place_id)) if ticket.place_id else ""
        except UnknownId:
            return ""

    def _rule(self, rule_id: str) -> str:
        try:
            return self._site.rule(rule_id).name
        except UnknownId:
            return rule_id

    def _level(self, level: int) -> str:
        names = {one.level: one.name for one in self._site.deadlines.supervision_levels}
        return names.get(level, str(level)) if level else ""


def likely_card(likely: Likely) -> LikelyTicket:
    """A ticket that may be the same matter."""
    return LikelyTicket(ticket=ticket_view(likely.ticket), score=likely.score, reasons=likely.reasons)


def _last_said(history: Iterable[TicketEventRecord]) -> dict[str, dict[str, object]]:
    """What the last reply and the last wish to return it said."""
    said: dict[str, dict[str, object]] = {"replied": {}, "return_asked": {}}
    for event in history:
        if event.kind in said:
            said[event.kind] = event.body
    return said
