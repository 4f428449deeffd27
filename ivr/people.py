"""The roster (座席名册) and the instance's secrets, as files: read, checked, and made at set-up where missing.

Secrets are generated, never shipped: `secrets.toml` holds what machines say to each other, `passwords.toml` the first
passwords of the desk's accounts for handing out. Both are mode 0600 and survive every later set-up.
"""

import os
import secrets
from pathlib import Path
from typing import Annotated

import msgspec

from ivr.calls.vocabulary import AgentId, CallerClass, Skill
from ivr.settings import SettingsError
from ticketing.vocabulary import Role

ROLES = tuple(role.value for role in Role if role is not Role.SYSTEM)
AT_THE_PHONES = frozenset({Role.AGENT, Role.SUPERVISOR})
OF_AN_AGENCY = frozenset({Role.HANDLER, Role.HANDLER_HEAD})
FIRST_ROSTER = """\
# 座席名册 / roster: one table a person. `extension` is their phone, `skills` are ids of the site pack.
# roles: agent (话务员), supervisor (班长), reviewer (预审派单), visitor (回访), overseer (督办), quality (质检),
# analyst (数据), leader (领导只读), admin (系统管理); handler (承办单位经办) and handler_head (承办单位负责人) with
# their `agency` of the site pack

[[people]]
id = "1001"
name = "话务员甲"
extension = "1001"
role = "agent"
skills = ["general", "heating"]

[[people]]
id = "1002"
name = "话务员乙"
extension = "1002"
role = "agent"
skills = ["general", "heating", "enterprise", "enrolment"]

[[people]]
id = "1003"
name = "话务员丙"
extension = "1003"
role = "agent"
skills = ["general", "enterprise"]

[[people]]
id = "1901"
name = "值班长"
extension = "1901"
role = "supervisor"
skills = ["supervisor"]

# without a phone of the hotline:

[[people]]
id = "2001"
name = "预审派单员"
role = "reviewer"

[[people]]
id = "2002"
name = "回访员"
extension = "2002"
role = "visitor"

[[people]]
id = "2003"
name = "督办员"
role = "overseer"

[[people]]
id = "2004"
name = "质检员"
role = "quality"

[[people]]
id = "2005"
name = "数据员"
role = "analyst"

[[people]]
id = "2006"
name = "值班领导"
role = "leader"

[[people]]
id = "2009"
name = "系统管理员"
role = "admin"

[[people]]
id = "3001"
name = "热力公司经办"
role = "handler"
agency = "e-heat"

[[people]]
id = "3002"
name = "热力公司负责人"
role = "handler_head"
agency = "e-heat"

[[people]]
id = "3003"
name = "城管局经办"
role = "handler"
agency = "d-cgj"

[[people]]
id = "3004"
name = "城管局负责人"
role = "handler_head"
agency = "d-cgj"
"""


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the roster. Without `extension` they have no phone; `agency` is a handler's own.

    `levels` are of the skills they have, 1 where it does not say and greater is better; `kept_for` are classes of
    callers (`emergency`, `enterprise`, `repeat`, `ordinary`), empty for everybody; `most_per_hour` limits the calls
    they are offered, 0 does not.
    """

    id: AgentId
    name: str
    role: str
    extension: str | None = None
    skills: tuple[Skill, ...] = ()
    agency: str | None = None
    levels: dict[Skill, Annotated[int, msgspec.Meta(ge=1, le=9)]] = {}
    kept_for: frozenset[CallerClass] = frozenset()
    most_per_hour: Annotated[int, msgspec.Meta(ge=0)] = 0


class _RosterFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    people: tuple[Person, ...]


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the server proves itself with: `desk` signs the desks' tokens, `webhook` signs dispatches."""

    desk: str
    webhook: str

    def __repr__(self) -> str:
        """Without the secrets."""
        return "Secrets(…)"


def load_roster(path: Path, known_skills: frozenset[str], known_agencies: frozenset[str]) -> tuple[Person, ...]:
    """The people of an instance. Raises `SettingsError` naming the person and the mend."""
    try:
        roster = msgspec.toml.decode(path.read_bytes(), type=_RosterFile).people
    except FileNotFoundError as error:
        raise SettingsError(f"{path} is missing; run `hotline setup`") from error
    except msgspec.DecodeError as error:
        raise SettingsError(f"{path}: {error}") from error
    seen: dict[str, str] = {}
    for person in roster:
        _check_person(path, person, known_agencies)
        for skill in person.skills:
            if skill not in known_skills:
                raise SettingsError(f"{path}: {person.id} has skill {skill!r}, which the site pack does not know")
        for skill in person.levels:
            if skill not in person.skills:
                raise SettingsError(f"{path}: {person.id} has a level in {skill!r} without the skill; add it to skills")
        for what, value in (("id", person.id), ("extension", person.extension)):
            if value is not None and (other := seen.setdefault(f"{what} {value}", person.id)) is not person.id:
                raise SettingsError(f"{path}: {what} {value} stands twice ({other} and {person.id}); make them differ")
    return roster


def _check_person(path: Path, person: Person, known_agencies: frozenset[str]) -> None:
    if person.role not in ROLES:
        raise SettingsError(f"{path}: role of {person.id} must be one of {', '.join(ROLES)}, not {person.role!r}")
    if person.extension is None:
        if person.role in AT_THE_PHONES:
            raise SettingsError(f"{path}: {person.id} is {person.role} and needs an extension")
    elif not (person.extension.isdecimal() and 2 <= len(person.extension) <= 8):
        raise SettingsError(f"{path}: extension of {person.id} must be 2 to 8 digits, not {person.extension!r}")
    if (person.role in OF_AN_AGENCY) != (person.agency is not None):
        raise SettingsError(f"{path}: {person.id}: handlers, and only they, name their agency")
    if person.agency is not None and person.agency not in known_agencies:
        raise SettingsError(f"{path}: agency of {person.id} is {person.agency!r}, which the site pack does not know")


def make_roster(path: Path) -> None:
    """Write the first roster where there is none."""
    if not path.exists():
        write_private(path, FIRST_ROSTER)


def make_secrets(path: Path) -> None:
    """Generate the server's secrets where they are missing. Raises `SettingsError` on a broken file."""
    kept = _table(path)
    whole = {name: kept.get(name) or secrets.token_urlsafe(32) for name in Secrets.__struct_fields__}
    if whole != kept:
        write_private(path, msgspec.toml.encode(whole).decode())


def load_secrets(path: Path) -> Secrets:
    """The server's secrets. Raises `SettingsError` where they are missing or broken."""
    try:
        return msgspec.convert(_table(path), Secrets)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {error}; run `hotline setup`") from error


def load_passwords(path: Path) -> dict[str, str]:
    """First passwords not yet removed from the file, by agent number. Raises `SettingsError` on a broken file."""
    return _table(path)


def make_passwords(path: Path, ids: tuple[str, ...]) -> None:
    """Generate first desk passwords for whom the file does not name yet."""
    kept = _table(path)
    whole = {**kept, **{i: secrets.token_urlsafe(9) for i in ids if i not in kept}}
    if whole != kept:
        write_private(path, msgspec.toml.encode(whole).decode())


def _table(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        return msgspec.toml.decode(path.read_bytes(), type=dict[str, str])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path}: {error}; remove it and run `hotline setup` to make a new one") from error


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
