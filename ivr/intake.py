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
from ivr.calls.vocabulary import AgentId, CallId
from ivr.desk.ticket_views import LikelyTicket
from ivr.desk.wire import Ending
from ivr.endings import end
from ivr.keeper import Keeper
from ivr.matters import Matters
from ivr.ports import Clock
from ivr.wording import Writer
from ticketing.casework import Casework
from ticketing.choices import FieldChoices
from ticketing.consequences import DECIDING, consequences
from ticketing.database import Database
from ticketing.drafting.drafter import Drafter
from ticketing.drafts import absorb, edit, new_draft, take
from ticketing.errors import AlreadySubmitted, UnknownId
from ticketing.knowledge.index import KnowledgeIndex
from ticketing.knowledge.suggestions import Suggestions, suggest
from ticketing.masking import mask_number
from ticketing.records import AuditRecord, SegmentRecord, SpokenWord
from ticketing.service import TicketService, ticket_view
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.views import ArticleHit, ArticleView, CallerView, Choice, DraftView, Proposal, TicketView, Utterance
from ticketing.vocabulary import ArticleId, ContactId, FieldName, Speaker, TicketState
from ticketing.work_calendar import WorkCalendar

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

LISTEN_BACK = 6
"""The citizen's last utterances that say what the matter is now."""
ON_THE_WAY = frozenset({TicketState.PENDING_REVIEW, TicketState.PENDING_DISPATCH})
"""The states of a new ticket of whose dispatch its writer is told."""


class Listener(Protocol):
    """Told of every change, on the event loop; must neither block nor raise."""

    def heard(self, call: CallId, hypothesis: Hypothesis) -> None:
        """One party is saying something."""
        ...

    def said(self, call: CallId, segment: Segment) -> None:
        """One party finished an utterance."""
        ...

    def filled(self, call: CallId, gap: Segment, found: tuple[Segment, ...]) -> None:
        """A lost stretch was read again; `found` stand in its place."""
        ...

    def drafted(self, call: CallId, draft: DraftView) -> None:
        """The draft changed."""
        ...

    def suggested(self, call: CallId, hits: tuple[ArticleHit, ...]) -> None:
        """Articles came up."""
        ...

    def resembling(self, call: CallId, likely: tuple[LikelyTicket, ...]) -> None:
        """Tickets that may be the same matter came up, or went."""
        ...

    def submitted(self, call: CallId, agent: AgentId, ticket: TicketView) -> None:
        """The draft is a ticket, or its ticket moved on; the call may be over by then."""
        ...


class CallFile:
    """What the hotline knows of one call in conversation."""

    def __init__(self, call: CallId, arrived_at: datetime, caller_number: str | None) -> None:
        self.call = call
        self.arrived_at = arrived_at
        self.caller_number = caller_number
        self.segments: dict[str, Segment] = {}
        self.filled: set[str] = set()  # gaps read again, which the database may still show
        self.blank = new_draft(f"{call}.draft", call)
        self.draft = self.blank
        self.taken_up = False  # whether what an earlier server left of it has been looked for
        self.suggestions = Suggestions()
        self.ticket: TicketView | None = None
        self.thinking = asyncio.Lock()

    @property
    def hits(self) -> tuple[ArticleHit, ...]:
        """The articles that came up by themselves."""
        return self.suggestions.hits

    @property
    def masked_number(self) -> str:
        """The caller's number as a screen may show it."""
        return mask_number(self.caller_number)

    def utterances(self) -> tuple[Utterance, ...]:
        """What was said, by time, as the drafter reads it."""
        ordered = sorted(self.segments.values(), key=lambda s: (s.start_ms, s.end_ms, s.id))
        return tuple(
            Utterance(id=s.id, speaker=Speaker(s.speaker), start_ms=s.start_ms, end_ms=s.end_ms, text=s.text)
            for s in ordered
            if s.text
        )


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
        casework: Casework,
        matters: Matters,
        writer: Writer | None = None,
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
        self._casework = casework
        self.matters = matters
        matters.on_found = self._found
        self._files: dict[CallId, CallFile] = {}
        self._undelivered: dict[str, tuple[CallId, AgentId]] = {}
        self._changed: dict[CallId, None] = {}
        self._work = asyncio.Event()
        self._writer = writer
        self._to_word: dict[CallId, tuple[tuple[Utterance, ...], Proposal]] = {}
        self._to_word_work = asyncio.Event()
        self.listener: Listener | None = None
        self.on_submitted: Callable[[TicketView], None] = lambda _: None

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
            if record.id not in file.filled:
                file.segments.setdefault(record.id, segment_of(record))
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
        if ticket.dispatched_at is None and ticket.state in ON_THE_WAY:
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
        self.matters.forget(call)

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

    def filled(self, call: CallId, gap: Segment, found: tuple[Segment, ...]) -> None:
        """A lost stretch was read again from the recording: shown, kept and thought about in its place."""
        contact = ContactId(call)

        async def keep(unit: UnitOfWork) -> None:
            await unit.transcripts.replace_lost(contact, gap.id, [_record(segment) for segment in found])

        self._keeper.keep("segments read again", keep)
        file = self._files.get(call)
        if file is None:
            return
        file.filled.add(gap.id)
        file.segments.pop(gap.id, None)
        file.segments.update((segment.id, segment) for segment in found)
        if self.listener is not None:
            self.listener.filled(call, gap, found)
        if found:
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

    async def reword(self) -> None:
        """Have the configured endpoint word title and content, for ever: one call at a time, its newest words only.

        A call in which more was said meanwhile keeps its rule draft until its turn comes again.
        """
        if self._writer is None:
            return
        while True:
            await self._to_word_work.wait()
            call = next(iter(self._to_word))
            utterances, proposal = self._to_word.pop(call)
            if not self._to_word:
                self._to_word_work.clear()
            reworded = await self._writer.better(proposal, utterances)
            file = self._files.get(call)
            if reworded is None or file is None or file.utterances() != utterances:
                continue
            async with file.thinking:
                self._put(file, self._settle(absorb(file.draft, reworded)))

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
        if self._writer is not None and file.draft.reference is None:
            self._to_word[file.call] = (utterances, proposal)
            self._to_word_work.set()
        self._consider(file)
        before, today = file.suggestions, self._today()
        file.suggestions = await self._elsewhere(lambda: suggest(self._index, before, utterances, proposal, today))
        shown = [hit.id for hit in before.hits]
        if [hit.id for hit in file.suggestions.hits] != shown and self.listener is not None:
            self.listener.suggested(file.call, file.suggestions.hits)

    def _consider(self, file: CallFile) -> None:
        """Have the matter looked for among the tickets, while it is no ticket itself."""
        if file.draft.reference is None:
            said = [u.text for u in file.utterances() if u.speaker is Speaker.CITIZEN][-LISTEN_BACK:]
            self.matters.consider(file.call, file.draft, " ".join(said))

    def _found(self, call: CallId, likely: tuple[LikelyTicket, ...]) -> None:
        if call in self._files and self.listener is not None:
            self.listener.resembling(call, likely)

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
        self._consider(file)

    async def take_suggestion(self, call: CallId, field: FieldName) -> None:
        """The agent took the machine's idea. Raises `UnknownId` where there is none, `AlreadySubmitted`."""
        file = self.file(call)
        async with file.thinking:
            self._put(file, self._settle(take(file.draft, field)))
        self._consider(file)

    async def submit(self, call: CallId, agent: AgentId, ending: Ending | None = None) -> TicketView:
        """Make the draft a ticket and put it in the outbox, together or not at all. A second time answers the same.

        With an `ending` it goes another way. Raises `DraftIncomplete` with what is missing, `StepRefused` where the
        matter cannot end so, `DueTimeRefused`, `DatabaseUnavailable`; the draft stays as it is then.
        """
        file = self.file(call)
        async with file.thinking:
            async with UnitOfWork(self._database) as unit:
                ticket = await end(self._service, self._casework, self._site, unit, file.draft, agent, ending)
            self.on_submitted(ticket)
            file.ticket = ticket
            if ticket.dispatched_at is None and ticket.state in ON_THE_WAY:
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
        found = self._index.article(ArticleId(article)) or self._site.article(article)
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


def segment_of(record: SegmentRecord) -> Segment:
    """A kept segment in speech's own terms."""
    return msgspec.convert(msgspec.to_builtins(record), Segment)
