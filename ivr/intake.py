"""Use cases that join a call and its work order: words come in, a draft grows, a person corrects and submits it.

One `CallFile` a call holds what was said and the draft; thinking (the drafter, the search) happens in threads, keeping
goes through the `Keeper`, and every change is told to the listener, which is the desk server.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import date, datetime
from typing import Protocol, TypeVar

import msgspec

from asr.transcript import Hypothesis, Segment
from ivr.call_file import CallFile
from ivr.calls.vocabulary import AgentId, CallId
from ivr.keeper import Keeper
from ivr.ports import Clock
from ticketing.choices import FieldChoices
from ticketing.consequences import DECIDING, consequences
from ticketing.database import Database
from ticketing.drafting.drafter import Drafter
from ticketing.drafts import absorb, edit, take
from ticketing.errors import AlreadySubmitted, UnknownId
from ticketing.knowledge.index import KnowledgeIndex
from ticketing.records import AuditRecord, SegmentRecord, SpokenWord
from ticketing.service import TicketService, ticket_view
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.views import ArticleHit, ArticleView, CallerView, Choice, DraftView, Proposal, TicketView, Utterance
from ticketing.vocabulary import ArticleId, ContactId, FieldName, Speaker
from ticketing.work_calendar import WorkCalendar

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

SUGGESTIONS = 3
"""Articles that come up by themselves."""
SUGGEST_FROM = 6
"""Characters the citizen must have said before articles are looked for."""
LISTEN_BACK = 6
"""The citizen's last utterances that say what the matter is now."""


class Listener(Protocol):
    """Told of every change, on the event loop; must neither block nor raise."""

    def heard(self, call: CallId, hypothesis: Hypothesis) -> None:
        """One party is saying something."""
        ...

    def said(self, call: CallId, segment: Segment) -> None:
        """One party finished an utterance."""
        ...

    def drafted(self, call: CallId, draft: DraftView) -> None:
        """The draft changed."""
        ...

    def suggested(self, call: CallId, hits: tuple[ArticleHit, ...]) -> None:
        """Articles came up."""
        ...

    def submitted(self, call: CallId, agent: AgentId, ticket: TicketView) -> None:
        """The draft is a ticket, or its ticket moved on; the call may be over by then."""
        ...


class Intake:
    """All call files. `run` is its task: it thinks again about the calls in which something was said."""

    def __init__(
        self,
        *,
        database: Database,
        keeper: Keeper,
        site: Site,
        service: TicketService,
        drafter: Drafter,
        index: KnowledgeIndex,
        clock: Clock,
        executor: Executor,
    ) -> None:
        self._database = database
        self._keeper = keeper
        self._site = site
        self._service = service
        self._calendar = WorkCalendar.of_site(site)
        self._choices = FieldChoices(site)
        self._drafter = drafter
        self._index = index
        self._clock = clock
        self._executor = executor
        self._files: dict[CallId, CallFile] = {}
        self._undelivered: dict[str, tuple[CallId, AgentId]] = {}
        self._changed: dict[CallId, None] = {}
        self._work = asyncio.Event()
        self.listener: Listener | None = None
        self.on_submitted: Callable[[], None] = lambda: None

    # ---- a call's life

    async def open(self, call: CallId, arrived_at: datetime, caller_number: str | None) -> tuple[CallFile, CallerView]:
        """Begin a call's file, or take up the one an earlier server left; and what is known of its caller.

        Raises `DatabaseUnavailable`, and `UnknownId` where the database has not heard of the call yet; the file is
        open all the same.
        """
        file = self.opened(call, arrived_at, caller_number)
        if not file.taken_up:
            await self._take_up(file)
        async with UnitOfWork(self._database, reads=True) as unit:
            caller = await self._service.caller(unit, ContactId(call))
        return file, caller

    def opened(self, call: CallId, arrived_at: datetime, caller_number: str | None) -> CallFile:
        """The call's file, begun where there is none, without asking the database: no call is to wait for that."""
        file = self._files.get(call)
        if file is None:
            file = self._files[call] = CallFile(call, arrived_at, caller_number)
        return file

    async def _take_up(self, file: CallFile) -> None:
        contact = ContactId(file.call)
        async with UnitOfWork(self._database, reads=True) as unit:
            segments = await unit.transcripts.segments(contact)
            drafts = await unit.drafts.of_contact(contact)
        for record in segments:
            file.segments.setdefault(record.id, _segment(record))
        if drafts and file.draft == file.blank:
            file.draft = drafts[0]
        if file.segments:
            self._think_about(file.call)
        if file.draft.reference is not None and file.ticket is None:
            await self._take_up_ticket(file, file.draft.reference)
        file.taken_up = True

    def dispose(self, call: CallId, disposition: str) -> None:
        """The call ended without a work order, and why."""
        contact, at = ContactId(call), self._clock.now()

        async def keep(unit: UnitOfWork) -> None:
            await unit.contacts.ended(contact, at=at, disposition=disposition)

        self._keeper.keep("disposition", keep)

    async def _take_up_ticket(self, file: CallFile, reference: str) -> None:
        async with UnitOfWork(self._database, reads=True) as unit:
            ticket = await unit.tickets.get(reference)
        file.ticket = ticket_view(ticket)
        if ticket.dispatched_at is None:
            self._undelivered[reference] = (file.call, AgentId(ticket.created_by))

    def file(self, call: CallId) -> CallFile:
        """The call's file. Raises `UnknownId` where the call has none."""
        try:
            return self._files[call]
        except KeyError:
            raise UnknownId(f"no call {call} is open") from None

    def forget(self, call: CallId) -> None:
        """The call is done; what was kept stays in the database."""
        self._files.pop(call, None)
        self._changed.pop(call, None)

    def heard(self, call: CallId, hypothesis: Hypothesis) -> None:
        """Recognition believes something of a speaker."""
        if call in self._files and self.listener is not None:
            self.listener.heard(call, hypothesis)

    def said(self, call: CallId, segment: Segment) -> None:
        """Recognition finished an utterance: shown, kept and thought about."""
        contact = ContactId(call)

        async def keep(unit: UnitOfWork) -> None:
            await unit.transcripts.add_segments(contact, [_record(segment)])

        self._keeper.keep("segment", keep)
        file = self._files.get(call)
        if file is None:
            return
        file.segments[segment.id] = segment
        if self.listener is not None:
            self.listener.said(call, segment)
        if segment.text:
            self._think_about(call)

    # ---- thinking

    async def run(self) -> None:
        """Draft again, for ever, for whoever said something new; it is always the newest words that are thought of."""
        while True:
            await self._work.wait()
            call = next(iter(self._changed))
            del self._changed[call]
            if not self._changed:
                self._work.clear()
            file = self._files.get(call)
            if file is None:
                continue
            try:
                await self._think(file)
            except Exception as error:  # a fault in drafting one call must not take the draft away from all others
                _log.error("drafting failed for call %s: %s", call, type(error).__name__)

    def _think_about(self, call: CallId) -> None:
        self._changed[call] = None
        self._work.set()

    async def _think(self, file: CallFile) -> None:
        utterances = file.utterances()
        async with file.thinking:
            proposal = await self._elsewhere(
                lambda: self._drafter.propose(utterances, started_at=file.arrived_at, caller_number=file.caller_number)
            )
            self._put(file, self._settle(absorb(file.draft, proposal)))
        hits = await self._elsewhere(lambda: self._suggest(utterances, proposal))
        if hits != file.hits and hits:
            file.hits = hits
            if self.listener is not None:
                self.listener.suggested(file.call, hits)

    def _settle(self, draft: DraftView) -> DraftView:
        """A person's category or place takes agency, urgency and deadline with it, where no person has set those."""
        if draft.reference is not None or not any(draft.fields[name].mine for name in DECIDING):
            return draft
        follow = consequences(self._site, self._calendar, draft.fields, self._clock.now())
        fields = dict(draft.fields)
        for name, idea in follow.items():
            if not fields[name].mine:
                fields[name] = msgspec.structs.replace(
                    fields[name],
                    value=idea.value,
                    label=idea.label,
                    confidence=idea.confidence,
                    alternatives=idea.alternatives,
                    ask=idea.ask,
                )
        if fields == draft.fields:
            return draft
        return msgspec.structs.replace(draft, fields=fields)

    def _suggest(self, utterances: tuple[Utterance, ...], proposal: Proposal) -> tuple[ArticleHit, ...]:
        said = [u.text for u in utterances if u.speaker is Speaker.CITIZEN][-LISTEN_BACK:]
        matter = " ".join(said)
        if len(matter) < SUGGEST_FROM:
            return ()
        category = proposal.fields[FieldName.CATEGORY]
        title = proposal.fields[FieldName.TITLE].value
        query = f"{category.label.rpartition('› ')[2]} {title}" if category.value else matter
        return tuple(self._index.search(query, limit=SUGGESTIONS, on=self._today()))

    def _put(self, file: CallFile, draft: DraftView) -> None:
        """Keep and tell a changed draft."""
        if draft == file.draft:
            return
        file.draft = draft
        at = self._clock.now()

        async def keep(unit: UnitOfWork) -> None:
            try:
                await unit.drafts.save(draft, at)
            except AlreadySubmitted:
                _log.info("a change of a submitted draft was not kept")

        self._keeper.keep("draft", keep)
        if self.listener is not None:
            self.listener.drafted(file.call, draft)

    # ---- what a person does

    async def set_field(self, call: CallId, field: FieldName, value: str) -> None:
        """The agent set a field. Raises `UnknownId` for a value it cannot hold, `AlreadySubmitted`."""
        file = self.file(call)
        value = value.strip()
        label = self._choices.label(field, value)
        async with file.thinking:
            self._put(file, self._settle(edit(file.draft, field, value, label)))

    async def take_suggestion(self, call: CallId, field: FieldName) -> None:
        """The agent took the machine's idea. Raises `UnknownId` where there is none, `AlreadySubmitted`."""
        file = self.file(call)
        async with file.thinking:
            self._put(file, self._settle(take(file.draft, field)))

    async def submit(self, call: CallId, agent: AgentId) -> TicketView:
        """Make the draft a ticket and put it in the outbox, together or not at all. A second time answers the same.

        Raises `DraftIncomplete` with what is missing, `DatabaseUnavailable`; the draft stays as it is then.
        """
        file = self.file(call)
        async with file.thinking:
            async with UnitOfWork(self._database) as unit:
                ticket = await self._service.submit(unit, file.draft, agent, file.draft.id)
            self.on_submitted()
            file.ticket = ticket
            if ticket.dispatched_at is None:
                self._undelivered[ticket.reference] = (call, agent)
            file.draft = msgspec.structs.replace(file.draft, reference=ticket.reference)
            if self.listener is not None:
                self.listener.drafted(call, file.draft)
                self.listener.submitted(call, agent, ticket)
        return ticket

    def dispatched(self, ticket: TicketView) -> None:
        """A ticket reached its agency: whoever wrote it is told."""
        if (waiting := self._undelivered.pop(ticket.reference, None)) is None:
            return
        call, agent = waiting
        if (file := self._files.get(call)) is not None:
            file.ticket = ticket
        if self.listener is not None:
            self.listener.submitted(call, agent, ticket)

    def choices(self, field: FieldName, query: str) -> tuple[Choice, ...]:
        """What a field could be. Raises `UnknownId` for a field that holds text."""
        return self._choices.find(field, query)

    async def search(self, query: str) -> tuple[ArticleHit, ...]:
        """Knowledge, as typed."""
        return tuple(await self._elsewhere(lambda: self._index.search(query, limit=9, on=self._today())))

    def article(self, article: str) -> ArticleView:
        """An article to read. Raises `UnknownId`."""
        found = self._site.article(ArticleId(article))
        today = self._today()
        return ArticleView(
            id=found.id,
            title=found.title,
            answer=found.answer,
            kind=found.kind,
            category_code=found.category_code,
            agency=self._site.agency(found.agency_id).short_name,
            valid_from=found.valid_from,
            valid_to=found.valid_to,
            expired=found.expired(today),
        )

    async def number(self, call: CallId, agent: AgentId, why: str) -> str:
        """The caller's whole number; who saw it and why is in the audit before it is shown."""
        file = self.file(call)
        async with UnitOfWork(self._database) as unit:
            await unit.audits.add(
                AuditRecord(
                    at=self._clock.now(),
                    actor=agent,
                    action="reveal_number",
                    subject_kind="contact",
                    subject_id=call,
                    why=why,
                )
            )
        return file.caller_number or ""

    def _today(self) -> date:
        return self._clock.now().astimezone(self._site.zone).date()

    async def _elsewhere(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def _record(segment: Segment) -> SegmentRecord:
    return SegmentRecord(
        id=segment.id,
        speaker=Speaker(segment.speaker),
        start_ms=segment.start_ms,
        end_ms=segment.end_ms,
        text=segment.text,
        spoken=segment.spoken,
        words=msgspec.convert(msgspec.to_builtins(segment.words), tuple[SpokenWord, ...]),
        lost=segment.lost,
    )


def _segment(record: SegmentRecord) -> Segment:
    return msgspec.convert(msgspec.to_builtins(record), Segment)
