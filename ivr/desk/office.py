"""What desks see and may do: every agent's view, kept from what the floor and the intake tell, and every request.

Rights are decided here: an agent acts on their own call and draft, and on nobody else's.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import assert_never

from asr.transcript import Hypothesis, Segment
from ivr.call_file import CallFile
from ivr.calls.errors import AgentUnknown, MoveRefused
from ivr.calls.events import Recorded
from ivr.calls.roster import BOUND
from ivr.calls.roster import Seat as Place
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.calls.vocabulary import AgentId, AgentState, CallId, CallState, PauseReason
from ivr.desk.cards import agent_card, for_screen
from ivr.desk.envelope import Done, FromServer
from ivr.desk.rates import Today
from ivr.desk.refusal import Refusal
from ivr.desk.seats import Seat
from ivr.desk.views import CallCard, DeskView, Notice, QueueCard, Rate
from ivr.desk.wire import (
    AgentChanged,
    AnyUpdate,
    Article,
    CallChanged,
    CallCleared,
    Choices,
    DraftChanged,
    EditField,
    FindChoices,
    FinishCall,
    GoReady,
    HangUpCall,
    Heard,
    Hits,
    Noticed,
    Number,
    Pause,
    QueueChanged,
    ReadArticle,
    RevealNumber,
    Said,
    SearchKnowledge,
    SeatRequest,
    SignOut,
    Submit,
    Submitted,
    Suggested,
    TakeSuggestion,
)
from ivr.floor import AgentFloor
from ivr.intake import Intake
from ivr.ports import AsteriskUnavailable
from ticketing.errors import AlreadySubmitted, DatabaseUnavailable, DraftIncomplete, UnknownId
from ticketing.views import ArticleHit, CallerView, DraftView, TicketView

_log = logging.getLogger(__name__)

NUMBER_SHOWN_MS = 20_000
"""How long a revealed number may stand on a screen."""

LOOK_UP_S = 0.5
"""How long a call may wait for what is known of its caller before its card is shown without."""

LOOK_AGAIN_S = 1.0
"""How often the callers of such calls are looked up again."""

STRANGER = CallerView(earlier_calls=0, open_tickets=0, last_ticket=None)


_BY_THE_MACHINE = {
    PauseReason.NO_ANSWER: "notice.missed_call",
    PauseReason.UNREACHABLE: "notice.phone_unreachable",
}
"""What an agent is told whom the machine has paused."""


SEATLESS = frozenset({SearchKnowledge, ReadArticle, FindChoices})
"""What a person without a seat at the phones may ask too."""


class Office:
    """All seats. A watcher of the switchboard and the listener of the intake; asked by desks. `run` is its task."""

    def __init__(self, floor: AgentFloor, intake: Intake, today: Today) -> None:
        self._floor = floor
        self._intake = intake
        self._today = today
        self._seats: dict[AgentId, Seat] = {}
        self._agents: dict[CallId, AgentId] = {}
        self._callers: dict[CallId, CallerView] = {}
        self._news: dict[CallId, CallSeen] = {}  # the newest of each call: bounded by the calls that stand
        self._strangers: dict[CallId, CallSeen] = {}  # shown before their callers could be looked up
        self._look_at = 0.0
        self._work = asyncio.Event()
        self._cut_off = False
        intake.listener = self

    # ---- desks come and go

    def desk_came(self, agent: AgentId) -> Seat:
        """A desk of this agent connected. Raises `Refusal`, too where the running floor has no such seat yet."""
        try:
            self._floor.sign_in(agent)
        except (MoveRefused, AgentUnknown):
            raise Refusal("refused.not_allowed") from None
        return self._seat(agent)

    def _seat(self, agent: AgentId) -> Seat:
        seat = self._seats.get(agent)
        if seat is None:
            view = DeskView(agent=agent_card(self._floor.seat(agent)), queue=self._queue_card(self._floor.queue()))
            seat = self._seats[agent] = Seat(view)
        return seat

    # ---- told by the switchboard

    def agent_changed(self, seat: Place) -> None:
        """See `watchers.Watcher`."""
        if (own := self._seats.get(seat.agent.id)) is None:
            return
        card = agent_card(seat)
        own.tell(lambda seq: AgentChanged(seq=seq, agent=card))
        reason = seat.pause_reason if seat.state is AgentState.PAUSED else None
        if reason in _BY_THE_MACHINE:
            self.notice(seat.agent.id, Notice(code=_BY_THE_MACHINE[reason], alarm=True))

    def queue_changed(self, queue: QueueSeen) -> None:
        """See `watchers.Watcher`."""
        card = self._queue_card(queue)
        for seat in self._seats.values():
            seat.tell(lambda seq: QueueChanged(seq=seq, queue=card))

    def recorded(self, record: Recorded) -> None:
        """See `watchers.Watcher`."""
        self._today.add(record)

    def link_changed(self, *, up: bool) -> None:
        """See `watchers.Watcher`. The first connection is no news."""
        if up and not self._cut_off:
            return
        self._cut_off = not up
        notice = Notice(code="notice.telephony_back") if up else Notice(code="notice.telephony_lost", alarm=True)
        for agent in self._seats:
            self.notice(agent, notice)

    def call_changed(self, call: CallSeen) -> None:
        """See `watchers.Watcher`."""
        self._news[call.call] = call
        self._work.set()

    async def run(self) -> None:
        """Bring calls to desks and away from them, for ever; what is superseded meanwhile is passed over."""
        clock = asyncio.get_running_loop().time
        while True:
            if self._strangers and clock() >= self._look_at:
                try:
                    await self._look_again()
                except Exception as error:  # a card without its caller must not keep other calls from their desks
                    _log.error("callers not looked up: %s", type(error).__name__)
                self._look_at = clock() + LOOK_AGAIN_S
            try:
                async with asyncio.timeout_at(self._look_at if self._strangers else None):
                    await self._work.wait()
            except TimeoutError:
                continue
            call = self._news.pop(next(iter(self._news)))
            if not self._news:
                self._work.clear()
            try:
                await self._moved(call)
            except Exception as error:  # one desk's fault must not keep the next call from its desk
                _log.error("call %s did not reach its desk: %s", call.call, type(error).__name__)

    async def _moved(self, news: CallSeen) -> None:
        before = self._agents.get(news.call)
        shown = news.state in (CallState.OFFERED, CallState.CONNECTED, CallState.WRAP_UP) and not news.over
        at_desk = news.agent if shown else None
        if before is not None and before != at_desk:
            self._clear(before, news.call)
            if news.state is CallState.ABANDONED:
                self.notice(before, Notice(code="notice.offer_withdrawn"))
        if at_desk is not None and before != at_desk:
            await self._pop(at_desk, news)
        elif at_desk is not None:
            self._show(at_desk, news)
        if news.over:
            self._intake.forget(news.call)
            self._callers.pop(news.call, None)
            self._strangers.pop(news.call, None)

    def _queue_card(self, queue: QueueSeen) -> QueueCard:
        measures = self._today.measures()
        return QueueCard(
            waiting=queue.waiting,
            oldest_since=queue.oldest_since,
            answered=Rate(part=measures.answer_rate.part, of=measures.answer_rate.of),
            answered_in_15s=Rate(part=measures.service_level().part, of=measures.service_level().of),
        )

    async def _pop(self, agent: AgentId, news: CallSeen) -> None:
        """The call comes to a desk: its card, and what was said and drafted before (a restarted server, a transfer)."""
        self._agents[news.call] = agent
        try:
            file = await self._look_up(news)
        except (DatabaseUnavailable, UnknownId, TimeoutError) as why:
            _log.warning("caller of call %s not looked up yet: %s", news.call, type(why).__name__)
            self._strangers[news.call] = news
            self._look_at = asyncio.get_running_loop().time() + LOOK_AGAIN_S
            self._callers.setdefault(news.call, STRANGER)
            file = self._intake.opened(news.call, news.arrived_at, news.caller_number)
        if self._agents.get(news.call) != agent:
            return  # withdrawn while it was looked up
        self._show(agent, news)
        self._refill(agent, file)

    async def _look_up(self, news: CallSeen) -> CallFile:
        """The call's file, its caller noted.

        Raises `DatabaseUnavailable`, TimeoutError, and `UnknownId` where the database has not heard of the call yet.
        """
        async with asyncio.timeout(LOOK_UP_S):
            file, caller = await self._intake.open(news.call, news.arrived_at, news.caller_number)
        self._callers[news.call] = caller
        return file

    async def _look_again(self) -> None:
        for call, news in list(self._strangers.items()):
            try:
                file = await self._look_up(news)
            except UnknownId:
                continue
            except (DatabaseUnavailable, TimeoutError):
                return  # it would be so for the others too
            shown = self._strangers.pop(call, None)
            agent = self._agents.get(call)
            if shown is not None and agent is not None:
                self._show(agent, shown)
                self._refill(agent, file)

    def _refill(self, agent: AgentId, file: CallFile) -> None:
        seat = self._seat(agent)
        for segment in file.segments.values():
            seat.tell(lambda seq, segment=segment: Said(seq=seq, segment=segment))  # type: ignore[misc]
        draft = for_screen(file.draft, file.caller_number)
        seat.tell(lambda seq: DraftChanged(seq=seq, draft=draft))
        if file.hits:
            seat.tell(lambda seq: Suggested(seq=seq, hits=file.hits))
        if (ticket := file.ticket) is not None:
            seat.tell(lambda seq: Submitted(seq=seq, ticket=ticket))

    def _show(self, agent: AgentId, news: CallSeen) -> None:
        if news.call in self._strangers:
            self._strangers[news.call] = news
        card = CallCard(
            id=news.call,
            state=news.state,
            masked_number=self._intake.file(news.call).masked_number,
            caller=self._callers[news.call],
            arrived_at=news.arrived_at,
            answered_at=news.answered_at,
            ended_at=news.ended_at,
            hearing=news.state is not CallState.CONNECTED or bool(news.hearing),
        )
        self._seat(agent).tell(lambda seq: CallChanged(seq=seq, call=card))

    def _clear(self, agent: AgentId, call: CallId) -> None:
        self._agents.pop(call, None)
        self._seat(agent).tell(lambda seq: CallCleared(seq=seq, call=call))

    def notice(self, agent: AgentId, notice: Notice) -> None:
        """A word for one agent."""
        if (seat := self._seats.get(agent)) is not None:
            seat.tell(lambda seq: Noticed(seq=seq, notice=notice))

    # ---- told by the intake

    def heard(self, call: CallId, hypothesis: Hypothesis) -> None:
        """See `intake.Listener`."""
        self._tell(call, lambda seq: Heard(seq=seq, hypothesis=hypothesis))

    def said(self, call: CallId, segment: Segment) -> None:
        """See `intake.Listener`."""
        self._tell(call, lambda seq: Said(seq=seq, segment=segment))

    def drafted(self, call: CallId, draft: DraftView) -> None:
        """See `intake.Listener`."""
        shown = for_screen(draft, self._intake.file(call).caller_number)
        self._tell(call, lambda seq: DraftChanged(seq=seq, draft=shown))

    def suggested(self, call: CallId, hits: tuple[ArticleHit, ...]) -> None:
        """See `intake.Listener`."""
        self._tell(call, lambda seq: Suggested(seq=seq, hits=hits))

    def submitted(self, call: CallId, agent: AgentId, ticket: TicketView) -> None:
        """See `intake.Listener`. Where the desk shows another call by now, a word is said instead."""
        if (seat := self._seats.get(agent)) is None:
            return
        shown = seat.view.ticket
        if self._agents.get(call) == agent or (shown is not None and shown.reference == ticket.reference):
            seat.tell(lambda seq: Submitted(seq=seq, ticket=ticket))
        elif ticket.dispatched_at is not None:
            params = {"reference": ticket.reference, "agency": ticket.lead_agency}
            self.notice(agent, Notice(code="notice.ticket_dispatched", params=params))

    def _tell(self, call: CallId, make: Callable[[int], AnyUpdate]) -> None:
        if (agent := self._agents.get(call)) is not None:
            self._seat(agent).tell(make)

    # ---- asked by desks

    async def carry_out(self, agent: AgentId, message: SeatRequest) -> FromServer:
        """Do what a signed-in desk asks. Raises `Refusal`."""
        try:
            return await self._carry_out(agent, message)
        except MoveRefused:
            bound = self._floor.seat(agent).state in BOUND
            raise Refusal("refused.on_call" if bound else "refused.not_allowed") from None
        except DraftIncomplete as why:
            raise Refusal("refused.draft_incomplete", fields="|".join(why.missing)) from None
        except AlreadySubmitted as why:
            raise Refusal("refused.already_submitted", reference=why.reference) from None
        except DatabaseUnavailable:
            raise Refusal("refused.unavailable") from None
        except AsteriskUnavailable:
            raise Refusal("refused.telephony_unavailable") from None

    async def _carry_out(self, agent: AgentId, message: SeatRequest) -> FromServer:
        request = message.request
        match message:
            case GoReady():
                self._floor.ready(agent)
            case Pause(reason=reason):
                self._floor.pause(agent, reason)
            case SignOut():
                self._floor.sign_out(agent)
            case HangUpCall(call=call):
                self._own_call(agent, call)
                self._floor.hang_up(agent)
            case FinishCall(call=call):
                await self._finish(agent, self._own_call(agent, call), message.disposition)
            case Submit(draft=draft):
                await self._submit(agent, draft)
            case EditField() | TakeSuggestion():
                await self._correct(agent, message)
            case SearchKnowledge(query=query):
                return Hits(request=request, query=query, hits=await self._intake.search(query))
            case ReadArticle(article=article):
                try:
                    return Article(request=request, article=self._intake.article(article))
                except UnknownId:
                    raise Refusal("refused.unknown_article") from None
            case FindChoices(field=field, query=query):
                try:
                    return Choices(request=request, field=field, choices=self._intake.choices(field, query))
                except UnknownId:
                    raise Refusal("refused.bad_value") from None
            case RevealNumber(call=call, reason=reason):
                number = await self._intake.number(self._own_call(agent, call), agent, reason)
                return Number(request=request, number=number, for_ms=NUMBER_SHOWN_MS)
            case _:
                assert_never(message)
        return Done(request=request)

    async def _correct(self, agent: AgentId, message: EditField | TakeSuggestion) -> None:
        call = self._call_of_draft(agent, message.draft)
        try:
            if isinstance(message, EditField):
                await self._intake.set_field(call, message.field, message.value)
            else:
                await self._intake.take_suggestion(call, message.field)
        except UnknownId:
            edited = isinstance(message, EditField)
            raise Refusal("refused.bad_value" if edited else "refused.no_suggestion") from None

    async def _submit(self, agent: AgentId, draft: str) -> None:
        call = self._call_of_draft(agent, draft)
        try:
            await self._intake.submit(call, agent)
        except UnknownId:
            raise Refusal("refused.bad_value") from None
        if self._floor.seat(agent).state is AgentState.WRAP_UP:
            self._floor.finish_wrap_up(agent)

    async def _finish(self, agent: AgentId, call: CallId, disposition: str) -> None:
        if self._floor.seat(agent).state is not AgentState.WRAP_UP:
            raise Refusal("refused.not_in_wrap_up")
        self._intake.dispose(call, disposition)
        self._floor.finish_wrap_up(agent)

    def _own_call(self, agent: AgentId, call: str) -> CallId:
        if self._agents.get(CallId(call)) != agent:
            raise Refusal("refused.call_gone")
        return CallId(call)

    def _call_of_draft(self, agent: AgentId, draft: str) -> CallId:
        for call, owner in self._agents.items():
            if owner == agent and self._intake.file(call).draft.id == draft:
                return call
        raise Refusal("refused.draft_unknown")
