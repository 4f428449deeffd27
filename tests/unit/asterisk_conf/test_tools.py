import subprocess
from pathlib import Path

import pytest

from asterisk_conf import program
from asterisk_conf.debian import PrivateApt
from asterisk_conf.errors import InstallFailed, MirrorUnreachable
from asterisk_conf.tools import Toolbox, install_tools
from tests.unit.asterisk_conf.fake_mirror import Mirror, build_deb, make_mirror


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    pool = tmp_path / "made"
    pool.mkdir()
    libraries = f"usr/lib/{program.triple()[0]}"
    build_deb(pool, "sip-tester", {"usr/bin/sipp": '#!/bin/sh\necho "$LD_LIBRARY_PATH"\n'})
    build_deb(pool, "libpcap0.8", {f"{libraries}/libpcap.so": ""})
    release = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
    monkeypatch.setattr("asterisk_conf.apt_sources.platform.freedesktop_os_release", lambda: release)
    made = make_mirror(tmp_path / "mirror", pool)
    (made.home / "sources.list").write_text("deb http://mirror.invalid/debian bookworm main\n")
    return made


def test_a_program_comes_with_its_libraries_and_knows_how_to_find_them(mirror: Mirror, tmp_path: Path) -> None:
    box = install_tools(["sip-tester"], tmp_path / "tools", apt=mirror.apt)
    ran = subprocess.run([box.path("sipp")], env=box.environment(), capture_output=True, text=True, check=True)
    folders = ran.stdout.strip().split(":")
    assert any((Path(folder) / "libpcap.so").is_file() for folder in folders)


def test_what_is_there_is_not_fetched_again_and_more_is_added(mirror: Mirror, tmp_path: Path) -> None:
    install_tools(["sip-tester"], tmp_path / "tools", apt=mirror.apt)
    before = len(mirror.calls())
    install_tools(["sip-tester"], tmp_path / "tools", apt=mirror.apt)
    assert len(mirror.calls()) == before
    mirror.deb("baresip-core", {"usr/bin/baresip": "#!/bin/sh\n"})
    box = install_tools(["baresip-core"], tmp_path / "tools", apt=mirror.apt)
    assert Path(box.path("baresip")).is_file()
    assert Path(box.path("sipp")).is_file()


def test_a_break_leaves_no_half_toolbox(mirror: Mirror, tmp_path: Path) -> None:
    mirror.plan(downloads=1)
    with pytest.raises(MirrorUnreachable):
        install_tools(["sip-tester"], tmp_path / "tools", apt=mirror.apt)
    assert not (tmp_path / "tools").exists()


def test_a_program_of_the_machine_is_found_too_and_a_missing_one_named(tmp_path: Path) -> None:
    assert Toolbox(tmp_path).path("dpkg-deb").endswith("/dpkg-deb")
    with pytest.raises(InstallFailed, match="no program sipp-from-nowhere"):
        Toolbox(tmp_path).path("sipp-from-nowhere")


def test_the_machines_proxy_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "bin" / "apt-config"
    command.parent.mkdir()
    lines = ('Acquire::http::Proxy "http://proxy.invalid:3128";', 'Acquire::Retries "9";')
    command.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines))
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent), prepend=":")
    PrivateApt(tmp_path / "apt", ["deb http://mirror.invalid/debian bookworm main"])
    configuration = (tmp_path / "apt" / "apt.conf").read_text()
    assert 'Acquire::http::Proxy "http://proxy.invalid:3128";' in configuration
    assert '"9"' not in configuration
