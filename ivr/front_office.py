"""The front office in a running server: everything at the desks that has to do with phones, calls and the floor."""

from pathlib import Path

from ivr.call_notes import CallNotes
from ivr.calls.vocabulary import Skill
from ivr.desk.calls_counter import CallDesk
from ivr.desk.counters import Counter
from ivr.desk.floor_counter import FloorDesk
from ivr.desk.floor_report import FloorReport
from ivr.desk.newsroom import Newsroom
from ivr.desk.office import Office
from ivr.desk.recordings_counter import RecordingDesk
from ivr.desk.recordings_web import RecordingsWeb
from ivr.desk.topics import Topic
from ivr.desk.views import Notice
from ivr.dialler import Dialler
from ivr.directory import Directory
from ivr.keeper import Keeper
from ivr.lines import Lines
from ivr.nailed import NailedPhones
from ivr.ports import Clock, Telephony
from ivr.switchboard import Switchboard
from ivr.tasks import Tasks
from ticketing.callbacks import Callbacks
from ticketing.database import Database
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CallbackKind, ContactId


class FrontOffice:
    """One server's. `dialler` is for whoever calls citizens back, `web` for the desks' address."""

    def __init__(
        self,
        *,
        switchboard: Switchboard,
        telephony: Telephony,
        database: Database,
        keeper: Keeper,
        site: Site,
        directory: Directory,
        office: Office,
        newsroom: Newsroom,
        callbacks: Callbacks,
        recordings: Path,
        secret: str,
        clock: Clock,
        tasks: Tasks,
    ) -> None:
        floor = switchboard.floor
        self.web = RecordingsWeb(secret, recordings, clock)
        self.lines = Lines(switchboard, telephony, tasks)
        self.dialler = Dialler(switchboard, directory, database, clock, tasks)
        self.report = FloorReport(floor.seats, lambda: office.queue_card(floor.queue()), newsroom, clock)
        skills = {Skill(skill.id): skill.name for skill in site.info.skills}
        floor_desk = FloorDesk(switchboard, telephony, self.lines, office, keeper, clock, tasks)
        self.counters: tuple[Counter, ...] = (
            CallDesk(switchboard, self.dialler, directory, skills),
            floor_desk,
            RecordingDesk(database, recordings, self.web, self.lines, telephony, clock),
        )

        async def owe(unit: UnitOfWork, contact: ContactId) -> None:
            await callbacks.owe(unit, CallbackKind.PROMISED, contact)

        nailed = NailedPhones(
            switchboard,
            telephony,
            tasks,
            lambda agent: office.notice(agent, Notice(code="notice.line_lost", alarm=True)),
        )
        office.on_seated = lambda agent, nailed_up: nailed.seated(agent, nailed_up=nailed_up)
        for watcher in (self.report, floor_desk, nailed, CallNotes(office, keeper, owe)):
            switchboard.watchers.add(watcher)
        told = newsroom.on_watch

        def watched(topic: Topic) -> None:
            told(topic)
            self.report.watched(topic)

        newsroom.on_watch = watched
        tasks.start("floor report", self.report.run())
