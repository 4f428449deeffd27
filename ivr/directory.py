"""The directory (转接号码本): the lines a call can be passed to in one key, and how a number becomes an address.

Emergency lines come from the site pack, agencies' own lines from `directory.toml` of the instance:

    [[lines]]
    agency = "e-heat"
    number = "03592222222"
"""

import re
from pathlib import Path

import msgspec

from ivr.settings import SettingsError
from ticketing.site import Site
from ticketing.vocabulary import AgencyId

FILE_NAME = "directory.toml"
OUTSIDE = "PJSIP/{number}@trunk"
_NUMBER = re.compile(r"\+?[0-9]{3,20}")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One entry; `urgent` ones come first and are called at any cost."""

    id: str
    name: str
    number: str
    urgent: bool = False


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    agency: str
    number: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lines: tuple[_Entry, ...] = ()


class Directory:
    """All lines; without a `trunk` none of them can be called, nor any other number outside."""

    def __init__(self, lines: tuple[Line, ...], *, trunk: bool) -> None:
        self.lines = lines
        self._trunk = trunk
        self._by_id = {line.id: line for line in lines}

    @property
    def outside(self) -> str | None:
        """The address of a `{number}` outside, None where there is no way out."""
        return OUTSIDE if self._trunk else None

    def line(self, name: str) -> Line | None:
        """An entry by its id."""
        return self._by_id.get(name)


def is_number(text: str) -> bool:
    """Whether this can be dialled: 3 to 20 digits, an international one after a plus (ITU-T E.164)."""
    return _NUMBER.fullmatch(text) is not None


def load_directory(path: Path, site: Site, *, trunk: bool) -> Directory:
    """The site's emergency lines and the instance's own. Raises `SettingsError` naming the entry and the mend."""
    lines = [
        Line(id=each.id, name=each.name, number=each.target_number, urgent=True) for each in site.emergency.transfers
    ]
    if path.exists():
        try:
            entries = msgspec.toml.decode(path.read_bytes(), type=_File).lines
        except msgspec.DecodeError as error:
            raise SettingsError(f"{path}: {error}") from error
        for entry in entries:
            if AgencyId(entry.agency) not in site.agencies:
                raise SettingsError(f"{path}: agency {entry.agency!r} is not in the site pack")
            if not is_number(entry.number):
                raise SettingsError(f"{path}: the number of {entry.agency} must be 3 to 20 digits")
            name = site.agency(AgencyId(entry.agency)).short_name
            lines.append(Line(id=entry.agency, name=name, number=entry.number))
    return Directory(tuple(lines), trunk=trunk)
