"""The worlds the Telephony port's contract is tested in: in memory, and a real Asterisk with SIP parties."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from ivr.ari.telephony import AriTelephony
from ivr.calls.vocabulary import HangupCause
from ivr.demo.sip.dialled import DialledCall
from ivr.demo.sip.received import Answer, Behaviour, Decline, Ignore, Ring
from ivr.demo.sip_party import SipParty
from ivr.ports import Telephony
from tests.exchanges import HOTLINE, Exchange
from tests.fakes.telephony import FakeCitizen, FakePhone, FakeTelephony
from tests.listening import Listener, listening

NUMBER = "13800000001"
ENDPOINT = "PJSIP/1001"
NOWHERE = "PJSIP/1002"


class Citizen(Protocol):
    """Somebody who phones 12345."""

    async def hang_up(self) -> None: ...
    async def press(self, key: str) -> None: ...


class Phone(Protocol):
    """The agent's phone at `ENDPOINT`."""

    def will(self, behaviour: Behaviour) -> None: ...
    async def hang_up(self) -> None: ...


class World(Protocol):
    """Telephony with people on it. `phone` is registered; nobody is at `NOWHERE`."""

    @property
    def telephony(self) -> Telephony: ...
    @property
    def heard(self) -> Listener: ...
    @property
    def phone(self) -> Phone: ...
    async def citizen(self, number: str | None = NUMBER) -> Citizen: ...
    async def link_breaks(self) -> None: ...
    async def census(self) -> int:
        """How many legs, bridges and taps stand."""
        ...


# ---- in memory


@dataclass
class _FakeCitizen:
    citizen: FakeCitizen

    async def hang_up(self) -> None:
        self.citizen.hang_up()

    async def press(self, key: str) -> None:
        self.citizen.press(key)


@dataclass
class _FakePhone:
    phone: FakePhone

    def will(self, behaviour: Behaviour) -> None:
        match behaviour:
            case Answer(after_ms=after_ms):
                self.phone.will_answer(after_ms)
            case Decline(status=status, after_ms=after_ms):
                causes = {486: HangupCause.BUSY, 603: HangupCause.REJECTED, 480: HangupCause.UNREACHABLE}
                self.phone.will_end(causes[status], after_ms)
            case Ring():
                self.phone.will_ring()
            case Ignore():
                raise NotImplementedError("a phone in memory is registered and replies, or is not registered")

    async def hang_up(self) -> None:
        self.phone.hang_up()


class FakeWorld:
    """Everything in memory."""

    def __init__(self, telephony: FakeTelephony, heard: Listener) -> None:
        self.telephony = telephony
        self.heard = heard
        self.phone = _FakePhone(telephony.phone(ENDPOINT))

    async def citizen(self, number: str | None = NUMBER) -> _FakeCitizen:
        return _FakeCitizen(self.telephony.citizen_arrives(number))

    async def link_breaks(self) -> None:
        self.telephony.link_breaks()
        self.telephony.link_returns()

    async def census(self) -> int:
        census = self.telephony.census()
        return len(census.legs) + len(census.bridges) + len(census.taps)


@asynccontextmanager
async def fake_world() -> AsyncIterator[FakeWorld]:
    telephony = FakeTelephony()
    telephony.announcement_ms = 100
    async with listening(telephony) as heard:
        yield FakeWorld(telephony, heard)


# ---- with a real Asterisk


@dataclass
class _SipCitizen:
    call: DialledCall

    async def hang_up(self) -> None:
        await self.call.hang_up()

    async def press(self, key: str) -> None:
        await self.call.answered()
        await self.call.press(key)


@dataclass
class _SipPhone:
    party: SipParty

    def will(self, behaviour: Behaviour) -> None:
        self.party.behaviour = behaviour

    async def hang_up(self) -> None:
        call = await self.party.next_call()
        await call.answered()
        await call.hang_up()


class RealWorld:
    """A real Asterisk, and people with SIP phones."""

    def __init__(
        self, exchange: Exchange, telephony: AriTelephony, heard: Listener, phone: SipParty, stack: AsyncExitStack
    ) -> None:
        self.telephony = telephony
        self.heard = heard
        self.phone = _SipPhone(phone)
        self._exchange = exchange
        self._stack = stack

    async def citizen(self, number: str | None = NUMBER) -> _SipCitizen:
        party = await self._stack.enter_async_context(self._exchange.citizen(number))
        return _SipCitizen(await party.dial(HOTLINE))

    async def link_breaks(self) -> None:
        await self.telephony._link.drop()

    async def census(self) -> int:
        return len(await self._exchange.standing())


@asynccontextmanager
async def real_world(exchange: Exchange) -> AsyncIterator[RealWorld]:
    async with (
        exchange.telephony() as telephony,
        listening(telephony) as heard,
        exchange.agent(ENDPOINT.removeprefix("PJSIP/"), Ring()) as phone,
        AsyncExitStack() as stack,
    ):
        yield RealWorld(exchange, telephony, heard, phone, stack)
