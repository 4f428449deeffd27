"""Sends what waits in the outbox, at least once, until it is taken or given up.

One task, `DispatchWorker.run`. It leases entries, sends them and writes down how it went; any number of workers may do
so on one database. The clock of a ticket starts with the first attempt that may have reached its lead agency.
"""

import asyncio
import logging
import random
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec

from ticketing.casework import Casework
from ticketing.database import Database
from ticketing.deadlines import due_at
from ticketing.entries import a_notice
from ticketing.errors import CalendarUnknown, ChangedMeanwhile, DatabaseUnavailable, GatewayFailed, UnknownId
from ticketing.gateways import Gateway
from ticketing.lifecycle.table import STATE_NAMES
from ticketing.payload import Dispatch, Message, dispatch_of, notice_of
from ticketing.records import OutboxRecord, TicketRecord
from ticketing.service import ticket_view, utc_now
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.views import TicketView
from ticketing.vocabulary import AgencyId, AgencyPart, TicketState
from ticketing.work_calendar import WorkCalendar

_log = logging.getLogger(__name__)

DISPATCH = "dispatch"
"""The kind of an entry that gives the ticket to its agency."""

GONE = frozenset({TicketState.WITHDRAWN, TicketState.MERGED, TicketState.CLOSED, TicketState.ARCHIVED})
"""States in which nobody needs a dispatch any more."""


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How long an entry is tried. Seconds; the wait doubles from `first_s` to `longest_s`, give or take a quarter.

    `lease_s` must be longer than any gateway's deadline: a worker that sends holds the entry until then.
    """

    attempts: int = 12
    first_s: float = 2.0
    longest_s: float = 900.0
    lease_s: float = 60.0
    batch: int = 16
    idle_s: float = 5.0

    def wait_s(self, attempts: int, chance: float) -> float:
        """The wait after so many attempts; `chance` in [0, 1) spreads it, so that many do not come back at once."""
        return min(self.longest_s, self.first_s * 2.0 ** min(attempts - 1, 30)) * (0.75 + 0.5 * chance)


class Gateways(msgspec.Struct, frozen=True, kw_only=True):
    """Which way leads to which agency: its own, that of the nearest unit above it, or the default."""

    default: Gateway
    by_agency: Mapping[AgencyId, Gateway] = {}

    def towards(self, agency_id: AgencyId, site: Site) -> Gateway:
        """The way to an agency."""
        above = site.ancestors(agency_id) if agency_id in site.agencies else ()
        for one in (agency_id, *(agency.id for agency in above)):
            if one in self.by_agency:
                return self.by_agency[one]
        return self.default


class DispatchWorker:
    """The outbox's worker. `on_dispatched` hears of every ticket that reached its lead; it must not wait or raise."""

    def __init__(
        self,
        database: Database,
        site: Site,
        gateways: Gateways,
        *,
        policy: RetryPolicy | None = None,
        now: Callable[[], datetime] = utc_now,
        on_dispatched: Callable[[TicketView], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._site = site
        self._calendar = WorkCalendar.of_site(site)
        self._casework = Casework(site, now)
        self._gateways = gateways
        self._policy = policy or RetryPolicy()
        self._now = now
        self.on_dispatched = on_dispatched
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something new waits: look at once."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled. A database that fails is tried again; an agency's failure concerns its entry only."""
        while True:
            self._wake.clear()
            try:
                if await self.work_once():
                    continue
                pause = await self._pause_s()
            except DatabaseUnavailable as error:
                _log.warning("outbox waits: %s", error)
                pause = self._policy.idle_s
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def work_once(self) -> int:
        """Lease what is due, send it, settle it; returns how many entries were tried."""
        token, now = secrets.token_hex(16), self._now()
        until = now + timedelta(seconds=self._policy.lease_s)
        async with UnitOfWork(self._database) as unit:
            entries = await unit.outbox.lease(token, now=now, until=until, limit=self._policy.batch)
            tickets = {entry.reference: await unit.tickets.get(entry.reference) for entry in entries}
        async with asyncio.TaskGroup() as group:
            for entry in entries:
                work = self._send(entry, tickets[entry.reference], token, now)
                group.create_task(work, name=f"dispatch {entry.key}")
        return len(entries)

    async def _send(self, entry: OutboxRecord, ticket: TicketRecord, token: str, leased_at: datetime) -> None:
        """One attempt, written down. If it cannot be written down the lease ends by itself and it is made again."""
        if entry.kind == DISPATCH and ticket.state in GONE:
            settled = self._dropped(entry, token)
        else:
            try:
                message = await self._attempt(entry, ticket)
            except GatewayFailed as failure:
                settled = self._failed(entry, token, leased_at, failure)
            else:
                settled = self._sent(entry, token, message)
        try:
            await settled
        except (DatabaseUnavailable, ChangedMeanwhile) as error:
            _log.warning("dispatch %s stays leased: %s", entry.key, error)

    async def _attempt(self, entry: OutboxRecord, ticket: TicketRecord) -> Message:
        message = notice_of(ticket, entry) if entry.kind != DISPATCH else self._dispatch(entry, ticket)
        gateway = self._gateways.towards(entry.agency_id, self._site)
        try:
            async with asyncio.timeout(self._policy.lease_s * 0.8):
                await gateway.send(message)
        except TimeoutError as error:
            raise GatewayFailed("no answer before the lease ended", may_have_arrived=True) from error
        except GatewayFailed:
            raise
        except Exception as error:  # one way to an agency may be broken, the outbox may not
            _log.exception("gateway of %s broke its promise", entry.agency_id)
            raise GatewayFailed(f"the gateway failed: {type(error).__name__}", may_have_arrived=True) from error
        return message

    def _dispatch(self, entry: OutboxRecord, ticket: TicketRecord) -> Dispatch:
        began = ticket.dispatched_at or entry.attempted_at
        assert began is not None  # leasing sets it
        try:
            rule = self._site.rule_for(ticket.deadline_rule_id, ticket.lead_agency_id, began)
            due = due_at(rule, began, self._calendar).due_at
        except (CalendarUnknown, UnknownId) as error:
            raise GatewayFailed(f"no due time: {error}", final=True) from error
        if ticket.promised_by is not None and began < ticket.promised_by < due:
            due = ticket.promised_by
        return dispatch_of(ticket, entry, self._site, dispatched_at=began, due_at=due)

    async def _sent(self, entry: OutboxRecord, token: str, message: Message) -> None:
        now = self._now()
        dispatched = None
        async with UnitOfWork(self._database) as unit:
            if not await unit.outbox.sent(entry.key, token, now):
                _log.warning("dispatch %s was sent, but its lease was lost", entry.key)
                return
            if isinstance(message, Dispatch) and entry.part is AgencyPart.LEAD:
                dispatched = await self._begun(unit, message, now)
        _log.info("dispatched %s, attempt %d", entry.key, entry.attempts)
        if dispatched is not None:
            self.on_dispatched(ticket_view(dispatched))

    async def _begun(self, unit: UnitOfWork, message: Dispatch, now: datetime) -> TicketRecord | None:
        """The lead agency has it. If the ticket went elsewhere while it was sent, the agency hears of that next."""
        ticket = await unit.tickets.get(message.reference)
        if ticket.state in GONE:
            name = STATE_NAMES[ticket.state]
            mark = str(ticket.revision)
            word = a_notice(ticket, message.agency_id, ticket.state.value, name, mark, now, None, "")
            await unit.outbox.add([word])
        if ticket.state is not TicketState.PENDING_DISPATCH:
            return None
        return await self._casework.dispatched(unit, message)

    async def _dropped(self, entry: OutboxRecord, token: str) -> None:
        async with UnitOfWork(self._database) as unit:
            await unit.outbox.dropped(entry.key, token)
        _log.info("dispatch %s is not needed any more", entry.key)

    async def _failed(self, entry: OutboxRecord, token: str, leased_at: datetime, failure: GatewayFailed) -> None:
        dead = failure.final or entry.attempts >= self._policy.attempts
        wait = timedelta(seconds=self._policy.wait_s(entry.attempts, random.random()))  # noqa: S311 - spreads load
        async with UnitOfWork(self._database) as unit:
            await unit.outbox.failed(
                entry.key,
                token,
                error=str(failure),
                next_at=None if dead else self._now() + wait,
                forget_attempt=entry.attempted_at == leased_at and not failure.may_have_arrived,
            )
        level = logging.ERROR if dead else logging.WARNING
        _log.log(level, "dispatch %s %s: %s", entry.key, "given up" if dead else "failed", failure)

    async def _pause_s(self) -> float:
        """Until the next entry is due; other workers' entries may come up any time, so never longer than `idle_s`."""
        async with UnitOfWork(self._database, reads=True) as unit:
            due = await unit.outbox.next_due()
        if due is None:
            return self._policy.idle_s
        return max(0.0, min(self._policy.idle_s, (due - self._now()).total_seconds()))
