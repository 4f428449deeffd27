import asyncio
from datetime import datetime
from typing import cast

import pytest

from ivr.call_file import CallFile
from ivr.calls.events import AnyEvent
from ivr.calls.roster import Agent
from ivr.calls.seen import CallSeen
from ivr.calls.vocabulary import AgentId, CallId, CallState, Skill
from ivr.clock import SystemClock
from ivr.desk import office as desk_office
from ivr.desk.office import Office
from ivr.desk.rates import Today
from ivr.floor import AgentFloor
from ivr.intake import Intake
from ivr.watchers import Watchers
from tests.until import until
from ticketing.errors import UnknownId
from ticketing.views import CallerView

CLOCK = SystemClock()
GENERAL = Skill("general")


class Files:
    """The intake's files; the callers of calls that are not `known` cannot be looked up yet."""

    def __init__(self) -> None:
        self.files: dict[CallId, CallFile] = {}
        self.known: set[CallId] = set()
        self.listener: object = None

    def opened(self, call: CallId, arrived_at: datetime, number: str | None) -> CallFile:
        return self.files.setdefault(call, CallFile(call, arrived_at, number))

    async def open(self, call: CallId, arrived_at: datetime, number: str | None) -> tuple[CallFile, CallerView]:
        file = self.opened(call, arrived_at, number)
        if call not in self.known:
            raise UnknownId(f"no contact {call}")
        return file, CallerView(earlier_calls=7, open_tickets=0, last_ticket=None)

    def file(self, call: CallId) -> CallFile:
        return self.files[call]


def deliver(_call: CallId, _event: AnyEvent) -> bool:
    return False


def agent(number: str) -> Agent:
    return Agent(id=AgentId(number), name="", extension=number, endpoint=f"PJSIP/{number}", skills=frozenset({GENERAL}))


def talking(call: str, number: str) -> CallSeen:
    return CallSeen(
        call=CallId(call),
        state=CallState.CONNECTED,
        caller_number="13800000001",
        dialled="12345",
        skill=GENERAL,
        arrived_at=CLOCK.now(),
        answered_at=CLOCK.now(),
        agent=AgentId(number),
    )


@pytest.mark.asyncio
async def test_a_caller_nobody_will_ever_know_keeps_no_other_from_being_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_office, "LOOK_AGAIN_S", 0.01)
    files = Files()
    floor = AgentFloor([agent("1001"), agent("1002")], CLOCK, Watchers(), deliver)
    today = Today(CLOCK.now().astimezone().tzinfo, CLOCK.now, 15_000, [])  # type: ignore[arg-type] # any zone will do
    office = Office(floor, cast(Intake, files), today)
    seats = [office.desk_came(AgentId(number)) for number in ("1001", "1002")]
    running = asyncio.create_task(office.run(), name="office")
    try:
        office.call_changed(talking("first", "1001"))
        office.call_changed(talking("second", "1002"))
        await until(lambda: all(seat.view.call is not None for seat in seats), "both calls at their desks")
        files.known.add(CallId("second"))
        await until(
            lambda: seats[1].view.call is not None and seats[1].view.call.caller.earlier_calls == 7, "the second known"
        )
        assert seats[0].view.call is not None
        assert seats[0].view.call.caller.earlier_calls == 0
    finally:
        running.cancel()
        await asyncio.wait([running])
