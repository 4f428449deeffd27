"""A small hotline that is killed in mid-call by a test: it connects every caller to one phone and taps both."""

import asyncio
import sys

from ivr.ari.account import AriAccount
from ivr.ari.sounds import Sounds
from ivr.ari.telephony import AriTelephony
from ivr.calls import events as ev
from ivr.calls.events import LineEvent
from ivr.calls.vocabulary import LegId, Party
from ivr.ports import LinkUp


async def main(url: str, user: str, password: str, endpoint: str, sink_port: str) -> None:
    account = AriAccount(url=url, user=user, password=password)
    citizen = LegId("")
    async with AriTelephony(account, Sounds(), "12345", rtp_ports=1000) as telephony:
        async for heard in telephony.stream():
            if isinstance(heard, LinkUp):
                print("up", flush=True)  # noqa: T201  the test reads it
            if not isinstance(heard, LineEvent):
                continue
            match heard.event:
                case ev.CallArrived(leg=leg):
                    citizen = leg
                    await telephony.pick_up(heard.call, leg)
                    await telephony.place_in_queue(heard.call, leg)
                    await telephony.ring(heard.call, LegId(f"{heard.call}-agent-1"), endpoint, None, 5000)
                case ev.LegAnswered(leg=leg):
                    await telephony.connect(heard.call, citizen, leg)
                case ev.LegsJoined(citizen_leg=citizen, agent_leg=agent):
                    for leg, party in ((citizen, Party.CITIZEN), (agent, Party.AGENT)):
                        await telephony.fork_media(heard.call, leg, party, ("127.0.0.1", int(sink_port)))
                    print("talking", flush=True)  # noqa: T201  the test reads it


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
