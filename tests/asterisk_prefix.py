"""The Asterisk that tests run: one prefix for all of them, an instance and ports of its own for each."""

import itertools
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from asterisk_conf import promptbook
from asterisk_conf.install import ensure
from asterisk_conf.program import Program
from asterisk_conf.promptbook import PromptBook
from asterisk_conf.settings import AsteriskSettings

PREFIX = Path(os.environ.get("HUYING_PREFIX") or Path(__file__).parents[1] / ".huying" / "asterisk")
"""Made at the first use where it is not there: that needs the network once."""

_RTP_PORTS = 40


def asterisk_program() -> Program:
    """The machine's own Asterisk, or the one in the prefix."""
    return ensure(PREFIX)


def instance_settings(home: Path, **changes: Any) -> AsteriskSettings:
    """An instance under `home` on loopback ports that nobody has now."""
    sip = free_udp_range(2 + _RTP_PORTS)
    rtp = sip + 2
    http, ami, fallback = free_tcp_ports(3)
    settings: dict[str, Any] = {
        "prefix": PREFIX,
        "instance": home / "ast",
        "recordings": home / "rec",
        "sip_port": sip,
        "http_port": http,
        "ami_port": ami,
        "fallback_port": fallback,
        "rtp_first": rtp,
        "rtp_last": rtp + _RTP_PORTS - 1,
    }
    return AsteriskSettings(**(settings | changes))


def short_book(**texts: str) -> PromptBook:
    """Announcements without the two hundred sounds of numbers and dates, which take seconds to make."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promptbook, "vocabulary", lambda: {"number.2": "两"})
        return PromptBook(texts)


def free_tcp_ports(count: int) -> list[int]:
    """Ports that the system hands out, all different."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(server.getsockname()[1]) for server in held]
    for server in held:
        server.close()
    return ports


def free_udp_range(count: int) -> int:
    """The first, even, of `count` neighbouring free UDP ports, below those the system hands out by itself."""
    for first in itertools.chain(range(12000 + os.getpid() * 98 % 18000, 30000, 2), range(12000, 30000, 2)):
        if all(_udp_free(port) for port in range(first, first + count)):
            return first
    raise RuntimeError("no free UDP ports on loopback")


def _udp_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
