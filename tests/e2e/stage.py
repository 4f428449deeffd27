"""The whole hotline for tests: a real Asterisk, a real server in this process, SIP phones and hands on desks."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import pytest

from asterisk_conf.layout import Layout
from asterisk_conf.render import load_secrets
from ivr.bootstrap import Hotline, open_hotline
from ivr.calls.vocabulary import AgentState
from ivr.demo.hand import DeskHand
from ivr.demo.server import free_ports
from ivr.demo.sip.dialled import DialledCall
from ivr.demo.sip.received import Behaviour
from ivr.demo.sip_party import SipParty
from ivr.desk.envelope import Done
from ivr.desk.wire import GoReady
from ivr.instance import Instance
from ivr.settings import Settings, load_settings
from tests.asterisk_prefix import PREFIX
from tests.tones import tone, write_wav
from tests.until import until

HOTLINE = "12345"
SHORT_SOUNDS = ("greeting_default", "recording", "menu_intro", "menu_heating", "menu_enterprise", "queue_next")
"""Announcements replaced by a short tone, as a site would replace them by a recording: tests need not hear them out."""
RING_S = "3"


@dataclass(frozen=True)
class Home:
    """An instance that is set up, and its settings as environment."""

    folder: Path
    environment: dict[str, str]

    def settings(self, **changes: str) -> Settings:
        return load_settings(self.folder, self.environment | changes)

    @property
    def layout(self) -> Layout:
        return Layout(self.folder / "asterisk")

    def asterisk_command(self, verb: str) -> None:
        """`hotline asterisk start` or `stop`, as an operator would: Asterisk is nobody's child here."""
        command = [sys.executable, "-m", "ivr", "asterisk", verb, "--home", str(self.folder)]
        subprocess.run(command, env={**os.environ, **self.environment}, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def home() -> Iterator[Home]:
    """An instance for the whole session with its Asterisk running."""
    folder = Path(tempfile.mkdtemp(prefix="hy"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
        outside.bind(("127.0.0.1", 0))
        port = outside.getsockname()[1]
    environment = free_ports() | {
        "HOTLINE_ASTERISK_TRUNK_CONTACT": f"127.0.0.1:{port}",
        "HOTLINE_ASTERISK_PREFIX": str(PREFIX),
        "HOTLINE_ASTERISK_RTP_TIMEOUT_S": "2",
        "HOTLINE_QUEUE_RING_S": RING_S,
        "HOTLINE_QUEUE_WRAP_UP_S": "30",
    }
    made = Home(folder, environment)
    instance = Instance.made(made.settings())
    made.layout.recorded.mkdir(parents=True, exist_ok=True)
    for name in SHORT_SOUNDS:
        write_wav(made.layout.recorded / f"{name}.wav", tone(600, 300))
    instance.prepare_asterisk(lambda _: None)
    instance.prepare_mind(lambda _: None)
    made.asterisk_command("start")
    try:
        yield made
    finally:
        made.asterisk_command("stop")
        shutil.rmtree(folder)


class Stage:
    """A running hotline and everybody on it."""

    def __init__(self, home: Home, hotline: Hotline, stack: AsyncExitStack) -> None:
        self.home = home
        self.hotline = hotline
        self._stack = stack

    @property
    def sip(self) -> tuple[str, int]:
        return ("127.0.0.1", int(self.home.environment["HOTLINE_ASTERISK_SIP_PORT"]))

    @property
    def desk_address(self) -> str:
        return f"ws://127.0.0.1:{self.hotline.port}"

    async def citizen(self, number: str | None = "13800000001") -> SipParty:
        return await self._stack.enter_async_context(SipParty(self.sip, number))

    async def phone(self, extension: str, behaviour: Behaviour | None = None, *, registered: bool = True) -> SipParty:
        secret = load_secrets(self.home.layout.home).agents[extension]
        phone = await self._stack.enter_async_context(
            SipParty(self.sip, extension, password=secret, behaviour=behaviour)
        )
        if registered:
            await phone.register()
        return phone

    async def outside(self, behaviour: Behaviour | None = None) -> SipParty:
        """Whoever is reached through the trunk, whatever the number."""
        port = int(self.home.environment["HOTLINE_ASTERISK_TRUNK_CONTACT"].rpartition(":")[2])
        return await self._stack.enter_async_context(SipParty(self.sip, "119", behaviour=behaviour, port=port))

    async def agent(self, extension: str, *, ready: bool = True) -> DeskHand:
        hand = await self._stack.enter_async_context(self.hand(extension))
        if ready:
            await hand.ask(GoReady(request=hand.number()), Done)
            waiting = (AgentState.LOGGED_OUT, AgentState.PAUSED)  # a caller in the queue may be offered at once
            await hand.until(lambda view: view.agent.state not in waiting, "ready")
        return hand

    async def ready(self, hand: DeskHand) -> None:
        """示闲."""
        await hand.ask(GoReady(request=hand.number()), Done)
        await hand.until(lambda view: view.agent.state is AgentState.AVAILABLE, "ready")

    def hand(
        self, person: str, extension: str | None = None, *, nailed_up: bool = False
    ) -> AbstractAsyncContextManager[DeskHand]:
        """Anybody of the roster at their desk, with a phone or without; at somebody else's `extension`."""
        password = self.hotline.instance.passwords[person]
        return DeskHand.at(self.desk_address, agent=person, password=password, extension=extension, nailed_up=nailed_up)

    async def dial(self, citizen: SipParty) -> DialledCall:
        call = await citizen.dial(HOTLINE)
        await call.answered()
        return call

    async def free(self, hand: DeskHand) -> None:
        """End the wrap-up and wait until nothing of the call is left at the desk."""
        await hand.until(lambda view: view.agent.state is not AgentState.ON_CALL, "the talk over", 10)
        if hand.view.agent.state is AgentState.WRAP_UP:
            await hand.ask(GoReady(request=hand.number()), Done)
        await hand.until(lambda view: view.call is None, "the desk free", 10)

    async def empty(self) -> None:
        """Asterisk holds no channel and no bridge, the server no call."""
        await until(lambda: not self.hotline.switchboard.calls(), "no call in the server", 10)
        await until_empty(self.home)


async def standing(home: Home) -> list[str]:
    """The ids of every channel and bridge in Asterisk."""

    class Row(msgspec.Struct):
        id: str

    keys = load_secrets(home.layout.home)
    port = home.environment["HOTLINE_ASTERISK_HTTP_PORT"]
    ids: list[str] = []
    async with httpx.AsyncClient(auth=("hotline", keys.ari), trust_env=False) as http:
        for kind in ("channels", "bridges"):
            reply = await http.get(f"http://127.0.0.1:{port}/ari/{kind}")
            ids += [row.id for row in msgspec.json.decode(reply.content, type=list[Row])]
    return ids


async def until_empty(home: Home) -> None:
    """Wait until Asterisk holds nothing."""
    deadline = asyncio.get_running_loop().time() + 10
    while left := await standing(home):
        assert asyncio.get_running_loop().time() < deadline, f"left in Asterisk: {left}"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def running_stage(home: Home, **changes: str) -> AsyncIterator[Stage]:
    """The hotline at work in this process; nothing of any call may be left when the block ends well."""
    async with open_hotline(home.settings(**changes), lambda _: None) as hotline:
        async with AsyncExitStack() as stack:
            stage = Stage(home, hotline, stack)
            yield stage
        await stage.empty()
        tasks = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("call ")]
        assert not tasks, f"tasks of a call are left: {tasks}"
