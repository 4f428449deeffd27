"""The desk's one line to the world: a websocket to the server, signed in, kept up, and given up only when refused.

It never raises into the screen. What the server said is folded into `Reception` and announced as `DeskChanged`; a
question is answered with its answer or with `Refused`, whose code is one of `desk.*` where the server was not heard.
"""

import asyncio
import itertools
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from textual.message import Message
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from agent_console.clock import Clock
from agent_console.edits import Edit, Edits
from agent_console.messages import DeskChanged
from agent_console.state import Link, LinkState, Reception
from ivr.calls.vocabulary import PauseReason
from ivr.desk import board
from ivr.desk.envelope import Done, FromDesk, News, Refused, Update
from ivr.desk.wire import (
    PROTOCOL,
    SUBPROTOCOL,
    AnyAnswer,
    AnyFromServer,
    Article,
    Choices,
    Disposition,
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
    RevealReason,
    SearchKnowledge,
    SignIn,
    SignOut,
    Submit,
    TakeSuggestion,
    Welcome,
    decode_from_server,
    encode,
)
from ticketing.views import DraftView
from ticketing.vocabulary import FieldName

logger = logging.getLogger(__name__)

A = TypeVar("A", Done, Hits, Article, Choices, Number)

NOT_CONNECTED: Final = "desk.not_connected"
LATE: Final = "desk.late"
UNHEARD: Final = frozenset({NOT_CONNECTED, LATE})
"""Codes of what the server did not answer: worth asking again."""


class Garbled(Exception):
    """The server said what the protocol does not allow, or an update is missing: the view must be fetched anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """The connection's patience, in seconds. `backoff` are the waits between tries, the last one repeated.

    Each wait is shortened by a random part of `spread`, so that a restarted server is not met by all desks at once.
    """

    backoff: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
    spread: float = 0.25
    opening: float = 5.0
    answer: float = 5.0
    heartbeat: float = 5.0


class Desk:
    """One person's desk. `run` keeps it connected; everything else may be called at any time."""

    def __init__(
        self, server: str, deliver: Callable[[Message], object], clock: Clock, pace: Pace | None = None
    ) -> None:
        self.server = server
        self.edits = Edits()
        self._deliver = deliver
        self._clock = clock
        self._pace = pace or Pace()
        self._reception = Reception()
        self._announced = False
        self._agent = ""
        self._seq = 0
        self._requests = itertools.count(1)
        self._socket: ClientConnection | None = None
        self._waiting: dict[int, asyncio.Future[AnyAnswer]] = {}
        self._saving = asyncio.Lock()
        self._leaving = False

    @property
    def reception(self) -> Reception:
        """All that was received so far."""
        return self._reception

    def collect(self) -> Reception:
        """The answer to `DeskChanged`: all that was received so far; the next change is announced again."""
        self._announced = False
        return self._reception

    async def run(self, agent: str, password: str) -> None:
        """Sign in and stay so, over any number of connections; returns once refused or signed out.

        The password is kept only until the first `Welcome`, whose token resumes this desk from then on.
        """
        if agent != self._agent:
            self.edits.forget()
            self._reception = Reception()
        self._agent = agent
        token = ""
        tries = 0
        while not self._leaving:
            self._put_link(Link(state=LinkState.LOST if tries or token else LinkState.CONNECTING))
            socket: ClientConnection | None = None
            try:
                async with self._connect() as socket:
                    said = await self._greet(socket, token, agent, password)
                    if isinstance(said, Refused):
                        self._put_link(Link(state=LinkState.REFUSED, refused=said))
                        return
                    token, password, tries = said.token, "", 0
                    self._welcome(said, socket)
                    await self._read(socket)
            except (OSError, WebSocketException, msgspec.MsgspecError, Garbled) as lost:
                logger.warning("connection lost: %s", type(lost).__name__)
            finally:
                self._part(socket)
            if not self._leaving:
                await self._wait(tries)
                tries += 1

    def _connect(self) -> connect:
        return connect(
            self.server,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            open_timeout=self._pace.opening,
            close_timeout=1,
            ping_interval=self._pace.heartbeat,
            ping_timeout=self._pace.heartbeat,
            proxy=None,
        )

    async def _greet(self, socket: ClientConnection, token: str, agent: str, password: str) -> Welcome | Refused:
        number = next(self._requests)
        if socket.subprotocol != SUBPROTOCOL:
            return Refused(request=number, code="desk.wrong_server")
        greeting: FromDesk
        if token:
            greeting = Resume(request=number, protocol=PROTOCOL, token=token)
        else:
            greeting = SignIn(request=number, protocol=PROTOCOL, agent=agent, password=password)
        async with asyncio.timeout(self._pace.opening):
            await socket.send(encode(greeting), text=True)
            said = decode_from_server(await socket.recv())
        if isinstance(said, Welcome | Refused):
            return said
        raise Garbled

    def _welcome(self, welcome: Welcome, socket: ClientConnection) -> None:
        try:
            zone = ZoneInfo(welcome.zone)
        except (ZoneInfoNotFoundError, ValueError) as unknown:
            raise Garbled from unknown
        self._seq = welcome.seq
        self._socket = socket
        self._reception = Reception(
            link=Link(state=LinkState.CONNECTED),
            site=welcome.site,
            zone=zone,
            offset=welcome.now - self._clock.now(),
            person=welcome.person,
            view=welcome.view,
        )
        if welcome.view is not None and welcome.view.draft is not None:
            self.edits.settle(welcome.view.draft)
        logger.info("signed in")
        self._announce()

    async def _read(self, socket: ClientConnection) -> None:
        async for data in socket:
            self._receive(decode_from_server(data))

    def _receive(self, message: AnyFromServer) -> None:
        if isinstance(message, Welcome):
            raise Garbled
        if isinstance(message, News):
            newest = {**self._reception.news, type(message): message}
            self._reception = replace(self._reception, news=newest)
            self._announce()
            return
        if not isinstance(message, Update):
            waiting = self._waiting.get(message.request)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
            return
        view = self._reception.view
        if message.seq != self._seq + 1 or view is None:
            raise Garbled
        self._seq = message.seq
        self._reception = replace(self._reception, view=board.apply(view, message))
        if isinstance(message, DraftChanged):
            self.edits.settle(message.draft)
        self._announce()

    def _part(self, socket: ClientConnection | None) -> None:
        if socket is None or self._socket is not socket:
            return  # another sign-in has taken over
        self._socket = None
        for number, waiting in self._waiting.items():
            if not waiting.done():
                waiting.set_result(Refused(request=number, code=NOT_CONNECTED))

    async def _wait(self, tries: int) -> None:
        longest = self._pace.backoff[min(tries, len(self._pace.backoff) - 1)]
        seconds = longest * random.uniform(1 - self._pace.spread, 1)  # noqa: S311 it guards nothing
        self._put_link(Link(state=LinkState.LOST, retry_at=self._clock.now() + timedelta(seconds=seconds)))
        await asyncio.sleep(seconds)

    def _put_link(self, link: Link) -> None:
        self._reception = replace(self._reception, link=link)
        self._announce()

    def _announce(self) -> None:
        if not self._announced:
            self._announced = True
            self._deliver(DeskChanged())

    # ---- what a desk can ask

    async def _ask(self, question: FromDesk, kind: type[A]) -> A | Refused:
        if self._socket is None:
            return Refused(request=question.request, code=NOT_CONNECTED)
        waiting: asyncio.Future[AnyAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[question.request] = waiting
        try:
            async with asyncio.timeout(self._pace.answer):
                await self._socket.send(encode(question), text=True)
                answer = await waiting
        except TimeoutError:
            return Refused(request=question.request, code=LATE)
        except WebSocketException:
            return Refused(request=question.request, code=NOT_CONNECTED)
        finally:
            del self._waiting[question.request]
        if isinstance(answer, kind | Refused):
            return answer
        return Refused(request=question.request, code="desk.bad_answer")

    async def save(self) -> list[Edit]:
        """Send what was typed, field by field, until the server has all of it; returns what it refused just now.

        What cannot be sent now is kept and sent by a later call. Callers wait for one another.
        """
        turned_down: list[Edit] = []
        async with self._saving:
            for edit in self.edits.unsent():
                self.edits.sent(edit, self._draft())
                question = EditField(request=next(self._requests), draft=edit.draft, field=edit.field, value=edit.value)
                try:
                    answer = await self._ask(question, Done)
                except asyncio.CancelledError:
                    self.edits.unanswered(edit)
                    raise
                if isinstance(answer, Done):
                    self.edits.taken(edit, self._draft())
                elif answer.code in UNHEARD:
                    self.edits.unanswered(edit)
                    break
                else:
                    self.edits.refuse(edit, answer)
                    turned_down.append(self.edits.of(edit.draft, edit.field) or edit)
        self._announce()
        return turned_down

    def _draft(self) -> DraftView | None:
        return None if self._reception.view is None else self._reception.view.draft

    async def take_suggestion(self, draft: str, field: FieldName) -> Done | Refused:
        """Let the machine's idea stand, instead of anything typed into that field so far."""
        await self.save()
        answer = await self._ask(TakeSuggestion(request=next(self._requests), draft=draft, field=field), Done)
        if isinstance(answer, Done):
            self.edits.drop(draft, field)
            self._announce()
        return answer

    async def submit(self, draft: str) -> Done | Refused:
        """Save what was typed, then make the draft a work order. Nothing is submitted while an edit may not stand."""
        await self.save()
        number = next(self._requests)
        if self.edits.refused(draft):
            return Refused(request=number, code="desk.mend_first")
        if self.edits.unsaved():
            return Refused(request=number, code=NOT_CONNECTED)
        return await self._ask(Submit(request=number, draft=draft), Done)

    async def go_ready(self) -> Done | Refused:
        """Take calls."""
        return await self._ask(GoReady(request=next(self._requests)), Done)

    async def pause(self, reason: PauseReason) -> Done | Refused:
        """Take no calls."""
        return await self._ask(Pause(request=next(self._requests), reason=reason), Done)

    async def hang_up(self, call: str) -> Done | Refused:
        """End the conversation."""
        return await self._ask(HangUpCall(request=next(self._requests), call=call), Done)

    async def finish(self, call: str, disposition: Disposition) -> Done | Refused:
        """End the wrap-up without a work order."""
        return await self._ask(FinishCall(request=next(self._requests), call=call, disposition=disposition), Done)

    async def sign_out(self) -> Done | Refused:
        """Leave the roster; `run` ends."""
        await self.save()
        answer = await self._ask(SignOut(request=next(self._requests)), Done)
        self._leaving = isinstance(answer, Done)
        return answer

    async def search(self, query: str) -> Hits | Refused:
        """Articles for what was typed."""
        return await self._ask(SearchKnowledge(request=next(self._requests), query=query), Hits)

    async def read(self, article: str) -> Article | Refused:
        """One article."""
        return await self._ask(ReadArticle(request=next(self._requests), article=article), Article)

    async def find_choices(self, field: FieldName, query: str) -> Choices | Refused:
        """What that field could be, for what was typed."""
        return await self._ask(FindChoices(request=next(self._requests), field=field, query=query), Choices)

    async def reveal(self, call: str, reason: RevealReason) -> Number | Refused:
        """The caller's whole number."""
        return await self._ask(RevealNumber(request=next(self._requests), call=call, reason=reason), Number)
