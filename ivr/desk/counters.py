"""The counters: every kind of request goes to the one that answers it, with the person who asks."""

from collections.abc import Iterable
from typing import Any, Protocol

from ivr.desk.envelope import Done, FromDesk, FromServer
from ivr.desk.newsroom import Newsroom
from ivr.desk.office import SEATLESS, Office
from ivr.desk.refusal import Refusal
from ivr.desk.rights import EVERYBODY, MAY
from ivr.desk.seats import Outbox
from ivr.desk.staff import Staff
from ivr.desk.topics import WATCHERS
from ivr.desk.wire import AnyFromDesk, SeatRequest, SignOut, Unwatch, Watch


class Counter(Protocol):
    """Answers some kinds of requests. Rights are decided here, by `staff`: the desk is never trusted."""

    requests: tuple[type[FromDesk], ...]

    async def carry_out(self, staff: Staff, message: Any) -> FromServer:
        """The answer. Raises `Refusal`."""
        ...


class Counters:
    """All of them. The office answers for the seat; a person without a phone has none."""

    def __init__(self, office: Office, newsroom: Newsroom, counters: Iterable[Counter] = ()) -> None:
        self._office = office
        self._newsroom = newsroom
        self._counters: dict[type[FromDesk], Counter] = {}
        for counter in counters:
            for kind in counter.requests:
                if kind in self._counters:
                    raise ValueError(f"two counters answer {kind.__name__}")
                self._counters[kind] = counter

    async def carry_out(self, staff: Staff, message: AnyFromDesk, outbox: Outbox) -> FromServer:
        """Do what a signed-in desk asks. Raises `Refusal`."""
        match message:
            case Watch(topic=topic):
                if staff.role not in WATCHERS[topic]:
                    raise Refusal("refused.not_allowed")
                self._newsroom.watch(topic, outbox, staff)
            case Unwatch(topic=topic):
                self._newsroom.unwatch(topic, outbox)
            case SignOut() if staff.extension is None:
                pass
            case _ if staff.role not in MAY.get(type(message), EVERYBODY):
                raise Refusal("refused.not_allowed")
            case _ if (counter := self._counters.get(type(message))) is not None:
                return await counter.carry_out(staff, message)
            case _ if isinstance(message, SeatRequest) and (staff.extension is not None or type(message) in SEATLESS):
                return await self._office.carry_out(staff.id, message)
            case _:
                raise Refusal("refused.not_allowed")
        return Done(request=message.request)
