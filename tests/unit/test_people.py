import stat
from pathlib import Path

import pytest

from ivr.people import load_roster, make_passwords, make_roster, make_secrets
from ivr.settings import SettingsError

SKILLS = frozenset({"general", "heating", "enterprise", "enrolment", "supervisor"})


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_roster_is_valid(tmp_path: Path) -> None:
    make_roster(tmp_path / "roster.toml")
    people = load_roster(tmp_path / "roster.toml", SKILLS)
    assert [p.extension for p in people] == ["1001", "1002", "1003", "1901"]


def test_secrets_are_private_differ_and_survive(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    first = make_secrets(path)
    assert mode(path) == 0o600
    assert make_secrets(path) == first
    assert first.desk != first.webhook
    assert first.desk not in repr(first)


def test_a_broken_secrets_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "secrets.toml").write_text("desk = ")
    with pytest.raises(SettingsError, match=r"secrets\.toml"):
        make_secrets(tmp_path / "secrets.toml")


def test_passwords_are_made_once_for_each(tmp_path: Path) -> None:
    path = tmp_path / "passwords.toml"
    first = make_passwords(path, ("1001",))
    assert make_passwords(path, ("1001", "1002"))["1001"] == first["1001"]
    assert mode(path) == 0o600


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('extension = "1002"', 'extension = "1001"'), "extension 1001 stands twice"),
        (('extension = "1002"', 'extension = "10x2"'), "10x2"),
        (('role = "supervisor"', 'role = "boss"'), "boss"),
        (('"enterprise"]', '"flying"]'), "flying"),
        (('name = "话务员甲"', 'nmae = "话务员甲"'), "nmae"),
    ],
)
def test_a_faulty_roster_is_named(tmp_path: Path, change: tuple[str, str], named: str) -> None:
    path = tmp_path / "roster.toml"
    make_roster(path)
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(SettingsError, match=named):
        load_roster(path, SKILLS)


def test_a_missing_roster_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="hotline setup"):
        load_roster(tmp_path / "roster.toml", SKILLS)
