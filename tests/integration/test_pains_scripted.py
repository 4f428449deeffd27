"""The pains of call centres that an Asterisk must be made to cause: it refuses, stalls, drops, reorders, forgets.

The whole call control, over ARI's wire, against a scripted Asterisk. The other pains are in tests/e2e/test_pains.py.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ivr.ari.account import LinkTimes
from ivr.ari.sounds import Sounds
from ivr.ari.telephony import AriTelephony
from ivr.calls.menu import Menu
from ivr.calls.plan import CallPlan
from ivr.calls.roster import Agent
from ivr.calls.vocabulary import AgentId, AgentState, CallId, CallState, Skill
from ivr.clock import SystemClock
from ivr.switchboard import Switchboard
from tests.fakes.ari_stub import Answer, Asked
from tests.fakes.ear import FakeEar
from tests.fakes.event_log import MemoryEventLog
from tests.fakes.scripted_asterisk import Fault, ScriptedAsterisk
from tests.until import until

GENERAL = Skill("general")
PLAN = CallPlan(menu=Menu(default=GENERAL), ring_ms=1_000, wrap_up_ms=200, join_ms=1_000, hang_up_ms=500)
TIMES = LinkTimes(
    request_ms=200,
    slow_request_ms=300,
    ping_every_ms=150,
    pong_within_ms=500,
    close_ms=100,
    retry_from_ms=20,
    retry_to_ms=200,
)


class Line:
    """A switchboard on a scripted Asterisk."""

    def __init__(self, asterisk: ScriptedAsterisk, telephony: AriTelephony) -> None:
        self.asterisk = asterisk
        self.telephony = telephony
        agents = [
            Agent(id=AgentId(n), name="", extension=n, endpoint=f"PJSIP/{n}", skills=frozenset({GENERAL}))
            for n in ("1001", "1002")
        ]
        self.board = Switchboard(
            telephony=telephony,
            ear=FakeEar(),
            clock=SystemClock(),
            log=MemoryEventLog(),
            agents=agents,
            plan_for=lambda _: PLAN,
        )

    def ready(self, name: str, does: str = "answer") -> None:
        self.asterisk.phones[f"PJSIP/{name}"] = does
        self.board.floor.sign_in(AgentId(name))
        self.board.floor.ready(AgentId(name))

    def agent(self, name: str) -> AgentState:
        return self.board.floor.seat(AgentId(name)).state

    def state(self, call: str) -> CallState | None:
        seen = self.board.call(CallId(call))
        return None if seen is None else seen.state

    async def reaches(self, call: str, state: CallState | None, timeout_s: float = 5.0) -> None:
        await until(lambda: self.state(call) is state, f"{call} is {state}, not {self.state(call)}", timeout_s)

    async def nothing_is_left(self) -> None:
        """Nobody hangs on: no channel, bridge, call, and nobody bound."""
        self.asterisk.fault = lambda _: None
        await until(lambda: not self.board.calls(), "no call", 8)
        await until(lambda: not self.asterisk.left, f"left: {self.asterisk.left}", 8)
        await until(lambda: all(seat.call is None for seat in self.board.floor.seats()), "nobody bound", 8)


@asynccontextmanager
async def connected() -> AsyncIterator[Line]:
    asterisk = ScriptedAsterisk()
    async with asterisk.stub:
        telephony = AriTelephony(asterisk.stub.account, Sounds(), "12345", rtp_ports=1000, times=TIMES)
        async with telephony:
            line = Line(asterisk, telephony)
            running = asyncio.create_task(line.board.run(), name="switchboard")
            try:
                await until(lambda: line.board.linked, "the link up")
                yield line
            finally:
                line.board.stop()
                await asyncio.wait([running])


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with connected() as made:
        yield made


def once(method: str, ending: str, answer: Answer) -> Fault:
    """Answer the first such request so, and the rest as ever."""
    asked_for: list[Asked] = []

    def fault(asked: Asked) -> Answer | None:
        if asked.method == method and asked.path.endswith(ending) and not asked_for:
            asked_for.append(asked)
            return answer
        return None

    return fault


def always(method: str, part: str, answer: Answer) -> Fault:
    return lambda asked: answer if asked.method == method and part in asked.path else None


async def test_pain_01_a_websocket_that_dies_silently_is_found_and_a_clean_close_makes_no_hot_loop(line: Line) -> None:
    stub = line.asterisk.stub
    await stub.freeze()
    await until(lambda: not line.board.linked, "not ready any more", 3)
    await until(lambda: line.board.linked, "ready again", 5)
    before = stub.handshakes
    stub.close_at_once = True
    await stub.close()
    await asyncio.sleep(1)  # how often it tries in a second is what is looked at
    assert stub.handshakes - before < 15
    stub.close_at_once = False
    await until(lambda: line.board.linked, "ready again", 5)
    call = line.asterisk.citizen()
    await line.reaches(call, CallState.QUEUED)
    line.asterisk.hang_up(line.asterisk.leg(call))
    await line.nothing_is_left()


async def test_pain_02_events_lost_in_a_gap_are_made_up_for_and_nobody_loses_their_place(line: Line) -> None:
    first, leaves, second = (line.asterisk.citizen() for _ in range(3))
    for call in (first, leaves, second):
        await line.reaches(call, CallState.QUEUED)
    stub = line.asterisk.stub
    await stub.drop()
    line.asterisk.hang_up(line.asterisk.leg(leaves))  # nobody hears it
    new = line.asterisk.citizen()
    await line.reaches(leaves, None)
    await line.reaches(new, CallState.QUEUED)
    for call in (first, second, new):
        line.ready("1001")
        await line.reaches(call, CallState.CONNECTED)
        line.asterisk.hang_up(line.asterisk.leg(call))
        await line.reaches(call, None)
    await line.nothing_is_left()


async def test_pain_04_a_request_that_stalls_stalls_one_agent_and_no_other_call(line: Line) -> None:
    def stalls(asked: Asked) -> Answer | None:
        rings = asked.method == "POST" and "endpoint" in asked.query
        return Answer(never=True) if rings and asked.query["endpoint"] == "PJSIP/1001" else None

    line.asterisk.fault = stalls
    line.ready("1001")
    stalled = line.asterisk.citizen()
    await line.reaches(stalled, CallState.OFFERED)
    line.ready("1002")
    other = line.asterisk.citizen()
    await line.reaches(other, CallState.CONNECTED, 2)
    line.asterisk.hang_up(line.asterisk.leg(other))
    await line.reaches(stalled, CallState.CONNECTED, 6)
    line.asterisk.hang_up(line.asterisk.leg(stalled))
    await line.nothing_is_left()


async def test_pain_06_channels_and_bridges_of_nobody_are_swept(line: Line) -> None:
    asterisk = line.asterisk
    asterisk.bridges["gone.hold"] = []
    asterisk.bridges["gone.talk"] = []
    for name in ("gone.snoop.citizen.1", "gone.media.citizen.1"):
        asterisk.channels[name] = asterisk._channel(name, "Up", {})
    await asterisk.stub.drop()
    await line.nothing_is_left()


@pytest.mark.parametrize("status", [422, 404, 409])
async def test_pain_07_a_leg_that_is_not_in_stasis_yet_costs_no_conversation(line: Line, status: int) -> None:
    line.ready("1001")
    line.asterisk.fault = once("POST", "talk/addChannel", Answer(status, {"message": "not in Stasis"}))
    call = line.asterisk.citizen()
    await until(lambda: line.state(call) in (CallState.CONNECTED, CallState.QUEUED), "it goes on", 5)
    line.board.floor.ready(AgentId("1001")) if line.agent("1001") is AgentState.PAUSED else None
    await line.reaches(call, CallState.CONNECTED, 8)
    line.asterisk.hang_up(line.asterisk.leg(call))
    await line.nothing_is_left()


@pytest.mark.parametrize("answer", [Answer(500), Answer(503), Answer(404), Answer(422), Answer(never=True)], ids=str)
@pytest.mark.parametrize("verb", ["answer", "hold/addChannel", "talk/addChannel", "moh", "-agent-1"])
async def test_pain_08_whatever_verb_fails_nothing_of_the_call_is_left(line: Line, verb: str, answer: Answer) -> None:
    line.ready("1001")
    line.asterisk.fault = lambda asked: answer if asked.method == "POST" and asked.path.endswith(verb) else None
    call = line.asterisk.citizen()
    await until(line.board.calls, "the call known")
    await until(
        lambda: any(asked.path.endswith(verb) and asked.method == "POST" for asked in line.asterisk.stub.asked),
        "the verb tried",
        8,
    )
    line.asterisk.hang_up(line.asterisk.leg(call))
    await line.nothing_is_left()


@pytest.mark.parametrize("does", ["unregistered", "busy"])
async def test_pain_09_an_agent_whose_phone_fails_is_let_go_within_a_second(line: Line, does: str) -> None:
    line.ready("1001", does)
    call = line.asterisk.citizen()
    await until(lambda: line.agent("1001") is AgentState.PAUSED, "let go, and not rung again", 1.5)
    line.ready("1002")
    await line.reaches(call, CallState.CONNECTED, 2)
    line.asterisk.hang_up(line.asterisk.leg(call))
    await line.nothing_is_left()


@pytest.mark.parametrize("after_ms", [0, 1, 5, 20, 60, 120])
async def test_pain_12_no_phone_rings_on_for_a_caller_who_hung_up(line: Line, after_ms: int) -> None:
    def slow(asked: Asked) -> Answer | None:
        if asked.method == "POST" and "endpoint" in asked.query:
            line.asterisk._rung(asked.path.partition("/")[2], asked)
            return Answer(200, line.asterisk.channels[asked.path.partition("/")[2]], after_s=0.08)
        return None

    line.ready("1001", "ring")
    line.asterisk.fault = slow
    call = line.asterisk.citizen()
    await line.reaches(call, CallState.OFFERED)
    await asyncio.sleep(after_ms / 1000)
    line.asterisk.hang_up(line.asterisk.leg(call))
    await line.nothing_is_left()
    await until(lambda: line.agent("1001") is AgentState.AVAILABLE, "free again", 3)


async def test_pain_13_an_agent_is_not_stuck_where_the_end_of_the_call_is_never_heard(line: Line) -> None:
    line.ready("1001")
    call = line.asterisk.citizen()
    await line.reaches(call, CallState.CONNECTED)
    line.asterisk.channels.clear()  # gone, and no event says so
    line.board.floor.hang_up(AgentId("1001"))
    await line.reaches(call, None, 6)
    assert line.agent("1001") is AgentState.AVAILABLE
    await line.nothing_is_left()


async def test_pain_14_of_two_agents_who_answer_one_call_the_first_talks_and_the_other_is_let_go(line: Line) -> None:
    line.ready("1001", "ring")
    call = line.asterisk.citizen()
    await line.reaches(call, CallState.OFFERED)
    late = await until(
        lambda: next((name for name in line.asterisk.channels if "-agent-" in name), None), "the first phone rings"
    )
    line.asterisk.fault = always("DELETE", late, Answer(204))  # said, and not done: the first phone rings on
    line.board.floor.hang_up(AgentId("1001"))
    line.ready("1002")
    await line.reaches(call, CallState.CONNECTED, 5)
    line.asterisk.fault = lambda _: None
    line.asterisk.lift(late)  # the first phone is lifted after all
    await until(lambda: late not in line.asterisk.channels, "the other let go", 5)
    assert line.state(call) is CallState.CONNECTED
    line.asterisk.hang_up(line.asterisk.leg(call))
    await line.nothing_is_left()
