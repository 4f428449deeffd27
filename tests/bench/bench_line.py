"""The same load on our queue and on Asterisk's own, in one Asterisk, one after the other: 20 calls a second set up.

Both answer, record three files and put the caller through to a phone that answers at once. Told are processor time a
call (Asterisk and, for ours, the server with it), the time from the citizen's INVITE to the agent's, and how many calls
were not put through. Recognition is off: what it costs is another bench's.

python -m tests.bench.bench_line [calls]
"""

import asyncio
import csv
import hashlib
import os
import re
import shutil
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asterisk_conf.process import Asterisk
from asterisk_conf.render import load_secrets
from asterisk_conf.tools import Toolbox, install_tools
from ivr.demo.hand import DeskHand
from ivr.demo.server import free_ports, running_server
from ivr.desk.envelope import Done
from ivr.desk.wire import GoReady
from ivr.instance import Instance
from tests.asterisk_prefix import PREFIX, asterisk_program, free_udp_range
from tests.bench.measure import say
from tests.e2e.stage import Home
from tests.tones import tone, write_wav

CALLS, A_SECOND = 40, 20
AGENTS = tuple(str(2001 + n) for n in range(60))
SCENARIOS = Path(__file__).parent / "sipp"
HOTLINE, QUEUE = "12345", "12346"
SETTLE_S = 2.0
TICK = os.sysconf("SC_CLK_TCK")
GOAL = 1.15

QUEUES = "[general]\n[bench]\nstrategy = rrmemory\nringinuse = no\nautofill = yes\ntimeout = 20\nmusicclass = default\n"
DIALPLAN = """
[from-trunk](+)
exten => 12346,1,Set(CALL_UUID=${UUID()})
 same => n,Set(CHANNEL(userfield)=${CALL_UUID})
 same => n,Set(RECORDING=%s/${CALL_UUID})
 same => n,MixMonitor(${RECORDING}.wav,r(${RECORDING}-citizen.wav)t(${RECORDING}-agent.wav))
 same => n,Answer()
 same => n,Queue(bench)
 same => n,Hangup()
"""


@dataclass(frozen=True)
class Result:
    """One load. `offers_ms` are from the citizen's channel to the agent's."""

    calls: int
    put_through: int
    asterisk_s: float
    server_s: float
    offers_ms: list[float]

    @property
    def a_call_ms(self) -> float:
        """Processor time of one call, all processes of ours and Asterisk."""
        return 1000 * (self.asterisk_s + self.server_s) / self.calls

    def __str__(self) -> str:
        p50, p95 = np.percentile(self.offers_ms, [50, 95]) if self.offers_ms else (0.0, 0.0)
        return (
            f"{self.put_through} of {self.calls} put through, {self.a_call_ms:.0f} ms of processor a call "
            f"(Asterisk {self.asterisk_s:.2f} s, server {self.server_s:.2f} s in all), "
            f"INVITE to the agent's INVITE p50 {p50:.0f} p95 {p95:.0f} ms"
        )


@dataclass(frozen=True)
class Ports:
    """Neighbouring ports of the phones and callers: SIP first, then two for sound and two for its video a call."""

    first: int
    calls: int

    @staticmethod
    def needed(calls: int) -> int:
        """How many these are."""
        return 8 + 2 * (4 * calls + 8)

    def sip(self, *, caller: bool) -> str:
        """Where SIP is spoken."""
        return str(self.first + 2 * caller)

    def media(self, *, caller: bool) -> str:
        """Where sound begins."""
        return str(self.first + 8 + caller * (4 * self.calls + 8))


@asynccontextmanager
async def instance(calls: int) -> AsyncIterator[tuple[Home, Instance, Asterisk, Ports]]:
    """A hotline with many agents and greetings of no length, its Asterisk running."""
    folder = Path(tempfile.mkdtemp(prefix="hb"))
    ports = free_ports()
    rtp = free_udp_range(8 * calls + Ports.needed(calls))
    environment = ports | {
        "HOTLINE_ASTERISK_PREFIX": str(PREFIX),
        "HOTLINE_ASTERISK_RTP_START": str(rtp),
        "HOTLINE_ASTERISK_RTP_END": str(rtp + 8 * calls - 2),
        "HOTLINE_SPEECH_ENABLED": "false",
        "HOTLINE_QUEUE_WRAP_UP_S": "0.2",
    }
    home = Home(folder, environment)
    people = "\n".join(
        f'[[people]]\nid = "{one}"\nname = "{one}"\nextension = "{one}"\nrole = "agent"\nskills = ["general"]'
        for one in AGENTS
    )
    (folder / "roster.toml").write_text(people)
    made = Instance.made(home.settings())
    home.layout.recorded.mkdir(parents=True, exist_ok=True)
    for name in ("greeting_default", "recording"):
        write_wav(home.layout.recorded / f"{name}.wav", tone(600, 20))
    made.prepare_asterisk(lambda _: None)
    made.prepare_mind(lambda _: None)
    home.asterisk_command("start")
    try:
        yield home, made, Asterisk(asterisk_program(), home.layout.home), Ports(rtp + 8 * calls, calls)
    finally:
        home.asterisk_command("stop")
        shutil.rmtree(folder)


def register(port: int, server: tuple[str, int], extension: str, password: str) -> None:
    """Say to Asterisk that this extension's phone is at `port` (RFC 3261 section 10, digest of RFC 2617)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", port))
        phone.settimeout(5)
        uri, answer = f"sip:{server[0]}:{server[1]}", ""
        for seq in (1, 2):
            lines = [
                f"REGISTER {uri} SIP/2.0",
                f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{extension}{seq}",
                f"From: <sip:{extension}@{server[0]}>;tag={extension}",
                f"To: <sip:{extension}@{server[0]}>",
                f"Call-ID: bench-{extension}",
                f"CSeq: {seq} REGISTER",
                f"Contact: <sip:{extension}@127.0.0.1:{port}>",
                "Max-Forwards: 70",
                "Expires: 3600",
                *([answer] if answer else []),
                "Content-Length: 0",
            ]
            phone.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), server)
            reply = ""
            while f"Call-ID: bench-{extension}\r\n" not in reply or reply.startswith("SIP/2.0 1"):
                reply = phone.recv(4096).decode()  # Asterisk asks after those registered before at the same port
            if reply.startswith("SIP/2.0 200"):
                return
            asked = dict(re.findall(r'(\w+)="([^"]*)"', reply))
            first = _md5(f"{extension}:{asked['realm']}:{password}")
            second = _md5(f"REGISTER:{uri}")
            digest = _md5(f"{first}:{asked['nonce']}:1:c:auth:{second}")
            answer = (
                f'Authorization: Digest username="{extension}", realm="{asked["realm"]}", nonce="{asked["nonce"]}", '
                f'uri="{uri}", response="{digest}", algorithm=MD5, qop=auth, nc=1, cnonce="c"'
                + (f', opaque="{asked["opaque"]}"' if "opaque" in asked else "")
            )
    raise RuntimeError(f"{extension} is not let in")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - what SIP's digest authentication is made of


async def sipp(toolbox: Toolbox, folder: Path, *words: str) -> Process:
    """SIPp at work in `folder`."""
    return await asyncio.create_subprocess_exec(
        toolbox.path("sipp"), *words, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-nostdin", "-trace_err",
        env=toolbox.environment() | {"TERM": "dumb"}, cwd=folder, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE,
    )  # fmt: skip


async def end(process: Process) -> None:
    """End SIPp; what it had to say where it ended by itself."""
    if process.returncode is None:
        process.kill()
    _, said = await process.communicate()
    if process.returncode not in (0, -9):
        say(f"SIPp: {said.decode(errors='replace').strip()[-300:]}")


def processor_s(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


async def load(toolbox: Toolbox, home: Home, ports: Ports, number: str, calls: int, server_pid: int | None) -> Result:
    """Call `number`, `A_SECOND` calls a second, and look at what it cost."""
    pid = int((home.layout.run / "asterisk.pid").read_text())
    cel = home.layout.log / "cel-custom" / "hotline.csv"
    begun = cel.stat().st_size if cel.exists() else 0
    before = processor_s(pid), processor_s(server_pid) if server_pid is not None else 0.0
    caller = await sipp(
        toolbox, home.folder / "sipp", f"127.0.0.1:{home.environment['HOTLINE_ASTERISK_SIP_PORT']}", "-sf",
        str(SCENARIOS / "caller.xml"), "-s", number, "-r", str(A_SECOND), "-m", str(calls), "-l", str(calls),
        "-p", ports.sip(caller=True), "-mp", ports.media(caller=True), "-timeout", "90s",
    )  # fmt: skip
    _, said = await caller.communicate()
    if caller.returncode:
        say(f"SIPp: {said.decode(errors='replace').strip()[-300:]}")
    await asyncio.sleep(SETTLE_S)  # the last channels' end belongs to the load
    after = processor_s(pid), processor_s(server_pid) if server_pid is not None else 0.0
    with cel.open("rb") as file:
        file.seek(begun)
        rows = list(csv.reader(file.read().decode().splitlines()))
    offers = offers_ms(rows)
    return Result(calls, len(offers), after[0] - before[0], after[1] - before[1], offers)


def offers_ms(rows: list[list[str]]) -> list[float]:
    """From the start of a citizen's channel to that of the agent's, for each call an agent answered."""
    began = {row[3]: float(row[1]) for row in rows if row[0] == "CHAN_START"}
    call_of = {row[5]: row[3] for row in rows if row[5] and row[3] == row[4]}
    found = []
    for event, _, channel, unique, linked, *_ in rows:
        if event != "ANSWER" or not channel.startswith("PJSIP/2"):
            continue
        citizen = linked if linked != unique else call_of.get(unique.rpartition("-agent-")[0])
        if citizen in began and unique in began:
            found.append(1000 * (began[unique] - began[citizen]))
    return found


async def compare(calls: int) -> int:
    """Both loads; 0 where the goal was kept."""
    toolbox = await asyncio.to_thread(install_tools, ["sip-tester"], PREFIX.with_name("tools"))
    async with instance(calls) as (home, made, asterisk, ports), AsyncExitStack() as stack:
        folder = home.folder / "sipp"
        folder.mkdir()
        (folder / "voice.al").write_bytes(np.random.default_rng(1).integers(0, 256, 16_000, np.uint8).tobytes())
        server = ("127.0.0.1", int(home.environment["HOTLINE_ASTERISK_SIP_PORT"]))
        keys = load_secrets(home.layout.home)
        for extension in AGENTS:
            register(int(ports.sip(caller=False)), server, extension, keys.agents[extension])
        agents = await sipp(
            toolbox, folder, "-sf", str(SCENARIOS / "agent.xml"), "-p", ports.sip(caller=False),
            "-mp", ports.media(caller=False), "-aa",
        )  # fmt: skip
        stack.push_async_callback(end, agents)
        (home.layout.conf / "queues.conf").write_text(QUEUES)
        with (home.layout.conf / "extensions.conf").open("a") as dialplan:
            dialplan.write(DIALPLAN % made.settings.recordings)
        for command in ("module load app_queue.so", "dialplan reload"):
            await asterisk.rx(command)
        for extension in AGENTS:
            await asterisk.rx(f"queue add member PJSIP/{extension} to bench")
        theirs = await load(toolbox, home, ports, QUEUE, calls, None)
        say(f"app_queue: {theirs}")
        running = await stack.enter_async_context(running_server(home.settings(), home.environment))
        address = f"ws://127.0.0.1:{home.environment['HOTLINE_DESK_PORT']}"
        for extension in AGENTS:
            hand = await stack.enter_async_context(
                DeskHand.at(address, agent=extension, password=made.passwords[extension])
            )
            await hand.ask(GoReady(request=hand.number()), Done)
        ours = await load(toolbox, home, ports, HOTLINE, calls, running.pid)
        say(f"hotline:   {ours}")
    ratio = ours.a_call_ms / theirs.a_call_ms
    say(f"processor a call, hotline / app_queue: {ratio:.2f}; goal <= {GOAL}: {'kept' if ratio <= GOAL else 'MISSED'}")
    all_through = ours.put_through == ours.calls
    return 0 if ratio <= GOAL and all_through else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(compare(int(sys.argv[1]) if len(sys.argv) > 1 else CALLS)))
