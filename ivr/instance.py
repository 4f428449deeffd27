"""An instance on disk: made by set-up, opened by the server. Everything it owns lies below its home, mode 0700."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from asterisk_conf import install
from asterisk_conf.process import Asterisk
from asterisk_conf.prompts import make_sounds
from asterisk_conf.render import Rendered, render
from asterisk_conf.settings import AgentEndpoint, AsteriskSettings
from ivr.announcements import prompt_book
from ivr.people import (
    Person,
    Secrets,
    load_passwords,
    load_roster,
    load_secrets,
    make_passwords,
    make_roster,
    make_secrets,
)
from ivr.settings import Settings, SettingsError
from ticketing.accounts import Seed
from ticketing.drafting.categoriser import topics
from ticketing.drafting.drafter import Drafter
from ticketing.knowledge.index import KnowledgeIndex
from ticketing.places import Gazetteer
from ticketing.records import AccountRecord
from ticketing.site import Site, load_site
from ticketing.site_store import SiteStore
from ticketing.vault import Vault, make_keys
from ticketing.vocabulary import AgencyId, Role

LEAST_FREE_BYTES = 500 * 1024 * 1024
"""Free space below which set-up and the server warn: about four hours of thirty lines' recordings."""

Progress = Callable[[str], None]


class Instance:
    """What every part of the server is opened from."""

    def __init__(self, settings: Settings) -> None:
        """Read the site pack, the roster and the secrets; nothing is made or changed.

        Raises `SettingsError`, `ticketing.errors.SitePackBroken` or `asterisk_conf.errors.PromptRefused`.
        """
        self.settings = settings
        self.site: Site = load_site(pack_of(settings))
        self.zone = ZoneInfo(self.site.info.timezone)
        skills = frozenset(skill.id for skill in self.site.info.skills)
        self.people: tuple[Person, ...] = load_roster(settings.roster_file, skills, frozenset(self.site.agencies))
        self.secrets: Secrets = load_secrets(settings.secrets_file)
        self.passwords: dict[str, str] = load_passwords(settings.passwords_file)
        self.vault = Vault.opened(settings.keys_file)
        self.book = prompt_book(self.site)

    @classmethod
    def made(cls, settings: Settings) -> Self:
        """The instance, after making what it lacks: its folders, the first roster, secrets and first passwords."""
        _make_private(settings.home)
        _make_private(settings.recordings)
        make_roster(settings.roster_file)
        make_secrets(settings.secrets_file)
        make_keys(settings.keys_file)
        instance = cls(settings)
        make_passwords(settings.passwords_file, tuple(person.id for person in instance.people))
        return cls(settings)

    def asterisk_settings(self) -> AsteriskSettings:
        """The instance in Asterisk's terms."""
        wanted = self.settings.asterisk
        return AsteriskSettings(
            prefix=self.settings.prefix,
            instance=self.settings.asterisk_home,
            recordings=self.settings.recordings,
            agents=tuple(
                AgentEndpoint(extension=p.extension, name=p.name) for p in self.people if p.extension is not None
            ),
            hotline_number=self.site.info.hotline_number,
            sip_host=wanted.sip_host,
            sip_port=wanted.sip_port,
            http_port=wanted.http_port,
            ami_port=wanted.ami_port,
            rtp_first=wanted.rtp_start,
            rtp_last=wanted.rtp_end,
            fallback_port=wanted.fallback_port,
            trunk_hosts=wanted.trunk_hosts,
            rtp_timeout_s=wanted.rtp_timeout_s,
        )

    def seeds(self) -> list[Seed]:
        """The accounts of the roster, for whom there is a first password."""
        return [
            Seed(
                account=AccountRecord(
                    id=person.id,
                    name=person.name,
                    extension=person.extension,
                    role=Role(person.role),
                    skills=tuple(person.skills),
                    agency_id=AgencyId(person.agency) if person.agency else None,
                ),
                first_password=self.passwords[person.id],
            )
            for person in self.people
            if person.id in self.passwords
        ]

    def prepare_asterisk(self, progress: Progress) -> tuple[Asterisk, Rendered]:
        """Find or install Asterisk and put its configuration in force. Blocking; raises `AsteriskConfError`."""
        found = install.ensure(self.settings.prefix, progress=progress)
        rendered = render(self.asterisk_settings(), found)
        make_sounds(self.book, rendered.layout, progress=progress)
        return Asterisk(found, self.settings.asterisk_home), rendered

    def prepare_mind(self, progress: Progress) -> tuple[Drafter, KnowledgeIndex]:
        """The drafter and the search of the city. Blocking; the first time the classifier is trained and kept."""
        progress("reading the city's knowledge")
        drafter = Drafter(self.site, Gazetteer(self.site.places.values()), cache=self.settings.cache)
        return drafter, KnowledgeIndex(self.site.articles.values(), topics=topics(self.site))

    def free_bytes(self) -> int:
        """Room left for recordings."""
        return shutil.disk_usage(self.settings.recordings).free


def pack_of(settings: Settings) -> Path:
    """The folder of the site pack in force: the settings', else the one loaded last, else the demonstration city's.

    Raises `SettingsError` where there is no such folder.
    """
    pack = Path(settings.site.pack) if settings.site.pack else SiteStore(settings.home / "site").current()
    if not pack.is_dir():
        raise SettingsError(f"[site] pack: there is no folder {pack}; name one, or leave it empty for the demo city")
    return pack


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(f"{folder}: {error.strerror}; choose another folder with --home") from error
