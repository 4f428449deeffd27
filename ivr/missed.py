"""Calls that were missed (漏接): who hung up unanswered, or was cut off, is called back; who calls in first is not."""

from ivr.calls.events import CallArrived, Recorded
from ivr.calls.roster import Seat
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.calls.vocabulary import CallId, CallState
from ivr.keeper import Keeper
from ticketing.callbacks import Callbacks
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId

AT_THE_FALLBACK_S = 300.0
"""How long one given back may be at the fallback, where they say where to call; that word comes by the spool."""


class MissedCalls:
    """A watcher of the switchboard. `after_s` is how long a citizen must have been there to be called back."""

    def __init__(self, keeper: Keeper, callbacks: Callbacks, after_s: float) -> None:
        self._keeper = keeper
        self._callbacks = callbacks
        self._after_s = after_s
        self._told: set[CallId] = set()  # until the call is over

    def recorded(self, record: Recorded) -> None:
        """See `watchers.Watcher`."""
        if not isinstance(record.event, CallArrived):
            return

        async def keep(unit: UnitOfWork) -> None:
            await self._callbacks.called_in(unit, ContactId(record.call))

        self._keeper.keep("called in", keep)

    def call_changed(self, call: CallSeen) -> None:
        """See `watchers.Watcher`."""
        unanswered = call.over and (call.state is CallState.ABANDONED or call.given_back)
        if (unanswered or call.cut) and call.call not in self._told:
            self._told.add(call.call)
            self._missed(call)
        if call.over:
            self._told.discard(call.call)

    def agent_changed(self, seat: Seat) -> None:
        """See `watchers.Watcher`; no concern of missed calls."""

    def queue_changed(self, queue: QueueSeen) -> None:
        """See `watchers.Watcher`; no concern of missed calls."""

    def link_changed(self, *, up: bool) -> None:
        """See `watchers.Watcher`; no concern of missed calls."""

    def _missed(self, call: CallSeen) -> None:
        stayed_s = ((call.ended_at or call.arrived_at) - call.arrived_at).total_seconds()
        anew = call.cut or call.given_back or stayed_s >= self._after_s
        after_s = AT_THE_FALLBACK_S if call.given_back else 0.0

        async def keep(unit: UnitOfWork) -> None:
            await self._callbacks.missed(unit, ContactId(call.call), anew=anew, after_s=after_s)

        self._keeper.keep("missed call", keep)
