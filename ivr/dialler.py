"""Calls people of the hotline make: out to a number, back to a citizen who waits for it, to a colleague."""

import asyncio
import logging
import uuid
from datetime import timedelta

from ivr.calls.errors import AgentUnknown, MoveRefused
from ivr.calls.events import CallPlaced
from ivr.calls.vocabulary import AgentId, CallId, Direction
from ivr.desk.refusal import Refusal
from ivr.directory import Directory, is_number
from ivr.ports import Clock
from ivr.switchboard import Switchboard
from ivr.tasks import Tasks
from ticketing.database import Database
from ticketing.errors import DatabaseUnavailable, TicketingError
from ticketing.records import CallbackRecord
from ticketing.unit_of_work import UnitOfWork

_log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
RENEW_MS = 60_000


class Dialler:
    """Places calls on the switchboard; a callback's lease is renewed for as long as its call stands."""

    def __init__(
        self, switchboard: Switchboard, directory: Directory, database: Database, clock: Clock, tasks: Tasks
    ) -> None:
        self._switchboard = switchboard
        self._directory = directory
        self._database = database
        self._clock = clock
        self._tasks = tasks
        self._renewing: dict[int, tuple[CallId, asyncio.Task[None]]] = {}

    def call_out(self, agent: AgentId, number: str) -> CallId:
        """外呼. Raises `Refusal`."""
        if not is_number(number):
            raise Refusal("refused.bad_number")
        if self._directory.outside is None:
            raise Refusal("refused.no_trunk")
        return self._place(agent, Direction.OUTBOUND, self._directory.outside, number, None)

    def call_colleague(self, agent: AgentId, callee: AgentId) -> CallId:
        """内部通话. Raises `Refusal`."""
        if callee == agent:
            raise Refusal("refused.unknown_destination")
        try:
            endpoint = self._switchboard.floor.seat(callee).agent.endpoint
        except AgentUnknown:
            raise Refusal("refused.unknown_destination") from None
        return self._place(agent, Direction.INTERNAL, endpoint, None, callee)

    async def dial(self, agent: AgentId, callback: CallbackRecord) -> CallId:
        """回拨: see `desk.callbacks_counter.Dialler`. A callback whose call stands is not dialled a second time."""
        standing = self._renewing.get(callback.id)
        if standing is not None and self._switchboard.session(standing[0]) is not None:
            return standing[0]
        call = self.call_out(agent, callback.number)
        task = self._tasks.start(f"lease of callback {callback.id}", self._renew(agent, callback.id, call))
        self._renewing[callback.id] = (call, task)
        task.add_done_callback(lambda _: self._renewing.pop(callback.id, None))
        return call

    def _place(
        self, agent: AgentId, direction: Direction, endpoint: str, number: str | None, callee: AgentId | None
    ) -> CallId:
        floor = self._switchboard.floor
        call = CallId(str(uuid.uuid4()))
        if callee is not None:
            try:
                floor.lend(callee, call)
            except (MoveRefused, AgentUnknown):
                raise Refusal("refused.agent_busy") from None
        try:
            own = floor.lend_self(agent, call)
        except (MoveRefused, AgentUnknown) as why:
            floor.forget(call)
            raise Refusal("refused.on_call" if isinstance(why, MoveRefused) else "refused.no_phone") from None
        self._switchboard.place(
            call,
            CallPlaced(
                agent=agent,
                agent_endpoint=own.agent.endpoint,
                endpoint=endpoint,
                caller_number=number,
                direction=direction,
                callee=callee,
            ),
        )
        return call

    async def _renew(self, agent: AgentId, callback: int, call: CallId) -> None:
        while self._switchboard.session(call) is not None:
            try:
                async with UnitOfWork(self._database) as unit:
                    now = self._clock.now()
                    await unit.callbacks.renew(callback, agent, now=now, until=now + LEASE)
            except DatabaseUnavailable as why:
                _log.warning("lease of callback %d not renewed: %s", callback, why)
            except TicketingError:
                return  # settled, or taken away: nothing to hold any more
            await self._clock.sleep(RENEW_MS)
