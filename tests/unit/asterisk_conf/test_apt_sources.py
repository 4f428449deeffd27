from pathlib import Path

import pytest

from asterisk_conf.apt_sources import AptSource, own_mirror, own_sources, parse_deb822, parse_one_line, read_sources
from asterisk_conf.errors import MirrorUnknown

DEB822 = """\
# comment
Types: deb deb-src
URIs: http://mirror.invalid/debian
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.invalid/security
Suites: bookworm-security
Components: main

Types: deb-src
URIs: http://sources.invalid/debian
Suites: bookworm
Components: main

Types: deb
Enabled: no
URIs: http://disabled.invalid/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://commented.invalid/debian bookworm main
deb http://security.invalid/debian-security bookworm-security main contrib
deb [arch=amd64 signed-by=/usr/share/keyrings/debian.gpg] http://mirror.invalid/debian bookworm main # own
deb-src http://mirror.invalid/debian bookworm main
deb cdrom:[Debian GNU/Linux 12] bookworm main
"""


@pytest.fixture
def debian(monkeypatch: pytest.MonkeyPatch) -> None:
    release = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
    monkeypatch.setattr("asterisk_conf.apt_sources.platform.freedesktop_os_release", lambda: release)


def test_deb822_stanzas_are_read_and_disabled_or_source_ones_passed_over() -> None:
    assert list(parse_deb822(DEB822)) == [
        AptSource("http://mirror.invalid/debian", ("bookworm", "bookworm-updates"), ("main", "contrib")),
        AptSource("http://mirror.invalid/security", ("bookworm-security",), ("main",)),
    ]


def test_one_line_entries_are_read_with_their_options_and_comments() -> None:
    assert [(source.uri, source.suites) for source in parse_one_line(ONE_LINE)] == [
        ("http://security.invalid/debian-security", ("bookworm-security",)),
        ("http://mirror.invalid/debian", ("bookworm",)),
        ("cdrom:[Debian", ("GNU/Linux",)),
    ]


@pytest.mark.usefixtures("debian")
@pytest.mark.parametrize("file", ["debian.sources", "debian.list"])
def test_the_mirror_is_the_one_of_the_release_itself_in_either_format(tmp_path: Path, file: str) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "aaa-vendor.list").write_text("deb http://vendor.invalid/apt nodistro main\n")
    (parts / file).write_text(DEB822 if file.endswith(".sources") else ONE_LINE)
    assert own_mirror(tmp_path) == "http://mirror.invalid/debian"


@pytest.mark.usefixtures("debian")
def test_the_old_single_file_counts_too(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(ONE_LINE)
    assert own_mirror(tmp_path) == "http://mirror.invalid/debian"
    assert [source.suites for source in own_sources(tmp_path)] == [("bookworm-security",), ("bookworm",)]


@pytest.mark.usefixtures("debian")
def test_a_machine_without_a_mirror_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(MirrorUnknown, match="name a mirror"):
        own_mirror(tmp_path)
    (tmp_path / "sources.list").write_text("deb http://security.invalid/debian bookworm-security main\n")
    with pytest.raises(MirrorUnknown, match="only a mirror of updates"):
        own_mirror(tmp_path)


def test_another_distribution_is_not_taken_for_debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = {"ID": "ubuntu", "VERSION_CODENAME": "noble"}
    monkeypatch.setattr("asterisk_conf.apt_sources.platform.freedesktop_os_release", lambda: release)
    (tmp_path / "sources.list").write_text("deb http://mirror.invalid/ubuntu noble main\n")
    with pytest.raises(MirrorUnknown, match="ubuntu"):
        own_mirror(tmp_path)


def test_unknown_files_beside_the_sources_are_left_alone(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "old.list.disabled").write_text(ONE_LINE)
    assert read_sources(tmp_path) == ()
