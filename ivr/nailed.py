"""Phones that stay off the hook while their person is signed in (长接): rung once, then every call beeps in."""

import asyncio
import logging
import uuid
from collections.abc import Callable

from ivr.calls.events import Recorded
from ivr.calls.roster import BOUND, Seat
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.calls.vocabulary import AgentId, AgentState, CallId, HangupCause, Party
from ivr.lines import GRACE_MS, RING_MS, VERB_S, Line
from ivr.ports import HotlineError, Telephony
from ivr.switchboard import Switchboard
from ivr.tasks import Tasks

_log = logging.getLogger(__name__)


class NailedPhones:
    """One open line a person at most. A watcher of the switchboard; `lost` hears whose line ended by itself."""

    def __init__(
        self, switchboard: Switchboard, telephony: Telephony, tasks: Tasks, lost: Callable[[AgentId], None]
    ) -> None:
        self._switchboard = switchboard
        self._telephony = telephony
        self._tasks = tasks
        self._lost = lost
        self._lines: dict[AgentId, Line] = {}

    def seated(self, agent: AgentId, *, nailed_up: bool) -> None:
        """Somebody signed in, and says how their phone is to be."""
        if not nailed_up:
            if self._switchboard.floor.seat(agent).state not in BOUND:  # nobody is cut off by a second desk
                self._close(agent)
        elif agent not in self._lines:
            line = self._lines[agent] = Line(CallId(f"line-{uuid.uuid4()}"), agent)
            self._switchboard.lend_line(line.id, line.hears)
            self._tasks.start(f"open line of {agent}", self._keep(line))

    def stands(self, agent: AgentId) -> bool:
        """Whether calls beep in at this person's phone."""
        line = self._lines.get(agent)
        return line is not None and line.answered.is_set() and not line.ended.is_set()

    def agent_changed(self, seat: Seat) -> None:
        """See `watchers.Watcher`: who signs out puts the phone down."""
        if seat.state is AgentState.LOGGED_OUT:
            self._close(seat.agent.id)

    def call_changed(self, call: CallSeen) -> None:
        """See `watchers.Watcher`; no concern of open lines."""

    def queue_changed(self, queue: QueueSeen) -> None:
        """See `watchers.Watcher`; no concern of open lines."""

    def recorded(self, record: Recorded) -> None:
        """See `watchers.Watcher`; no concern of open lines."""

    def link_changed(self, *, up: bool) -> None:
        """See `watchers.Watcher`; what ended meanwhile is told as ended."""

    def _close(self, agent: AgentId) -> None:
        if (line := self._lines.pop(agent, None)) is not None:
            line.end()

    async def _keep(self, line: Line) -> None:
        """From the first ring to the end; one that ends while its person still wants it is lost."""
        try:
            await self._open(line)
            await line.ended.wait()
        except (HotlineError, TimeoutError) as why:
            _log.warning("the open line of agent %s did not come about: %s", line.agent, type(why).__name__)
        finally:
            wanted = self._lines.get(line.agent) is line
            if wanted:
                del self._lines[line.agent]
            await self._quietly(line)
            self._switchboard.end_line(line.id)
        if wanted:
            endpoint = self._switchboard.floor.seat(line.agent).agent.endpoint
            self._switchboard.floor.phone_seen(endpoint, reachable=False)
            self._lost(line.agent)

    async def _open(self, line: Line) -> None:
        endpoint = self._switchboard.floor.seat(line.agent).agent.endpoint
        await self._telephony.call_in(line.id, line.leg, Party.AGENT, endpoint, None, RING_MS)
        async with asyncio.timeout((RING_MS + GRACE_MS) / 1000):
            await line.decided.wait()
        if not line.ended.is_set():
            await self._telephony.open_line(line.id, line.leg, endpoint)

    async def _quietly(self, line: Line) -> None:
        try:
            async with asyncio.timeout(VERB_S):
                await self._telephony.hang_up(line.id, line.leg, HangupCause.NORMAL)
        except (HotlineError, TimeoutError) as why:
            _log.warning("%s left something: %s", line.id, type(why).__name__)
