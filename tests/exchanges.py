"""A real Asterisk for tests: rendered as for a customer, on ports of its own, started once for the session.

`exchange` lends it to a test. When the test ends no channel, bridge or task may be left, or it fails.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from asterisk_conf.process import Asterisk, RunningAsterisk
from asterisk_conf.render import Rendered, render
from asterisk_conf.settings import AgentEndpoint
from ivr.ari.account import AriAccount, LinkTimes
from ivr.ari.sounds import Sounds
from ivr.ari.tape import Tape
from ivr.ari.telephony import AriTelephony
from ivr.demo.sip.received import Behaviour
from ivr.demo.sip_party import SipParty
from tests.asterisk_prefix import asterisk_program, instance_settings
from tests.tones import tone, write_wav
from tests.until import until_async

HOTLINE = "12345"
AGENTS = ("1001", "1002")
MUSIC_HZ = 440
SOUND_HZ = {"welcome": 600, "number.2": 800}
SOUND_MS = 400
VANISHED_S = 3  # a busy machine may keep a party from speaking for a second


class _Row(msgspec.Struct):
    id: str


@dataclass(frozen=True)
class Exchange:
    """A running Asterisk, and how to reach it as server, citizen or agent."""

    running: RunningAsterisk
    rendered: Rendered

    @property
    def account(self) -> AriAccount:
        settings = self.rendered.settings
        url = f"http://127.0.0.1:{settings.http_port}/ari"
        return AriAccount(url=url, user=settings.ari_user, password=self.rendered.secrets.ari, app=settings.app)

    @property
    def sip(self) -> tuple[str, int]:
        return ("127.0.0.1", self.rendered.settings.sip_port)

    @property
    def sounds(self) -> Sounds:
        return Sounds(self.rendered.layout.recorded, self.rendered.layout.rendered)

    def telephony(self, times: LinkTimes | None = None, tape: Tape | None = None) -> AriTelephony:
        ports = self.rendered.settings.rtp_last - self.rendered.settings.rtp_first + 1
        return AriTelephony(self.account, self.sounds, HOTLINE, rtp_ports=ports, times=times, tape=tape)

    def citizen(self, number: str | None) -> SipParty:
        return SipParty(self.sip, number)

    @asynccontextmanager
    async def agent(self, extension: str, behaviour: Behaviour | None = None) -> AsyncIterator[SipParty]:
        password = self.rendered.secrets.agents[extension]
        async with SipParty(self.sip, extension, password=password, behaviour=behaviour) as phone:
            await phone.register()
            yield phone

    async def standing(self) -> list[str]:
        """The ids of every channel and bridge."""
        ids = []
        account = self.account
        async with httpx.AsyncClient(auth=(account.user, account.password), trust_env=False) as http:
            for kind in ("channels", "bridges"):
                reply = await http.get(f"{account.url}/{kind}")
                ids += [row.id for row in msgspec.json.decode(reply.content, type=list[_Row])]
        return ids

    async def remove(self, ids: list[str]) -> None:
        """Hang up and destroy."""
        account = self.account
        async with httpx.AsyncClient(auth=(account.user, account.password), trust_env=False) as http:
            for each in ids:
                for kind in ("channels", "bridges"):
                    await http.delete(f"{account.url}/{kind}/{each}")

    async def empty(self) -> bool:
        return not await self.standing()


@asynccontextmanager
async def new_exchange(**changes: Any) -> AsyncIterator[Exchange]:
    """An Asterisk of its own, stopped and removed in the end; `changes` are of its settings."""
    home = Path(tempfile.mkdtemp(prefix="ari"))  # short: the control socket's path is limited
    program = await asyncio.to_thread(asterisk_program)
    settings = instance_settings(
        home,
        agents=tuple(AgentEndpoint(extension=number, name=f"Agent {number}") for number in AGENTS),
        hotline_number=HOTLINE,
        rtp_timeout_s=VANISHED_S,
        rtp_timeout_hold_s=VANISHED_S,
        **changes,
    )
    rendered = await asyncio.to_thread(render, settings, program)
    write_wav(rendered.layout.music / "tone.wav", tone(MUSIC_HZ, 5000))
    for name, hz in SOUND_HZ.items():
        write_wav(rendered.layout.rendered / f"{name}.wav", tone(hz, SOUND_MS))
    async with await Asterisk(program, settings.instance).start() as running:
        yield Exchange(running, rendered)
    await asyncio.to_thread(shutil.rmtree, home)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def asterisk() -> AsyncIterator[Exchange]:
    async with new_exchange() as exchange:
        yield exchange


@asynccontextmanager
async def lent(asterisk: Exchange) -> AsyncIterator[Exchange]:
    """An exchange for one test, which must leave no channel, bridge or task behind."""
    tasks = asyncio.all_tasks()
    yield asterisk
    left = {task.get_name() for task in asyncio.all_tasks() - tasks if task is not asyncio.current_task()}
    assert not left, f"tasks left behind: {left}"
    try:
        await until_async(asterisk.empty, "every channel and bridge gone", 3.0)
    except AssertionError:
        left_standing = await asterisk.standing()
        await asterisk.remove(left_standing)  # the next test shall not fail for it
        pytest.fail(f"left in Asterisk: {left_standing}")


@pytest_asyncio.fixture
async def exchange(asterisk: Exchange) -> AsyncIterator[Exchange]:
    async with lent(asterisk):
        yield asterisk
