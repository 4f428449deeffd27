"""The pains of call centres that live in a real Asterisk, with real phones; the others: see `test_pains*` elsewhere."""

import asyncio
import time

import pytest

from ivr.calls.vocabulary import AgentState, CallState, PauseReason
from ivr.demo.sip.received import Answer, Decline, Ring
from tests.e2e.stage import Stage
from tests.e2e.test_line import connected, hear_each_other, offered
from tests.until import until_async
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId

pytestmark = pytest.mark.e2e


async def test_pain_03_a_server_that_stalls_for_a_second_loses_no_event(stage: Stage) -> None:
    phone = await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    call = await stage.dial(await stage.citizen())
    await hand.until(offered, "offered", 20)
    time.sleep(1.2)  # noqa: ASYNC251 - the whole loop stands still: that is the pain
    await hand.until(connected, "talking all the same", 20)
    await hear_each_other(call, await phone.next_call())
    await call.hang_up()
    await stage.free(hand)


async def test_pain_09_a_phone_that_refuses_costs_its_agent_and_nobody_else_a_second(stage: Stage) -> None:
    await stage.phone("1001", Decline())
    await stage.phone("1002", Answer())
    first = await stage.agent("1001")
    second = await stage.agent("1002", ready=False)
    call = await stage.dial(await stage.citizen())
    await first.until(lambda view: view.agent.pause_reason is PauseReason.NO_ANSWER, "not rung again", 20)
    assert stage.hotline.switchboard.calls()[0].state is CallState.QUEUED
    began = asyncio.get_running_loop().time()
    await stage.make_ready(second)
    await second.until(connected, "the other talks", 10)
    assert asyncio.get_running_loop().time() - began < 5
    await call.hang_up()
    await stage.free(second)


async def test_pain_12_no_phone_rings_on_whenever_the_caller_hangs_up(stage: Stage) -> None:
    phone = await stage.phone("1001", Ring())
    hand = await stage.agent("1001")
    for after_ms in (0, 30, 200):
        call = await stage.dial(await stage.citizen())
        await hand.until(offered, "offered", 20)
        await asyncio.sleep(after_ms / 1000)
        await call.hang_up()
        await hand.until(lambda view: view.call is None and view.agent.state is AgentState.AVAILABLE, "free", 10)
    for _ in range(3):
        await (await phone.next_call()).ended()


async def test_pain_13_and_18_a_phone_that_dies_holds_nobody_and_every_file_belongs_to_a_call(stage: Stage) -> None:
    folder = stage.hotline.instance.settings.recordings
    before = {path.name for path in folder.iterdir()}
    phone = await stage.phone("1001", Answer())
    await stage.phone("1002", Answer())
    first, second = await stage.agent("1001"), await stage.agent("1002", ready=False)
    call = await stage.dial(await stage.citizen())
    view = await first.until(connected, "talking", 20)
    assert view.call is not None
    phone.vanish()
    await first.until(lambda view: view.agent.pause_reason is PauseReason.UNREACHABLE, "let go by itself", 15)
    await stage.make_ready(second)
    await second.until(connected, "heard by the next agent", 15)
    await call.hang_up()
    await stage.free(second)
    waiting = await stage.dial(await stage.citizen("13800000002"))  # nobody answers this one
    await waiting.hang_up()
    await stage.empty()

    async def tied() -> bool:
        files = {path.name for path in folder.iterdir()} - before
        async with UnitOfWork(stage.hotline.database, reads=True) as unit:
            calls = {ContactId(name[:36]) for name in files}
            known = [one.path for call in calls for one in await unit.transcripts.recordings(call)]
        return files == set(known) and len(known) == len(files)

    await until_async(tied, "every file tied to its call, every call to its files", 15)
