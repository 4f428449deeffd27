"""A part is killed in the middle of a call: what the citizen and the agent notice, and what is found afterwards."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest

from asterisk_conf.render import load_secrets
from ivr.calls.vocabulary import AgentState
from ivr.demo.hand import DeskHand
from ivr.demo.server import ServerProcess, running_server
from ivr.demo.sip.received import Answer
from ivr.demo.sip_party import SipParty
from ivr.desk.envelope import Done
from ivr.desk.wire import GoReady
from ivr.people import load_passwords
from tests.e2e.stage import HOTLINE, Home, nobody_present, standing, until_empty
from tests.e2e.test_line import connected, hear_each_other
from tests.until import until_async
from ticketing.database import open_database
from ticketing.unit_of_work import UnitOfWork
from ticketing.vault import Vault

pytestmark = pytest.mark.e2e

CALLED_BACK_S = 5.0
"""From Asterisk's return until everybody it had cut off is in the callback queue."""


class Away:
    """A server in a process of its own that can be killed, and the phones that outlive it."""

    def __init__(self, home: Home, stack: AsyncExitStack) -> None:
        self.home = home
        self.stack = stack
        self.settings = home.settings()
        nobody_present(home)

    @property
    def sip(self) -> tuple[str, int]:
        return ("127.0.0.1", self.settings.asterisk.sip_port)

    async def server(self) -> ServerProcess:
        return await self.stack.enter_async_context(running_server(self.settings, self.home.environment))

    async def phone(self, extension: str) -> SipParty:
        secret = load_secrets(self.home.layout.home).agents[extension]
        phone = SipParty(self.sip, extension, password=secret, behaviour=Answer())
        await self.stack.enter_async_context(phone)
        await phone.register()
        return phone

    async def citizen(self, number: str) -> SipParty:
        return await self.stack.enter_async_context(SipParty(self.sip, number))

    def desk(self, agent: str = "1001", *, token: str = "") -> AbstractAsyncContextManager[DeskHand]:
        address = f"ws://{self.settings.desk.host}:{self.settings.desk.port}"
        if token:
            return DeskHand.at(address, token=token)
        password = load_passwords(self.settings.passwords_file)[agent]
        return DeskHand.at(address, agent=agent, password=password)


@pytest.fixture
async def away(home: Home) -> AsyncIterator[Away]:
    async with AsyncExitStack() as stack:
        yield Away(home, stack)
        await until_empty(home)


async def test_the_server_dies_in_a_call_and_the_next_one_finds_it(away: Away) -> None:
    first = await away.server()
    phone = await away.phone("1001")
    async with away.desk() as hand:
        await hand.ask(GoReady(request=hand.number()), Done)
        citizen = await away.citizen("13800000001")
        call = await citizen.dial(HOTLINE)
        before = await hand.until(connected, "talking", 20)
        token = hand.token
        await first.kill()
    assert before.call is not None
    ringing = await phone.next_call()
    await hear_each_other(call, ringing)  # nobody is there, and they talk on

    await away.server()
    async with away.desk(token=token) as hand:
        view = await hand.until(connected, "the call back on the desk", 10)
        assert view.call is not None
        assert (view.call.id, view.call.masked_number) == (before.call.id, before.call.masked_number)
        assert view.agent.state is AgentState.ON_CALL
        await hear_each_other(call, ringing)
        await call.hang_up()
        await ringing.ended()
        await hand.until(lambda view: view.agent.state is AgentState.WRAP_UP, "wrap-up", 10)
        await hand.ask(GoReady(request=hand.number()), Done)
        await hand.until(lambda view: view.call is None, "the desk free", 10)


async def test_a_waiting_caller_outlives_the_server_and_is_answered_by_the_next(away: Away) -> None:
    first = await away.server()
    citizen = await away.citizen("13800000001")
    call = await citizen.dial(HOTLINE)
    await call.answered()
    await until_async(lambda: _somebody_waits(away.home), "the caller in the queue", 20)
    await first.kill()
    await away.server()
    await away.phone("1001")
    async with away.desk() as hand:
        await hand.ask(GoReady(request=hand.number()), Done)
        view = await hand.until(connected, "answered by the new server", 20)
        assert view.call is not None
        assert view.call.masked_number == "138****0001"
        await call.hang_up()
        await hand.until(lambda view: view.agent.state is AgentState.WRAP_UP, "wrap-up", 10)
        await hand.ask(GoReady(request=hand.number()), Done)
        await hand.until(lambda view: view.call is None, "the desk free", 10)


async def test_asterisk_dies_in_a_call_and_the_server_starts_it_again(away: Away) -> None:
    await away.server()
    await away.phone("1001")
    async with away.desk() as hand:
        await hand.ask(GoReady(request=hand.number()), Done)
        lost = await away.citizen("13800000041")
        await lost.dial(HOTLINE)
        await hand.until(connected, "talking", 20)
        waits = await away.citizen("13800000042")
        await waits.dial(HOTLINE)
        await hand.until(lambda view: view.queue.waiting == 1, "the other in the queue", 20)
        pid = int((away.home.layout.run / "asterisk.pid").read_text())
        os.kill(pid, signal.SIGKILL)  # the Asterisk this session started, by its own pid file

        async def back() -> bool:
            text = (away.home.layout.run / "asterisk.pid").read_text().strip()
            return text.isdecimal() and int(text) != pid

        await until_async(back, "Asterisk is back", 15)
        await until_async(
            lambda: _are_owed(away, {"13800000041", "13800000042"}), "both are to be called back", CALLED_BACK_S
        )
        await hand.until(lambda view: view.agent.state is AgentState.WRAP_UP, "the agent wraps up", 10)
        lost.vanish()
        waits.vanish()
        phone = await away.phone("1002")
        async with away.desk("1002") as second:
            await second.ask(GoReady(request=second.number()), Done)
            again = await (await away.citizen("13800000002")).dial(HOTLINE)
            await second.until(connected, "a new call on the new Asterisk", 30)
            await hear_each_other(again, await phone.next_call())
            await again.hang_up()
            await second.until(lambda view: view.agent.state is AgentState.WRAP_UP, "wrap-up", 10)
            await second.ask(GoReady(request=second.number()), Done)
            await second.until(lambda view: view.call is None, "the desk free", 10)
        if hand.view.agent.state is AgentState.WRAP_UP:
            await hand.ask(GoReady(request=hand.number()), Done)
        await hand.until(lambda view: view.call is None, "the first desk free", 10)


async def _are_owed(away: Away, numbers: set[str]) -> bool:
    vault = Vault.opened(away.settings.keys_file)
    async with open_database(away.settings.database_url, vault) as database, UnitOfWork(database, reads=True) as unit:
        return numbers <= {one.number for one in await unit.callbacks.waiting()}


async def _somebody_waits(home: Home) -> bool:
    return any(each.endswith(".hold") for each in await standing(home))
