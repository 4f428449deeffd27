"""Everybody's inbox as news: what lies in their boxes, and the words on their tickets. One task, `Inbox.run`."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping

from ivr.calls.vocabulary import AgentId
from ivr.desk.moves import agency_name
from ivr.desk.newsroom import Newsroom
from ivr.desk.staff import Staff
from ivr.desk.tickets_counter import TicketDesk, actor_of
from ivr.desk.topics import Topic
from ivr.desk.views import Notice
from ivr.desk.wire_tickets import InboxNews, TicketNotice
from ivr.ports import Clock
from ticketing.errors import DatabaseUnavailable
from ticketing.lifecycle.table import HANDLERS
from ticketing.pack_deadlines import Reminder
from ticketing.privacy import Privacy
from ticketing.records import TicketRecord
from ticketing.site import Site
from ticketing.vocabulary import Role

_log = logging.getLogger(__name__)

KEPT_NOTICES = 20
NEWS_EVERY_MS = 2_000
LOOK_EVERY_MS = 30_000
"""Boxes change with time alone, and other processes move tickets: counted again after so long at the latest."""

HOTLINES_OWN = frozenset({Role.REVIEWER, Role.OVERSEER, Role.SUPERVISOR})
"""Whom a reminder to the hotline's own agency means."""

_STEPS = {"supervised": "notice.ticket_supervised", "urged": "notice.ticket_urged"}
"""The steps whoever works on the ticket hears of at their desk."""


class Inbox:
    """The inbox of every person of the roster (`people`, by number). `notice` tells a seat at the phones too."""

    def __init__(
        self,
        desk: TicketDesk,
        privacy: Privacy,
        site: Site,
        newsroom: Newsroom,
        clock: Clock,
        people: Mapping[str, Staff],
        notice: Callable[[AgentId, Notice], None],
    ) -> None:
        self._desk = desk
        self._privacy = privacy
        self._site = site
        self._newsroom = newsroom
        self._clock = clock
        self._people = people
        self._notice = notice
        self._notices: dict[str, deque[TicketNotice]] = {}
        self._changes: dict[str, int] = {}
        self._moved = asyncio.Event()

    # ---- told

    def changed(self) -> None:
        """Tickets moved, nobody says which."""
        for number in self._people:
            self._changes[number] = self._changes.get(number, 0) + 1
        self._moved.set()

    def stepped(self, ticket: TicketRecord, step: str) -> None:
        """A ticket took a step at some desk."""
        for number, staff in self._people.items():
            if self._privacy.may_see(ticket, actor_of(staff)):
                self._changes[number] = self._changes.get(number, 0) + 1
        if step in _STEPS:
            self._tell(ticket, _STEPS[step], self._audience(ticket, ("handler",)))
        self._moved.set()

    def reminded(self, ticket: TicketRecord, reminder: Reminder) -> None:
        """The clock says something of a ticket, to whom the site's rule names."""
        to = (reminder.to,) if isinstance(reminder.to, str) else reminder.to
        levels = {one.name for one in self._site.deadlines.supervision_levels}
        if reminder.action in levels:
            code = "notice.ticket_supervised"
        else:
            code = "notice.ticket_due" if reminder.before is not None else "notice.ticket_overdue"
        self._tell(ticket, code, self._audience(ticket, to))
        self._moved.set()

    def watched(self, topic: Topic) -> None:
        """Somebody began to watch."""
        if topic is Topic.TICKETS:
            self._moved.set()

    # ---- telling

    async def run(self) -> None:
        """Tell everybody who watches their own inbox, when something changed, until cancelled."""
        while True:
            self._moved.clear()
            try:
                await self._tell_all()
            except DatabaseUnavailable as error:
                _log.warning("inboxes not told: %s", error)
            await self._clock.sleep(NEWS_EVERY_MS)
            try:
                async with asyncio.timeout(LOOK_EVERY_MS / 1000):
                    await self._moved.wait()
            except TimeoutError:
                pass

    async def _tell_all(self) -> None:
        staff = self._newsroom.people(Topic.TICKETS)
        for person, boxes in zip(staff, await self._desk.counts(staff), strict=True):
            news = InboxNews(
                boxes=boxes,
                notices=tuple(self._notices.get(person.id, ())),
                changes=self._changes.get(person.id, 0),
            )
            self._newsroom.tell_one(Topic.TICKETS, person.id, news)

    def _tell(self, ticket: TicketRecord, code: str, audience: list[Staff]) -> None:
        levels = {one.level: one.name for one in self._site.deadlines.supervision_levels}
        level = levels.get(ticket.supervision, "")
        agency = agency_name(self._site, ticket.holder_agency_id or ticket.lead_agency_id)
        params = {"reference": ticket.reference, "agency": agency} | ({"level": level} if level else {})
        notice = Notice(code=code, params=params, alarm=code == "notice.ticket_overdue")
        word = TicketNotice(at=self._clock.now(), reference=ticket.reference, notice=notice)
        for staff in audience:
            self._notices.setdefault(staff.id, deque(maxlen=KEPT_NOTICES)).append(word)
            if staff.extension is not None:
                self._notice(staff.id, notice)

    def _audience(self, ticket: TicketRecord, to: tuple[str, ...]) -> list[Staff]:
        holder = ticket.holder_agency_id or ticket.lead_agency_id
        return [staff for staff in self._people.values() if any(self._meant(staff, one, holder) for one in to)]

    def _meant(self, staff: Staff, to: str, holder: str) -> bool:
        own = staff.agency_id
        if to == Role.HANDLER:
            return staff.role in HANDLERS and own is not None and self._under(holder, own)
        if to == self._site.info.hotline_agency_id:
            return staff.role in HOTLINES_OWN
        return staff.role == to or (own is not None and self._under(own, to))

    def _under(self, agency: str, head: str) -> bool:
        known = self._site.has_agency(agency) and self._site.has_agency(head)
        return known and self._site.is_under(agency, head)
