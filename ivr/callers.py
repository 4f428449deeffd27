"""What is known of a number before its call is answered: its class, and whom it spoke with last.

Asked while a call arrives, so it is all in memory: lists of numbers from the settings, and the conversations of the
last hours, read from the database at the start and then heard as they happen.
"""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from ivr.calls.caller import Caller
from ivr.calls.events import CallArrived, Recorded
from ivr.calls.roster import Seat
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.calls.vocabulary import AgentId, CallerClass, CallState
from ivr.ports import Clock
from ivr.settings import QueueSettings, SettingsError
from ticketing.database import Database
from ticketing.unit_of_work import UnitOfWork

REMEMBERED = 100_000
"""Numbers remembered with their last agent, about 20 MB: four days of a city's calls."""


class KnownCallers:
    """A watcher of the switchboard that knows who calls again. A number of several lists is of the most urgent."""

    def __init__(
        self, clock: Clock, within: timedelta, emergency: Iterable[str] = (), enterprise: Iterable[str] = ()
    ) -> None:
        self._clock = clock
        self._within = within
        self._listed = dict.fromkeys(enterprise, CallerClass.ENTERPRISE)
        self._listed |= dict.fromkeys(emergency, CallerClass.EMERGENCY)
        self._talked: OrderedDict[str, tuple[AgentId, datetime]] = OrderedDict()

    def of(self, arrived: CallArrived) -> Caller:
        """Who calls."""
        number = arrived.caller_number
        if number is None:
            return Caller()
        agent, at = self._talked.get(number, (None, None))
        if at is not None and self._clock.now() - at > self._within:
            agent = None
        kind = self._listed.get(number, CallerClass.ORDINARY if agent is None else CallerClass.REPEAT)
        return Caller(kind=kind, preferred=agent)

    def talked(self, number: str, agent: AgentId, at: datetime) -> None:
        """A number spoke with an agent; later calls of this method are of later conversations."""
        if not self._within:
            return
        self._talked[number] = (agent, at)
        self._talked.move_to_end(number)
        if len(self._talked) > REMEMBERED:
            self._talked.popitem(last=False)

    def call_changed(self, call: CallSeen) -> None:
        """See `watchers.Watcher`."""
        if call.state is CallState.CONNECTED and call.agent is not None and call.caller_number is not None:
            self.talked(call.caller_number, call.agent, self._clock.now())

    def agent_changed(self, seat: Seat) -> None:
        """See `watchers.Watcher`; no concern of callers."""

    def queue_changed(self, queue: QueueSeen) -> None:
        """See `watchers.Watcher`; no concern of callers."""

    def recorded(self, record: Recorded) -> None:
        """See `watchers.Watcher`; no concern of callers."""

    def link_changed(self, *, up: bool) -> None:
        """See `watchers.Watcher`; no concern of callers."""


async def known_callers(database: Database, queue: QueueSettings, clock: Clock) -> KnownCallers:
    """Everything known at the start. Raises `SettingsError` for a list that cannot be read."""
    within = timedelta(hours=queue.repeat_within_h)
    callers = KnownCallers(clock, within, queue.emergency_numbers, _numbers(queue.enterprise_file))
    async with UnitOfWork(database, reads=True) as unit:
        for number, agent, at in await unit.contacts.talked_since(clock.now() - within, REMEMBERED):
            callers.talked(number, AgentId(agent), at)
    return callers


def _numbers(file: str) -> list[str]:
    if not file:
        return []
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"[queue] enterprise_file {file}: {error}; give a text file, a number a line") from error
    return [number for line in lines if (number := line.partition("#")[0].strip())]
