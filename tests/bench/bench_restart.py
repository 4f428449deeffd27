"""A server killed with many talking and waiting: how long until the next has everybody. Prints one JSON object.

python -m tests.bench.bench_restart [talking] [waiting]
"""

import asyncio
import json
import shutil
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from asterisk_conf.render import load_secrets
from ivr import understudy
from ivr.calls.vocabulary import AgentState
from ivr.demo.hand import DeskHand
from ivr.demo.server import free_ports, running_server
from ivr.demo.sip.dialled import DialledCall
from ivr.demo.sip.received import Answer
from ivr.demo.sip_party import SipParty
from ivr.desk.envelope import Done
from ivr.desk.wire import GoReady
from ivr.instance import Instance
from ivr.people import write_private
from ivr.settings import Settings, load_settings
from tests.asterisk_prefix import PREFIX
from tests.bench.measure import say
from tests.e2e.test_no_call_lost import adopted_after_s, loudness

GOAL_S = 3.0
HOTLINE = "12345"


def roster(people: int) -> str:
    """So many people at the phones."""
    return "".join(
        f'[[people]]\nid = "{n}"\nname = "a"\nextension = "{n}"\nrole = "agent"\nskills = ["general"]\n\n'
        for n in range(1001, 1001 + people)
    )


async def measure(settings: Settings, environment: dict[str, str], talking: int, waiting: int) -> dict[str, object]:
    """Fill the hotline, kill the server, start the next, and look who was lost."""
    secrets = load_secrets(settings.asterisk_home).agents
    passwords = Instance(settings).passwords
    sip = ("127.0.0.1", settings.asterisk.sip_port)
    address = f"ws://{settings.desk.host}:{settings.desk.port}"
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(running_server(settings, environment))
        hands, calls = [], list[DialledCall]()
        for number in range(1001, 1001 + talking):
            agent = str(number)
            phone = await stack.enter_async_context(SipParty(sip, agent, password=secrets[agent], behaviour=Answer()))
            await phone.register()
            at_desk = DeskHand.at(address, agent=agent, password=passwords[agent])
            hands.append(await stack.enter_async_context(at_desk))
            await hands[-1].ask(GoReady(request=hands[-1].number()), Done)
        for number in range(talking + waiting):
            citizen = await stack.enter_async_context(SipParty(sip, f"1380000{number:04}"))
            calls.append(await citizen.dial(HOTLINE))
            await calls[-1].answered(20_000)
        await asyncio.gather(
            *(hand.until(lambda view: view.agent.state is AgentState.ON_CALL, "talking", 120) for hand in hands)
        )
        await hands[0].until(lambda view: view.queue.waiting == waiting, "all wait", 120)
        await first.kill()
        killed = asyncio.get_running_loop().time()
        await asyncio.sleep(2)  # a while without any server
        spawned = time.time()
        second = await stack.enter_async_context(running_server(settings, environment))
        took_s = await adopted_after_s(second.log, spawned)
        async with DeskHand.at(address, agent="1001", password=passwords["1001"]) as hand:
            view = await hand.until(lambda view: view.queue.waiting == waiting, "all wait as before", 30)
            still = view.agent.state.value
        heard = [loudness(call, killed) for call in calls[-waiting:]]
        lost = sum(call.over for call in calls)
        await asyncio.gather(*(call.hang_up() for call in calls))
    return {
        "talking": talking,
        "waiting": waiting,
        "adopted_after_s": round(took_s, 2),
        "goal_s": GOAL_S,
        "calls_lost": lost,
        "waiting_without_music": sum(each < 100 for each in heard),
        "first_agent": still,
    }


async def main(talking: int, waiting: int) -> int:
    """Run it on an instance of its own."""
    folder = Path(tempfile.mkdtemp(prefix="hyr"))
    environment = free_ports() | {
        "HOTLINE_ASTERISK_PREFIX": str(PREFIX),
        "HOTLINE_ASTERISK_RTP_END": "",
        "HOTLINE_SPEECH_STREAMS": "8",
    }
    start = int(environment["HOTLINE_ASTERISK_RTP_START"])
    environment["HOTLINE_ASTERISK_RTP_END"] = str(start + 2_000)
    settings = load_settings(folder, environment)
    write_private(settings.roster_file, roster(talking))
    instance = Instance.made(settings)
    asterisk, _ = await asyncio.to_thread(instance.prepare_asterisk, lambda _: None)
    await asyncio.to_thread(instance.prepare_mind, lambda _: None)
    try:
        async with await asterisk.start():
            result = await measure(settings, environment, talking, waiting)
    finally:
        await understudy.stop(settings)
        await asyncio.to_thread(shutil.rmtree, folder)
    say(json.dumps(result))
    return 0 if result["calls_lost"] == 0 else 1


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]] or [20, 20]
    sys.exit(asyncio.run(main(*given)))
