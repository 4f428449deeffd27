"""What is wrong with an instance, and how to mend it: before it is started, and while it runs."""

import asyncio
import re
import shutil
import socket
import stat
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from asterisk_conf import program
from asterisk_conf.errors import (
    AsteriskConfError,
    AsteriskNotRunning,
    CommandFailed,
    InstallFailed,
    RenderFailed,
    SettingsInvalid,
)
from asterisk_conf.install import find, lacking_libraries, missing_modules
from asterisk_conf.layout import Layout
from asterisk_conf.process import Asterisk
from asterisk_conf.program import Program
from asterisk_conf.promptbook import PromptBook
from asterisk_conf.prompts import lacking
from asterisk_conf.render import Secrets, in_force, load_secrets
from asterisk_conf.settings import AsteriskSettings

_PROBE = Path(__file__).with_name("ami_probe.py")
_DEADLINE_S = 5.0
_SPACE_MIN = 5_000_000_000
_BYTES_AN_HOUR = 3 * 2 * 8000 * 3600
"""Of recordings: three files a call, 16 bits at 8 kHz."""
_FILES_MIN = 4096
"""Open files: a call with its taps and recordings holds about thirty."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at. `problem` and `mend` are empty where it is well."""

    code: str
    ok: bool
    problem: str = ""
    mend: str = ""


def _well(code: str) -> Finding:
    return Finding(code=code, ok=True)


def _ill(code: str, problem: str, mend: str) -> Finding:
    return Finding(code=code, ok=False, problem=problem, mend=mend)


async def check(settings: AsteriskSettings, book: PromptBook | None = None) -> list[Finding]:
    """Look at everything that can be looked at now; with `book`, at the announcements too. Changes nothing."""
    findings = []
    found, finding = await asyncio.to_thread(_program, settings)
    findings.append(finding)
    if found is not None:
        findings += await asyncio.to_thread(lambda: list(_parts(found)))
    findings += await asyncio.to_thread(lambda: list(_instance(settings, found)))
    findings.append(_space(settings))
    if book is not None:
        findings.append(await asyncio.to_thread(_sounds, settings, book))
    if found is not None:
        findings += [finding async for finding in _at_work(settings, Asterisk(found, settings.instance))]
    return findings


def _program(settings: AsteriskSettings) -> tuple[Program | None, Finding]:
    code = "program"
    try:
        found = find(settings.prefix)
    except InstallFailed as wrong:
        return None, _ill(code, str(wrong), "install Asterisk: the prefix is made without root")
    if not program.is_safe(found.version):
        return found, _ill(code, f"Asterisk {found.version_text} has known holes", "install again, it is then replaced")
    return found, _well(code)


def _parts(found: Program) -> Iterator[Finding]:
    mend = "remove the prefix and install again"
    if found.prefix is not None:
        broken = sorted(lacking_libraries(found.prefix / "root"))
        yield _ill("libraries", f"libraries are missing for {broken[0]}", mend) if broken else _well("libraries")
    gone = missing_modules(found.modules)
    yield _ill("modules", f"this Asterisk lacks {', '.join(gone)}", mend) if gone else _well("modules")


def _instance(settings: AsteriskSettings, found: Program | None) -> Iterator[Finding]:
    layout = Layout(settings.instance)
    if not layout.main_conf.is_file():
        yield _ill("rendered", f"no configuration in {settings.instance}", "render the instance")
        return
    try:
        current = found is None or in_force(settings, found)
    except (RenderFailed, SettingsInvalid) as wrong:
        yield _ill("rendered", str(wrong), "render the instance")
        return
    if current:
        yield _well("rendered")
    else:
        yield _ill("rendered", "the configuration is not what the settings ask for", "render again, restart Asterisk")
    open_to_others = [
        path
        for path in (layout.home, layout.secrets, *layout.conf.iterdir())
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if open_to_others:
        yield _ill("private", f"{open_to_others[0]} can be read by others", f"chmod -R go= {layout.home}")
    else:
        yield _well("private")


def _space(settings: AsteriskSettings) -> Finding:
    if not settings.recordings.is_dir():
        return _ill(
            "space", f"no folder {settings.recordings} for recordings", "render the instance: it makes the folder"
        )
    free = shutil.disk_usage(settings.recordings).free
    if free < _SPACE_MIN:
        hours = free // _BYTES_AN_HOUR
        return _ill(
            "space", f"room for {hours} hours of calls in {settings.recordings}", "move old recordings, or add a disk"
        )
    return _well("space")


def _sounds(settings: AsteriskSettings, book: PromptBook) -> Finding:
    gone = lacking(book, Layout(settings.instance))
    if gone:
        return _ill(
            "sounds", f"{len(gone)} sounds are missing or out of date, {gone[0]} for one", "make the sounds again"
        )
    return _well("sounds")


async def _at_work(settings: AsteriskSettings, asterisk: Asterisk) -> AsyncIterator[Finding]:
    try:
        running = asterisk.layout.main_conf.is_file() and await asterisk.answers()
    except AsteriskConfError as wrong:
        yield _ill("running", str(wrong), "restart Asterisk")
        return
    if not running:
        yield _ill("running", f"no Asterisk answers in {settings.instance}", "start it")
        for finding in await asyncio.to_thread(lambda: list(_ports(settings))):
            yield finding
        return
    yield _well("running")
    try:
        idle = await asterisk.modules_not_running()
        said = await asterisk.rx("core show settings")
    except (AsteriskNotRunning, CommandFailed) as wrong:
        yield _ill("loaded", str(wrong), "restart Asterisk")
        return
    yield (
        _ill("loaded", f"not at work: {', '.join(idle)}", "restart Asterisk, read its log") if idle else _well("loaded")
    )
    yield _files(said)
    try:
        keys = load_secrets(settings.instance)
    except AsteriskConfError as wrong:
        yield _ill("secrets", str(wrong), "render the instance, then restart Asterisk")
        return
    yield await _ari(settings, keys)
    yield await _ami(settings, keys)


def _files(said: str) -> Finding:
    limit = re.search(r"Maximum open file handles:\s+(\d+)", said)
    if limit is None or int(limit[1]) >= _FILES_MIN:
        return _well("files")
    return _ill("files", f"Asterisk may open {limit[1]} files", f"start it with ulimit -n {_FILES_MIN} or more")


def _ports(settings: AsteriskSettings) -> Iterator[Finding]:
    mend = "stop the program that has it, or choose another in the settings"
    single = {
        "port.sip": (settings.sip_host, settings.sip_port, socket.SOCK_DGRAM),
        "port.http": (settings.control_host, settings.http_port, socket.SOCK_STREAM),
        "port.ami": (settings.control_host, settings.ami_port, socket.SOCK_STREAM),
    }
    for code, (host, port, kind) in single.items():
        taken = _taken(host, port, kind)
        yield _ill(code, f"port {port} on {host} cannot be had: {taken}", mend) if taken else _well(code)
    voice = range(settings.rtp_first, settings.rtp_last + 1)
    busy = [port for port in voice if _taken(settings.sip_host, port, socket.SOCK_DGRAM)]
    if len(busy) * 2 > len(voice):
        yield _ill(
            "port.rtp", f"{len(busy)} of {len(voice)} RTP ports are taken, {busy[0]} for one", "choose another range"
        )
    else:
        yield _well("port.rtp")


def _taken(host: str, port: int, kind: socket.SocketKind) -> str | None:
    """Why the port cannot be bound, None when it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:
            # as Asterisk binds: connections of a former life do not matter
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as why:
            return why.strerror
    return None


async def _ari(settings: AsteriskSettings, keys: Secrets) -> Finding:
    host = f"[{settings.control_host}]" if ":" in settings.control_host else settings.control_host
    url = f"http://{host}:{settings.http_port}/ari/asterisk/info"
    try:
        async with httpx.AsyncClient(timeout=_DEADLINE_S, trust_env=False) as client:
            answer = await client.get(url, auth=(settings.ari_user, keys.ari))
    except httpx.HTTPError as wrong:
        return _ill(
            "ari", f"ARI does not answer on port {settings.http_port} ({type(wrong).__name__})", "restart Asterisk"
        )
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return _ill("ari", "ARI refuses our secret: Asterisk runs with an older one", "restart Asterisk")
    if answer.status_code != httpx.codes.OK:
        return _ill("ari", f"ARI answers {answer.status_code}", "see which program has the port; restart Asterisk")
    return _well("ari")


async def _ami(settings: AsteriskSettings, keys: Secrets) -> Finding:
    command = (sys.executable, "-P", "-W", "ignore", str(_PROBE))
    whom = (settings.control_host, str(settings.ami_port), settings.ami_user)
    probe = await asyncio.create_subprocess_exec(*command, *whom, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    try:
        async with asyncio.timeout(_DEADLINE_S):
            output, _ = await probe.communicate(f"{keys.ami}\n".encode())
    except TimeoutError:
        return _ill("ami", f"AMI does not answer on port {settings.ami_port}", "see which program has the port")
    finally:
        if probe.returncode is None:
            probe.kill()
            await probe.wait()
    said = output.decode(errors="replace").strip()
    if said.startswith("ok"):
        return _well("ami")
    if said == "refused":
        return _ill("ami", "AMI refuses our secret: Asterisk runs with an older one", "restart Asterisk")
    return _ill(
        "ami", f"AMI does not answer on port {settings.ami_port}: {said or 'the probe failed'}", "restart Asterisk"
    )
