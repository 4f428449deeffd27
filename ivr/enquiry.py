"""What a citizen hears of their work order when they key in its number: its state and deadline, nothing of anybody."""

import logging
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from asterisk_conf.promptbook import PromptBook
from ticketing.database import Database
from ticketing.errors import DatabaseUnavailable, UnknownId
from ticketing.records import TicketRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import TicketState

_log = logging.getLogger(__name__)

STATE_WORDS = {
    TicketState.PENDING_ACCEPT: "待受理",
    TicketState.PENDING_REVIEW: "待预审",
    TicketState.PENDING_DISPATCH: "待派单",
    TicketState.DISPATCHED: "待签收",
    TicketState.RETURN_ASKED: "办理中",  # a quarrel about who handles it is no news for the citizen
    TicketState.IN_PROGRESS: "办理中",
    TicketState.SUSPENDED: "办理中",
    TicketState.PENDING_APPROVAL: "待审核",
    TicketState.PENDING_VISIT: "待回访",
    TicketState.CLOSED: "已办结",
    TicketState.ARCHIVED: "已办结",
    TicketState.MERGED: "与同类诉求合并办理",
    TicketState.WITHDRAWN: "已撤单",
}
"""As a citizen is told; the desk's own words are shorter."""

TEXTS = {
    "progress_ask": "请输入十位工单编号，重输请按星号键。",
    "progress_state": "您的工单编号{ref}，目前状态是{state}。",
    "progress_due": "您的工单编号{ref}，目前状态是{state}，预计{due}前答复。",
}
"""Beside the site's own: what is said aloud names no agency, for which there would have to be a sound each."""


class Enquiry:
    """Answers by number. A confidential or sensitive work order is not found: whoever holds it asks a person."""

    def __init__(self, database: Database, book: PromptBook, zone: ZoneInfo, now: Callable[[], datetime]) -> None:
        self._database = database
        self._book = book
        self._zone = zone
        self._now = now

    async def sounds(self, reference: str) -> tuple[str, ...]:
        """What to play; nothing where there is no such work order, or none that may be told of, or no database now."""
        try:
            async with UnitOfWork(self._database, reads=True) as unit:
                ticket = await unit.tickets.get(reference)
        except UnknownId:
            return ()
        except DatabaseUnavailable as why:
            _log.warning("a progress enquiry was not answered: %s", why)
            return ()
        if ticket.confidential or ticket.sensitive or ticket.state not in STATE_WORDS:
            return ()
        return self._said(ticket)

    def _said(self, ticket: TicketRecord) -> tuple[str, ...]:
        state = STATE_WORDS[ticket.state]
        due = None if ticket.due_at is None else ticket.due_at.astimezone(self._zone).date()
        if due is None or ticket.closed_at is not None or due < self._today():
            return self._book.sounds_for("progress_state", ref=str(ticket.reference), state=state)
        return self._book.sounds_for("progress_due", ref=str(ticket.reference), state=state, due=due)

    def _today(self) -> date:
        return self._now().astimezone(self._zone).date()
