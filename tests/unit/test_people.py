import stat
from pathlib import Path

import pytest

from ivr.people import load_passwords, load_roster, load_secrets, make_passwords, make_roster, make_secrets
from ivr.settings import SettingsError
from ticketing.vocabulary import Role

SKILLS = frozenset({"general", "heating", "enterprise", "enrolment", "supervisor"})
AGENCIES = frozenset({"e-heat", "d-cgj"})


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_roster_is_valid(tmp_path: Path) -> None:
    make_roster(tmp_path / "roster.toml")
    people = load_roster(tmp_path / "roster.toml", SKILLS, AGENCIES)
    assert [p.extension for p in people if p.extension] == ["1001", "1002", "1003", "1901", "2002"]
    assert {p.role for p in people} == {role.value for role in Role if role is not Role.SYSTEM}


def test_secrets_are_private_differ_and_survive(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    make_secrets(path)
    first = load_secrets(path)
    make_secrets(path)
    assert mode(path) == 0o600
    assert load_secrets(path) == first
    assert first.desk != first.webhook
    assert first.desk not in repr(first)


@pytest.mark.parametrize("text", ["desk = ", 'desk = "x"', "desk = 1"])
def test_a_broken_secrets_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "secrets.toml").write_text(text)
    with pytest.raises(SettingsError, match=r"secrets\.toml"):
        load_secrets(tmp_path / "secrets.toml")


def test_passwords_are_made_once_for_each(tmp_path: Path) -> None:
    path = tmp_path / "passwords.toml"
    make_passwords(path, ("1001",))
    first = load_passwords(path)
    make_passwords(path, ("1001", "1002"))
    assert load_passwords(path)["1001"] == first["1001"]
    assert set(load_passwords(path)) == {"1001", "1002"}
    assert mode(path) == 0o600


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('extension = "1002"', 'extension = "1001"'), "extension 1001 stands twice"),
        (('extension = "1002"', 'extension = "10x2"'), "10x2"),
        (('role = "supervisor"', 'role = "boss"'), "boss"),
        (('extension = "1001"\n', ""), "1001 is agent and needs an extension"),
        (('agency = "e-heat"', 'agency = "e-hot"'), "e-hot"),
        (('agency = "e-heat"\n', ""), "name their agency"),
        (('"enterprise"]', '"flying"]'), "flying"),
        (('name = "话务员甲"', 'nmae = "话务员甲"'), "nmae"),
    ],
)
def test_a_faulty_roster_is_named(tmp_path: Path, change: tuple[str, str], named: str) -> None:
    path = tmp_path / "roster.toml"
    make_roster(path)
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(SettingsError, match=named):
        load_roster(path, SKILLS, AGENCIES)


def test_a_missing_roster_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="hotline setup"):
        load_roster(tmp_path / "roster.toml", SKILLS, AGENCIES)
