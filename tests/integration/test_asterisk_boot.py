"""A real Asterisk: it boots with all we ask for and nothing more, and goes without a trace."""

import asyncio
import dataclasses
import re
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from asterisk_conf.doctor import Finding, check
from asterisk_conf.errors import AsteriskNotRunning, BootFailed
from asterisk_conf.layout import Layout
from asterisk_conf.modules import present
from asterisk_conf.process import Asterisk, RunningAsterisk
from asterisk_conf.program import Program
from asterisk_conf.prompts import lacking, make_sounds
from asterisk_conf.render import Rendered, render
from asterisk_conf.settings import AgentEndpoint, AsteriskSettings
from tests.asterisk_prefix import asterisk_program, instance_settings, short_book

pytestmark = pytest.mark.asterisk

ODD_SECRET = r'a;b\;c"d--;-$e\\'
BOOK = short_book()
ANOTHER_BOOK = short_book(recording="录音")


@pytest.fixture(scope="module")
def program() -> Program:
    return asterisk_program()


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a short path: the control socket's is limited."""
    folder = Path(tempfile.mkdtemp(prefix="ast"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def settings(home: Path) -> AsteriskSettings:
    agents = (AgentEndpoint(extension="1001", name='坐席; "一"', secret=ODD_SECRET),)
    return instance_settings(home, agents=agents)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """Music and the built-in announcements, made once."""
    layout = Layout(tmp_path_factory.mktemp("sounds"))
    make_sounds(BOOK, layout)
    return layout


@pytest.fixture
def rendered(settings: AsteriskSettings, program: Program, sounds: Layout) -> Rendered:
    done = render(settings, program)
    shutil.copytree(sounds.rendered, done.layout.rendered, dirs_exist_ok=True)
    shutil.copytree(sounds.music, done.layout.music, dirs_exist_ok=True)
    return done


@pytest.fixture
async def running(rendered: Rendered, program: Program) -> AsyncIterator[RunningAsterisk]:
    async with await Asterisk(program, rendered.layout.home).start() as asterisk:
        yield asterisk


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def by_code(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.code: finding for finding in findings}


async def test_every_module_is_at_work_no_other_and_nothing_is_complained_of(
    running: RunningAsterisk, program: Program
) -> None:
    shown = await running.rx("module show")
    assert set(re.findall(r"^(\w+)\.so\s.*\sRunning\s", shown, re.MULTILINE)) == set(present(program.modules))
    assert "Not Running" not in shown
    said = (running.asterisk.layout.log / "messages.log").read_text()
    assert [line for line in said.splitlines() if re.search("WARNING|ERROR", line)] == []


async def test_asterisk_tells_its_own_figures(running: RunningAsterisk, settings: AsteriskSettings) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        reply = await http.get(f"http://127.0.0.1:{settings.http_port}/metrics")
    assert reply.status_code == 200
    assert "asterisk_core_uptime_seconds" in reply.text
    assert "asterisk_channels_count" in reply.text


async def test_it_stops_without_a_trace(running: RunningAsterisk, settings: AsteriskSettings) -> None:
    pid = running.pid
    assert alive(pid)
    await running.stop()
    assert running.returncode == 0
    assert not alive(pid)
    with socket.create_server(("127.0.0.1", settings.http_port)):
        pass
    with pytest.raises(AsteriskNotRunning, match="start it"):
        await running.rx("core show version")
    await running.stop()


def listening(pid: int) -> dict[str, set[str]]:
    """Local addresses of the process's TCP listeners and UDP sockets, as /proc shows them."""
    links = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    found: dict[str, set[str]] = {}
    for kind, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        rows = [line.split() for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]]
        found[kind] = {row[1] for row in rows if row[9] in inodes and row[3] == state}
    return found


async def test_it_listens_on_loopback_alone(running: RunningAsterisk, settings: AsteriskSettings) -> None:
    found = listening(running.pid)
    loopback = "0100007F"
    assert found["tcp"] == {f"{loopback}:{port:04X}" for port in (settings.http_port, settings.ami_port)}
    assert found["tcp6"] == set()
    assert f"{loopback}:{settings.sip_port:04X}" in found["udp"]
    # the rest are two sockets on which PJSIP's resolver would await name servers' answers: nothing is served there
    others = {address for address in found["udp"] | found["udp6"] if not address.startswith(loopback)}
    assert len(others) <= 2
    assert all(int(address.split(":")[1], 16) >= 32768 for address in others)


async def test_a_secret_of_odd_characters_is_read_as_it_was_given(running: RunningAsterisk) -> None:
    assert f" : {ODD_SECRET}\n" in await running.rx("pjsip show auth 1001")
    assert "坐席; '一'" in await running.rx("pjsip show endpoint 1001")


async def test_a_second_start_is_refused_and_harms_nothing(running: RunningAsterisk) -> None:
    with pytest.raises(BootFailed, match="running already"):
        await running.asterisk.start()
    assert await running.asterisk.answers()


async def test_after_a_crash_it_starts_again(running: RunningAsterisk) -> None:
    await running.kill()
    assert running.returncode == -9
    assert not await running.asterisk.answers()
    async with await running.asterisk.start() as again:
        assert "fully booted" in await again.rx("core waitfullybooted")


async def test_one_we_did_not_start_is_stopped_too(running: RunningAsterisk) -> None:
    await Asterisk(running.asterisk.program, running.asterisk.instance).stop()
    assert await running.wait() == 0
    await running.asterisk.stop()


@pytest.mark.parametrize("port", ["sip_port", "http_port", "ami_port"])
async def test_without_one_of_its_ports_it_does_not_count_as_started(
    rendered: Rendered, settings: AsteriskSettings, program: Program, port: str
) -> None:
    number: int = getattr(settings, port)
    kind = socket.SOCK_DGRAM if port == "sip_port" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as squatter:
        squatter.bind(("127.0.0.1", number))
        if kind is socket.SOCK_STREAM:
            squatter.listen()
        with pytest.raises(BootFailed, match=r"maimed.*Address already in use"):
            await Asterisk(program, settings.instance).start()
        found = by_code(await check(settings))
    assert not found["running"].ok
    assert not found[f"port.{port.removesuffix('_port')}"].ok
    assert not list(processes_of(settings.instance))


async def test_a_start_given_up_leaves_no_process(rendered: Rendered, program: Program) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.15):
            await Asterisk(program, rendered.layout.home).start()
    assert not list(processes_of(rendered.layout.home))
    with pytest.raises(BootFailed, match="not ready within"):
        await Asterisk(program, rendered.layout.home).start(boot_timeout_s=0.1)
    assert not list(processes_of(rendered.layout.home))


async def test_an_unrendered_instance_is_not_started(home: Path, program: Program) -> None:
    with pytest.raises(BootFailed, match="render it first"):
        await Asterisk(program, home / "nothing").start()


def processes_of(instance: Path) -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if str(instance).encode() in command:
                yield int(folder.name)


async def test_the_doctor_finds_a_running_instance_well(running: RunningAsterisk, settings: AsteriskSettings) -> None:
    findings = await check(settings, BOOK)
    assert [finding for finding in findings if not finding.ok] == []
    assert {"program", "rendered", "private", "space", "sounds", "running", "loaded", "files", "ari", "ami"} <= {
        finding.code for finding in findings
    }


async def test_the_doctor_recognises_secrets_that_are_not_the_running_ones(
    running: RunningAsterisk, settings: AsteriskSettings, program: Program
) -> None:
    render(dataclasses.replace(settings, ari_secret="another", ami_secret="another"), program)
    found = by_code(await check(settings))
    for code in ("ari", "ami"):
        assert "refuses our secret" in found[code].problem
        assert found[code].mend == "restart Asterisk"


async def test_the_doctor_names_what_is_missing_before_the_first_start(
    settings: AsteriskSettings, program: Program, sounds: Layout
) -> None:
    found = by_code(await check(settings, ANOTHER_BOOK))
    assert {code for code, finding in found.items() if not finding.ok} == {"rendered", "space", "sounds", "running"}
    done = render(settings, program)
    shutil.copytree(sounds.rendered, done.layout.rendered, dirs_exist_ok=True)
    assert lacking(ANOTHER_BOOK, done.layout) == ["recording"]
    make_sounds(ANOTHER_BOOK, done.layout)
    (done.layout.secrets).chmod(0o644)
    (done.layout.rendered / "recording.wav").unlink()
    found = by_code(await check(dataclasses.replace(settings, rtp_timeout_s=5), ANOTHER_BOOK))
    ill = {code for code, finding in found.items() if not finding.ok}
    assert ill == {"rendered", "private", "sounds", "running"}
    assert all(finding.problem and finding.mend for finding in found.values() if not finding.ok)
    assert "secrets.json" in found["private"].problem


async def test_the_doctor_of_a_machine_without_asterisk_says_install(
    settings: AsteriskSettings, home: Path, program: Program
) -> None:
    if program.prefix is None:
        pytest.skip("this machine has an Asterisk of its own")
    found = by_code(await check(dataclasses.replace(settings, prefix=home / "none")))
    assert not found["program"].ok
    assert "install" in found["program"].mend
