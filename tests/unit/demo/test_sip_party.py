"""Two parties phone each other, also over a line that loses datagrams."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import pytest

from ivr.demo.sip.call import CallEnded, DigitsBy, Ended, SipCall
from ivr.demo.sip.dialled import DialledCall
from ivr.demo.sip.message import SipMessage, digest_answer, reply_to
from ivr.demo.sip.received import Answer, Behaviour, Decline, Ignore, ReceivedCall, Ring
from ivr.demo.sip.transactions import SipTimeout, SipTimers
from ivr.demo.sip_party import SipParty
from tests.tones import loudest_hz, tone
from tests.until import until

FAST = SipTimers(t1_ms=20, t2_ms=80)
NOBODY = ("127.0.0.1", 9)


@asynccontextmanager
async def two(behaviour: Behaviour | None = None) -> AsyncIterator[tuple[SipParty, SipParty]]:
    """Somebody who dials, and a phone that is dialled."""
    async with (
        SipParty(NOBODY, "1001", behaviour=behaviour, timers=FAST) as phone,
        SipParty(("127.0.0.1", phone.port), "13800000001", timers=FAST) as caller,
    ):
        yield caller, phone


@asynccontextmanager
async def conversation() -> AsyncIterator[tuple[DialledCall, ReceivedCall]]:
    async with two() as (caller, phone):
        call = await caller.dial("1001")
        received = await phone.next_call()
        await call.answered()
        yield call, received


async def test_both_speak_and_hear_at_the_pace_of_speech() -> None:
    async with conversation() as (call, received):
        await asyncio.gather(call.say(tone(500, 400)), received.say(tone(900, 400)))
        await until(lambda: loudest_hz(received.voice.heard.samples()), "the caller to be heard")
        assert loudest_hz(received.voice.heard.samples()) == pytest.approx(500, abs=10)
        assert loudest_hz(call.voice.heard.samples()) == pytest.approx(900, abs=10)
        packets = received.voice.heard.packets
        assert packets[-1].at - packets[0].at == pytest.approx(0.02 * (len(packets) - 1), abs=0.05)


@pytest.mark.parametrize("by_caller", [True, False])
async def test_either_side_hangs_up(by_caller: bool) -> None:
    async with conversation() as (call, received):
        one, other = (call, received) if by_caller else (received, call)
        await one.hang_up()
        assert await other.ended() is Ended.BYE
        assert one.how is Ended.HUNG_UP
        await one.hang_up()
        with pytest.raises(CallEnded):
            await other.say(tone(500, 100))


async def test_what_is_being_said_ends_with_the_call() -> None:
    async with conversation() as (call, received), asyncio.TaskGroup() as group:
        group.create_task(cut_short(call), name="say")
        await until(lambda: loudest_hz(received.voice.heard.samples()), "the caller to be heard")
        await received.hang_up()


async def cut_short(call: SipCall) -> None:
    with pytest.raises(CallEnded, match="before everything was said"):
        await call.say(tone(500, 60_000))


@pytest.mark.parametrize("status", [480, 486, 603])
async def test_a_refusal_is_told_with_its_status(status: int) -> None:
    async with two(Decline(status)) as (caller, phone):
        call = await caller.dial("1001")
        with pytest.raises(CallEnded) as refused:
            await call.answered()
        assert refused.value.status == status
        assert await (await phone.next_call()).ended() is Ended.REFUSED


async def test_a_phone_rings_until_somebody_decides() -> None:
    async with two(Ring()) as (caller, phone):
        call = await caller.dial("1001")
        received = await phone.next_call()
        await call.ringing()
        with pytest.raises(SipTimeout, match="not answered within 50 ms"):
            await call.answered(50)
        received.answer()
        await call.answered()
        received.decline()
        assert received.up


async def test_who_rings_may_think_better_of_it() -> None:
    async with two(Ring()) as (caller, phone):
        call = await caller.dial("1001")
        await call.ringing()
        await call.hang_up()
        assert await call.ended() is Ended.CANCELLED
        assert await (await phone.next_call()).ended() is Ended.WITHDRAWN


async def test_thinking_better_of_it_before_anything_rings() -> None:
    async with two(Ring()) as (caller, _):
        call = await caller.dial("1001")
        await call.hang_up()
        assert await call.ended() is Ended.CANCELLED


@pytest.mark.parametrize("after_ms", range(0, 12, 3))
async def test_taking_back_and_answering_at_once_ends_the_call_either_way(after_ms: int) -> None:
    async with two(Answer(after_ms)) as (caller, phone):
        call = await caller.dial("1001")
        await call.ringing()
        await call.hang_up()
        received = await phone.next_call()
        ways = {await call.ended(), await received.ended()}
        assert ways in ({Ended.CANCELLED, Ended.WITHDRAWN}, {Ended.HUNG_UP, Ended.BYE})


async def test_one_call_at_a_time() -> None:
    async with conversation() as (call, received):
        async with SipParty(call._peer, "13800000002", timers=FAST) as other:
            second = await other.dial("1001")
            with pytest.raises(CallEnded) as busy:
                await second.answered()
            assert busy.value.status == 486
        assert received.up


async def test_a_phone_takes_one_call_after_the_other() -> None:
    async with two() as (caller, phone):
        for _ in range(3):
            call = await caller.dial("1001")
            received = await phone.next_call()
            await call.answered()
            assert received.other == "13800000001"
            await call.hang_up()
            await received.ended()


async def test_a_withheld_number_is_anonymous() -> None:
    async with (
        SipParty(NOBODY, "1001", timers=FAST) as phone,
        SipParty(("127.0.0.1", phone.port), None, timers=FAST) as caller,
    ):
        await caller.dial("1001")
        assert (await phone.next_call()).other == "anonymous"


async def test_keys_arrive_in_the_voice_and_beside_it() -> None:
    async with conversation() as (call, received):
        await call.press("12#")
        await until(lambda: received.voice.heard.digits == ["1", "2", "#"], "every key")
        await call.press("5", DigitsBy.INFO)


@pytest.mark.parametrize(
    ("method", "status", "sdp"),
    [
        ("UPDATE", 200, True),
        ("INVITE", 200, True),
        ("OPTIONS", 200, False),
        ("INFO", 200, False),
        ("REFER", 405, False),
    ],
)
async def test_requests_within_a_call_are_answered(method: str, status: int, sdp: bool) -> None:
    async with conversation() as (call, _):
        body = call.voice.sdp() if sdp else ""
        response = await call.request(method, body, "application/sdp" if sdp else "")
        assert response.status == status
        assert ("m=audio" in response.body) == sdp


async def test_a_request_for_no_call_is_refused() -> None:
    async with conversation() as (call, received):
        await received.hang_up()
        await call.ended()
        assert (await call.request("UPDATE")).status in {200, 481}
    async with two() as (caller, phone):
        stranger = DialledCall(caller, ("127.0.0.1", phone.port), "<sip:x@y>;tag=1", "1001", None)
        assert (await stranger.request("BYE")).status == 481


async def test_a_vanished_party_says_nothing_any_more() -> None:
    async with two() as (caller, phone):
        call = await caller.dial("1001")
        received = await phone.next_call()
        await call.answered()
        await until(lambda: len(received.voice.heard.packets) > 3, "the voice")
        caller.vanish()
        await asyncio.sleep(0.05)  # what was on its way arrives
        heard = len(received.voice.heard.packets)
        with pytest.raises(SipTimeout):
            await received.ended(200)
        assert len(received.voice.heard.packets) == heard
        assert received.up
        received.finish(Ended.LOST)


async def test_nobody_there_is_a_lost_call() -> None:
    async with two(Ignore()) as (caller, _):
        call = await caller.dial("1001")
        with pytest.raises(CallEnded, match="lost"):
            await call.answered(3000)


async def test_leaving_hangs_up() -> None:
    async with SipParty(NOBODY, "1001", timers=FAST) as phone:
        async with SipParty(("127.0.0.1", phone.port), "13800000001", timers=FAST) as caller:
            call = await caller.dial("1001")
            received = await phone.next_call()
            await call.answered()
        assert await received.ended() is Ended.BYE


async def test_an_error_of_its_owner_stays_bare() -> None:
    with pytest.raises(ZeroDivisionError):
        async with SipParty(NOBODY, "1001"):
            raise ZeroDivisionError


# ---- a line that loses


class LossyLine(asyncio.DatagramProtocol):
    """Carries datagrams between whoever speaks first and `callee`, except those that `loses` says."""

    def __init__(self, callee: tuple[str, int], loses: Callable[[int, bytes], bool]) -> None:
        self._callee = callee
        self._caller: tuple[str, int] | None = None
        self._loses = loses
        self._count = 0
        self._transport: asyncio.DatagramTransport | None = None
        self.seen: list[str] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._transport is not None
        self._transport.close()
        await asyncio.sleep(0)

    @property
    def address(self) -> tuple[str, int]:
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")
        return host, port

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr != self._callee:
            self._caller = addr
        number, self._count = self._count, self._count + 1
        self.seen.append(data.split(b"\r\n", 1)[0].decode())
        to = self._caller if addr == self._callee else self._callee
        if not self._loses(number, data) and to is not None and self._transport is not None:
            self._transport.sendto(data, to)


@pytest.mark.parametrize("lost", range(8))
async def test_a_call_survives_the_loss_of_any_datagram(lost: int) -> None:
    async with (
        SipParty(NOBODY, "1001", timers=FAST) as phone,
        LossyLine(("127.0.0.1", phone.port), lambda number, _: number == lost) as line,
        SipParty(line.address, "13800000001", timers=FAST) as caller,
    ):
        call = await caller.dial("1001")
        received = await phone.next_call()
        await call.answered()
        await until(received._acked.is_set, "the answer to be acknowledged")
        await call.hang_up()
        assert await received.ended() is Ended.BYE


@pytest.mark.parametrize("lost", range(8))
async def test_taking_back_survives_the_loss_of_any_datagram(lost: int) -> None:
    async with (
        SipParty(NOBODY, "1001", behaviour=Ring(), timers=FAST) as phone,
        LossyLine(("127.0.0.1", phone.port), lambda number, _: number == lost) as line,
        SipParty(line.address, "13800000001", timers=FAST) as caller,
    ):
        call = await caller.dial("1001")
        received = await phone.next_call()
        await call.hang_up()
        assert await call.ended() is Ended.CANCELLED
        assert await received.ended() is Ended.WITHDRAWN


async def test_an_answer_nobody_acknowledges_is_taken_back() -> None:
    quick = SipTimers(t1_ms=5, t2_ms=20)
    async with (
        SipParty(NOBODY, "1001", timers=quick) as phone,
        LossyLine(("127.0.0.1", phone.port), lambda _, data: data.startswith(b"ACK")) as line,
        SipParty(line.address, "13800000001", timers=FAST) as caller,
    ):
        call = await caller.dial("1001")
        received = await phone.next_call()
        assert await received.ended() is Ended.LOST
        assert await call.ended() is Ended.BYE
        assert line.seen.count("SIP/2.0 200 OK") > 3, "it was said again and again"


# ---- a registrar


class Registrar(asyncio.DatagramProtocol):
    """Challenges, checks, and keeps who is registered where."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.bound: dict[str, str] = {}
        self.asked = 0
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # typeshed: as in voice.py
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = SipMessage.parse(data)
        self.asked += 1
        authorised = dict(request.headers).get("authorization", "")
        nonce = authorised.partition('cnonce="')[2].partition('"')[0]
        challenge = 'Digest realm="asterisk",nonce="n",algorithm=MD5,qop="auth"'
        wanted = digest_answer(
            challenge, method="REGISTER", uri=request.uri, user="1001", password=self.password, nonce=nonce
        )
        good = authorised == wanted
        reply = reply_to(request, 200 if good else 401, tag="r", contact="sip:r@127.0.0.1")
        headers = reply.headers if good else (*reply.headers, ("www-authenticate", challenge))
        if good:
            self.bound["1001"] = request.contact if request.one("expires") != "0" else ""
        assert self.transport is not None
        self.transport.sendto(SipMessage(headers=headers, status=reply.status).render(), addr)


@asynccontextmanager
async def registrar(password: str) -> AsyncIterator[tuple[Registrar, tuple[str, int]]]:
    kept = Registrar(password)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: kept, local_addr=("127.0.0.1", 0))
    host, port = transport.get_extra_info("sockname")
    yield kept, (host, port)
    transport.close()
    await asyncio.sleep(0)


async def test_a_phone_registers_stays_registered_and_unregisters() -> None:
    async with registrar("secret") as (kept, address):
        async with SipParty(address, "1001", password="secret", timers=FAST) as phone:
            await phone.register(expires_s=1)
            assert kept.bound == {"1001": phone.contact}
            asked = kept.asked
            await until(lambda: kept.asked > asked, "the registration to be kept fresh", 2)
        assert kept.bound == {"1001": ""}


async def test_a_wrong_password_is_told() -> None:
    async with registrar("secret") as (kept, address):
        async with SipParty(address, "1001", password="wrong", timers=FAST) as phone:
            with pytest.raises(CallEnded) as refused:
                await phone.register()
            assert refused.value.status == 401
        assert kept.bound == {}


async def test_no_registrar_is_a_timeout() -> None:
    async with two() as (_, phone), SipParty(("127.0.0.1", 1), "1001", password="secret", timers=FAST) as lost:
        with pytest.raises(SipTimeout):
            await lost.register(timeout_ms=300)
        assert phone.port != lost.port
