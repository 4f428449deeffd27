"""Who has to be called: missed calls, promised callbacks and return visits in one queue. Never commits.

Whoever calls takes a citizen with a lease, so two never dial the same; a crash frees the lease when it ends.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from ticketing.casework import Casework
from ticketing.deadlines import due_in
from ticketing.errors import AccessRefused
from ticketing.lifecycle.steps import Noted
from ticketing.lifecycle.table import DESK, LEADS, ROLE_NAMES, VISIT, Actor
from ticketing.pack import TimeRange
from ticketing.records import CallbackRecord, TicketRecord
from ticketing.service import utc_now
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CallbackKind, CallbackState, CallOutcome, ContactId, Role, TicketState
from ticketing.work_calendar import WorkCalendar

LEASE_S = 300.0
"""How long somebody who calls is left alone with it, unless they say that they are still at it."""

FINAL = frozenset({CallOutcome.REACHED, CallOutcome.DECLINED, CallOutcome.WRONG_NUMBER})
"""After these nobody calls again."""


OUTCOME_NAMES: Mapping[CallOutcome, str] = {
    CallOutcome.REACHED: "已联系上",
    CallOutcome.NO_ANSWER: "无人接听",
    CallOutcome.BUSY: "占线",
    CallOutcome.DECLINED: "不愿接受回访",
    CallOutcome.WRONG_NUMBER: "号码有误",
}


def calls_of(role: Role | None) -> tuple[CallbackKind, ...]:
    """The calls a person of this role makes (None: all). Raises `AccessRefused` for one who makes none."""
    kinds: list[CallbackKind] = []
    if role is None or role in DESK:
        kinds += [CallbackKind.MISSED, CallbackKind.PROMISED]
    if role is None or role in VISIT:
        kinds.append(CallbackKind.VISIT)
    if role is not None and not kinds:
        raise AccessRefused(f"{ROLE_NAMES[role]}不负责回拨和回访")
    return tuple(kinds)


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
        self,
        unit: UnitOfWork,
        token: str,
        *,
        lease_s: float = LEASE_S,
        role: Role | None = None,
        kinds: tuple[CallbackKind, ...] = (),
    ) -> CallbackRecord | None:
        """The next citizen to call, `token`'s alone for `lease_s`; None when nobody is due.

        In quiet hours nobody is asked about their ticket; who called in themselves is still called back. `role` limits
        it to the calls such a person makes, `kinds` to those; raises `AccessRefused` for one who makes none.
        """
        now = self._now()
        wanted = [one for one in calls_of(role) if not kinds or one in kinds]
        if self.quiet(now):
            wanted = [one for one in wanted if one is not CallbackKind.VISIT]
        until = now + timedelta(seconds=lease_s)
        return await unit.callbacks.lease(token, now=now, until=until, kinds=tuple(wanted))

    async def take_one(
        self, unit: UnitOfWork, callback_id: int, token: str, role: Role, *, lease_s: float = LEASE_S
    ) -> CallbackRecord:
        """A citizen somebody chose, `token`'s alone for `lease_s`; who has them already keeps them.

        Raises `AccessRefused` for a kind the role does not call or a visit in the quiet hours, `ChangedMeanwhile` with
        whoever has them, `UnknownId` when nobody has to be called any more.
        """
        now = self._now()
        wanted = await unit.callbacks.get(callback_id)
        if wanted.kind not in calls_of(role):
            raise AccessRefused(f"{ROLE_NAMES[role]}不作这类回拨")
        if wanted.kind is CallbackKind.VISIT and self.quiet(now):
            raise AccessRefused("免打扰时段不作回访")
        until = now + timedelta(seconds=lease_s)
        return await unit.callbacks.lease_one(callback_id, token, now=now, until=until)

    async def renew(
        self, unit: UnitOfWork, callback_id: int, token: str, *, lease_s: float = LEASE_S
    ) -> CallbackRecord:
        """Hold on to a citizen for `lease_s` from now. Raises `UnknownId` when the lease ended."""
        now = self._now()
        return await unit.callbacks.renew(callback_id, token, now=now, until=now + timedelta(seconds=lease_s))

    async def hand_back(self, unit: UnitOfWork, callback_id: int, token: str) -> CallbackRecord:
        """Let others call: no attempt was made. Raises `UnknownId` when the lease was lost."""
        return await unit.callbacks.release(callback_id, token)

    async def give(
        self, unit: UnitOfWork, callback_id: int, token: str, actor: Actor, to: Role, *, lease_s: float = LEASE_S
    ) -> CallbackRecord:
        """Give a citizen to somebody of the role `to`, whoever has them. Raises `AccessRefused`, `UnknownId`."""
        if actor.role not in LEADS:
            raise AccessRefused(f"{ROLE_NAMES[actor.role]}无权改派回拨")
        now = self._now()
        if (await unit.callbacks.get(callback_id)).kind not in calls_of(to):
            raise AccessRefused(f"{ROLE_NAMES[to]}不作这类回拨")
        return await unit.callbacks.give(callback_id, token, now=now, until=now + timedelta(seconds=lease_s))

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
        why: str = "",
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
            if ticket.state is TicketState.MERGED:
                await self._note(unit, ticket, outcome, actor, solved, satisfied, why)
            elif ticket.state is TicketState.PENDING_VISIT:
                reached = outcome is CallOutcome.REACHED
                answers = (solved, satisfied) if reached else (None, None)
                await self._casework.visit(
                    unit, callback.reference, actor, reached=reached, solved=answers[0], satisfied=answers[1], why=why
                )
        return settled

    async def _note(
        self,
        unit: UnitOfWork,
        ticket: TicketRecord,
        outcome: CallOutcome,
        actor: Actor,
        solved: bool | None,
        satisfied: bool | None,
        why: str,
    ) -> None:
        """What the citizen of a merged ticket said; the main order is decided by its own citizen."""
        said = [f"回访：{OUTCOME_NAMES[outcome]}"]
        said += [
            f"{what}{'是' if answer else '否'}"
            for what, answer in (("是否解决：", solved), ("是否满意：", satisfied))
            if answer is not None
        ]
        await self._casework.take(unit, ticket.reference, Noted(text="，".join(said)), actor, why=why)

    def quiet(self, at: datetime) -> bool:
        """Whether citizens are not to be asked about their tickets at that time (免打扰时段)."""
        local = f"{at.astimezone(self._site.zone):%H:%M}"
        return any(_within(local, hours) for hours in self._rules.quiet_hours)


def _within(local: str, hours: TimeRange) -> bool:
    start, end = hours.split("-")
    return start <= local < end if start < end else local >= start or local < end
