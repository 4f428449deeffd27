"""What an Asterisk instance of ours is made from. The server's settings fill it in."""

import ipaddress
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from asterisk_conf.errors import SettingsInvalid

_NUMBER = re.compile(r"\+?[0-9]{2,20}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_CONTACT = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_UNFIT = ":;,()|&$\"'\\ \t\r\n"
"""Characters that mean something to the dialplan, to Asterisk's files or to the loader's search path."""
_PORT_MAX = 65535
_RTP_PORTS_MIN = 10
_SOCKET_PATH_MAX = 107
"""Bytes of a Unix socket's path on Linux, sun_path less its final zero (unix(7))."""


@dataclass(frozen=True, kw_only=True)
class AgentEndpoint:
    """A person's phone. It registers as `extension`; `secret` None means: generate one and keep it."""

    extension: str
    name: str
    secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not _NUMBER.fullmatch(self.extension):
            raise SettingsInvalid(f"extension {self.extension!r}: a phone's extension is 2 to 20 digits")


@dataclass(frozen=True, kw_only=True)
class Tls:
    """SIP over TLS on TCP `port`, with a certificate chain and its key as PEM files. `srtp` demands encrypted speech.

    The keys of SRTP travel in SIP (SDES, RFC 4568), so they are worth what TLS is.
    """

    port: int
    certificate: Path
    key: Path
    srtp: bool = False


@dataclass(frozen=True, kw_only=True)
class AsteriskSettings:
    """One Asterisk instance: where it lives, what it listens on, whom it lets in.

    `prefix` is where an Asterisk of our own is, or is put, when the machine has none that is new enough. `instance`
    holds configuration, state and logs of this one; `recordings` the calls.

    Phones and trunk reach it on `sip_host`: SIP on UDP `sip_port`, RTP on UDP `rtp_first`..`rtp_last`. Programs reach
    it on `control_host`: ARI on TCP `http_port`, AMI on `ami_port`; there too it looks for the fallback, at
    `fallback_port`. `trunk_hosts` are the addresses from which calls to the hotline are taken without credentials: the
    carrier's border, or loopback for the demonstration. `trunk_contact` (host[:port]) is where calls back to citizens
    are sent, as `PJSIP/<number>@trunk`. `rtp_timeout_s` ends a call whose caller vanished without a word: seconds
    without RTP (`rtp_timeout_hold_s` while on hold); 0 switches it off. Secrets left None are generated at the first
    rendering and kept over later ones. `tls` is for phones; the trunk speaks UDP.
    """

    prefix: Path
    instance: Path
    recordings: Path
    agents: tuple[AgentEndpoint, ...] = ()
    hotline_number: str = "12345"
    also_dialled: tuple[str, ...] = ()
    app: str = "hotline"
    sip_host: str = "127.0.0.1"
    control_host: str = "127.0.0.1"
    sip_port: int = 5060
    http_port: int = 8088
    ami_port: int = 5038
    rtp_first: int = 10000
    rtp_last: int = 19999
    fallback_port: int = 4573
    ari_user: str = "hotline"
    ari_secret: str | None = field(default=None, repr=False)
    ami_user: str = "doctor"
    ami_secret: str | None = field(default=None, repr=False)
    trunk_hosts: tuple[str, ...] = ("127.0.0.1",)
    trunk_contact: str | None = None
    rtp_timeout_s: int = 30
    rtp_timeout_hold_s: int = 300
    tls: Tls | None = None

    def __post_init__(self) -> None:
        self._check_places()
        self._check_ports()
        self._check_numbers()
        self._check_trunk()

    def _check_places(self) -> None:
        for name, path in (("prefix", self.prefix), ("instance", self.instance), ("recordings", self.recordings)):
            if not path.is_absolute():
                raise SettingsInvalid(f"{name} {str(path)!r}: give an absolute path, Asterisk has no other")
            if set(str(path)) & set(_UNFIT):
                raise SettingsInvalid(
                    f"{name} {str(path)!r}: choose a path without blanks, quotes and any of :;,()|&$\\"
                )
        if len(str(self.instance / "run" / "asterisk.ctl").encode()) > _SOCKET_PATH_MAX:
            raise SettingsInvalid(
                f"instance {str(self.instance)!r}: too long for the control socket, choose a shorter path"
            )

    def _check_ports(self) -> None:
        for name, host in (("sip_host", self.sip_host), ("control_host", self.control_host)):
            try:
                ipaddress.ip_address(host)
            except ValueError as wrong:
                raise SettingsInvalid(f"{name} {host!r}: give an IP address to listen on") from wrong
        control = {"http_port": self.http_port, "ami_port": self.ami_port, "fallback_port": self.fallback_port}
        voice = {"sip_port": self.sip_port, "rtp_first": self.rtp_first, "rtp_last": self.rtp_last}
        if self.tls is not None:
            control["tls_port"] = self.tls.port
            for name, path in (("certificate", self.tls.certificate), ("key", self.tls.key)):
                if not path.is_absolute() or set(str(path)) & set(_UNFIT):
                    raise SettingsInvalid(f"tls {name} {str(path)!r}: give an absolute path without blanks and quotes")
        for name, port in (control | voice).items():
            if not 1 <= port <= _PORT_MAX:
                raise SettingsInvalid(f"{name} {port}: a port is 1 to {_PORT_MAX}")
        if len(set(control.values())) < len(control):
            raise SettingsInvalid(f"{', '.join(control)} must differ")
        if self.rtp_last - self.rtp_first < _RTP_PORTS_MIN - 1:
            raise SettingsInvalid(
                f"rtp_first {self.rtp_first}, rtp_last {self.rtp_last}: give {_RTP_PORTS_MIN} or more"
            )
        if self.rtp_first <= self.sip_port <= self.rtp_last:
            raise SettingsInvalid(f"sip_port {self.sip_port} lies in the RTP range")
        if min(self.rtp_timeout_s, self.rtp_timeout_hold_s) < 0:
            raise SettingsInvalid("rtp_timeout_s and rtp_timeout_hold_s cannot be negative; 0 switches them off")

    def _check_numbers(self) -> None:
        for number in (self.hotline_number, *self.also_dialled):
            if not _NUMBER.fullmatch(number):
                raise SettingsInvalid(f"hotline number {number!r}: 2 to 20 digits, with or without a leading +")
        for name, word in (("app", self.app), ("ari_user", self.ari_user), ("ami_user", self.ami_user)):
            if not _WORD.fullmatch(word):
                raise SettingsInvalid(f"{name} {word!r}: letters, digits, - and _, beginning with a letter")
        extensions = Counter(agent.extension for agent in self.agents)
        if twice := [extension for extension, count in extensions.items() if count > 1]:
            raise SettingsInvalid(f"agents: extension {twice[0]} is given to {extensions[twice[0]]} phones")
        if taken := set(extensions) & {self.hotline_number, *self.also_dialled}:
            raise SettingsInvalid(f"agents: extension {min(taken)} is the hotline's own number")

    def _check_trunk(self) -> None:
        for host in self.trunk_hosts:
            try:
                ipaddress.ip_network(host)
            except ValueError as wrong:
                raise SettingsInvalid(
                    f"trunk_hosts {host!r}: give an IP address or network, names can be forged"
                ) from wrong
        if self.trunk_contact is not None and not _CONTACT.fullmatch(self.trunk_contact):
            raise SettingsInvalid(f"trunk_contact {self.trunk_contact!r}: host or host:port")

    @property
    def trunk_on_loopback(self) -> bool:
        """Whether phones and trunk may come from the same address, so that only the user name tells them apart."""
        return any(ipaddress.ip_network(host).is_loopback for host in self.trunk_hosts)

    @property
    def media_host(self) -> str | None:
        """The address RTP is bound to; None where `sip_host` means every address."""
        return None if ipaddress.ip_address(self.sip_host).is_unspecified else self.sip_host
