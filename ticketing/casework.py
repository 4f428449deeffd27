"""Work on tickets after they are submitted: every step of their life, checked, logged and carried to whom it concerns.

Never commits, the unit of work does. The log is the truth: a ticket's row only repeats what its fold says, so that it
can be searched.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from ticketing.deadlines import Suspension, choose_rule, due_at, due_in, extended, resumed
from ticketing.entries import a_dispatch, dispatches_of, event_of, life_of, notices_of
from ticketing.errors import ChangedMeanwhile, StepRefused, UnknownId
from ticketing.lifecycle import steps as s
from ticketing.lifecycle.life import OPEN, Life, after
from ticketing.lifecycle.table import SYSTEM, Actor, Limits, Situation, open_steps, refuse
from ticketing.pack_deadlines import DeadlineRule
from ticketing.payload import Dispatch
from ticketing.records import PrecedentRecord, TicketRecord
from ticketing.service import category_path, utc_now
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import (
    AgencyId,
    AgencyPart,
    CallbackKind,
    CategoryCode,
    PlaceId,
    RequestType,
    TicketState,
    Urgency,
)
from ticketing.work_calendar import WorkCalendar

MAX_REDOS = 2
"""How often a dissatisfied citizen's matter is done again before only supervision helps."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as it stands: its row, its fold, and what the person asking may do with it."""

    ticket: TicketRecord
    life: Life
    open_steps: tuple[str, ...]


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person decides who accepts a registered ticket; None is as registered."""

    request_type: RequestType | None = None
    category_code: CategoryCode | None = None
    lead_agency_id: AgencyId | None = None
    co_agency_ids: tuple[AgencyId, ...] | None = None
    urgency: Urgency | None = None
    review: bool = False


class Casework:
    """The closed loop of one site."""

    def __init__(self, site: Site, now: Callable[[], datetime] = utc_now) -> None:
        self._site = site
        self._calendar = WorkCalendar.of_site(site)
        self._now = now

    async def case(self, unit: UnitOfWork, reference: str, actor: Actor) -> Case:
        """A ticket and what `actor` may do with it. Raises `UnknownId`."""
        ticket, life = await self._read(unit, reference)
        return Case(ticket=ticket, life=life, open_steps=open_steps(life, actor, self._site))

    async def take(
        self,
        unit: UnitOfWork,
        reference: str,
        step: s.AnyStep,
        actor: Actor,
        *,
        why: str = "",
        revision: int | None = None,
    ) -> TicketRecord:
        """Take a step; returns the ticket as it then is.

        `revision` is what the person had before their eyes: if somebody was faster, `ChangedMeanwhile` tells with which
        steps. Raises `StepRefused` with the reason and the steps that are open, `UnknownId`.
        """
        ticket, life = await self._read(unit, reference)
        if revision is not None and revision != ticket.revision:
            between = (await unit.tickets.events(reference))[revision + 1 :]
            raise ChangedMeanwhile(f"ticket {reference}", tuple(one.kind for one in between))
        return await self._take(unit, ticket, life, step, actor, why)

    async def accept(
        self, unit: UnitOfWork, reference: str, actor: Actor, asked: Acceptance | None = None, *, why: str = ""
    ) -> TicketRecord:
        """受理 of a ticket that was registered. What is not said stays as it was registered."""
        ticket, life = await self._read(unit, reference)
        asked = asked or Acceptance()
        category = self._site.category(asked.category_code or ticket.category_code)
        request_type = asked.request_type or ticket.request_type
        urgency = asked.urgency or ticket.urgency
        co = ticket.co_agency_ids if asked.co_agency_ids is None else asked.co_agency_ids
        step = s.Submitted(
            request_type=request_type,
            category_code=category.code,
            lead_agency_id=asked.lead_agency_id or ticket.lead_agency_id,
            co_agency_ids=co,
            urgency=urgency,
            deadline_rule_id=choose_rule(self._site.deadlines, category, request_type, urgency)[0],
            review=asked.review,
        )
        return await self._take(unit, ticket, life, step, actor, why)

    async def resume(self, unit: UnitOfWork, reference: str, actor: Actor, *, why: str = "") -> TicketRecord:
        """恢复办理: what was suspended is added to the due time."""
        ticket, life = await self._read(unit, reference)
        due = life.due_at or self._now()
        if life.pauses and life.pauses[-1].end is None and life.dispatched_at is not None:
            pause = Suspension(start=life.pauses[-1].start, end=self._now())
            rule = self._rule(life, life.dispatched_at)
            due = resumed(rule, life.dispatched_at, due, pause, self._calendar).due_at
        return await self._take(unit, ticket, life, s.Resumed(due_at=due), actor, why)

    async def grant_extension(self, unit: UnitOfWork, reference: str, actor: Actor, *, why: str = "") -> TicketRecord:
        """批准延期, by what the ticket's rule gives."""
        ticket, life = await self._read(unit, reference)
        due, by = life.due_at or self._now(), self._rule(life, life.dispatched_at or self._now()).extension
        later = extended(due, by, self._calendar).due_at if by is not None else due
        return await self._take(unit, ticket, life, s.ExtensionGranted(due_at=later), actor, why)

    async def visit(
        self,
        unit: UnitOfWork,
        reference: str,
        actor: Actor,
        *,
        reached: bool,
        solved: bool | None = None,
        satisfied: bool | None = None,
        why: str = "",
    ) -> TicketRecord:
        """回访. An unsolved or unsatisfying matter is done again, as often as allowed; then supervision takes it up."""
        ticket, life = await self._read(unit, reference)
        again = None
        if reached and (solved is False or satisfied is False) and life.redos < MAX_REDOS:
            again = due_at(self._rule(life, self._now()), self._now(), self._calendar).due_at
        step = s.Visited(reached=reached, solved=solved, satisfied=satisfied, done_anew_by=again)
        after_visit = await self._take(unit, ticket, life, step, actor, why)
        if again is not None and life.redos + 1 == MAX_REDOS:
            return await self.supervise(unit, reference, SYSTEM, 1, why="回访不满意，重办仍须督办")
        return after_visit

    async def supervise(self, unit: UnitOfWork, reference: str, actor: Actor, level: int, *, why: str) -> TicketRecord:
        """督办 at a level of the site pack; its time counts from now."""
        ticket, life = await self._read(unit, reference)
        levels = {one.level: one for one in self._site.deadlines.supervision_levels}
        due = self._now()
        if level in levels:
            due = due_in(levels[level].reply, due, self._calendar).due_at
        return await self._take(unit, ticket, life, s.Supervised(level=level, due_at=due), actor, why)

    async def dispatched(self, unit: UnitOfWork, message: Dispatch) -> TicketRecord:
        """派单: the lead agency has taken the message, and with it the times it names."""
        ticket, life = await self._read(unit, message.reference)
        step = s.Dispatched(agency_id=message.agency_id, dispatched_at=message.dispatched_at, due_at=message.due_at)
        return await self._take(unit, ticket, life, step, SYSTEM, "")

    async def sign_for_the_idle(self, unit: UnitOfWork, reference: str) -> TicketRecord:
        """签收 by itself, because the agency did not in time. Its clock has been running since dispatch."""
        return await self.take(unit, reference, s.Signed(by_itself=True), SYSTEM)

    def _rule(self, life: Life, dispatched_at: datetime) -> DeadlineRule:
        """The rule a ticket is under, as it counts for its lead agency."""
        return self._site.rule_for(life.deadline_rule_id, life.lead, dispatched_at)

    async def _read(self, unit: UnitOfWork, reference: str) -> tuple[TicketRecord, Life]:
        ticket = await unit.tickets.get(reference)
        return ticket, life_of(await unit.tickets.events(reference))

    async def _take(
        self, unit: UnitOfWork, ticket: TicketRecord, life: Life, step: s.AnyStep, actor: Actor, why: str
    ) -> TicketRecord:
        now = self._now()
        situation = Situation(life=life, actor=actor, at=now, limits=self._limits(life), site=self._site)
        problem = refuse(step, why, situation)
        if problem is None and isinstance(step, s.Merged):
            problem = await self._merge_problem(unit, ticket, step)
        if problem is not None:
            raise StepRefused(problem, open_steps(life, actor, self._site))
        then = after(life, now, step)
        values = self.row_of(ticket, then) | (self._as_accepted(step, now) if isinstance(step, s.Submitted) else {})
        changed = await unit.tickets.change(ticket, event_of(life, then, now, step, actor, why), values)
        await self._follow(unit, changed, life, then, step, actor, why)
        return changed

    def _as_accepted(self, step: s.Submitted, now: datetime) -> dict[str, Any]:
        """What of a registered ticket's row is decided only when it is accepted."""
        category = self._site.category(step.category_code)
        rule = self._site.rule_for(step.deadline_rule_id, step.lead_agency_id, now)
        return {
            "request_type": step.request_type,
            "category_code": category.code,
            "category": category_path(category),
            "sensitive": category.sensitive,
            "urgency": step.urgency,
            "deadline_rule_id": step.deadline_rule_id,
            "due_at": due_at(rule, now, self._calendar).due_at,
        }

    def row_of(self, ticket: TicketRecord, life: Life) -> dict[str, Any]:
        """What of a fold a ticket's row repeats."""
        lead = life.lead or ticket.lead_agency_id
        known = self._site.agency(lead) if self._site.has_agency(lead) else None
        sign_by = None
        if life.state is TicketState.DISPATCHED and life.dispatched_at is not None:
            sign_by = due_in(self._site.deadlines.clock.auto_sign_after, life.dispatched_at, self._calendar).due_at
        return {
            "lead_agency_id": lead,
            "lead_agency": known.name if known and lead != ticket.lead_agency_id else ticket.lead_agency,
            "co_agency_ids": life.co_agency_ids,
            "holder_agency_id": life.holder,
            "dispatched_at": life.dispatched_at,
            "due_at": life.due_at or ticket.due_at,
            "sign_by": sign_by,
            "supervision": life.supervision,
            "supervision_due_at": life.supervision_due_at,
            "merged_into": life.merged_into,
            "closure": life.closure,
            "closed_at": life.closed_at,
        }

    def _limits(self, life: Life) -> Limits:
        rules = self._site.deadlines
        rule = self._rule(life, life.dispatched_at or self._now()) if life.deadline_rule_id else None
        until = None
        if life.dispatched_at is not None:
            until = due_in(rules.clock.return_limit, life.dispatched_at, self._calendar).due_at
        return Limits(
            max_returns=rules.clock.max_returns,
            max_extensions=rule.max_extensions if rule else 0,
            max_redos=MAX_REDOS,
            visit_attempts=rules.callback.attempts,
            return_until=until,
            pause_reasons=rules.clock.pause_reasons,
            refusals=frozenset(one.id for one in self._site.not_accepted.reasons),
            supervision_levels=frozenset(one.level for one in rules.supervision_levels),
        )

    async def _merge_problem(self, unit: UnitOfWork, ticket: TicketRecord, step: s.Merged) -> str | None:
        if step.main == ticket.reference:
            return "不能并入自身"
        try:
            main = await unit.tickets.get(step.main)
        except UnknownId:
            return "主单不存在"
        if main.state not in OPEN:
            return "主单已办结或已并入其他工单"
        return "本单已是其他工单的主单" if await unit.tickets.merged_into(ticket.reference) else None

    async def _follow(
        self, unit: UnitOfWork, ticket: TicketRecord, life: Life, then: Life, step: s.AnyStep, actor: Actor, why: str
    ) -> None:
        """What a step sets going: dispatches, word to agencies, precedents, visits."""
        now = self._now()
        waited, waits = (one.state is TicketState.PENDING_DISPATCH for one in (life, then))
        if waited and not waits and not isinstance(step, s.Dispatched):
            await unit.outbox.cancel(ticket.reference)
        if waits and not waited:
            await unit.outbox.add(dispatches_of(ticket, now, helpers=life.dispatched_at is None))
        if isinstance(step, s.HelperAdded):
            await unit.outbox.add([a_dispatch(ticket, step.agency_id, AgencyPart.CO, now, str(then.steps))])
        await unit.outbox.add(notices_of(ticket, life, then, step, now, why))
        if isinstance(step, s.ReturnUpheld | s.ReturnRejected):
            await unit.precedents.add(self._precedent(ticket, life, then, actor, why, now))
        if isinstance(step, s.ReplyApproved):
            await self._ask_citizens(unit, ticket, now)
        elif life.state is TicketState.PENDING_VISIT and then.state is not TicketState.PENDING_VISIT:
            await unit.callbacks.cancel_visits(ticket.reference, now, s.kind_of(step))

    async def _ask_citizens(self, unit: UnitOfWork, ticket: TicketRecord, now: datetime) -> None:
        """A visit to the citizen, and to everybody whose ticket was merged into this one."""
        best_by = due_in(self._site.deadlines.callback.first_attempt_after_reply, now, self._calendar).due_at
        for one in (ticket, *await unit.tickets.merged_into(ticket.reference)):
            if one.callback_phone:
                await unit.callbacks.enter(
                    CallbackKind.VISIT,
                    one.callback_phone,
                    at=now,
                    not_before=now,
                    due_at=best_by,
                    contact=one.contact,
                    reference=one.reference,
                )

    def _precedent(
        self, ticket: TicketRecord, life: Life, then: Life, actor: Actor, why: str, now: datetime
    ) -> PrecedentRecord:
        place = self._site.places.get(ticket.place_id) if ticket.place_id else None
        assert life.lead is not None
        assert then.lead is not None  # only a dispatched ticket is returned
        return PrecedentRecord(
            at=now,
            reference=ticket.reference,
            category_code=ticket.category_code,
            county_id=PlaceId(place.county_id) if place and place.county_id else None,
            refused=life.lead,
            assigned=then.lead,
            why=why,
            decided_by=actor.id,
        )
