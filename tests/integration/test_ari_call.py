"""Whole calls on a real Asterisk: what the hotline hears, and what the parties hear."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from ivr.ari.telephony import AriTelephony
from ivr.calls import events as ev
from ivr.calls.vocabulary import CallId, HangupCause, LegId, Party, PlaybackId
from ivr.demo.sip.call import DigitsBy, Ended, SipCall
from ivr.demo.sip.dialled import DialledCall
from ivr.demo.sip.received import Answer, ReceivedCall, Ring
from ivr.demo.sip_party import SipParty
from ivr.ports import LegGone
from tests.exchanges import HOTLINE, MUSIC_HZ, SOUND_HZ, Exchange
from tests.listening import Listener, listening
from tests.rtp_sink import RATE, RtpSink
from tests.tones import loudest_hz, tone
from tests.until import until, until_async

pytestmark = pytest.mark.e2e

NUMBER = "13800000001"
CITIZEN_HZ, AGENT_HZ = 1000, 700
OFF_HZ = 25


@dataclass
class Line:
    """A citizen's call and everybody on it."""

    telephony: AriTelephony
    heard: Listener
    call: CallId
    leg: LegId
    citizen: DialledCall
    phone: SipParty
    caller: SipParty

    @property
    def agent_leg(self) -> LegId:
        return LegId(f"{self.call}-agent-1")

    async def pick_up(self) -> None:
        await self.telephony.pick_up(self.call, self.leg)
        await self.citizen.answered()

    async def ring(self, ring_ms: int = 5000) -> None:
        await self.telephony.ring(self.call, self.agent_leg, f"PJSIP/{self.phone.number}", NUMBER, ring_ms)

    async def talk(self) -> ReceivedCall:
        """Up to the conversation; the agent's call."""
        await self.pick_up()
        await self.telephony.place_in_queue(self.call, self.leg)
        return await self.talk_on()

    async def talk_on(self) -> ReceivedCall:
        """From the queue, or before it, to the conversation."""
        await self.ring()
        await self.heard.event(ev.LegAnswered, self.call)
        await self.telephony.connect(self.call, self.leg, self.agent_leg)
        await self.heard.event(ev.LegsJoined, self.call)
        return await self.phone.next_call()

    async def end(self) -> None:
        for leg in (self.leg, self.agent_leg):
            await self.telephony.hang_up(self.call, leg, HangupCause.NORMAL)
        await self.telephony.clear(self.call)


@asynccontextmanager
async def line(exchange: Exchange) -> AsyncIterator[Line]:
    async with (
        exchange.telephony() as telephony,
        listening(telephony) as heard,
        exchange.agent("1001", Answer(50)) as phone,
        exchange.citizen(NUMBER) as citizen,
    ):
        call = await citizen.dial(HOTLINE)
        yield Line(telephony, heard, *await heard.arrival(), call, phone, citizen)


async def hears(call: SipCall, hz: float) -> None:
    """Wait until a party hears a tone, from now on."""
    since = asyncio.get_running_loop().time()

    def found() -> bool:
        loudest = loudest_hz(call.voice.heard.samples(since))
        return loudest is not None and abs(loudest - hz) < OFF_HZ

    await until(found, f"{hz} Hz to be heard")


async def test_everybody_hears_what_they_should(exchange: Exchange) -> None:
    async with line(exchange) as on, RtpSink() as sink:
        await on.pick_up()
        await on.telephony.play(on.call, on.leg, PlaybackId("greeting"), ("welcome",))
        await hears(on.citizen, SOUND_HZ["welcome"])
        await on.heard.event(ev.PlaybackFinished, on.call)

        await on.telephony.place_in_queue(on.call, on.leg)
        await hears(on.citizen, MUSIC_HZ)
        await on.telephony.play(on.call, on.leg, PlaybackId("place"), ("number.2",))
        await hears(on.citizen, SOUND_HZ["number.2"])
        await on.heard.event(ev.PlaybackFinished, on.call, since=len(on.heard.heard) - 1)
        await hears(on.citizen, MUSIC_HZ)

        await on.ring()
        agent = await on.phone.next_call()
        assert agent.other == "138****0001", "the agent's phone shows the number with its middle hidden"
        await on.heard.event(ev.LegAnswered, on.call)
        await on.telephony.connect(on.call, on.leg, on.agent_leg)
        await on.heard.event(ev.LegsJoined, on.call)
        citizen_fork, agent_fork = [
            await on.telephony.fork_media(on.call, leg, party, sink.address)
            for leg, party in ((on.leg, Party.CITIZEN), (on.agent_leg, Party.AGENT))
        ]

        since = asyncio.get_running_loop().time()
        await on.citizen.say(tone(CITIZEN_HZ, 500))
        await until(lambda: loudest_hz(agent.voice.heard.samples(since)), "the agent to hear the citizen")
        await agent.say(tone(AGENT_HZ, 500))
        await hears_after(on.citizen, AGENT_HZ, since)
        await hears_after(agent, CITIZEN_HZ, since)
        await until(lambda: loudest_hz(sink.samples(agent_fork.source_port), RATE), "the agent's tap to say something")
        for fork, hz in ((citizen_fork, CITIZEN_HZ), (agent_fork, AGENT_HZ)):
            loudest = loudest_hz(sink.samples(fork.source_port), RATE)
            assert loudest == pytest.approx(hz, abs=OFF_HZ), "each tap hears its own party, and only that"
            packets = sink.packets[fork.source_port]
            assert {(packet.payload_type, len(packet.payload)) for packet in packets} == {(118, 640)}
            numbers = [packet.sequence for packet in packets]
            assert numbers == [(numbers[0] + n) & 0xFFFF for n in range(len(numbers))], "no packet lost or out of order"
        await on.end()
        assert await on.citizen.ended() is Ended.BYE
        assert await agent.ended() is Ended.BYE


async def hears_after(call: SipCall, hz: float, since: float) -> None:
    await until(
        lambda: abs((loudest_hz(call.voice.heard.samples(since)) or 0) - hz) < OFF_HZ, f"{hz} Hz heard by {call.other}"
    )


async def test_a_replaced_tap_goes_on_and_a_stopped_one_falls_silent(exchange: Exchange) -> None:
    async with line(exchange) as on, RtpSink() as sink:
        await on.pick_up()
        first = await on.telephony.fork_media(on.call, on.leg, Party.CITIZEN, sink.address)
        await until(lambda: len(sink.packets[first.source_port]) > 5, "the first tap")
        second = await on.telephony.fork_media(on.call, on.leg, Party.CITIZEN, sink.address)
        await until(lambda: len(sink.packets[second.source_port]) > 5, "the second tap")
        stopped = len(sink.packets[first.source_port])
        await until(lambda: len(sink.packets[second.source_port]) > 15, "the second tap to go on")
        assert len(sink.packets[first.source_port]) == stopped
        await on.telephony.stop_fork(on.call, Party.CITIZEN)
        await until_async(lambda: only(exchange, on.leg), "nothing but the citizen's leg")
        await on.end()


async def only(exchange: Exchange, leg: LegId) -> bool:
    return await exchange.standing() == [leg]


@pytest.mark.parametrize("by", DigitsBy)
async def test_keys_of_both_kinds_are_heard_also_in_a_conversation(exchange: Exchange, by: DigitsBy) -> None:
    async with line(exchange) as on:
        await on.pick_up()
        await on.citizen.press("1", by)
        await on.heard.event(ev.DigitPressed, on.call)
        agent = await on.talk_on()
        await on.citizen.press("20#", by)
        await agent.press("9", by)
        await until(lambda: len(digits(on)) == 5, "every key of both parties")
        assert [key for leg, key in digits(on) if leg == on.leg] == ["1", "2", "0", "#"]
        assert [key for leg, key in digits(on) if leg == on.agent_leg] == ["9"]
        await on.end()


def ended(on: Line) -> list[LegId]:
    return [event.leg for event in on.heard.of(on.call) if isinstance(event, ev.LegHungUp)]


def digits(on: Line) -> list[tuple[LegId, str]]:
    return [(event.leg, event.digit) for event in on.heard.of(on.call) if isinstance(event, ev.DigitPressed)]


async def test_a_citizen_who_vanishes_is_lost(exchange: Exchange) -> None:
    async with line(exchange) as on:
        agent = await on.talk()
        on.caller.vanish()
        hung_up = await on.heard.event(ev.LegHungUp, on.call, timeout_s=10)
        assert hung_up == ev.LegHungUp(leg=on.leg, cause=HangupCause.LOST)
        assert agent.up
        await on.end()


async def test_an_agents_phone_that_dies_is_lost_and_the_citizen_stays(exchange: Exchange) -> None:
    async with line(exchange) as on:
        await on.talk()
        on.phone.vanish()
        hung_up = await on.heard.event(ev.LegHungUp, on.call, timeout_s=10)
        assert hung_up == ev.LegHungUp(leg=on.agent_leg, cause=HangupCause.LOST)
        await on.telephony.place_in_queue(on.call, on.leg)
        await hears(on.citizen, MUSIC_HZ)
        await on.end()


async def test_a_citizen_gone_in_the_middle_of_a_verb_is_a_gone_leg(exchange: Exchange) -> None:
    """Whatever the moment, a verb works or says LegGone, before the hang-up is heard or after."""
    async with line(exchange) as on:
        await on.pick_up()

        async def act() -> None:
            while True:
                await on.telephony.pick_up(on.call, on.leg)
                await on.telephony.place_in_queue(on.call, on.leg)
                await on.telephony.fork_media(on.call, on.leg, Party.CITIZEN, ("127.0.0.1", 9))

        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(on.citizen.hang_up(), name="hang up")
            with pytest.raises(LegGone):
                await act()
        await on.end()


@pytest.mark.parametrize("after_ms", range(0, 100, 10))
async def test_no_phone_rings_on_for_a_citizen_who_hung_up(exchange: Exchange, after_ms: int) -> None:
    async with line(exchange) as on:
        on.phone.behaviour = Answer(40)
        await on.pick_up()
        await on.telephony.place_in_queue(on.call, on.leg)
        await on.ring()
        await asyncio.sleep(after_ms / 1000)  # the moment is what is tested
        await on.citizen.hang_up()
        await until(lambda: on.leg in ended(on), "the citizen's hang-up")
        await on.end()
        agent = await on.phone.next_call()
        assert await agent.ended() in {Ended.WITHDRAWN, Ended.BYE}


async def test_calls_hung_up_at_once_leave_nothing(exchange: Exchange) -> None:
    async with exchange.telephony() as telephony, listening(telephony) as heard:
        for number in range(10):
            async with exchange.citizen(f"1380000{number:04}") as citizen:
                since = len(heard.heard)
                call = await citizen.dial(HOTLINE)
                id_, leg = await heard.arrival(since)
                await telephony.pick_up(id_, leg)
                await call.answered()
                await call.hang_up()
                await heard.event(ev.LegHungUp, id_)


async def test_the_event_loop_may_stall_without_losing_anything(exchange: Exchange) -> None:
    async with line(exchange) as on:
        await on.pick_up()
        time.sleep(0.5)  # noqa: ASYNC251  the stall is what is tested
        await on.citizen.press("7")
        await on.heard.event(ev.DigitPressed, on.call)
        assert on.telephony.counts["reconnect"] == 0
        await on.end()


async def test_a_phone_left_to_ring_is_given_up_by_asterisk(exchange: Exchange) -> None:
    async with line(exchange) as on:
        on.phone.behaviour = Ring()
        await on.pick_up()
        await on.ring(ring_ms=900)
        began = asyncio.get_running_loop().time()
        hung_up = await on.heard.event(ev.LegHungUp, on.call)
        assert hung_up == ev.LegHungUp(leg=on.agent_leg, cause=HangupCause.NO_ANSWER)
        assert asyncio.get_running_loop().time() - began == pytest.approx(1.0, abs=0.3), "rounded up to a second"
        await on.end()
