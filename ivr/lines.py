"""Phones of ours rung for something other than a citizen's call: a supervisor listens in, or hears a recording.

A line has one leg and a name like a call's, under which telephony keeps its bridges and the roster its person. It ends
when the phone is put down, when it is closed, or with the server; whatever of it stands then is hung up.
"""

import asyncio
import itertools
import logging
import uuid
from collections.abc import Callable

from ivr.calls.errors import AgentUnknown, MoveRefused
from ivr.calls.events import AnyEvent, LegAnswered, LegHungUp, PlaybackFinished
from ivr.calls.vocabulary import AgentId, CallId, HangupCause, LegId, OfferOutcome, Party, PlaybackId
from ivr.desk.refusal import Refusal
from ivr.ports import HotlineError, Telephony
from ivr.switchboard import Switchboard, line_leg
from ivr.tasks import Tasks

_log = logging.getLogger(__name__)

RING_MS = 20_000
GRACE_MS = 2_000
VERB_S = 5.0


class Line:
    """One phone off the hook. `finished` is told of each playback that ended.

    `decided` is set once the phone is answered or the line is over, `gone` once nothing of it is left.
    """

    def __init__(self, line: CallId, agent: AgentId) -> None:
        self.id = line
        self.leg: LegId = line_leg(line)
        self.agent = agent
        self.answered = asyncio.Event()
        self.ended = asyncio.Event()
        self.decided = asyncio.Event()
        self.gone = asyncio.Event()
        self.finished: Callable[[PlaybackId], None] = lambda playback: None
        self._numbers = itertools.count(1)

    def next_playback(self) -> PlaybackId:
        """A playback's name, used once."""
        return PlaybackId(f"{self.id}-play-{next(self._numbers)}")

    def end(self) -> None:
        """It is over, or shall be."""
        self.ended.set()
        self.decided.set()

    def hears(self, event: AnyEvent) -> None:
        """What the switchboard hears of it."""
        match event:
            case LegAnswered():
                self.answered.set()
                self.decided.set()
            case LegHungUp():
                self.end()
            case PlaybackFinished(playback=playback):
                self.finished(playback)
            case _:
                pass  # ringing and keys mean nothing here


class Lines:
    """All lines that stand, one a person at most."""

    def __init__(self, switchboard: Switchboard, telephony: Telephony, tasks: Tasks) -> None:
        self._switchboard = switchboard
        self._telephony = telephony
        self._tasks = tasks
        self._lines: dict[AgentId, Line] = {}

    def of(self, agent: AgentId) -> Line | None:
        """The person's line, if it is up."""
        line = self._lines.get(agent)
        return None if line is None or line.ended.is_set() or not line.answered.is_set() else line

    async def open(self, agent: AgentId) -> Line:
        """The person's line; their phone rings where it is not up. Raises `Refusal`."""
        if (standing := self.of(agent)) is not None:
            return standing
        if agent in self._lines:
            raise Refusal("refused.phone_not_answered")  # it rings already
        line = Line(CallId(f"line-{uuid.uuid4()}"), agent)
        try:
            seat = self._switchboard.floor.lend_self(agent, line.id)
        except AgentUnknown:
            raise Refusal("refused.no_phone") from None
        except MoveRefused:
            raise Refusal("refused.on_call") from None
        self._lines[agent] = line
        self._switchboard.lend_line(line.id, line.hears)
        self._tasks.start(f"line of {agent}", self._keep(line))
        try:
            await self._ring(line, seat.agent.endpoint)
        except BaseException:
            line.end()
            raise
        self._switchboard.floor.connected(line.id, agent)
        return line

    async def close(self, agent: AgentId) -> None:
        """Put the phone down; quiet where it is."""
        if (line := self._lines.get(agent)) is not None:
            line.end()
            await line.gone.wait()

    async def _ring(self, line: Line, endpoint: str) -> None:
        try:
            await self._telephony.call_in(line.id, line.leg, Party.AGENT, endpoint, None, RING_MS)
        except HotlineError as why:
            _log.warning("%s was not rung: %s", line.id, why)
            raise Refusal("refused.telephony_unavailable") from None
        try:
            async with asyncio.timeout((RING_MS + GRACE_MS) / 1000):
                await line.decided.wait()
        except TimeoutError:
            _log.warning("%s: asterisk did not say how ringing ended", line.id)
        if line.ended.is_set() or not line.answered.is_set():
            raise Refusal("refused.phone_not_answered")

    async def _keep(self, line: Line) -> None:
        """See the line to its end, then leave nothing of it."""
        try:
            await line.ended.wait()
        finally:
            await self._quietly(line)
            self._switchboard.end_line(line.id)
            self._switchboard.floor.released(line.id, line.agent, OfferOutcome.PASSED_ON)
            self._lines.pop(line.agent, None)
            line.gone.set()

    async def _quietly(self, line: Line) -> None:
        for removal in (
            self._telephony.hang_up(line.id, line.leg, HangupCause.NORMAL),
            self._telephony.clear(line.id),
        ):
            try:
                async with asyncio.timeout(VERB_S):
                    await removal
            except (HotlineError, TimeoutError) as why:
                _log.warning("%s left something: %s", line.id, type(why).__name__)
