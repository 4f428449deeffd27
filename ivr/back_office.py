"""The closed loop in a running server: everything that happens to tickets and callbacks beside the calls."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from ivr.desk.callbacks_counter import CallbackDesk
from ivr.desk.counters import Counter
from ivr.desk.inbox import Inbox
from ivr.desk.newsroom import Newsroom
from ivr.desk.office import Office
from ivr.desk.quality_counter import QualityDesk
from ivr.desk.staff import Staff
from ivr.desk.tickets_counter import TicketDesk
from ivr.desk.topics import Topic
from ivr.intake import Intake
from ivr.matters import Matters
from ivr.people import Person
from ivr.ports import Clock
from ivr.tasks import Tasks
from ticketing.callbacks import Callbacks
from ticketing.casework import Casework
from ticketing.clockwork import Clockwork
from ticketing.database import Database
from ticketing.dispatch import DispatchWorker
from ticketing.matter_index import MatterIndex
from ticketing.privacy import Privacy
from ticketing.quality import Quality
from ticketing.records import TicketRecord
from ticketing.site import Site
from ticketing.views import TicketView
from ticketing.vocabulary import AgencyId, Role


class BackOffice:
    """One server's, for one site and the people of its roster, by number.

    `callback_desk.dialler` is set by whoever can ring phones.
    """

    def __init__(
        self, database: Database, site: Site, people: Mapping[str, Staff], clock: Clock, index: MatterIndex
    ) -> None:
        self._database = database
        self._site = site
        self._clock = clock
        self._index = index
        self._people = people
        self.casework = Casework(site, clock.now)
        self.privacy = Privacy(site, clock.now)
        self.callbacks = Callbacks(site, self.casework, clock.now)
        self.matters = Matters(database, site, index, self.privacy, clock)
        self.callback_desk: CallbackDesk
        self.clockwork: Clockwork

    @classmethod
    @contextmanager
    def opened(
        cls, database: Database, site: Site, people: Mapping[str, Staff], clock: Clock, folder: Path
    ) -> Iterator[Self]:
        """The back office with its index of matters in `folder`, for as long as the block runs."""
        with MatterIndex.opened(folder) as index:
            yield cls(database, site, people, clock, index)

    def start(
        self, tasks: Tasks, intake: Intake, office: Office, newsroom: Newsroom, worker: DispatchWorker
    ) -> tuple[Counter, ...]:
        """Begin all its tasks, tie them to calls and dispatches; returns what answers the desks."""
        names = {number: staff.name for number, staff in self._people.items()}
        tickets = TicketDesk(
            self._database, self._site, self.casework, self.privacy, self._index, names, self._clock.now
        )
        inbox = Inbox(tickets, self.privacy, self._site, newsroom, self._clock, self._people, office.notice)
        queue = CallbackDesk(self._database, self.callbacks, self.privacy, newsroom, self._clock, self._people)
        self.callback_desk = queue

        def stepped(ticket: TicketRecord, step: str) -> None:
            worker.wake()
            inbox.stepped(ticket, step)
            queue.changed()

        def submitted(ticket: TicketView) -> None:
            worker.wake()
            inbox.changed()
            self.matters.add(ticket.reference)

        def moved() -> None:
            worker.wake()
            inbox.changed()

        def dispatched(ticket: TicketView) -> None:
            intake.dispatched(ticket)
            inbox.changed()

        def watched(topic: Topic) -> None:
            inbox.watched(topic)
            if topic is Topic.CALLBACKS:
                queue.changed()

        tickets.on_stepped = stepped
        queue.on_settled = moved
        intake.on_submitted = submitted
        worker.on_dispatched = dispatched
        newsroom.on_watch = watched
        self.clockwork = Clockwork(
            self._database, self._site, now=self._clock.now, on_changed=moved, on_reminded=inbox.reminded
        )
        tasks.start("clockwork", self.clockwork.run())
        tasks.start("matters", self.matters.run())
        tasks.start("index of matters", self.matters.keep_index())
        tasks.start("inboxes", inbox.run())
        tasks.start("returns", queue.run())
        inspections = QualityDesk(self._database, self._site, Quality(self._site, self._clock.now), names)
        return tickets, queue, inspections


def staff_of(roster: Iterable[Person]) -> dict[str, Staff]:
    """Everybody of the roster, by number."""
    return {
        person.id: Staff(
            id=person.id,
            name=person.name,
            role=Role(person.role),
            extension=person.extension,
            agency_id=AgencyId(person.agency) if person.agency else None,
        )
        for person in roster
    }
