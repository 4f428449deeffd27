"""What calls note about themselves, and who must know: the agent's desk, the audit, the callback queue."""

import logging
from collections.abc import Awaitable, Callable

from ivr.calls import events as ev
from ivr.calls.events import Recorded
from ivr.calls.roster import Seat
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.calls.vocabulary import AgentId, CallId, DialOutcome
from ivr.desk.office import Office
from ivr.desk.views import Notice
from ivr.keeper import Keeper
from ticketing.records import AuditRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId

_log = logging.getLogger(__name__)

GUEST_NOTICES = {
    DialOutcome.NO_ANSWER: "notice.guest_no_answer",
    DialOutcome.BUSY: "notice.guest_busy",
    DialOutcome.REFUSED: "notice.guest_refused",
    DialOutcome.UNREACHABLE: "notice.guest_unreachable",
    DialOutcome.WITHDRAWN: "notice.guest_unreachable",
}
DIAL_NOTICES = {
    DialOutcome.NO_ANSWER: "notice.dial_no_answer",
    DialOutcome.BUSY: "notice.dial_busy",
    DialOutcome.REFUSED: "notice.dial_refused",
    DialOutcome.UNREACHABLE: "notice.dial_unreachable",
}

Owe = Callable[[UnitOfWork, ContactId], Awaitable[object]]
"""Puts the citizen of a contact into the callback queue as promised; one who waits there already stays once."""


class CallNotes:
    """A watcher of the switchboard."""

    def __init__(self, office: Office, keeper: Keeper, owe: Owe) -> None:
        self._office = office
        self._keeper = keeper
        self._owe = owe
        self._agents: dict[CallId, AgentId] = {}
        self._kept: set[CallId] = set()

    def recorded(self, record: Recorded) -> None:
        """See `watchers.Watcher`."""
        call = record.call
        match record.event:
            case ev.AgentReserved(agent=agent) | ev.CallPlaced(agent=agent):
                self._agents[call] = agent
            case ev.PlaceKept():
                self._kept.add(call)
            case ev.GuestMissed(name=name, outcome=outcome):
                self._say(call, Notice(code=GUEST_NOTICES[outcome], params={"name": name}, alarm=True))
            case ev.Dialled(outcome=outcome) if outcome is not DialOutcome.REACHED:
                if (code := DIAL_NOTICES.get(outcome)) is not None:
                    self._say(call, Notice(code=code, alarm=True))
                if call in self._kept:
                    self._still_owed(call)
            case ev.TransferredOut(agent=agent, name=name):
                self._transferred(record, agent, name)
            case _:
                pass

    def call_changed(self, call: CallSeen) -> None:
        """See `watchers.Watcher`."""
        if call.over:
            self._agents.pop(call.call, None)
            self._kept.discard(call.call)
        elif call.keeping:
            self._kept.add(call.call)
        if call.agent is not None and not call.over:
            self._agents[call.call] = call.agent

    def agent_changed(self, seat: Seat) -> None:
        """See `watchers.Watcher`; nothing to note."""

    def queue_changed(self, queue: QueueSeen) -> None:
        """See `watchers.Watcher`; nothing to note."""

    def link_changed(self, *, up: bool) -> None:
        """See `watchers.Watcher`; nothing to note."""

    def _say(self, call: CallId, notice: Notice) -> None:
        if (agent := self._agents.get(call)) is not None:
            self._office.notice(agent, notice)

    def _still_owed(self, call: CallId) -> None:
        """Their turn came and they were not reached: whoever works the callback queue tries again."""

        async def keep(unit: UnitOfWork) -> None:
            await self._owe(unit, ContactId(call))

        self._keeper.keep("callback owed", keep)

    def _transferred(self, record: Recorded, agent: AgentId | None, name: str) -> None:
        audit = AuditRecord(
            at=record.at,
            actor=agent or "-",
            action="transferred_out",
            subject_kind="contact",
            subject_id=record.call,
            why=name,
        )

        async def keep(unit: UnitOfWork) -> None:
            await unit.audits.add(audit)

        self._keeper.keep("audit", keep)
