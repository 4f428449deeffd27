"""An instance on disk: made by set-up, opened by the server. Everything it owns lies below its home, mode 0700."""

import shutil
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from asterisk_conf import install, program
from asterisk_conf.process import Asterisk
from asterisk_conf.render import Rendered, render
from asterisk_conf.settings import AgentEndpoint, AsteriskSettings
from ivr.people import Person, Secrets, load_roster, make_passwords, make_roster, make_secrets
from ivr.settings import Settings, SettingsError
from ticketing.site import Site, default_site_dir, load_site

LEAST_FREE_BYTES = 500 * 1024 * 1024
"""Free space below which set-up and the server warn: about four hours of thirty lines' recordings."""

Progress = Callable[[str], None]


class Instance:
    """What every part of the server is opened from."""

    def __init__(self, settings: Settings) -> None:
        """Read the site pack, the roster and the secrets, making what set-up makes.

        Raises `SettingsError` or `ticketing.errors.SitePackBroken`.
        """
        self.settings = settings
        _make_private(settings.home)
        pack = Path(settings.site.pack) if settings.site.pack else default_site_dir()
        if not pack.is_dir():
            raise SettingsError(
                f"[site] pack: there is no folder {pack}; name one, or leave it empty for the demo city"
            )
        self.site: Site = load_site(pack)
        self.zone = ZoneInfo(self.site.info.timezone)
        make_roster(settings.roster_file)
        skills = frozenset(skill.id for skill in self.site.info.skills)
        self.people: tuple[Person, ...] = load_roster(settings.roster_file, skills)
        self.secrets: Secrets = make_secrets(settings.secrets_file)
        self.passwords = make_passwords(settings.home / "passwords.toml", tuple(p.id for p in self.people))
        _make_private(settings.recordings)

    def asterisk_settings(self) -> AsteriskSettings:
        """The instance in Asterisk's terms."""
        wanted = self.settings.asterisk
        return AsteriskSettings(
            instance=self.settings.asterisk_home,
            recordings=self.settings.recordings,
            agents=tuple(AgentEndpoint(extension=p.extension, name=p.name) for p in self.people),
            hotline_number=self.site.info.hotline_number,
            host=wanted.host,
            sip_port=wanted.sip_port,
            http_port=wanted.http_port,
            ami_port=wanted.ami_port,
            rtp_first=wanted.rtp_start,
            rtp_last=wanted.rtp_end,
            fallback_port=wanted.fallback_port,
            trunk_hosts=wanted.trunk_hosts,
            rtp_timeout_s=wanted.rtp_timeout_s,
        )

    def prepare_asterisk(self, progress: Progress) -> tuple[Asterisk, Rendered]:
        """Find or install Asterisk and put its configuration in force. Blocking; raises `AsteriskConfError`."""
        found = program.on_system() or install.ensure(self.settings.prefix, progress=progress)
        rendered = render(self.asterisk_settings(), found)
        return Asterisk(found, self.settings.asterisk_home), rendered

    def free_bytes(self) -> int:
        """Room left for recordings."""
        return shutil.disk_usage(self.settings.recordings).free


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(f"{folder}: {error.strerror}; choose another folder with --home") from error
