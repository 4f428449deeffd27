"""A whole call on a real Asterisk: what the hotline hears, and what the parties do."""

import asyncio

import pytest

from ivr.calls import events as ev
from ivr.calls.vocabulary import HangupCause, LegId, PlaybackId
from ivr.demo.sip.received import Answer
from tests.exchanges import HOTLINE, Exchange
from tests.listening import listening

pytestmark = pytest.mark.e2e


async def test_smoke(exchange: Exchange) -> None:
    async with (
        exchange.telephony() as telephony,
        listening(telephony) as heard,
        exchange.agent("1001", Answer(50)) as agent,
        exchange.citizen("13800000001") as citizen,
    ):
        call = await citizen.dial(HOTLINE)
        id_, leg = await heard.arrival()
        print(heard.heard)
        await telephony.pick_up(id_, leg)
        await telephony.play(id_, leg, PlaybackId("p1"), ("welcome",))
        await heard.event(ev.PlaybackFinished)
        await telephony.place_in_queue(id_, leg)
        await telephony.ring(id_, LegId(f"{id_}-agent-1"), "PJSIP/1001", "13800000001", 5000)
        await heard.event(ev.LegAnswered)
        await telephony.connect(id_, leg, LegId(f"{id_}-agent-1"))
        await heard.event(ev.LegsJoined)
        await call.hang_up()
        await heard.event(ev.LegHungUp)
        await telephony.hang_up(id_, LegId(f"{id_}-agent-1"), HangupCause.NORMAL)
        await telephony.clear(id_)
        for x in heard.heard: print(x)
        print(telephony.counts)
