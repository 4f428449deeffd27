import json
import threading
from pathlib import Path

import pytest

from asterisk_conf import install as installing
from asterisk_conf import program
from asterisk_conf.debian import Apt
from asterisk_conf.errors import InstallFailed, MirrorUnreachable, PackageMissing
from asterisk_conf.install import install
from tests.unit.asterisk_conf.fake_mirror import Mirror, build_deb, make_mirror

# of the real lists a part will do: the loader, what is looked into, and enough to break off in the middle
MODULES = ("app_echo", "app_stasis", "res_ari")
PACKAGES = ("asterisk", "asterisk-modules", "libc6", "libxml2-16", *(f"libfiller{number}" for number in range(16)))

LOADER = """\
#!/bin/sh
# stands for ld.so: --list prints what a program needs, -V comes from "asterisk" behind it
here=$(dirname "$0")
case "$*" in
*--list*) printf '\\tlibneeded.so => %s\\n' "$(ls "$here/libneeded.so" 2>/dev/null || echo 'not found')" ;;
*-V*) echo "Asterisk $(cat "$here/../../sbin/asterisk")" ;;
esac
"""


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All packages of the list, tiny: asterisk with its modules, the loader, and a library that the modules need."""
    folder = tmp_path_factory.mktemp("pool")
    architecture, loader = program.triple()
    libraries = f"usr/lib/{architecture}"
    nothing: dict[str, str] = {}
    contents = dict.fromkeys(PACKAGES, nothing) | {
        "asterisk": {"usr/sbin/asterisk": "22.10.1"},
        "asterisk-modules": {f"{libraries}/asterisk/modules/{name}.so": "" for name in MODULES},
        "libc6": {f"{libraries}/{loader}": LOADER},
        "libxml2-16": {f"{libraries}/libneeded.so": ""},
    }
    for name, files in contents.items():
        build_deb(folder, name, files)
    return folder


@pytest.fixture
def mirror(pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    monkeypatch.setattr(program, "on_system", lambda: None)
    monkeypatch.setattr(installing, "PACKAGES", PACKAGES)
    monkeypatch.setattr(installing, "MODULES", MODULES)
    return make_mirror(tmp_path / "mirror", pool)


def test_the_prefix_appears_complete_with_the_versions_it_was_made_from(mirror: Mirror, tmp_path: Path) -> None:
    said: list[str] = []
    found = install(tmp_path / "prefix", apt=mirror.apt, progress=said.append)
    assert found.version == (22, 10, 1)
    assert found.prefix == tmp_path / "prefix"
    manifest = json.loads((tmp_path / "prefix" / "manifest.json").read_text())
    assert manifest["packages"].keys() == set(PACKAGES)
    assert manifest["packages"]["asterisk"] == "1:1.0-1"
    assert any("MB fetched" in line for line in said)
    assert not (tmp_path / ".prefix.work").exists()


def test_a_complete_prefix_is_used_without_asking_the_mirror(mirror: Mirror, tmp_path: Path) -> None:
    install(tmp_path / "prefix", apt=mirror.apt)
    before = len(mirror.calls())
    assert install(tmp_path / "prefix", apt=mirror.apt).version_text == "22.10.1"
    assert len(mirror.calls()) == before


def test_an_install_broken_off_leaves_no_prefix_and_goes_on_where_it_was(mirror: Mirror, tmp_path: Path) -> None:
    mirror.plan(downloads=11)
    with pytest.raises(MirrorUnreachable, match=r"could not be fetched.*Without a network: copy a finished prefix"):
        install(tmp_path / "prefix", apt=mirror.apt)
    assert not (tmp_path / "prefix").exists()
    first = mirror.downloaded()
    mirror.plan(downloads=1000)
    install(tmp_path / "prefix", apt=mirror.apt)
    again = mirror.downloaded()[len(first) :]
    assert len(again) == len(PACKAGES) - 11


def test_a_spoilt_file_is_fetched_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.plan(downloads=8)
    with pytest.raises(MirrorUnreachable):
        install(tmp_path / "prefix", apt=mirror.apt)
    whole = next((tmp_path / ".prefix.work" / "debs").glob("asterisk_*.deb"))
    whole.write_bytes(bytes(len(whole.read_bytes())))
    before = len(mirror.downloaded())
    mirror.plan(downloads=1000)
    install(tmp_path / "prefix", apt=mirror.apt)
    assert "asterisk" in mirror.downloaded()[before:]


def test_without_a_mirror_the_mend_is_told(mirror: Mirror, tmp_path: Path) -> None:
    mirror.plan(reachable=False)
    with pytest.raises(MirrorUnreachable, match=r"index could not be fetched: E: Failed to fetch.*\.deb") as caught:
        install(tmp_path / "prefix", apt=mirror.apt)
    assert str(tmp_path / "prefix") in str(caught.value)


def test_a_renamed_library_package_is_found_by_the_whole_closure(mirror: Mirror, tmp_path: Path) -> None:
    architecture, _ = program.triple()
    mirror.plan(gone=["libxml2-16"])
    mirror.deb("libxml2-17", {f"usr/lib/{architecture}/libneeded.so": ""})
    install(tmp_path / "prefix", apt=mirror.apt)
    assert "libxml2-17" in json.loads((tmp_path / "prefix" / "manifest.json").read_text())["packages"]


def test_a_library_that_moved_to_another_package_is_found_by_the_whole_closure(mirror: Mirror, tmp_path: Path) -> None:
    architecture, _ = program.triple()
    mirror.deb("libxml2-16", {})
    mirror.deb("libnewcomer", {f"usr/lib/{architecture}/libneeded.so": ""})
    install(tmp_path / "prefix", apt=mirror.apt)
    assert "libnewcomer" in json.loads((tmp_path / "prefix" / "manifest.json").read_text())["packages"]


def test_a_library_that_is_nowhere_is_named_with_who_needs_it(mirror: Mirror, tmp_path: Path) -> None:
    mirror.deb("libxml2-16", {})
    with pytest.raises(InstallFailed, match="lack libraries that app_echo"):
        install(tmp_path / "prefix", apt=mirror.apt)
    assert not (tmp_path / "prefix").exists()


def test_an_asterisk_below_the_security_floor_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    mirror.deb("asterisk", {"usr/sbin/asterisk": "22.9.9"})
    with pytest.raises(InstallFailed, match=r"22\.9\.9.*security floor"):
        install(tmp_path / "prefix", apt=mirror.apt)


@pytest.mark.parametrize("version", ["22.5.0", "no version"])
def test_an_old_or_broken_prefix_is_replaced(mirror: Mirror, tmp_path: Path, version: str) -> None:
    install(tmp_path / "prefix", apt=mirror.apt)
    (tmp_path / "prefix" / "root" / "usr" / "sbin" / "asterisk").write_text(version)
    said: list[str] = []
    assert install(tmp_path / "prefix", apt=mirror.apt, progress=said.append).version_text == "22.10.1"
    assert any("is replaced" in line for line in said)


def test_a_folder_of_packages_serves_in_place_of_a_mirror(mirror: Mirror, tmp_path: Path) -> None:
    assert install(tmp_path / "prefix", debs=mirror.home / "pool").version_text == "22.10.1"
    assert mirror.calls() == []
    (tmp_path / "empty").mkdir()
    with pytest.raises(InstallFailed, match=r"no asterisk_\*\.deb"):
        install(tmp_path / "other", debs=tmp_path / "empty")


def test_a_folder_that_is_not_ours_is_left_alone(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "prefix").mkdir()
    (tmp_path / "prefix" / "thesis.txt").write_text("mine")
    with pytest.raises(InstallFailed, match="not empty and no install of ours"):
        install(tmp_path / "prefix", apt=mirror.apt)
    assert (tmp_path / "prefix" / "thesis.txt").read_text() == "mine"


def test_packages_are_not_taken_unsigned(mirror: Mirror, tmp_path: Path) -> None:
    mirror.apt.keyring.unlink()
    with pytest.raises(InstallFailed, match="not taken unsigned"):
        install(tmp_path / "prefix", apt=mirror.apt)


def test_a_machine_without_apt_is_told_so(mirror: Mirror, tmp_path: Path) -> None:
    away = Apt(mirror="http://mirror.invalid/debian", keyring=mirror.apt.keyring, command=str(tmp_path / "no-apt"))
    with pytest.raises(InstallFailed, match="is not on this machine"):
        install(tmp_path / "prefix", apt=away)


def test_a_path_the_loader_cannot_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InstallFailed, match="without blanks"):
        install(tmp_path / "my prefix")


def test_a_second_installer_waits_and_fetches_nothing(mirror: Mirror, tmp_path: Path) -> None:
    done: list[str] = []
    said: list[str] = []

    def work() -> None:
        done.append(install(tmp_path / "prefix", apt=mirror.apt, progress=said.append).version_text)

    threads = [threading.Thread(target=work, name=f"installer {number}") for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert done == ["22.10.1", "22.10.1"]
    assert sorted(mirror.downloaded()) == sorted(PACKAGES)
    assert any("waiting for it" in line for line in said)


def test_the_machines_own_asterisk_is_preferred_if_it_has_our_modules(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = program.Program(
        command=("/usr/sbin/asterisk",), modules=tmp_path, data=tmp_path, version=(23, 4, 1), prefix=None
    )
    monkeypatch.setattr(program, "on_system", lambda: own)
    assert installing.ensure(tmp_path / "prefix", apt=mirror.apt).prefix == tmp_path / "prefix"
    for name in MODULES:
        (tmp_path / f"{name}.so").touch()
    assert installing.ensure(tmp_path / "prefix", apt=mirror.apt) is own
    assert installing.find(tmp_path / "prefix") is own


def test_finding_makes_nothing(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(InstallFailed, match="run the install"):
        installing.find(tmp_path / "prefix")
    assert mirror.calls() == []


@pytest.mark.parametrize(
    ("text", "version", "safe"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6.17.60671434-1", (22, 10, 1), True),
        ("Asterisk 22.10.0", (22, 10, 0), False),
        ("Asterisk 20.20.1~dfsg-1", (20, 20, 1), True),
        ("Asterisk 20.15.2", (20, 15, 2), False),
        ("Asterisk 21.12.1", (21, 12, 1), False),
        ("Asterisk 23.4.1", (23, 4, 1), True),
        ("Asterisk 24.0.0", (24, 0, 0), True),
        ("Asterisk 18.9.0", (18, 9, 0), False),
    ],
)
def test_the_security_floor_is_kept_for_each_branch(text: str, version: tuple[int, int, int], safe: bool) -> None:
    assert program.parse_version(text) == version
    assert program.is_safe(version) is safe


def test_what_is_no_version_is_not_guessed() -> None:
    assert program.parse_version("Asterisk GIT-master-abc") is None


def test_a_tool_missing_from_the_list_is_not_hidden(mirror: Mirror, tmp_path: Path) -> None:
    mirror.plan(gone=list(PACKAGES))
    with pytest.raises((PackageMissing, InstallFailed)):
        install(tmp_path / "prefix", apt=mirror.apt)
