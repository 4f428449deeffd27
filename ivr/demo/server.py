"""The hotline server as the demonstration and the tests run it: a process of its own, on ports that are free."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ivr.demo.report import StepFailed
from ivr.settings import Settings

READY = "ready"
READY_S = 60.0
STOP_S = 20.0
RTP_PORTS = 100


def free_ports() -> dict[str, str]:
    """Settings, as environment, that put every listener on a free port of loopback."""
    taken: list[socket.socket] = []
    try:
        for kind in (socket.SOCK_DGRAM, *[socket.SOCK_STREAM] * 5):
            one = socket.socket(socket.AF_INET, kind)
            taken.append(one)
            one.bind(("127.0.0.1", 0))
        sip, http, ami, fallback, desk, metrics = (one.getsockname()[1] for one in taken)
    finally:
        for one in taken:
            one.close()
    start = _free_range(sip)
    return {
        "HOTLINE_ASTERISK_SIP_PORT": str(sip),
        "HOTLINE_ASTERISK_HTTP_PORT": str(http),
        "HOTLINE_ASTERISK_AMI_PORT": str(ami),
        "HOTLINE_ASTERISK_FALLBACK_PORT": str(fallback),
        "HOTLINE_ASTERISK_RTP_START": str(start),
        "HOTLINE_ASTERISK_RTP_END": str(start + RTP_PORTS),
        "HOTLINE_DESK_PORT": str(desk),
        "HOTLINE_METRICS_PORT": str(metrics),
    }


def _free_range(avoid: int) -> int:
    for start in range(20_000, 60_000, RTP_PORTS * 2):
        if start <= avoid <= start + RTP_PORTS:
            continue
        probes = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
        try:
            for probe, port in zip(probes, (start, start + RTP_PORTS // 2, start + RTP_PORTS), strict=True):
                probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
        return start
    raise StepFailed("no range of free UDP ports for RTP")


class ServerProcess:
    """A running `hotline serve`. What it writes on stderr is in `log`."""

    def __init__(self, process: Process, log: Path) -> None:
        self._process = process
        self.log = log

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """End it in good order; its exit status."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                return await self._process.wait()
        except TimeoutError:
            await self.kill()
            raise StepFailed(f"the server did not stop within {STOP_S:g} s") from None


@asynccontextmanager
async def running_server(settings: Settings, environment: dict[str, str]) -> AsyncIterator[ServerProcess]:
    """`hotline serve` on this instance, ready when the block begins and stopped when it ends.

    Raises `StepFailed` with its last words when it does not become ready.
    """
    log = settings.home / "serve.log"
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ivr", "serve", "--home", str(settings.home),
            stdin=DEVNULL, stdout=PIPE, stderr=errors, env={**os.environ, **environment},
        )  # fmt: skip
    server = ServerProcess(process, log)
    try:
        await _until_ready(process, log)
        yield server
    finally:
        if process.returncode is None:
            await server.stop()


async def _until_ready(process: Process, log: Path) -> None:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_S):
            async for line in process.stdout:
                if line.decode().startswith(READY):
                    return
    except TimeoutError:
        process.kill()
    await process.wait()
    words = (await asyncio.to_thread(log.read_text, errors="replace")).strip().splitlines()[-3:]
    raise StepFailed(f"the server did not become ready: {' | '.join(words)}")
