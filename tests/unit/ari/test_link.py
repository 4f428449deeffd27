"""The link against an Asterisk that misbehaves."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from ivr.ari.account import AriAccount, LinkTimes
from ivr.ari.link import Link, Marker, RestCall
from ivr.ports import AsteriskUnavailable, RequestRefused
from ivr.tasks import Tasks
from tests.fakes.ari_stub import Answer, AriStub
from tests.until import until

TIMES = LinkTimes(
    request_ms=200,
    slow_request_ms=400,
    connect_ms=500,
    ping_every_ms=100,
    pong_within_ms=200,
    close_ms=100,
    retry_from_ms=20,
    retry_to_ms=160,
    settled_ms=5000,
    refused_ms=300,
)
LIST = RestCall(what="list channels", method="GET", path="channels")


@asynccontextmanager
async def running(account: AriAccount, times: LinkTimes = TIMES, inbox: int = 100) -> AsyncIterator[Link]:
    link = Link(account, times, inbox=inbox)
    async with Tasks() as tasks:
        tasks.start("link", link.run())
        yield link


async def marker(link: Link, wanted: Marker, within_s: float = 2.0) -> float:
    """Take frames until the marker; how long it took."""
    began = time.monotonic()
    async with asyncio.timeout(within_s):
        while await link.next() is not wanted:
            pass
    return time.monotonic() - began


async def test_events_come_in_order_and_replies_to_their_requests() -> None:
    async with AriStub() as stub, running(stub.account) as link:
        await marker(link, Marker.UP)
        stub.hold_answers = 2  # both replies come together, the last first
        stub.script = lambda asked: Answer(200, asked.path)
        first, second = await asyncio.gather(link.request(get("channels"), 1000), link.request(get("bridges"), 1000))
        assert (first.body, second.body) == (b'"channels"', b'"bridges"')
        for number in range(3):
            await stub.event(type="Anything", number=number)
        assert [await link.next() for _ in range(3)] == [b'{"type": "Anything", "number": %d}' % n for n in range(3)]


def get(path: str) -> RestCall:
    return RestCall(what="ask", method="GET", path=path)


async def test_a_deadline_is_kept_and_the_stalled_socket_not_used_until_it_answers() -> None:
    async with AriStub() as stub, running(stub.account, replace(TIMES, pong_within_ms=5000)) as link:
        await marker(link, Marker.UP)
        stub.script = lambda _: Answer(200, [], after_s=0.5)
        began = time.monotonic()
        with pytest.raises(AsteriskUnavailable, match="list channels: no reply within 100 ms"):
            await link.request(LIST, 100)
        assert time.monotonic() - began < 0.3
        assert not link.usable
        await until(lambda: link.usable, "the late reply to have come")
        stub.script = lambda _: None
        assert (await link.request(LIST, 200)).status == 200


async def test_a_cancelled_request_leaves_nothing_behind() -> None:
    async with AriStub() as stub, running(stub.account) as link:
        await marker(link, Marker.UP)
        stub.script = lambda _: Answer(200, [], after_s=0.1)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.02):
                await link.request(LIST, 2000)
        stub.script = lambda _: None
        assert (await link.request(LIST, 1000)).status == 200
        assert link.usable


async def test_a_dropped_connection_fails_its_requests_at_once_and_comes_back() -> None:
    async with AriStub(script=lambda _: Answer(never=True)) as stub, running(stub.account) as link:
        await marker(link, Marker.UP)
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(fails(link), name="asking")
            await until(lambda: stub.asked, "the request to arrive")
            began = time.monotonic()
            await stub.drop()
            await asking
            assert time.monotonic() - began < 0.5
        await marker(link, Marker.DOWN)
        assert await marker(link, Marker.UP) < 1
        assert link.counts["reconnect"] == 1


async def fails(link: Link) -> None:
    with pytest.raises(AsteriskUnavailable, match="the connection to Asterisk broke"):
        await link.request(LIST, 5000)


async def test_a_half_open_connection_is_found_by_its_silence() -> None:
    async with AriStub() as stub, running(stub.account) as link:
        await marker(link, Marker.UP)
        await stub.freeze()
        allowed_s = (TIMES.ping_every_ms + TIMES.pong_within_ms + TIMES.close_ms) / 1000
        assert await marker(link, Marker.DOWN) < allowed_s + 0.3
        await marker(link, Marker.UP)


def test_the_shipped_times_find_a_half_open_connection_within_10_s() -> None:
    times = LinkTimes()
    assert times.ping_every_ms + times.pong_within_ms + times.close_ms < 10_000
    assert times.pong_within_ms > max(times.request_ms, times.slow_request_ms)


async def test_clean_closes_do_not_make_a_hot_loop() -> None:
    async with AriStub(close_at_once=True) as stub, running(stub.account, replace(TIMES, retry_to_ms=5000)):
        began, cpu = time.monotonic(), time.process_time()
        await until(lambda: stub.handshakes >= 5, "five attempts")
        elapsed = time.monotonic() - began
        assert elapsed > (20 + 40 + 80 + 160) / 2 / 1000, "pauses grow"
        assert time.process_time() - cpu < elapsed / 2
        handshakes = stub.handshakes
        await asyncio.sleep(0.1)  # shorter than the pause that is due now
        assert stub.handshakes <= handshakes + 1


@pytest.mark.parametrize(
    ("status", "mend"),
    [(401, "mend user and password"), (403, "mend user and password"), (400, "mend app"), (404, "mend url")],
)
async def test_what_only_a_person_can_mend_ends_the_link(status: int, mend: str) -> None:
    async with AriStub(handshake=status) as stub:
        with pytest.raises(RequestRefused, match=mend) as refused:
            async with asyncio.timeout(3):
                await Link(stub.account, TIMES).run()
        assert "secret" not in str(refused.value)
        assert stub.handshakes == 1 or status == 404


@pytest.mark.parametrize("status", [404, 503])
async def test_a_booting_asterisk_is_waited_for(status: int) -> None:
    async with AriStub(handshake=status) as stub, running(stub.account, replace(TIMES, refused_ms=5000)) as link:
        await until(lambda: stub.handshakes >= 3, "attempts")
        stub.handshake = 101
        await marker(link, Marker.UP)


async def test_refusals_count_only_while_they_follow_each_other() -> None:
    async with AriStub(handshake=404) as stub, running(stub.account) as link:
        for _ in range(3):
            await until(lambda: stub.handshakes >= 1, "a refusal")
            await stub.vanish()
            await asyncio.sleep(TIMES.refused_ms / 1000 / 2)
            stub.handshakes = 0
            await stub.listen()
        stub.handshake = 101
        await marker(link, Marker.UP)


async def test_refusals_of_an_earlier_boot_are_forgotten() -> None:
    async with AriStub(handshake=404) as stub, running(stub.account) as link:
        for _ in range(3):
            await asyncio.sleep(TIMES.refused_ms / 1000 / 2)  # half of what is borne: the length is what is tested
            stub.handshake = 101
            await marker(link, Marker.UP)
            stub.handshake = 404
            await stub.drop()


async def test_nobody_there_is_waited_for() -> None:
    async with AriStub() as stub:
        account = stub.account
        await stub.vanish()
        async with running(account) as link:
            await until(lambda: link.counts["reconnect"] >= 3, "attempts")
            await stub.listen()
            await marker(link, Marker.UP)


async def test_another_program_that_took_the_application_over_is_not_fought() -> None:
    async with AriStub() as stub, asyncio.TaskGroup() as group, asyncio.timeout(3):
        group.create_task(stub.event(type="ApplicationReplaced", application="hotline"), name="replace")
        with pytest.raises(RequestRefused, match="another program took over the ARI application 'hotline'"):
            await Link(stub.account, TIMES).run()


async def test_frames_nobody_takes_cost_the_connection_not_the_memory() -> None:
    async with AriStub() as stub, running(stub.account, inbox=5) as link:
        socket = await stub.connected()
        for number in range(20):
            socket.send_text(f'{{"type": "Anything", "number": {number}}}')
        await until(lambda: link.counts["forgotten"], "the inbox to overflow")
        await until(lambda: stub.handshakes == 2 and link.usable, "a reconnection")
        assert link.waiting_frames() == [Marker.DOWN, Marker.UP]
        assert link.counts["forgotten"] == 5


async def test_what_is_not_an_event_is_counted_and_passed_over() -> None:
    async with AriStub() as stub, running(stub.account) as link:
        await marker(link, Marker.UP)
        for text in ("", "garbage", "[]", '{"no": "type"}', '{"type": 7}'):
            await stub.text(text)
        await stub.event(type="Fine")
        assert await link.next() == b'{"type": "Fine"}'
        assert link.counts["malformed"] == 5


async def test_no_connection_no_request() -> None:
    async with AriStub() as stub:
        with pytest.raises(AsteriskUnavailable, match="no connection"):
            await Link(stub.account, TIMES).request(LIST, 100)


def test_credentials_are_not_shown() -> None:
    assert "secret" not in repr(AriAccount(url="http://127.0.0.1:1/ari", user="u", password="secret"))
