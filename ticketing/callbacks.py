"""Who has to be called: missed calls, promised callbacks and return visits in one queue. Never commits.

Whoever calls takes a citizen with a lease, so two never dial the same; a crash frees the lease when it ends.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from ticketing.casework import Casework
from ticketing.deadlines import due_in
from ticketing.lifecycle.table import Actor
from ticketing.pack import TimeRange
from ticketing.records import CallbackRecord
from ticketing.service import utc_now
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CallbackKind, CallbackState, ContactId, TicketState
from ticketing.work_calendar import WorkCalendar


class CallOutcome(StrEnum):
    """How an attempt to call a citizen ended."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"  # reached, and wants no call
    WRONG_NUMBER = "wrong_number"


FINAL = frozenset({CallOutcome.REACHED, CallOutcome.DECLINED, CallOutcome.WRONG_NUMBER})
"""After these nobody calls again."""


class Callbacks:
    """The queue of one site. How often and in what distance is the site pack's `callback`."""

    def __init__(self, site: Site, casework: Casework, now: Callable[[], datetime] = utc_now) -> None:
        self._site = site
        self._rules = site.deadlines.callback
        self._calendar = WorkCalendar.of_site(site)
        self._casework = casework
        self._now = now

    async def owe(
        self,
        unit: UnitOfWork,
        kind: CallbackKind,
        contact: ContactId,
        *,
        number: str | None = None,
        after_s: float = 0.0,
    ) -> bool:
        """A call is owed for a contact (`MISSED` or `PROMISED`), at `number` or where it came from, after `after_s`.

        The citizen keeps the place their call had. False when there is no number to call.
        """
        record = await unit.contacts.get(contact)
        to = number or record.caller_number
        if not to:
            return False
        within = timedelta(minutes=self._site.info.service_levels.missed_call_callback_within_minutes)
        await unit.callbacks.enter(
            kind,
            to,
            at=record.arrived_at,
            not_before=self._now() + timedelta(seconds=after_s),
            due_at=record.arrived_at + within,
            contact=contact,
        )
        return True

    async def called_in(self, unit: UnitOfWork, contact: ContactId) -> int:
        """A citizen calls: nobody is to call them meanwhile. How many calls were owed to them."""
        return await unit.callbacks.called_in(contact, self._now())

    async def missed(self, unit: UnitOfWork, contact: ContactId, *, anew: bool, after_s: float = 0.0) -> bool:
        """A citizen's call was not answered, or cut: what it had closed is owed again, else, with `anew`, a call is.

        Once a contact, however often it is said. Whether a call is owed by that.
        """
        if await unit.callbacks.owed_again(contact):
            return True
        if not anew or await unit.callbacks.was_owed(contact):
            return False
        return await self.owe(unit, CallbackKind.MISSED, contact, after_s=after_s)

    async def left(self, unit: UnitOfWork, contact: ContactId, number: str | None) -> bool:
        """A citizen left word with the fallback where to call back; that replaces what was owed for this call."""
        await unit.callbacks.withdraw(contact, self._now())
        return number is not None and await self.owe(unit, CallbackKind.MISSED, contact, number=number)

    async def take(self, unit: UnitOfWork, token: str, *, lease_s: float = 300.0) -> CallbackRecord | None:
        """The next citizen to call, `token`'s alone for `lease_s`; None when nobody is due.

        In quiet hours nobody is asked about their ticket; who called in themselves is still called back.
        """
        now = self._now()
        kinds = [CallbackKind.MISSED, CallbackKind.PROMISED]
        if not self._quiet(now):
            kinds.append(CallbackKind.VISIT)
        until = now + timedelta(seconds=lease_s)
        return await unit.callbacks.lease(token, now=now, until=until, kinds=tuple(kinds))

    async def settle(
        self, unit: UnitOfWork, callback: CallbackRecord, token: str, outcome: CallOutcome, actor: Actor
    ) -> CallbackRecord:
        """How the call went: over, or to be tried again after the site's gap, as often as the site allows.

        A return visit that reached nobody counts on its ticket. Raises `UnknownId` when the lease was lost or the
        citizen called in meanwhile.
        """
        now = self._now()
        if outcome in FINAL:
            state, again = CallbackState.DONE, None
        elif callback.attempts >= self._rules.attempts:
            state, again = CallbackState.EXHAUSTED, None
        else:
            state, again = CallbackState.WAITING, due_in(self._rules.gap, now, self._calendar).due_at
        settled = await unit.callbacks.settle(
            callback.id, token, outcome=outcome, state=state, now=now, not_before=again
        )
        if callback.reference is not None and outcome is not CallOutcome.REACHED:
            ticket = await unit.tickets.get(callback.reference)
            if ticket.state is TicketState.PENDING_VISIT:
                await self._casework.visit(unit, callback.reference, actor, reached=False)
        return settled

    def _quiet(self, at: datetime) -> bool:
        local = f"{at.astimezone(self._site.zone):%H:%M}"
        return any(_within(local, hours) for hours in self._rules.quiet_hours)


def _within(local: str, hours: TimeRange) -> bool:
    start, end = hours.split("-")
    return start <= local < end if start < end else local >= start or local < end
