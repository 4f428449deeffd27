"""What agents do between calls, kept for the next server: who was free is free, who was paused is paused."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ivr.calls.events import Recorded
from ivr.calls.roster import Rest, Seat, rest_of
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.calls.vocabulary import AgentId, AgentState, PauseReason
from ivr.keeper import Keeper
from ticketing.records import PresenceRecord
from ticketing.unit_of_work import UnitOfWork

FRESH = timedelta(minutes=30)
"""How long a server may have been away before people count as gone home: then they sign in again."""


class PresenceKeeper:
    """A watcher of the switchboard. `known` is what the database has already."""

    def __init__(self, keeper: Keeper, known: Iterable[Rest] = ()) -> None:
        self._keeper = keeper
        self._kept = {rest.agent: rest for rest in known}

    def agent_changed(self, seat: Seat) -> None:
        """See `watchers.Watcher`."""
        rest = rest_of(seat)
        before = self._kept.get(rest.agent)
        if before is not None and (before.state, before.pause_reason) == (rest.state, rest.pause_reason):
            return
        self._kept[rest.agent] = rest
        record = PresenceRecord(agent_id=rest.agent, state=rest.state, pause_reason=rest.pause_reason, since=rest.since)

        async def keep(unit: UnitOfWork) -> None:
            await unit.presence.put(record)

        self._keeper.keep("presence", keep)

    def call_changed(self, call: CallSeen) -> None:
        """See `watchers.Watcher`; no concern of presence."""

    def queue_changed(self, queue: QueueSeen) -> None:
        """See `watchers.Watcher`; no concern of presence."""

    def recorded(self, record: Recorded) -> None:
        """See `watchers.Watcher`; no concern of presence."""

    def link_changed(self, *, up: bool) -> None:
        """See `watchers.Watcher`; no concern of presence."""


def rests(kept: Iterable[PresenceRecord], last_alive: datetime | None, now: datetime) -> list[Rest]:
    """Whom the next server seats, where the last one lived at `last_alive`; nobody after a long absence."""
    if last_alive is None or now - last_alive > FRESH:
        return []
    return [
        Rest(
            agent=AgentId(one.agent_id),
            state=AgentState(one.state),
            since=one.since,
            pause_reason=PauseReason(one.pause_reason) if one.pause_reason else None,
        )
        for one in kept
    ]
