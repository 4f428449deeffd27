"""What happens to tickets because time passes: signing for the idle, reminders, overdue tickets under supervision.

Late supervised tickets go to the next level of supervision, closed ones to the archive.

One task, `Clockwork.run`. Everything it does can be done twice without harm, so several servers may run it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

from ticketing.casework import Casework
from ticketing.database import Database
from ticketing.deadlines import ahead_of, extended
from ticketing.entries import a_notice
from ticketing.errors import ChangedMeanwhile, DatabaseUnavailable, StepRefused, UnknownId
from ticketing.lifecycle.steps import Archived
from ticketing.lifecycle.table import SYSTEM
from ticketing.pack_deadlines import DeadlineRule, Reminder
from ticketing.records import DueMark, TicketFilter, TicketRecord
from ticketing.repositories.wanted import AWAITING_REPLY
from ticketing.service import utc_now
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.work_calendar import WorkCalendar

_log = logging.getLogger(__name__)

HORIZON = timedelta(days=14)
"""How far ahead due times are looked at; longer than any reminder and the longest holiday before it."""

AT_ONCE = 1000
"""Tickets read at once; those that are done with make room for the rest in the next round."""


class Clockwork:
    """The clock of one site's tickets.

    `on_changed` hears that something waits in the outbox, `on_reminded` what was said of which ticket (once for each
    due time, and once more after a restart); neither may wait.
    """

    def __init__(
        self,
        database: Database,
        site: Site,
        *,
        now: Callable[[], datetime] = utc_now,
        every_s: float = 30.0,
        on_changed: Callable[[], None] = lambda: None,
        on_reminded: Callable[[TicketRecord, Reminder], None] = lambda ticket, reminder: None,
    ) -> None:
        self._database = database
        self._site = site
        self._calendar = WorkCalendar.of_site(site)
        self._casework = Casework(site, now)
        self._now = now
        self._every_s = every_s
        self._on_changed = on_changed
        self._on_reminded = on_reminded
        self._said: set[str] = set()  # what this process knows was said; the outbox's keys know it for good

    async def run(self) -> None:
        """Look every `every_s` until cancelled. A database that fails is asked again."""
        while True:
            try:
                if await self.tick():
                    self._on_changed()
            except DatabaseUnavailable as error:
                _log.warning("clockwork waits: %s", error)
            await asyncio.sleep(self._every_s)

    async def tick(self) -> int:
        """Do everything that is due; returns how many things were done."""
        now, closing = self._now(), self._site.deadlines.closing
        async with UnitOfWork(self._database, reads=True) as unit:
            idle = await unit.tickets.unsigned(now, AT_ONCE)
            late = await unit.tickets.supervised_late(now, AT_ONCE)
            over = await unit.tickets.closed_before(ahead_of(now, closing.archive_after, self._calendar), AT_ONCE)
        done = 0
        for ticket in idle:
            done += await self._sign(ticket)
        for ticket in late:
            done += await self._raise(ticket)
        for ticket in over:
            done += await self._archive(ticket)
        async for ticket in self._watched(now):
            for number, reminder in enumerate(self._site.deadlines.reminders):
                if self._is_time(ticket, reminder, now):
                    done += await self._remind(ticket, number, reminder, now)
        return done

    async def _watched(self, now: datetime) -> AsyncIterator[TicketRecord]:
        """Every ticket whose reply is due before long or overdue, the earliest first, however many there are."""
        wanted = TicketFilter(states=AWAITING_REPLY, due_before=now + HORIZON)
        after: DueMark | None = None
        while True:
            async with UnitOfWork(self._database, reads=True) as unit:
                page = await unit.tickets.by_due(wanted, after=after, limit=AT_ONCE)
            for ticket in page:
                yield ticket
                await asyncio.sleep(0)  # counting days for thousands must not hold up the calls
            if len(page) < AT_ONCE:
                return
            after = DueMark(due_at=page[-1].due_at, reference=page[-1].reference)

    def _is_time(self, ticket: TicketRecord, reminder: Reminder, now: datetime) -> bool:
        assert ticket.due_at is not None  # only such tickets are watched
        rule = self._rule(ticket)
        if reminder.when_unit is not None and (rule is None or rule.reply.unit is not reminder.when_unit):
            return False
        if reminder.before is not None:
            return ahead_of(ticket.due_at, reminder.before, self._calendar) <= now < ticket.due_at
        assert reminder.after is not None  # the pack has one of the two
        if reminder.after.amount == 0:
            return now >= ticket.due_at
        return now >= extended(ticket.due_at, reminder.after, self._calendar).due_at

    def _rule(self, ticket: TicketRecord) -> DeadlineRule | None:
        """The rule the ticket's time was counted by; None for one the site pack never had."""
        begun = ticket.dispatched_at or ticket.created_at
        try:
            return self._site.rule_for(ticket.deadline_rule_id, ticket.lead_agency_id, begun)
        except UnknownId:
            return None

    async def _sign(self, ticket: TicketRecord) -> bool:
        try:
            async with UnitOfWork(self._database) as unit:
                await self._casework.sign_for_the_idle(unit, ticket.reference)
        except (StepRefused, ChangedMeanwhile):
            return False  # somebody signed or returned it just now
        return True

    async def _raise(self, ticket: TicketRecord) -> bool:
        """A supervised ticket is late again: the next level takes it, the highest stays."""
        levels = [one.level for one in self._site.deadlines.supervision_levels]
        if ticket.supervision + 1 not in levels:
            return False
        try:
            async with UnitOfWork(self._database) as unit:
                level = ticket.supervision + 1
                await self._casework.supervise(unit, ticket.reference, SYSTEM, level, why="督办超期未办结")
        except (StepRefused, ChangedMeanwhile):
            return False  # somebody raised or ended it just now
        return True

    async def _archive(self, ticket: TicketRecord) -> bool:
        try:
            async with UnitOfWork(self._database) as unit:
                await self._casework.take(unit, ticket.reference, Archived(), SYSTEM)
        except (StepRefused, ChangedMeanwhile):
            return False  # it was reopened just now
        return True

    async def _remind(self, ticket: TicketRecord, number: int, reminder: Reminder, now: datetime) -> bool:
        """Say it, once for each due time; a supervision level named as the action is set instead."""
        assert ticket.due_at is not None
        mark = f"{number}-{ticket.due_at:%Y%m%d%H%M}"
        if (said := f"{ticket.reference}-{mark}") in self._said:
            return False
        levels = {one.name: one.level for one in self._site.deadlines.supervision_levels}
        try:
            async with UnitOfWork(self._database) as unit:
                if reminder.action in levels:
                    why = "超期未答复"
                    level = levels[reminder.action]
                    ticket = await self._casework.supervise(unit, ticket.reference, SYSTEM, level, why=why)
                else:
                    name = reminder.action or "到期提醒"
                    agency = ticket.holder_agency_id or ticket.lead_agency_id
                    notice = a_notice(ticket, agency, "reminded", name, mark, now, ticket.due_at, "")
                    await unit.outbox.add([notice], once=True)
        except ChangedMeanwhile:
            return False
        except StepRefused:
            pass  # it is supervised at that level or a higher one already
        self._said.add(said)
        self._on_reminded(ticket, reminder)
        return True
