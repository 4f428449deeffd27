"""Keeps what agents do when, for occupancy and attendance. A watcher of the switchboard."""

from collections.abc import Iterable

from ivr.calls.attendance import AgentMoved
from ivr.calls.events import Recorded
from ivr.calls.roster import Seat
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.calls.vocabulary import AgentId, AgentState, PauseReason
from ivr.keeper import Keeper
from ticketing.records import AgentMoveRecord
from ticketing.unit_of_work import UnitOfWork


class AttendanceKeeper:
    """Appends every change of an agent's state or reason; first how `seats` stand when the server begins."""

    def __init__(self, keeper: Keeper, seats: Iterable[Seat]) -> None:
        self._keeper = keeper
        self._last: dict[AgentId, tuple[AgentState, PauseReason | None]] = {}
        for seat in seats:
            self.agent_changed(seat)

    def agent_changed(self, seat: Seat) -> None:
        """See `watchers.Watcher`."""
        now = (seat.state, seat.pause_reason)
        agent = seat.agent.id
        if self._last.get(agent) != now:
            self._last[agent] = now
            reason = None if seat.pause_reason is None else seat.pause_reason.value
            self._keep(AgentMoveRecord(agent=agent, at=seat.since, state=seat.state.value, reason=reason))

    def call_changed(self, call: CallSeen) -> None:
        """See `watchers.Watcher`; no concern of attendance."""

    def queue_changed(self, queue: QueueSeen) -> None:
        """See `watchers.Watcher`; no concern of attendance."""

    def recorded(self, record: Recorded) -> None:
        """See `watchers.Watcher`; no concern of attendance."""

    def link_changed(self, *, up: bool) -> None:
        """See `watchers.Watcher`; no concern of attendance."""

    def _keep(self, move: AgentMoveRecord) -> None:
        async def keep(unit: UnitOfWork) -> None:
            await unit.statistics.agent_moved(move)

        self._keeper.keep("agent move", keep)


def moved_of(record: AgentMoveRecord) -> AgentMoved:
    """A kept change as it was."""
    return AgentMoved(
        agent=AgentId(record.agent),
        at=record.at,
        state=AgentState(record.state),
        reason=None if record.reason is None else PauseReason(record.reason),
    )
