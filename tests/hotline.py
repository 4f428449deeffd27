"""A whole hotline in memory: switchboard, Asterisk, ear, log and people, on virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ivr.calls.events import CallArrived, Recorded
from ivr.calls.menu import Menu, MenuOption
from ivr.calls.plan import CallPlan, QueueSounds
from ivr.calls.queue_rules import PLAIN_RULES
from ivr.calls.roster import Agent, Seat
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.calls.vocabulary import AgentId, AgentState, CallId, CallState, Skill
from ivr.switchboard import Switchboard
from tests.fakes.clock import LoopClock
from tests.fakes.ear import FakeEar
from tests.fakes.event_log import MemoryEventLog
from tests.fakes.telephony import NOTHING, FakePhone, FakeTelephony

POLL_S = 0.1
GENERAL, HEATING = Skill("general"), Skill("heating")
DIRECT = CallPlan(
    menu=Menu(default=GENERAL),
    queue=QueueSounds(places=(("next",),), far=("many",), apology=("sorry",)),
    ring_ms=5_000,
    wrap_up_ms=30_000,
)
GREETED = CallPlan(
    menu=Menu(default=GENERAL, options=(MenuOption(key="2", skill=HEATING),), sounds=("menu",)),
    greeting=("hello",),
    recording_notice=("recorded",),
    ring_ms=5_000,
    wrap_up_ms=30_000,
)


async def until(probe: Callable[[], object], what: str, timeout_s: float = 5.0) -> None:
    """Wait until `probe` is true; polled less often than elsewhere, for virtual time is cheap and looking is not."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while not probe():
        assert loop.time() < deadline, f"not within {timeout_s:g} s: {what}"
        await asyncio.sleep(POLL_S)


class Observer:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.calls: list[CallSeen] = []
        self.seats: list[Seat] = []
        self.queues: list[QueueSeen] = []
        self.records: list[Recorded] = []
        self.links: list[bool] = []

    def call_changed(self, call: CallSeen) -> None:
        self.calls.append(call)

    def agent_changed(self, seat: Seat) -> None:
        self.seats.append(seat)

    def queue_changed(self, queue: QueueSeen) -> None:
        self.queues.append(queue)

    def recorded(self, record: Recorded) -> None:
        self.records.append(record)

    def link_changed(self, *, up: bool) -> None:
        self.links.append(up)


class Hotline:
    """The world stays when the server is restarted; `board` and `observer` are the running server's.

    `last` is how each call was seen last, by whichever server.
    """

    def __init__(self, plan: CallPlan = DIRECT, agents: int = 2) -> None:
        self.plan_for: Callable[[CallArrived], CallPlan] = lambda arrived: plan
        self.telephony = FakeTelephony()
        self.ear = FakeEar()
        self.log = MemoryEventLog()
        self.clock = LoopClock()
        self.agents = [
            Agent(
                id=AgentId(str(1001 + n)),
                name="",
                extension=str(1001 + n),
                endpoint=f"PJSIP/{1001 + n}",
                skills=frozenset({GENERAL, HEATING}),
            )
            for n in range(agents)
        ]
        self.rules = PLAIN_RULES
        self.last: dict[CallId, CallSeen] = {}
        self.board: Switchboard
        self.observer: Observer

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Switchboard]:
        """The server runs; at the end it lets go, and nobody is hung up by that."""
        self.board = Switchboard(
            telephony=self.telephony,
            ear=self.ear,
            clock=self.clock,
            log=self.log,
            agents=self.agents,
            plan_for=self.plan_for,
            rules=self.rules,
        )
        self.observer = Observer()
        self.board.watchers.add(self.observer)
        async with asyncio.timeout(24 * 3_600):
            running = asyncio.create_task(self.board.run(), name="switchboard")
            try:
                await until(lambda: self.telephony.listening or running.done(), "the switchboard listens", 30)
                yield self.board
            finally:
                self.board.stop()
                await running
                self.last.update({seen.call: seen for seen in self.observer.calls})

    def ready(self, name: str = "1001") -> FakePhone:
        """An agent signs in and is ready; their phone rings until told otherwise."""
        self.board.floor.sign_in(AgentId(name))
        self.board.floor.ready(AgentId(name))
        return self.telephony.phone(f"PJSIP/{name}")

    def agent(self, name: str = "1001") -> AgentState:
        """What an agent is doing."""
        return self.board.floor.seat(AgentId(name)).state

    def state(self, call: CallId) -> CallState | None:
        """Where a running call stands."""
        seen = self.board.call(call)
        return None if seen is None else seen.state

    async def reaches(self, call: CallId, state: CallState | None, timeout_s: float = 60) -> None:
        """Wait until a call is there; None means gone."""
        await until(lambda: self.state(call) is state, f"{call} is {state}", timeout_s)

    async def agent_is(self, state: AgentState, name: str = "1001", timeout_s: float = 60) -> None:
        """Wait until an agent does that."""
        await until(lambda: self.agent(name) is state, f"{name} is {state}", timeout_s)

    async def passes(self, ms: int) -> None:
        """Let time pass."""
        await asyncio.sleep(ms / 1_000)

    def nothing_is_left(self) -> bool:
        """No leg, bridge, tap, playback, ear, call or bound agent."""
        bound = [seat for seat in self.board.floor.seats() if seat.call is not None]
        return (self.telephony.census(), self.ear.heard, self.board.calls(), bound) == (NOTHING, {}, [], [])
