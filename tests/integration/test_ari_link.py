"""The link to a real Asterisk breaks, the server dies, Asterisk restarts: calls go on, and the truth is found again."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from ivr.ari.account import AriAccount, LinkTimes
from ivr.ari.reconcile import Swept
from ivr.ari.telephony import AriTelephony
from ivr.calls import events as ev
from ivr.calls.vocabulary import HangupCause, Party
from ivr.demo.sip.received import Answer
from ivr.ports import AsteriskUnavailable, LegGone, LinkDown, LinkUp, RequestRefused
from tests.asterisk_prefix import free_udp_range
from tests.exchanges import HOTLINE, Exchange, new_exchange
from tests.listening import listening
from tests.rtp_sink import RATE, RtpSink
from tests.tones import loudest_hz, tone
from tests.until import until, until_async

pytestmark = pytest.mark.e2e

NUMBER = "13800000001"


@asynccontextmanager
async def victim(exchange: Exchange, sink: RtpSink) -> AsyncIterator[Process]:
    """A hotline of its own process; killed, at the latest, in the end."""
    account = exchange.account
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.ari_victim",
        account.url, account.user, account.password, "PJSIP/1001", str(sink.address[1]), stdout=PIPE,
    )  # fmt: skip
    try:
        await said(process, "up")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def said(process: Process, word: str) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(10):
        assert (await process.stdout.readline()).decode().strip() == word


async def test_a_server_killed_in_mid_call_is_taken_over_from(exchange: Exchange) -> None:
    async with (
        RtpSink() as sink,
        exchange.agent("1001", Answer(50)) as phone,
        exchange.citizen(NUMBER) as caller,
    ):
        async with victim(exchange, sink) as server:
            citizen = await caller.dial(HOTLINE)
            await said(server, "talking")
            server.kill()
            await server.wait()
        agent = await phone.next_call()
        since = asyncio.get_running_loop().time()
        await citizen.say(tone(1000, 300))
        await until(lambda: loudest_hz(agent.voice.heard.samples(since)), "the agent to hear the citizen all the same")

        async with exchange.telephony() as telephony, listening(telephony) as heard:
            snapshot = await heard.link_up()
            seen = {leg.party: leg for leg in snapshot.legs}
            assert len(snapshot.legs) == 2
            assert all(leg.up and leg.talking for leg in snapshot.legs)
            assert (seen[Party.CITIZEN].caller_number, seen[Party.CITIZEN].dialled) == (NUMBER, HOTLINE)
            assert seen[Party.AGENT].endpoint == "PJSIP/1001"
            call = seen[Party.CITIZEN].call
            assert seen[Party.AGENT].call == call

            taps = set(sink.packets)
            fork = await telephony.fork_media(call, seen[Party.CITIZEN].leg, Party.CITIZEN, sink.address)
            assert fork.source_port not in taps
            await citizen.say(tone(1000, 300))
            await until(lambda: loudest_hz(sink.samples(fork.source_port), RATE), "the new tap to hear the citizen")
            assert len(await exchange.standing()) == 2 + 2 * 3 + 2, "legs, two taps, hold and talk"

            await citizen.press("4")
            await heard.event(ev.DigitPressed, call)
            await citizen.hang_up()
            await heard.event(ev.LegHungUp, call)
            for leg in snapshot.legs:
                await telephony.hang_up(call, leg.leg, HangupCause.NORMAL)
            await telephony.clear(call)
            await until_async(exchange.empty, "nothing of the dead server's left")


async def test_what_a_dead_server_left_is_swept(exchange: Exchange) -> None:
    async with RtpSink() as sink, exchange.agent("1001", Answer(50)), exchange.citizen(NUMBER) as caller:
        async with victim(exchange, sink) as server:
            citizen = await caller.dial(HOTLINE)
            await said(server, "talking")
        await citizen.hang_up()
        async with exchange.telephony() as telephony, listening(telephony) as heard:
            (agent,) = (await heard.link_up()).legs
            await telephony.hang_up(agent.call, agent.leg, HangupCause.NORMAL)
            await heard.event(ev.LegHungUp, agent.call)
            assert await telephony.sweep({agent.call}) == Swept(0, 0), "what is claimed stays"
            swept = await telephony.sweep(())
            assert swept.bridges == 4, "hold, talk and two of the taps'"
            assert swept.channels >= 2, "external media outlive the party they belong to"
            await until_async(exchange.empty, "nothing left")


async def test_a_killed_socket_is_told_and_healed_while_the_call_goes_on(exchange: Exchange) -> None:
    async with (
        exchange.telephony() as telephony,
        listening(telephony) as heard,
        exchange.citizen(NUMBER) as caller,
    ):
        citizen = await caller.dial(HOTLINE)
        call, leg = await heard.arrival()
        await telephony.pick_up(call, leg)
        await telephony.place_in_queue(call, leg)
        since = len(heard.heard)
        assert telephony._link._socket is not None
        telephony._link._socket.transport.abort()
        (seen,) = (await heard.link_up(since)).legs
        assert heard.heard[since] == LinkDown()
        assert (seen.call, seen.leg, seen.party, seen.up, seen.talking) == (call, leg, Party.CITIZEN, True, False)
        assert heard.times[since + 1] - heard.times[since] < 2
        assert citizen.up
        await telephony.hang_up(call, leg, HangupCause.NORMAL)
        await heard.event(ev.LegHungUp, call)
        await telephony.clear(call)


async def test_who_hung_up_in_the_gap_is_not_in_the_snapshot(exchange: Exchange) -> None:
    gap = LinkTimes(retry_from_ms=2000)  # long enough to hang up in
    async with exchange.telephony(gap) as telephony, listening(telephony) as heard, exchange.citizen(NUMBER) as caller:
        citizen = await caller.dial(HOTLINE)
        call, leg = await heard.arrival()
        await telephony.pick_up(call, leg)
        await citizen.answered()
        since = len(heard.heard)
        await telephony._link.drop()
        await heard.wait(lambda one: isinstance(one, LinkDown), "LinkDown", since=since)
        await citizen.hang_up()
        await until_async(exchange.empty, "the leg to be gone")
        assert (await heard.link_up(since)).legs == ()
        assert not [event for event in heard.of(call) if isinstance(event, ev.LegHungUp)]
        with pytest.raises(LegGone):
            await telephony.place_in_queue(call, leg)


async def test_an_asterisk_that_dies_and_comes_back_is_found_empty() -> None:
    async with new_exchange() as exchange, exchange.telephony() as telephony, listening(telephony) as heard:
        async with exchange.citizen(NUMBER) as caller:
            await caller.dial(HOTLINE)
            call, leg = await heard.arrival()
            await telephony.pick_up(call, leg)
            since = len(heard.heard)
            await exchange.running.kill()
            await heard.wait(lambda one: isinstance(one, LinkDown), "LinkDown", since=since)
            with pytest.raises(AsteriskUnavailable):
                await telephony.place_in_queue(call, leg)
            caller.vanish()
        async with await exchange.running.asterisk.start():
            assert (await heard.link_up(since, timeout_s=20)).legs == ()
            async with exchange.citizen(NUMBER) as caller:
                await caller.dial(HOTLINE)
                call, leg = await heard.arrival(since)
                await telephony.hang_up(call, leg, HangupCause.NORMAL)
                await heard.event(ev.LegHungUp, call)


async def test_while_no_server_listens_callers_hear_the_fallback(exchange: Exchange) -> None:
    async with exchange.citizen(NUMBER) as caller:
        citizen = await caller.dial(HOTLINE)
        await citizen.answered()
        await citizen.hang_up()


async def test_more_callers_than_rtp_ports_cost_words_never_the_exchange() -> None:
    """Asterisk 22.10.1 dies of external media that finds no port (asterisk issue 1757)."""
    sip = free_udp_range(22)
    async with (
        new_exchange(sip_port=sip, rtp_first=sip + 2, rtp_last=sip + 21) as exchange,  # ten streams
        exchange.telephony() as telephony,
        listening(telephony) as heard,
        AsyncExitStack() as callers,
    ):
        tapped = refused = turned_away = 0
        for number in range(12):
            caller = await callers.enter_async_context(exchange.citizen(f"1380000{number:04}"))
            since = len(heard.heard)
            citizen = await caller.dial(HOTLINE)
            await until(lambda: citizen.over or len(heard.heard) > since, "the call to arrive or be turned away")  # noqa: B023  waited for here
            if citizen.over:
                turned_away += 1
                continue
            call, leg = await heard.arrival(since)
            try:
                await telephony.fork_media(call, leg, Party.CITIZEN, ("127.0.0.1", 9))
                tapped += 1
            except RequestRefused:
                refused += 1
        assert (tapped, refused, turned_away) == (3, 4, 5)
        assert exchange.running.returncode is None
        assert telephony.counts["reconnect"] == 0


async def test_a_second_server_takes_over_and_the_first_says_why_it_ends(exchange: Exchange) -> None:
    async with exchange.telephony() as first:
        hears = first.stream()
        assert isinstance(await anext(hears), LinkUp)
        async with exchange.telephony() as second:
            with pytest.raises(RequestRefused, match="another program took over"):
                async with asyncio.timeout(10):
                    async for _ in hears:
                        pass
            async with listening(second) as heard, exchange.citizen(NUMBER) as caller:
                await caller.dial(HOTLINE)
                call, leg = await heard.arrival()
                await second.hang_up(call, leg, HangupCause.NORMAL)
                await heard.event(ev.LegHungUp, call)


async def test_a_wrong_password_is_told_with_its_mend(exchange: Exchange) -> None:
    account = AriAccount(url=exchange.account.url, user=exchange.account.user, password="wrong")
    async with AriTelephony(account, exchange.sounds, HOTLINE, rtp_ports=1000) as telephony:
        with pytest.raises(RequestRefused, match="mend user and password"):
            async with asyncio.timeout(5):
                async for _ in telephony.stream():
                    pass
