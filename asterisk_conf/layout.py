"""Where the parts of an instance lie."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The folders of one instance, all under `home`."""

    home: Path

    @property
    def conf(self) -> Path:
        """A link to the configuration in force; replaced in one step by rendering."""
        return self.home / "etc"

    @property
    def main_conf(self) -> Path:
        """The file Asterisk is started with."""
        return self.conf / "asterisk.conf"

    @property
    def secrets(self) -> Path:
        """Generated secrets, readable by the owner alone."""
        return self.home / "secrets.json"

    @property
    def bans(self) -> Path:
        """Addresses from which no SIP is taken, as lines of an access list; the server's, Asterisk only reads it."""
        return self.home / "bans.conf"

    @property
    def run(self) -> Path:
        """Control socket and process id."""
        return self.home / "run"

    @property
    def log(self) -> Path:
        """Asterisk's own logs, call records and channel events."""
        return self.home / "log"

    @property
    def console_log(self) -> Path:
        """What the process wrote to its standard output and error."""
        return self.log / "console.log"

    @property
    def spool(self) -> Path:
        """Asterisk's spool."""
        return self.home / "spool"

    @property
    def fallback_spool(self) -> Path:
        """What citizens said when neither the server nor the fallback process was there."""
        return self.spool / "fallback"

    @property
    def data(self) -> Path:
        """Asterisk's data folder: links to the program's documentation, and our sounds."""
        return self.home / "data"

    @property
    def sounds(self) -> Path:
        """Where Asterisk looks for a sound by its name: a link to `rendered`."""
        return self.data / "sounds" / "zh"

    @property
    def recorded(self) -> Path:
        """Announcements spoken by a person, put here by people; one of these wins over the synthesised one."""
        return self.home / "sounds" / "recorded"

    @property
    def rendered(self) -> Path:
        """What is played, made by us from `recorded` and from texts."""
        return self.home / "sounds" / "rendered"

    @property
    def music(self) -> Path:
        """Music on hold."""
        return self.home / "moh"

    def folders(self) -> tuple[Path, ...]:
        """Every folder that must stand before Asterisk starts, outer ones first."""
        outer = (self.spool, self.log, self.data, self.sounds.parent.parent, self.sounds.parent, self.recorded.parent)
        spool = tuple(self.spool / name for name in ("fallback", "monitor", "recording", "tmp"))
        log = tuple(self.log / name for name in ("cdr-custom", "cel-custom"))
        plain = tuple(self.home / name for name in ("agi", "cache", "db", "keys", "var"))
        return (*outer, *plain, *spool, *log, self.run, self.recorded, self.rendered, self.music)
