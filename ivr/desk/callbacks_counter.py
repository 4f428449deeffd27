"""The callback queue at the desks: taken, dialled, settled, handed back, given to somebody else.

The lease is the person's: their number is the token, so that a desk that comes back still has its citizen, and whoever
looks at the queue sees who is calling. Dialling is the `Dialler`'s; it is told the whole number, the desk never is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, assert_never

from ivr.calls.vocabulary import AgentId, CallId
from ivr.desk.envelope import Done, FromDesk, FromServer
from ivr.desk.newsroom import Newsroom
from ivr.desk.refusal import Refusal
from ivr.desk.staff import Staff
from ivr.desk.topics import Topic
from ivr.desk.wire_callbacks import (
    CallbackCard,
    CallbackList,
    CallbackRequest,
    CallbackSettled,
    CallbacksNews,
    CallbackTaken,
    DialCallback,
    Dialling,
    HandBackCallback,
    ListCallbacks,
    ReassignCallback,
    RenewCallback,
    SettleCallback,
    TakeCallback,
)
from ivr.ports import Clock
from ticketing.callbacks import Callbacks
from ticketing.database import Database
from ticketing.errors import AccessRefused, ChangedMeanwhile, DatabaseUnavailable, StepRefused, UnknownId
from ticketing.lifecycle.table import Actor
from ticketing.masking import mask_number
from ticketing.privacy import Privacy
from ticketing.records import AuditRecord, CallbackRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CallbackKind, CallbackState, CallOutcome, Role

_log = logging.getLogger(__name__)

LONGEST_PAGE = 100
NEWS_EVERY_MS = 1_000
LOOK_EVERY_MS = 15_000
"""The queue grows late by itself, and other processes put citizens in: looked at again after so long at the latest."""


class Dialler(Protocol):
    """Rings a person's phone and then a citizen, as one call of the hotline."""

    async def dial(self, agent: AgentId, callback: CallbackRecord) -> CallId:
        """Begin the call, for a lease this agent holds; returns at once with the call's id.

        While the call stands `renew` the lease; when it ends nothing is settled by itself: the agent says how it went.
        Raises `Refusal` when the agent cannot be rung now, `AsteriskUnavailable`.
        """
        ...


class CallbackDesk:
    """Answers what desks ask about the queue, and tells `Topic.CALLBACKS` how it stands. `run` is its task.

    `people` are everybody's roles and names by their number.
    """

    requests: tuple[type[FromDesk], ...] = (
        ListCallbacks,
        TakeCallback,
        DialCallback,
        RenewCallback,
        SettleCallback,
        HandBackCallback,
        ReassignCallback,
    )

    def __init__(
        self,
        database: Database,
        callbacks: Callbacks,
        privacy: Privacy,
        newsroom: Newsroom,
        clock: Clock,
        people: Mapping[str, Staff],
        dialler: Dialler | None = None,
    ) -> None:
        self._database = database
        self._callbacks = callbacks
        self._privacy = privacy
        self._newsroom = newsroom
        self._clock = clock
        self._people = people
        self.dialler = dialler
        self.on_settled: Callable[[], None] = lambda: None
        self._moved = asyncio.Event()

    # ---- the queue's news

    def changed(self) -> None:
        """Something was put in the queue, taken from it or settled."""
        self._moved.set()

    async def run(self) -> None:
        """Tell the queue whenever it changed, at most once a second, until cancelled."""
        while True:
            self._moved.clear()
            try:
                await self._tell()
            except DatabaseUnavailable as error:
                _log.warning("callback queue not told: %s", error)
            await self._clock.sleep(NEWS_EVERY_MS)
            try:
                async with asyncio.timeout(LOOK_EVERY_MS / 1000):
                    await self._moved.wait()
            except TimeoutError:
                pass

    async def _tell(self) -> None:
        async with UnitOfWork(self._database, reads=True) as unit:
            waiting = await unit.callbacks.page((), CallbackState.WAITING, limit=LONGEST_PAGE)
            tally = await unit.callbacks.tally(self._clock.now())
            cards = await self._cards(unit, waiting)
        self._newsroom.tell(Topic.CALLBACKS, CallbacksNews(cards=cards, waiting=tally.waiting, overdue=tally.overdue))

    # ---- asked by desks

    async def carry_out(self, staff: Staff, message: CallbackRequest) -> FromServer:
        """The answer. Raises `Refusal`."""
        try:
            return await self._carry_out(staff, message)
        except AccessRefused as why:
            raise Refusal("refused.no_access", reason=why.reason) from None
        except StepRefused as why:
            raise Refusal("refused.step", reason=why.reason, open="|".join(why.open_steps)) from None
        except DatabaseUnavailable:
            raise Refusal("refused.unavailable") from None

    async def _carry_out(self, staff: Staff, message: CallbackRequest) -> FromServer:
        request = message.request
        match message:
            case ListCallbacks():
                return await self._list(message)
            case TakeCallback():
                taken = await self._take(staff, message)
            case RenewCallback(callback=callback):
                taken = await self._held(lambda unit: self._callbacks.renew(unit, callback, staff.id))
            case DialCallback(callback=callback):
                return await self._dial(staff, request, callback)
            case SettleCallback():
                return await self._settle(staff, message)
            case HandBackCallback(callback=callback):
                await self._held(lambda unit: self._callbacks.hand_back(unit, callback, staff.id))
                return Done(request=request)
            case ReassignCallback():
                taken = await self._give(staff, message)
            case _:
                assert_never(message)
        return CallbackTaken(request=request, card=taken)

    async def _list(self, message: ListCallbacks) -> CallbackList:
        limit = max(1, min(message.limit, LONGEST_PAGE))
        async with UnitOfWork(self._database, reads=True) as unit:
            found = await unit.callbacks.page(message.kinds, message.state, after=message.after, limit=limit + 1)
            cards = await self._cards(unit, found[:limit])
        return CallbackList(request=message.request, cards=cards, more=len(found) > limit)

    async def _take(self, staff: Staff, message: TakeCallback) -> CallbackCard:
        async with UnitOfWork(self._database) as unit:
            if message.callback is None:
                found = await self._callbacks.take(unit, staff.id, role=staff.role, kinds=message.kinds)
                if found is None:
                    raise Refusal("refused.callback_none")
            else:
                found = await self._take_one(unit, staff, message.callback)
            card = await self._card(unit, found)
        self.changed()
        return card

    async def _take_one(self, unit: UnitOfWork, staff: Staff, callback: int) -> CallbackRecord:
        try:
            return await self._callbacks.take_one(unit, callback, staff.id, staff.role)
        except UnknownId:
            raise Refusal("refused.callback_gone") from None
        except ChangedMeanwhile as why:
            (holder,) = why.changed
            raise Refusal("refused.callback_taken", by=self._name(holder)) from None

    async def _dial(self, staff: Staff, request: int, callback: int) -> Dialling:
        if self.dialler is None or staff.extension is None:
            raise Refusal("refused.no_dialler")
        async with UnitOfWork(self._database) as unit:
            try:
                found = await self._callbacks.renew(unit, callback, staff.id)
            except UnknownId:
                raise Refusal("refused.callback_lost") from None
            why = f"回拨 {found.kind.value}"
            await unit.audits.add(
                AuditRecord(
                    at=self._clock.now(),
                    actor=staff.id,
                    action="call",
                    subject_kind="callback",
                    subject_id=str(callback),
                    why=why,
                )
            )
        call = await self.dialler.dial(staff.id, found)
        return Dialling(request=request, callback=callback, call=call)

    async def _settle(self, staff: Staff, message: SettleCallback) -> CallbackSettled:
        actor = Actor(id=staff.id, role=staff.role, agency_id=staff.agency_id)
        asked = message.solved is not None or message.satisfied is not None
        async with UnitOfWork(self._database) as unit:
            try:
                found = await unit.callbacks.get(message.callback)
                visit = found.kind is CallbackKind.VISIT
                if asked != (visit and message.outcome is CallOutcome.REACHED):
                    raise Refusal("refused.visit_answers")
                settled = await self._callbacks.settle(
                    unit,
                    found,
                    staff.id,
                    message.outcome,
                    actor,
                    solved=message.solved,
                    satisfied=message.satisfied,
                    why=message.note,
                )
            except UnknownId:
                raise Refusal("refused.callback_lost") from None
            card = await self._card(unit, settled)
        self.changed()
        self.on_settled()
        return CallbackSettled(request=message.request, card=card)

    async def _give(self, staff: Staff, message: ReassignCallback) -> CallbackCard:
        to = self._people.get(message.to)
        if to is None:
            raise Refusal("refused.unknown_person")
        actor = Actor(id=staff.id, role=staff.role)
        async with UnitOfWork(self._database) as unit:
            try:
                given = await self._callbacks.give(unit, message.callback, to.id, actor, to.role)
            except UnknownId:
                raise Refusal("refused.callback_gone") from None
            card = await self._card(unit, given)
        self.changed()
        return card

    async def _held(self, move: Callable[[UnitOfWork], Awaitable[CallbackRecord]]) -> CallbackCard:
        async with UnitOfWork(self._database) as unit:
            try:
                found = await move(unit)
            except UnknownId:
                raise Refusal("refused.callback_lost") from None
            card = await self._card(unit, found)
        self.changed()
        return card

    async def _card(self, unit: UnitOfWork, found: CallbackRecord) -> CallbackCard:
        (card,) = await self._cards(unit, (found,))
        return card

    async def _cards(self, unit: UnitOfWork, found: tuple[CallbackRecord, ...]) -> tuple[CallbackCard, ...]:
        tickets = await unit.tickets.many([one.reference for one in found if one.reference is not None])
        reader = Actor(id="", role=Role.VISITOR)
        titles = {one.reference: self._privacy.masked(one, reader).title for one in tickets}
        return tuple(self._shown(one, titles.get(one.reference, "") if one.reference else "") for one in found)

    def _shown(self, found: CallbackRecord, title: str) -> CallbackCard:
        held = found.lease is not None and found.leased_until is not None and found.leased_until > self._clock.now()
        return CallbackCard(
            id=found.id,
            kind=found.kind,
            state=found.state,
            masked_number=mask_number(found.number),
            reference=found.reference,
            title=title,
            entered_at=found.entered_at,
            not_before=found.not_before,
            due_at=found.due_at,
            attempts=found.attempts,
            outcome=found.outcome,
            taken_by=found.lease if held else None,
            by_name=self._name(found.lease) if held and found.lease else "",
            until=found.leased_until if held else None,
            closed_at=found.closed_at,
        )

    def _name(self, holder: str) -> str:
        person = self._people.get(holder)
        return person.name if person is not None else holder
