"""The queue's rules on a running server: overflow, kept agents, limits of an hour, waits told, hours."""

import msgspec

from ivr.calls.acd import Step
from ivr.calls.caller import Caller
from ivr.calls.events import QueueMoved
from ivr.calls.plan import CallPlan, QueueSounds
from ivr.calls.queue_rules import QueueRules
from ivr.calls.vocabulary import AgentId, AgentState, CallerClass, CallState
from tests.fakes.telephony import FakeCitizen
from tests.hotline import DIRECT, GENERAL, HEATING, Hotline, until
from tests.virtual_time import virtual

A = AgentId("1001")
EMERGENCY = Caller(kind=CallerClass.EMERGENCY)
PLAN = msgspec.structs.replace(DIRECT, menu=msgspec.structs.replace(DIRECT.menu, default=HEATING))


def hotline(plan: CallPlan = PLAN, agents: int = 2, **changes: object) -> Hotline:
    line = Hotline(plan, agents)
    line.agents = [msgspec.structs.replace(agent, **changes) for agent in line.agents]
    return line


async def talk(line: Hotline, citizen: FakeCitizen, ms: int = 1_000) -> None:
    await line.reaches(citizen.call, CallState.CONNECTED)
    await line.passes(ms)
    citizen.hang_up()
    await line.agent_is(AgentState.WRAP_UP)
    line.board.floor.finish_wrap_up(A)
    await line.reaches(citizen.call, None)


@virtual
async def test_a_call_overflows_to_another_desk_when_it_has_waited() -> None:
    line = hotline(skills=frozenset({GENERAL}))
    line.rules = QueueRules(steps={HEATING: (Step(skill=HEATING), Step(skill=GENERAL, after_ms=60_000))})
    async with line.running():
        line.ready()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.QUEUED)
        await line.passes(58_000)
        assert line.state(citizen.call) is CallState.QUEUED
        await line.reaches(citizen.call, CallState.OFFERED, 5)
        citizen.hang_up()
        await until(line.nothing_is_left, "nothing is left")


@virtual
async def test_an_agent_kept_for_emergencies_is_there_when_one_comes() -> None:
    line = hotline(kept_for=frozenset({CallerClass.EMERGENCY}))
    callers = [Caller(), EMERGENCY]
    line.plan_for = lambda arrived: msgspec.structs.replace(PLAN, caller=callers.pop(0))
    async with line.running():
        line.ready().will_answer()
        ordinary = line.telephony.citizen_arrives()
        await line.passes(10_000)
        emergency = line.telephony.citizen_arrives()
        await line.reaches(emergency.call, CallState.CONNECTED)
        assert line.state(ordinary.call) is CallState.QUEUED


@virtual
async def test_an_agent_with_a_limit_rests_until_the_hour_is_over() -> None:
    line = hotline(agents=1, most_per_hour=2)
    async with line.running():
        line.ready().will_answer()
        for _ in range(2):
            await talk(line, line.telephony.citizen_arrives())
        third = line.telephony.citizen_arrives()
        await line.passes(3_500_000)
        assert line.state(third.call) is CallState.QUEUED
        assert line.agent() is AgentState.AVAILABLE
        await line.reaches(third.call, CallState.CONNECTED, 120)


@virtual
async def test_a_resting_agent_who_pauses_is_not_called() -> None:
    line = hotline(agents=1, most_per_hour=1)
    async with line.running():
        line.ready().will_answer()
        await talk(line, line.telephony.citizen_arrives())
        line.board.floor.sign_out(A)
        waiting = line.telephony.citizen_arrives()
        await line.passes(3_700_000)
        assert line.state(waiting.call) is CallState.QUEUED
        line.ready()
        await line.reaches(waiting.call, CallState.CONNECTED)


@virtual
async def test_waiting_citizens_hear_how_long_it_takes() -> None:
    waits = (("soon",), *((f"{n}-minutes",) for n in range(1, 31)))
    plan = msgspec.structs.replace(PLAN, queue=QueueSounds(places=(("next",), ("one",)), far=("many",), waits=waits))
    line = hotline(plan, agents=1)
    async with line.running():
        line.ready().will_answer()
        first = line.telephony.citizen_arrives()
        await line.reaches(first.call, CallState.CONNECTED)
        second, third = line.telephony.citizen_arrives(), line.telephony.citizen_arrives()
        await until(lambda: second.told and third.told, "they hear their place")
        # 180 s a call until there are some: 80 % are served within 290 s as next, within 539 s behind one
        assert (second.told, third.told) == ([("next", "5-minutes")], [("one", "9-minutes")])
        await talk(line, first, 20_000)
        await until(lambda: len(third.told) > 1, "the place moved")
        assert third.told[1] == ("next", "soon"), "the one call there was took half a minute"
        moved = [record.event for record in line.log.lines if isinstance(record.event, QueueMoved)]
        assert all(event.skill == HEATING and event.wait_ms is not None for event in moved)


@virtual
async def test_where_nobody_works_the_citizen_is_given_back_after_the_greeting() -> None:
    plan = msgspec.structs.replace(PLAN, greeting=("hello", "closed"), staffed=False)
    line = hotline(plan)
    async with line.running():
        line.ready()
        citizen = line.telephony.citizen_arrives()
        await until(lambda: line.telephony.given_back, "given back")
        assert citizen.told == [("hello", "closed")]
        await until(line.nothing_is_left, "nothing is left")
