"""Recognition on other machines: a call is heard by Vosk servers, and goes on being heard when one of them dies."""

from contextlib import ExitStack

import pytest

from asr.model import store
from asr.vosk_engine import VoskEngine
from ivr.demo.sip.received import Answer
from ivr.demo.story import load_story
from tests.e2e.stage import Home, running_stage
from tests.e2e.test_line import connected
from tests.e2e.test_no_hole import ANSWER, kept_without_a_hole, said
from tests.fakes.vosk_server import FakeVoskServer

pytestmark = pytest.mark.e2e

LINES = load_story().lines


async def test_a_call_is_heard_by_servers_of_which_one_dies(home: Home) -> None:
    engine = VoskEngine(store.select())
    servers = FakeVoskServer(engine), FakeVoskServer(engine)
    with ExitStack() as first, ExitStack() as second:
        urls = [first.enter_context(servers[0].listening()), second.enter_context(servers[1].listening())]
        async with running_stage(home, HOTLINE_SPEECH_SERVERS=",".join(urls)) as stage:
            phone = await stage.phone("1001", Answer())
            hand = await stage.agent("1001")
            call = await stage.dial(await stage.citizen())
            view = await hand.until(connected, "talking", 20)
            assert view.call is not None
            contact = view.call.id
            agent = await phone.next_call()
            await call.say(LINES[1].sound)
            await hand.until(lambda view: said(view.segments, {("citizen", "光明小区")}), "heard by a server", 15)
            await agent.say(LINES[10].sound)
            await hand.until(lambda view: said(view.segments, {("agent", "感谢来电")}), "heard by a server", 15)
            assert min(server.connections for server in servers) > 0
            first.close()
            await agent.say(LINES[2].sound)
            await call.say(LINES[9].sound)
            await hand.until(lambda view: said(view.segments, ANSWER), "heard by the other server", 30)
            await call.hang_up()
            await stage.free(hand)
            await kept_without_a_hole(stage.hotline.database, contact, ANSWER)
