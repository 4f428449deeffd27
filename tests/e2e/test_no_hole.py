"""What was said while nobody listened is in the transcript all the same."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack

import httpx
import pytest

from asr.transcript import Segment
from asterisk_conf.render import load_secrets
from ivr.calls.vocabulary import AgentState
from ivr.demo.sip.received import Answer
from ivr.demo.story import load_story
from ivr.desk.envelope import Done
from ivr.desk.wire import GoReady
from tests.e2e.stage import HOTLINE, Home, Stage, running_stage, standing, until_empty
from tests.e2e.test_failures import Away
from tests.e2e.test_line import connected
from tests.until import until_async
from ticketing.database import Database, open_database
from ticketing.records import SegmentRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId

pytestmark = pytest.mark.e2e

LINES = load_story().lines
AGENT_ASKS, CITIZEN_TELLS = 2, 5
ANSWER = {("agent", "地址在哪里"), ("citizen", "受不了")}
"""The last words of these two lines."""
LATE_S = 5.0
"""A recording comes two seconds late, then the utterance must end and a busy machine work it off."""


@pytest.fixture
async def away(home: Home) -> AsyncIterator[Away]:
    async with AsyncExitStack() as stack:
        yield Away(home, stack)
        await until_empty(home)


def said(segments: Iterable[Segment | SegmentRecord], wanted: set[tuple[str, str]]) -> bool:
    """Whether each of these said those words."""
    heard = list(segments)
    return all(any(s.speaker == who and words in s.text for s in heard) for who, words in wanted)


async def kept_without_a_hole(database: Database, call: str, wanted: set[tuple[str, str]]) -> None:
    async def kept() -> bool:
        async with UnitOfWork(database, reads=True) as unit:
            segments = await unit.transcripts.segments(ContactId(call))
        return said(segments, wanted) and not any(segment.lost for segment in segments)

    await until_async(kept, "all words in the database, and nothing lost", 20)


async def test_what_was_said_while_the_server_was_dead_is_read_from_the_recording(away: Away) -> None:
    first = await away.server()
    phone = await away.phone("1001")
    async with away.desk() as hand:
        await hand.ask(GoReady(request=hand.number()), Done)
        citizen = await away.citizen("13800000001")
        call = await citizen.dial(HOTLINE)
        view = await hand.until(connected, "talking", 20)
        agent = await phone.next_call()
        await call.say(LINES[1].sound)
        await hand.until(lambda view: said(view.segments, {("citizen", "光明小区")}), "heard live", 10)
        token = hand.token
        await first.kill()
    assert view.call is not None
    contact = view.call.id
    await agent.say(LINES[AGENT_ASKS].sound)
    await call.say(LINES[CITIZEN_TELLS].sound)
    await away.server()
    async with away.desk(token=token) as hand:
        view = await hand.until(lambda view: said(view.segments, ANSWER), "the dead span on the desk", 20)
        times = [segment.start_ms for segment in view.segments]
        assert times == sorted(times)
        assert "光明小区" in view.segments[0].text
        await call.hang_up()
        await agent.ended()
        await hand.until(lambda view: view.agent.state is AgentState.WRAP_UP, "wrap-up", 10)
        await hand.ask(GoReady(request=hand.number()), Done)
        await hand.until(lambda view: view.call is None, "the desk free", 10)
    async with open_database(away.settings.database_url) as database:
        await kept_without_a_hole(database, contact, ANSWER | {("citizen", "光明小区")})


async def test_a_tap_that_falls_silent_is_made_anew_and_its_gap_is_read(stage: Stage) -> None:
    phone = await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    call = await stage.dial(await stage.citizen())
    view = await hand.until(connected, "talking", 20)
    assert view.call is not None
    agent = await phone.next_call()
    contact = view.call.id
    await until_async(lambda: _stands(stage.home, f"{contact}.media.citizen.1"), "the first tap", 5)
    await _remove(stage.home, f"{contact}.media.citizen.1")
    await call.say(LINES[CITIZEN_TELLS].sound)
    await until_async(lambda: _stands(stage.home, f"{contact}.media.citizen.3"), "another after the agent's", 10)
    await agent.say(LINES[AGENT_ASKS].sound)
    await hand.until(lambda view: said(view.segments, ANSWER), "both on the desk", 20)
    await call.hang_up()
    await stage.free(hand)
    await kept_without_a_hole(stage.hotline.database, contact, ANSWER)


async def test_a_queue_can_be_heard_from_its_recordings_alone(home: Home) -> None:
    async with running_stage(home, HOTLINE_SPEECH_FROM_RECORDING="general") as stage:
        phone = await stage.phone("1001", Answer())
        hand = await stage.agent("1001")
        call = await stage.dial(await stage.citizen())
        view = await hand.until(connected, "talking", 20)
        assert view.call is not None
        agent = await phone.next_call()
        contact = view.call.id
        await agent.say(LINES[AGENT_ASKS].sound)
        await call.say(LINES[CITIZEN_TELLS].sound)
        began = asyncio.get_running_loop().time()
        view = await hand.until(lambda view: said(view.segments, ANSWER), "both on the desk", 20)
        assert asyncio.get_running_loop().time() - began < LATE_S
        assert [each for each in await standing(home) if contact in each and ".tap." in each] == []
        assert view.call is not None
        assert view.call.hearing
        await call.say(LINES[9].sound)
        await call.hang_up()
        await stage.free(hand)
        await kept_without_a_hole(stage.hotline.database, contact, ANSWER | {("citizen", "谢谢您")})


async def _stands(home: Home, name: str) -> bool:
    return name in await standing(home)


async def _remove(home: Home, channel: str) -> None:
    """Take a channel away behind the server's back."""
    keys = load_secrets(home.layout.home)
    port = home.environment["HOTLINE_ASTERISK_HTTP_PORT"]
    async with httpx.AsyncClient(auth=("hotline", keys.ari), trust_env=False) as http:
        (await http.delete(f"http://127.0.0.1:{port}/ari/channels/{channel}")).raise_for_status()
