"""Strangers on the network: who guesses is shut out, scanners find nothing, speech is encrypted, torture is borne."""

import asyncio
import dataclasses
import os
import re
import shutil
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from asterisk_conf.process import Asterisk, RunningAsterisk
from asterisk_conf.render import Rendered, render
from asterisk_conf.settings import AgentEndpoint, Tls
from ivr.certificates import make_certificates
from ivr.clock import SystemClock
from ivr.demo.sip.message import digest_answer
from ivr.guard import Guard
from tests.asterisk_prefix import asterisk_program, free_tcp_ports, instance_settings
from tests.integration import torture
from tests.integration.sip_probe import SipProbe
from tests.until import until, until_async

STRANGER, TRUNK = "127.0.0.1", "127.0.0.3"
AGENTS = ("1001", "1002")


@dataclasses.dataclass(frozen=True)
class Fortress:
    """An Asterisk with TLS and SRTP, whose trunk is another address than the strangers'."""

    running: RunningAsterisk
    rendered: Rendered
    authority: Path

    async def is_quiet(self) -> bool:
        return "0 active channels" in await self.running.rx("core show channels count")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fortress() -> AsyncIterator[Fortress]:
    home = Path(tempfile.mkdtemp(prefix="tls"))
    await asyncio.to_thread(make_certificates, home / "tls", ["127.0.0.1"])
    tls = Tls(
        port=free_tcp_ports(1)[0], certificate=home / "tls" / "server.pem", key=home / "tls" / "server.key", srtp=True
    )
    program = await asyncio.to_thread(asterisk_program)
    agents = tuple(AgentEndpoint(extension=number, name=number) for number in AGENTS)
    settings = instance_settings(home, agents=agents, trunk_hosts=(TRUNK,), tls=tls)
    rendered = await asyncio.to_thread(render, settings, program)
    async with await Asterisk(program, settings.instance).start() as running:
        yield Fortress(running, rendered, home / "tls" / "ca.pem")
    await asyncio.to_thread(shutil.rmtree, home)


pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]


class Phone:
    """A SIP phone over TLS, of few words. Blocking: used in a thread."""

    def __init__(self, fortress: Fortress, number: str) -> None:
        settings = fortress.rendered.settings
        assert settings.tls is not None
        context = ssl.create_default_context(cafile=str(fortress.authority))
        plain = socket.create_connection(("127.0.0.1", settings.tls.port), timeout=5)
        self._socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self._server = f"127.0.0.1:{settings.tls.port}"
        self._number = number
        self._password = fortress.rendered.secrets.agents[number]
        self._sequence = 0
        self._call = f"{time.monotonic_ns()}@127.0.0.1"

    def close(self) -> None:
        self._socket.close()

    def invite(self, user: str, profile: str, crypto: str) -> str:
        """The final answer to an INVITE with this speech profile, signed in."""
        sdp = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio 40000 {profile} 0\r\na=rtpmap:0 PCMU/8000\r\n{crypto}"
        )
        answer = self._request("INVITE", user, sdp)
        if answer.startswith("SIP/2.0 401"):
            self._send("ACK", user, "", to=_header(answer, "To"))
            authorised = digest_answer(
                _header(answer, "WWW-Authenticate"),
                method="INVITE",
                uri=f"sips:{user}@{self._server}",
                user=self._number,
                password=self._password,
                nonce="0123456789abcdef",
            )
            answer = self._request("INVITE", user, sdp, f"Authorization: {authorised}\r\n")
        self._send("ACK", user, "", to=_header(answer, "To"))
        if answer.startswith("SIP/2.0 200"):
            self._send("BYE", user, "", to=_header(answer, "To"))
        return answer

    def _request(self, method: str, user: str, body: str, more: str = "") -> str:
        self._sequence += 1
        self._send(method, user, body, more)
        while True:
            answer = self._read()
            if not answer.startswith("SIP/2.0 1"):
                return answer

    def _send(self, method: str, user: str, body: str, more: str = "", to: str = "") -> None:
        if method == "BYE":
            self._sequence += 1
        uri = f"sips:{user}@{self._server}"
        self._socket.sendall(
            (
                f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK{self._sequence}{method}\r\n"
                f"From: <sips:{self._number}@127.0.0.1>;tag=me\r\nTo: {to or f'<{uri}>'}\r\nCall-ID: {self._call}\r\n"
                f"CSeq: {self._sequence} {method}\r\nContact: <sips:{self._number}@127.0.0.1;transport=tls>\r\n"
                f"Max-Forwards: 70\r\n{more}Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            ).encode()
        )

    def _read(self) -> str:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._socket.recv(65_536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(_header(head.decode(), "Content-Length"))
        while len(body) < length:
            body += self._socket.recv(65_536)
        return (head + b"\r\n\r\n" + body).decode()


def _header(message: str, name: str) -> str:
    found = re.search(rf"^{name}:\s*(.*?)\r?$", message, re.MULTILINE | re.IGNORECASE)
    assert found is not None, name
    return found[1]


CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"


@pytest.mark.parametrize(
    ("profile", "crypto", "status"), [("RTP/SAVP", CRYPTO, "200"), ("RTP/AVP", "", "488")], ids=["secret", "open"]
)
async def test_over_tls_speech_is_encrypted_or_not_taken(
    fortress: Fortress, profile: str, crypto: str, status: str
) -> None:
    phone = await asyncio.to_thread(Phone, fortress, "1001")
    try:
        answer = await asyncio.to_thread(phone.invite, "*43", profile, crypto)
    finally:
        phone.close()
    assert answer.split()[1] == status
    assert ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" in answer) is (status == "200")
    await until_async(fortress.is_quiet, "the call over")


async def test_a_certificate_of_another_authority_is_not_believed(fortress: Fortress, tmp_path: Path) -> None:
    await asyncio.to_thread(make_certificates, tmp_path, ["127.0.0.1"])
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.to_thread(Phone, dataclasses.replace(fortress, authority=tmp_path / "ca.pem"), "1001")


async def test_torture_messages_end_nothing_and_start_no_call(fortress: Fortress) -> None:
    """After RFC 4475: odd but valid, broken, and lying about itself; from a stranger and from the trunk."""
    settings = fortress.rendered.settings
    for host in (STRANGER, TRUNK):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((host, 0))
            for message in torture.messages(f"127.0.0.1:{settings.sip_port}", sender.getsockname()):
                sender.sendto(message, ("127.0.0.1", settings.sip_port))
    async with SipProbe(settings, host=STRANGER) as caller:
        assert await caller.request("OPTIONS", "1001") in (200, 401, 404), "it still answers"
    assert fortress.running.returncode is None
    await until_async(fortress.is_quiet, "no call of theirs")


async def scan(tool: str, *words: str) -> str:
    """What one of sipvicious's tools prints."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / f"sipvicious_{tool}"), *words,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "HOME": tempfile.gettempdir()},
    )  # fmt: skip
    async with asyncio.timeout(40):
        output, _ = await process.communicate()
    return output.decode(errors="replace")


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS"])
async def test_sipvicious_finds_no_extension(fortress: Fortress, method: str) -> None:
    port = str(fortress.rendered.settings.sip_port)
    said = await scan("svwar", "-p", port, "-e", "995-1010", "-m", method, "127.0.0.1")
    assert "found nothing" in said, said
    assert not [number for number in AGENTS if number in said], said
    await until_async(fortress.is_quiet, "no call of theirs")


async def test_sipvicious_cracks_no_password_and_is_shut_out(fortress: Fortress) -> None:
    settings = fortress.rendered.settings
    words = Path(tempfile.mkdtemp(prefix="words")) / "words"
    words.write_text("".join(f"guess{number}\n" for number in range(40)))
    guard = Guard(
        fortress.rendered.layout,
        SystemClock(),
        failures=10,
        ban_s=3600,
        never=settings.trunk_hosts,
        reload=lambda: fortress.running.rx("module reload acl"),
    )
    watching = asyncio.create_task(guard.run(), name="guard")
    try:
        said = await scan("svcrack", "-p", str(settings.sip_port), "-u", "1001", "-d", str(words), "127.0.0.1")
        assert "found nothing" in said, said
        await until(lambda: STRANGER in guard.banned, "shut out", 10)
        async with SipProbe(settings, "1001", host=STRANGER) as stranger:

            async def refused() -> bool:
                return await stranger.request("REGISTER", "1001") == 403

            await until_async(refused, "a stranger is refused, whatever they say", 10)
        async with SipProbe(settings, host=TRUNK) as trunk:
            assert await trunk.request("OPTIONS", "12345") != 403, "others are not"
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        await asyncio.to_thread(shutil.rmtree, words.parent)
