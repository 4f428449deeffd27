"""How quick the line is, on an otherwise idle Asterisk. Prints one JSON object; times in milliseconds.

python -m tests.bench.bench_ari [calls]
"""

import asyncio
import json
import sys
import time

import numpy as np

from ivr.ari.link import RestCall
from ivr.calls import events as ev
from ivr.calls.vocabulary import HangupCause, LegId, Party
from ivr.demo.sip.received import Answer
from tests.exchanges import HOTLINE, new_exchange
from tests.listening import listening

REQUESTS = 300


def spread(seconds: list[float]) -> dict[str, float]:
    """Median, 95th percentile and longest."""
    p50, p95, longest = np.percentile(np.array(seconds) * 1000, [50, 95, 100])
    return {"n": len(seconds), "p50": round(p50, 2), "p95": round(p95, 2), "max": round(longest, 2)}


async def measure(calls: int) -> dict[str, dict[str, float]]:
    """Time the parts of `calls` calls, and requests on both carriers."""
    times: dict[str, list[float]] = {
        name: [] for name in ("invite_to_arrival", "invite_to_picked_up", "ring_to_answered", "connect", "fork")
    }
    loop = asyncio.get_running_loop()
    async with (
        new_exchange() as exchange,
        exchange.telephony() as telephony,
        listening(telephony) as heard,
        exchange.agent("1001", Answer(0)),
    ):
        for number in range(calls):
            async with exchange.citizen(f"1380000{number:04}") as caller:
                since = len(heard.heard)
                citizen = await caller.dial(HOTLINE)
                call, leg = await heard.arrival(since)
                times["invite_to_arrival"].append(heard.times[-1] - citizen.began_at)
                await telephony.pick_up(call, leg)
                await citizen.answered()
                assert citizen.answered_at is not None
                times["invite_to_picked_up"].append(citizen.answered_at - citizen.began_at)
                await telephony.place_in_queue(call, leg)
                agent = LegId(f"{call}-agent-1")
                began = loop.time()
                await telephony.ring(call, agent, "PJSIP/1001", None, 5000)
                await heard.event(ev.LegAnswered, call)
                times["ring_to_answered"].append(loop.time() - began)
                began = loop.time()
                await telephony.connect(call, leg, agent)
                await heard.event(ev.LegsJoined, call)
                times["connect"].append(loop.time() - began)
                for each, party in ((leg, Party.CITIZEN), (agent, Party.AGENT)):
                    began = loop.time()
                    await telephony.fork_media(call, each, party, ("127.0.0.1", 9))
                    times["fork"].append(loop.time() - began)
                for each in (leg, agent):
                    await telephony.hang_up(call, each, HangupCause.NORMAL)
                await telephony.clear(call)
        asking = RestCall(what="application", method="GET", path="applications/hotline")
        for name, slow in (("request_on_websocket", False), ("request_on_http", True)):
            times[name] = []
            for _ in range(REQUESTS):
                began = time.perf_counter()
                await telephony._rest.send(asking, slow=slow)
                times[name].append(time.perf_counter() - began)
    return {name: spread(taken) for name, taken in times.items()}


if __name__ == "__main__":
    measured = asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 30))
    print(json.dumps(measured, indent=1))  # noqa: T201  the output is the result
