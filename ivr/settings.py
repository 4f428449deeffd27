"""Frozen settings: one TOML file (`hotline.toml` of an instance) under the environment's `HOTLINE_…`.

The only reader of the environment. A setting `[section] key` is overridden by `HOTLINE_SECTION_KEY`. Secrets never
stand in this file: they are generated at set-up into files of mode 0600 beside it.
"""

import os
import types
import typing
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ticketing.retention import Retention

FILE_NAME = "hotline.toml"
ENVIRONMENT_PREFIX = "HOTLINE_"
LONGEST = 1_000_000.0


class SettingsError(Exception):
    """The settings cannot be used; the text names the file or variable, the key and the mend."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Root of the settings' sections."""


class SiteSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which city this is. An empty `pack` is the demonstration site that ships with the program."""

    pack: str = ""


class AsteriskSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The telephone exchange. Phones and trunk reach it on `sip_host`, programs on loopback alone.

    `prefix`: folder of an Asterisk installed without root, used only where the machine has none of its own that is new
    enough; empty means `asterisk` beside the instance. `managed`: the server starts and supervises it.
    """

    sip_host: str = "127.0.0.1"
    prefix: str = ""
    managed: bool = True
    sip_port: int = 5060
    http_port: int = 8088
    ami_port: int = 5038
    rtp_start: int = 10000
    rtp_end: int = 19998
    rtp_timeout_s: int = 30
    trunk_hosts: tuple[str, ...] = ("127.0.0.1",)
    trunk_contact: str = ""
    fallback_port: int = 4573


class SecuritySettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What keeps strangers out. `tls`: phones reach SIP over TLS too and desks must use wss; `srtp` needs it.

    An empty `certificate` (PEM chain; `key` its key) means one made at set-up in `tls` of the instance, signed by a
    certificate of our own for people to install. `sip_failures` within a minute from one address, and it is not
    listened to for `ban_s`; 0 switches that off.
    """

    tls: bool = False
    srtp: bool = False
    sip_tls_port: int = 5061
    certificate: str = ""
    key: str = ""
    sip_failures: int = 20
    ban_s: float = 3600.0


class DeskSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where desks connect."""

    host: str = "127.0.0.1"
    port: int = 8711


class SpeechSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Recognition. An empty `model` is the demonstration model; a real site points at an official Vosk model.

    `servers`: Vosk servers (`ws://host:2700`) that recognise instead of a model here. `workers`: threads that recognise
    (0 = one a core, or eight a core where servers do the work). `streams`: most legs heard at once; what is said on
    further ones is read from the recording afterwards.
    `from_recording`: queues (skills) whose conversations are heard from the recording alone, a second or two later and
    at no cost to Asterisk; `*` is every queue.
    """

    enabled: bool = True
    model: str = ""
    workers: int = 0
    streams: int = 120
    from_recording: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    media_host: str = "127.0.0.1"
    media_port: int = 0


class DraftingSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Wording of title and content by an OpenAI-compatible endpoint, off while `url` is empty (`http://host/v1`).

    `key_file` holds the endpoint's key; `seconds` is the most one wording may take.
    """

    url: str = ""
    model: str = ""
    key_file: str = ""
    seconds: float = 4.0


class QueueSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How callers wait and agents are rung. Times in seconds; 0 switches off what need not be.

    The menu is off by default: GB/T 33358-2016 asks for none, and it costs every caller ten seconds. `overflow_s`: from
    then on agents of the default skill may take a call for another; `experts_s`: until then only agents above level 1;
    `kept_open_s`: from then on agents kept for a class of callers take everybody. `…_ahead_s` are head starts.
    `wrap_ups`: limits of single skills, `skill=seconds`.
    """

    ring_s: float = 20.0
    wrap_up_s: float = 120.0
    menu: bool = False
    menu_wait_s: float = 3.0
    position_every_s: float = 30.0
    answer_within_s: float = 15.0
    survey: bool = False
    keep_place_key: str = "1"
    missed_after_s: float = 5.0
    strategy: str = "longest_idle"
    max_wait_s: float = 0.0
    overflow_s: float = 60.0
    experts_s: float = 0.0
    kept_open_s: float = 0.0
    emergency_ahead_s: float = 3600.0
    enterprise_ahead_s: float = 30.0
    repeat_ahead_s: float = 0.0
    repeat_within_h: float = 24.0
    emergency_numbers: tuple[str, ...] = ("110", "119", "120", "122")
    enterprise_file: str = ""
    wrap_ups: tuple[str, ...] = ()
    estimate: bool = True
    notice: str = ""


class MetricsSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Figures for Prometheus. They name no citizen and no agent, but keep them on loopback all the same."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 9712


class DatabaseSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An SQLAlchemy asyncio address; empty means the embedded SQLite file of the instance."""

    url: str = ""


class DispatchSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where work orders go. An empty `webhook` means the directory of JSON files; its secret is in `secrets.toml`."""

    directory: str = ""
    webhook: str = ""
    attempts: int = 12


class RetentionSettings(Section, Retention, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days what is kept; 0 is for ever. See `ticketing.retention.Retention`."""


class Settings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an instance is told. `home` is the instance's folder: all its state lies below it."""

    home: Path = Path()
    site: SiteSettings = SiteSettings()
    asterisk: AsteriskSection = AsteriskSection()
    security: SecuritySettings = SecuritySettings()
    desk: DeskSettings = DeskSettings()
    speech: SpeechSettings = SpeechSettings()
    drafting: DraftingSettings = DraftingSettings()
    queue: QueueSettings = QueueSettings()
    metrics: MetricsSettings = MetricsSettings()
    database: DatabaseSettings = DatabaseSettings()
    dispatch: DispatchSettings = DispatchSettings()
    retention: RetentionSettings = RetentionSettings()

    @property
    def recordings(self) -> Path:
        """Where Asterisk writes recordings."""
        return self.home / "recordings"

    @property
    def asterisk_home(self) -> Path:
        """Asterisk's instance: configuration, logs, spool, sounds."""
        return self.home / "asterisk"

    @property
    def roster_file(self) -> Path:
        """The people: number, name, extension, skills, role."""
        return self.home / "roster.toml"

    @property
    def directory_file(self) -> Path:
        """Agencies' telephone lines, beside the site's emergency lines."""
        return self.home / "directory.toml"

    @property
    def secrets_file(self) -> Path:
        """Generated secrets, mode 0600."""
        return self.home / "secrets.toml"

    @property
    def keys_file(self) -> Path:
        """What citizens' identities are sealed with, mode 0600; without it they are lost."""
        return self.home / "keys.toml"

    @property
    def passwords_file(self) -> Path:
        """First passwords of the desk's accounts, mode 0600, for handing out."""
        return self.home / "passwords.toml"

    @property
    def prefix(self) -> Path:
        """The Asterisk installed without root."""
        return Path(self.asterisk.prefix) if self.asterisk.prefix else self.home.parent / "asterisk"

    @property
    def database_url(self) -> str:
        """The database's address."""
        return self.database.url or f"sqlite+aiosqlite:///{self.home / 'hotline.db'}"

    @property
    def tls_folder(self) -> Path:
        """Certificates and keys made for this instance."""
        return self.home / "tls"

    @property
    def certificate(self) -> Path:
        """The certificate chain (PEM) shown to phones and desks."""
        return Path(self.security.certificate) if self.security.certificate else self.tls_folder / "server.pem"

    @property
    def certificate_key(self) -> Path:
        """Its key."""
        return Path(self.security.key) if self.security.key else self.tls_folder / "server.key"

    @property
    def matters(self) -> Path:
        """The search for duplicates; it can be made again from the database."""
        return self.home / "cache" / "matters"

    @property
    def cache(self) -> Path:
        """What can be made again: trained models."""
        return self.home / "cache"

    @property
    def dispatch_directory(self) -> Path:
        """Folder the directory gateway writes to."""
        return Path(self.dispatch.directory) if self.dispatch.directory else self.home / "dispatched"


_SECTIONS = tuple(f.name for f in msgspec.structs.fields(Settings) if f.name != "home")


def load_settings(home: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Settings of the instance at `home`. A missing file means all defaults.

    Raises `SettingsError` for an unknown key, a wrong type or a value out of range.
    """
    environment = os.environ if environment is None else environment
    home = home.absolute()
    path = home / FILE_NAME
    tree: dict[str, dict[str, object]] = {}
    if path.exists():
        try:
            tree = msgspec.toml.decode(path.read_bytes(), type=dict[str, dict[str, object]])
        except msgspec.DecodeError as error:
            raise SettingsError(f"{path}: {error}; mend the file or remove it to use the defaults") from error
    for name, text in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX):
            _override(tree, name, text)
    if "home" in tree:
        raise SettingsError(f"{path}: `home` is the folder the file lies in and cannot be set; remove it")
    try:
        settings = msgspec.convert(tree, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {error}; docs/reference/settings.md lists every key") from error
    settings = msgspec.structs.replace(settings, home=home)
    _check(settings)
    return settings


def _override(tree: dict[str, dict[str, object]], name: str, text: str) -> None:
    section, _, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("_")
    if section not in _SECTIONS or not key:
        return  # HOTLINE_HOME and the like belong to the command line
    kind = typing.get_type_hints(type(getattr(Settings(), section))).get(key)
    if kind is None:
        raise SettingsError(f"{name}: there is no setting `[{section}] {key}`; docs/reference/settings.md lists them")
    try:
        value = text.split(",") if isinstance(kind, types.GenericAlias) else msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{name} is {text!r}: {error}") from error
    tree.setdefault(section, {})[key] = value


def _check(settings: Settings) -> None:
    ports = {
        "[asterisk] sip_port": settings.asterisk.sip_port,
        "[asterisk] http_port": settings.asterisk.http_port,
        "[asterisk] ami_port": settings.asterisk.ami_port,
        "[asterisk] fallback_port": settings.asterisk.fallback_port,
        "[desk] port": settings.desk.port,
        "[metrics] port": settings.metrics.port,
    }
    if settings.security.tls:
        ports["[security] sip_tls_port"] = settings.security.sip_tls_port
    elif settings.security.srtp:
        raise SettingsError("[security] srtp needs tls = true: its keys would travel for everybody to read")
    if bool(settings.security.certificate) != bool(settings.security.key):
        raise SettingsError("[security] certificate and key go together: give both or none")
    for name, port in ports.items():
        if not 1 <= port <= 65535:
            raise SettingsError(f"{name} is {port}; a port is 1 to 65535")
    taken: dict[int, str] = {}
    for name, port in ports.items():
        if port in taken:
            raise SettingsError(f"{name} and {taken[port]} are both {port}; give one of them another port")
        taken[port] = name
    start, end = settings.asterisk.rtp_start, settings.asterisk.rtp_end
    if not 1024 <= start < end <= 65535:
        raise SettingsError(f"[asterisk] rtp_start {start} and rtp_end {end} must satisfy 1024 <= start < end <= 65535")
    for server in settings.speech.servers:
        if not server.startswith(("ws://", "wss://")):
            raise SettingsError(f"[speech] servers: {server!r} is no address of a Vosk server; write ws://host:2700")
    queue = settings.queue
    for name, seconds in (("ring_s", queue.ring_s), ("wrap_up_s", queue.wrap_up_s)):
        if seconds <= 0:
            raise SettingsError(f"[queue] {name} is {seconds}; it must be more than 0 seconds")
    for field in msgspec.structs.fields(QueueSettings):
        value = getattr(queue, field.name)
        if isinstance(value, float) and not 0 <= value <= LONGEST:
            raise SettingsError(f"[queue] {field.name} is {value}; it must be from 0 to {LONGEST:g}")
