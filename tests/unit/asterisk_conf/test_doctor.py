"""What the doctor says of an Asterisk that misbehaves; a healthy one is looked at in the integration tests."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from asterisk_conf import doctor
from asterisk_conf.render import Secrets
from asterisk_conf.settings import AsteriskSettings
from tests.asterisk_prefix import free_tcp_ports

SECRETS = Secrets(ari="a", ami="b", agents={})


def settings(home: Path, **changes: Any) -> AsteriskSettings:
    return AsteriskSettings(prefix=home / "prefix", instance=home / "i", recordings=home / "rec", **changes)


@asynccontextmanager
async def server(answer: bytes | None) -> AsyncIterator[int]:
    """Answers whatever comes with `answer`; with None it keeps its peace until the other side goes."""
    served: list[asyncio.Future[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(end := asyncio.get_running_loop().create_future())
        if answer is not None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
        else:
            await reader.read()
        writer.close()
        await writer.wait_closed()
        end.set_result(None)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as running:
        yield running.sockets[0].getsockname()[1]
        async with asyncio.timeout(5):
            await asyncio.gather(*served)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "refuses our secret"),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "answers 503"),
        (b"SSH-2.0-OpenSSH\r\n", "does not answer on port"),
        (None, "does not answer on port"),
    ],
)
async def test_ari_that_is_not_ours_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes | None, said: str
) -> None:
    monkeypatch.setattr(doctor, "_DEADLINE_S", 0.5)
    async with server(answer) as port:
        finding = await doctor._ari(settings(tmp_path, http_port=port), SECRETS)
    assert not finding.ok
    assert said in finding.problem
    assert finding.mend


async def test_ari_that_answers_is_well(tmp_path: Path) -> None:
    async with server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as port:
        assert (await doctor._ari(settings(tmp_path, http_port=port), SECRETS)).ok


async def test_an_ami_port_held_by_something_silent_does_not_hang_the_doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_DEADLINE_S", 1.0)
    async with server(None) as port:
        finding = await doctor._ami(settings(tmp_path, ami_port=port), SECRETS)
    assert "does not answer" in finding.problem


async def test_an_ami_port_nobody_listens_on_is_named(tmp_path: Path) -> None:
    (port,) = free_tcp_ports(1)
    finding = await doctor._ami(settings(tmp_path, ami_port=port), SECRETS)
    assert f"port {port}" in finding.problem


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_room_for_recordings_is_told_in_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rec").mkdir()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12, 10 * 3 * 2 * 8000 * 3600))
    finding = doctor._space(settings(tmp_path))
    assert "room for 10 hours" in finding.problem
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 10**12))
    assert doctor._space(settings(tmp_path)).ok


@pytest.mark.parametrize(("limit", "ok"), [("1024", False), ("65535", True)])
def test_too_few_open_files_are_noticed(limit: str, ok: bool) -> None:
    assert doctor._files(f"  Maximum calls:   Not set\n  Maximum open file handles:   {limit}\n").ok is ok


def test_a_busy_rtp_range_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_taken", lambda host, port, kind: "busy" if port % 5 else None)
    found = {finding.code: finding for finding in doctor._ports(settings(tmp_path, rtp_first=10000, rtp_last=10099))}
    assert "80 of 100 RTP ports" in found["port.rtp"].problem
