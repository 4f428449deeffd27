"""A scripted hotline server for desks: speaks `ivr.desk.wire` over a real websocket on the loopback interface.

It keeps one `DeskView`, answers every request as the wire says it is answered, and writes down all it received. A test
moves the view with `tell`, and breaks things with `refuse`, `hold`, `drop` and `stop`.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self, TypeVar, assert_never

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ivr.calls.vocabulary import AgentId, AgentState, CallState
from ivr.desk import board
from ivr.desk.envelope import Done, FromDesk, FromServer, Refused
from ivr.desk.staff import Staff
from ivr.desk.views import DeskView
from ivr.desk.wire import (
    PROTOCOL,
    SUBPROTOCOL,
    AgentChanged,
    AnyFromDesk,
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
    Hits,
    Number,
    Pause,
    ReadArticle,
    Resume,
    RevealNumber,
    SearchKnowledge,
    SeatRequest,
    SignIn,
    SignOut,
    Submit,
    Submitted,
    TakeSuggestion,
    Unwatch,
    Watch,
    Welcome,
    decode_from_desk,
    encode,
)
from ticketing.views import ArticleHit, ArticleView, Choice, DraftField, DraftView, TicketView
from ticketing.vocabulary import FieldName, Role

Said = TypeVar("Said", bound=FromDesk)


@dataclass
class DeskServer:
    """One account, one view. `port` 0 takes any free one; `stop` and `start` keep it."""

    view: DeskView
    now: datetime
    agent: str = "1001"
    password: str = "open sesame"
    role: Role = Role.AGENT
    extension: str | None = "8001"
    site: str = "运城12345"
    zone: str = "Asia/Shanghai"
    port: int = 0
    subprotocol: str = SUBPROTOCOL
    articles: tuple[ArticleView, ...] = ()
    choices: dict[FieldName, tuple[Choice, ...]] = field(default_factory=dict)
    number: str = "13812345678"
    required: tuple[FieldName, ...] = (FieldName.CATEGORY, FieldName.LEAD_AGENCY, FieldName.TITLE, FieldName.CONTENT)
    answers: dict[type[FromDesk], Callable[[int], FromServer]] = field(default_factory=dict)
    received: list[AnyFromDesk] = field(default_factory=list)
    connections: int = 0
    seq: int = 0

    def __post_init__(self) -> None:
        self._token = "token-1"
        self._refusals: dict[type[FromDesk], Refused] = {}
        self._held: dict[type[FromDesk], asyncio.Event] = {}
        self._socket: ServerConnection | None = None
        self._server: Server | None = None

    # ---- life

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for event in self._held.values():
            event.set()
        await self.stop()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen."""
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            subprotocols=[Subprotocol(self.subprotocol)],
            select_subprotocol=self._select,
            close_timeout=1,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    def _select(self, socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        """A server of another protocol takes the connection and speaks its own."""
        own = Subprotocol(self.subprotocol)
        return own if own in offered else None

    async def stop(self) -> None:
        """Drop the desk and listen no more."""
        self.drop()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def drop(self) -> None:
        """Cut the connection without a word, as a pulled cable does."""
        if self._socket is not None:
            self._socket.transport.abort()
            self._socket = None

    # ---- the script

    def refuse(self, kind: type[FromDesk], code: str, **params: str) -> None:
        """Refuse the next requests of this kind."""
        self._refusals[kind] = Refused(request=0, code=code, params=params)

    def allow(self, kind: type[FromDesk]) -> None:
        """Refuse them no more."""
        del self._refusals[kind]

    def hold(self, kind: type[FromDesk]) -> asyncio.Event:
        """Do not answer requests of this kind until the event is set."""
        self._held[kind] = asyncio.Event()
        return self._held[kind]

    def forget_token(self) -> None:
        """As a server does that was restarted without its memory."""
        self._token = f"{self._token}x"

    def heard(self, kind: type[Said]) -> list[Said]:
        """What of this kind was received."""
        return [message for message in self.received if isinstance(message, kind)]

    async def tell(self, *updates: AnyUpdate) -> None:
        """Change the view, and the desk's with it if it is connected; `seq` is filled in here."""
        for update in updates:
            self.seq += 1
            numbered = msgspec.structs.replace(update, seq=self.seq)
            self.view = board.apply(self.view, numbered)
            await self._say(numbered)

    async def say_raw(self, data: str) -> None:
        """Say something that may not be of the protocol."""
        assert self._socket is not None
        await self._socket.send(data)

    async def lose(self, update: AnyUpdate) -> None:
        """Change the view with an update that never reaches the desk."""
        self.seq += 1
        self.view = board.apply(self.view, msgspec.structs.replace(update, seq=self.seq))

    # ---- the protocol

    async def _say(self, message: FromServer) -> None:
        if self._socket is not None:
            try:
                await self._socket.send(encode(message), text=True)
            except ConnectionClosed:
                self._socket = None

    async def _serve(self, socket: ServerConnection) -> None:
        self.connections += 1
        try:
            greeting = decode_from_desk(await socket.recv())
            self.received.append(greeting)
            refused = self._turn_away(greeting)
            if refused is not None:
                await socket.send(encode(refused), text=True)
                return
            welcome = Welcome(
                request=greeting.request,
                token=self._token,
                person=Staff(id=AgentId(self.agent), name="话务员甲", role=self.role, extension=self.extension),
                site=self.site,
                zone=self.zone,
                now=self.now,
                seq=self.seq,
                view=self.view,
            )
            await socket.send(encode(welcome), text=True)
            self._socket = socket
            async with asyncio.TaskGroup() as group:
                await self._listen(socket, group)
        except ConnectionClosed:
            pass  # the desk went away before it had greeted
        finally:
            if self._socket is socket:
                self._socket = None

    async def _listen(self, socket: ServerConnection, group: asyncio.TaskGroup) -> None:
        answers: list[asyncio.Task[None]] = []
        try:
            async for data in socket:
                message = decode_from_desk(data)
                self.received.append(message)
                name = f"answer {type(message).__name__}"
                answers.append(group.create_task(self._answer(message, socket), name=name))
        except ConnectionClosed:
            pass  # the desk went away, or a test cut it off
        finally:
            for answer in answers:
                answer.cancel()

    def _turn_away(self, greeting: AnyFromDesk) -> Refused | None:
        scripted = self._refusals.get(type(greeting))
        if scripted is not None:
            return msgspec.structs.replace(scripted, request=greeting.request)
        match greeting:
            case SignIn(protocol=protocol) | Resume(protocol=protocol) if protocol != PROTOCOL:
                params = {"desk": str(protocol), "server": str(PROTOCOL)}
                return Refused(request=greeting.request, code="refused.protocol", params=params)
            case SignIn(agent=agent, password=password):
                known = (agent, password) == (self.agent, self.password)
                return None if known else Refused(request=greeting.request, code="refused.bad_credentials")
            case Resume(token=token):
                return None if token == self._token else Refused(request=greeting.request, code="refused.token_unknown")
            case _:
                return Refused(request=greeting.request, code="refused.not_signed_in")

    async def _answer(self, message: AnyFromDesk, socket: ServerConnection) -> None:
        held = self._held.get(type(message))
        if held is not None:
            await held.wait()
        refused = self._refusals.get(type(message))
        if refused is not None:
            await self._say(msgspec.structs.replace(refused, request=message.request))
            return
        await self._say(await self._carry_out(message))
        if isinstance(message, SignOut):
            await socket.close()

    async def _carry_out(self, message: AnyFromDesk) -> FromServer:
        number = message.request
        match message:
            case SignIn() | Resume():
                return Refused(request=number, code="refused.not_allowed")
            case GoReady():
                await self._put_agent(AgentState.AVAILABLE)
            case Pause(reason=reason):
                busy = self.view.agent.state in (AgentState.ON_CALL, AgentState.WRAP_UP)
                state = self.view.agent.state if busy else AgentState.PAUSED
                agent = msgspec.structs.replace(self.view.agent, state=state, pause_reason=reason)
                await self.tell(AgentChanged(seq=0, agent=agent))
            case SignOut():
                if self.view.agent.state is AgentState.ON_CALL:
                    return Refused(request=number, code="refused.on_call")
            case HangUpCall():
                if self.view.call is None:
                    return Refused(request=number, code="refused.no_call")
                ended = msgspec.structs.replace(self.view.call, state=CallState.WRAP_UP, ended_at=self.now)
                await self.tell(CallChanged(seq=0, call=ended))
                await self._put_agent(AgentState.WRAP_UP)
            case EditField(field=name, value=value):
                return await self._edit(message.request, message.draft, name, value)
            case TakeSuggestion(field=name):
                return await self._take(message.request, name)
            case Submit():
                return await self._submit(message.request)
            case FinishCall(call=call):
                await self.tell(CallCleared(seq=0, call=call))
                await self._put_agent(AgentState.AVAILABLE)
            case SearchKnowledge(query=query):
                hits = tuple(
                    ArticleHit(id=a.id, title=a.title, score=1.0, snippet="", expired=a.expired)
                    for a in self.articles
                    if query in a.title or query in a.answer
                )
                return Hits(request=number, query=query, hits=hits)
            case ReadArticle(article=article):
                found = [a for a in self.articles if a.id == article]
                if not found:
                    return Refused(request=number, code="refused.unknown_article")
                return Article(request=number, article=found[0])
            case FindChoices(field=name, query=query):
                choices = tuple(c for c in self.choices.get(name, ()) if query in c.label)
                return Choices(request=number, field=name, choices=choices)
            case RevealNumber():
                return Number(request=number, number=self.number, for_ms=15_000)
            case Watch() | Unwatch():
                pass
            case _ if (scripted := self.answers.get(type(message))) is not None:
                return scripted(number)
            case _ if not isinstance(message, SeatRequest):
                return Refused(request=number, code="refused.not_allowed")
            case _:
                assert_never(message)
        return Done(request=number)

    async def _put_agent(self, state: AgentState) -> None:
        agent = self.view.agent
        wanted = agent.pause_reason if state is AgentState.AVAILABLE and agent.state is AgentState.WRAP_UP else None
        if wanted is not None:
            agent = msgspec.structs.replace(agent, state=AgentState.PAUSED, since=self.now)
        else:
            kept = agent.pause_reason if state is AgentState.WRAP_UP else None
            agent = msgspec.structs.replace(agent, state=state, since=self.now, pause_reason=kept)
        await self.tell(AgentChanged(seq=0, agent=agent))

    def _label(self, name: FieldName, value: str) -> str:
        labels = {choice.value: choice.label for choice in self.choices.get(name, ())}
        return "、".join(labels.get(part, part) for part in value.split("|")) if name in self.choices else value

    async def _put_field(self, draft: DraftView, name: FieldName, changed: DraftField) -> None:
        fields = draft.fields | {name: changed}
        await self.tell(
            DraftChanged(seq=0, draft=msgspec.structs.replace(draft, fields=fields, revision=draft.revision + 1))
        )

    async def _edit(self, number: int, named: str, name: FieldName, value: str) -> Done | Refused:
        draft = self.view.draft
        if draft is None or draft.id != named:
            return Refused(request=number, code="refused.draft_unknown")
        if draft.reference is not None:
            params = {"reference": draft.reference}
            return Refused(request=number, code="refused.already_submitted", params=params)
        if name is FieldName.CALLBACK_PHONE:
            value = "".join(character for character in value if character.isdigit())
        old = draft.fields.get(name, DraftField())
        label = self._label(name, value)
        changed = msgspec.structs.replace(old, value=value, label=label, confidence=1.0, mine=True, ask="")
        if changed != old:
            await self._put_field(draft, name, changed)
        return Done(request=number)

    async def _take(self, number: int, name: FieldName) -> Done | Refused:
        draft = self.view.draft
        idea = None if draft is None else draft.fields[name].suggestion
        if draft is None or idea is None:
            return Refused(request=number, code="refused.no_suggestion")
        taken = DraftField(value=idea.value, label=idea.label, confidence=idea.confidence, mine=True)
        await self._put_field(draft, name, taken)
        return Done(request=number)

    async def _submit(self, number: int) -> Done | Refused:
        draft, call = self.view.draft, self.view.call
        if draft is None:
            return Refused(request=number, code="refused.draft_unknown")
        missing = [name for name in self.required if not draft.fields.get(name, DraftField()).value]
        if missing:
            return Refused(request=number, code="refused.draft_incomplete", params={"fields": "|".join(missing)})
        if draft.reference is None:
            ticket = TicketView(
                reference="2611210042",
                title=draft.fields[FieldName.TITLE].value,
                state="dispatched",
                request_type=draft.fields[FieldName.REQUEST_TYPE].value,
                category=draft.fields[FieldName.CATEGORY].label,
                lead_agency_id=draft.fields[FieldName.LEAD_AGENCY].value,
                lead_agency=draft.fields[FieldName.LEAD_AGENCY].label,
                due_at=self.now + timedelta(hours=24),
                created_at=self.now,
                dispatched_at=self.now,
            )
            await self.tell(
                DraftChanged(seq=0, draft=msgspec.structs.replace(draft, reference=ticket.reference)),
                Submitted(seq=0, ticket=ticket),
            )
        if call is not None and call.state is CallState.WRAP_UP:
            await self.tell(CallCleared(seq=0, call=call.id))
            await self._put_agent(AgentState.AVAILABLE)
        return Done(request=number)
