"""Who has to be called: missed calls, promised callbacks and return visits in one queue. Never commits.

Whoever calls takes a citizen with a lease, so two never dial the same; a crash frees the lease when it ends.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from ticketing.casework import Casework
from ticketing.deadlines import due_in
from ticketing.errors import AccessRefused
from ticketing.lifecycle.table import DESK, ROLE_NAMES, VISIT, Actor
from ticketing.pack import TimeRange
from ticketing.records import CallbackRecord
from ticketing.service import utc_now
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CallbackKind, CallbackState, ContactId, Role, TicketState
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

    async def owe(self, unit: UnitOfWork, kind: CallbackKind, contact: ContactId, *, number: str | None = None) -> bool:
        """A call is owed for a contact (`MISSED` or `PROMISED`), at `number` or where it came from.

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
            not_before=self._now(),
            due_at=record.arrived_at + within,
            contact=contact,
        )
        return True

    async def take(
        self, unit: UnitOfWork, token: str, *, lease_s: float = 300.0, role: Role | None = None
    ) -> CallbackRecord | None:
        """The next citizen to call, `token`'s alone for `lease_s`; None when nobody is due.

        In quiet hours nobody is asked about their ticket; who called in themselves is still called back. `role` limits
        it to the calls such a person makes; raises `AccessRefused` for one who makes none.
        """
        now = self._now()
        kinds = []
        if role is None or role in DESK:
            kinds += [CallbackKind.MISSED, CallbackKind.PROMISED]
        if (role is None or role in VISIT) and not self._quiet(now):
            kinds.append(CallbackKind.VISIT)
        if role is not None and role not in DESK | VISIT:
            raise AccessRefused(f"{ROLE_NAMES[role]}不负责回拨和回访")
        until = now + timedelta(seconds=lease_s)
        return await unit.callbacks.lease(token, now=now, until=until, kinds=tuple(kinds))

    async def settle(
        self,
        unit: UnitOfWork,
        callback: CallbackRecord,
        token: str,
        outcome: CallOutcome,
        actor: Actor,
        *,
        solved: bool | None = None,
        satisfied: bool | None = None,
    ) -> CallbackRecord:
        """How the call went: over, or to be tried again after the site's gap, as often as the site allows.

        A return visit is taken on its ticket too: one that reached nobody counts, one that reached the citizen and
        asked something (是否解决, 是否满意) closes the ticket or has it done again. Raises `UnknownId` when the lease
        was lost or the citizen called in meanwhile, `StepRefused` when the ticket does not allow it.
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
        asked = solved is not None or satisfied is not None
        if callback.reference is not None and (outcome is not CallOutcome.REACHED or asked):
            ticket = await unit.tickets.get(callback.reference)
            if ticket.state is TicketState.PENDING_VISIT:
                reached = outcome is CallOutcome.REACHED
                answers = (solved, satisfied) if reached else (None, None)
                await self._casework.visit(
                    unit, callback.reference, actor, reached=reached, solved=answers[0], satisfied=answers[1]
                )
        return settled

    def _quiet(self, at: datetime) -> bool:
        local = f"{at.astimezone(self._site.zone):%H:%M}"
        return any(_within(local, hours) for hours in self._rules.quiet_hours)


def _within(local: str, hours: TimeRange) -> bool:
    start, end = hours.split("-")
    return start <= local < end if start < end else local >= start or local < end
