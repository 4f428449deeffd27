"""A usable Asterisk on this machine, without root: the machine's own where it is new enough, else one in a prefix.

The prefix is filled by a private apt from the suite that carries Asterisk 22, through the mirror in the machine's own
apt sources. It appears in one step when complete; what was fetched before a break is kept and used the next time.
These functions block for seconds: call them before the event loop, or in a thread.
"""

import json
import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf import program
from asterisk_conf.apt_sources import mirror_of, read_sources
from asterisk_conf.debian import KEYRING, Deb, PrivateApt, Progress, only_one, put_in_place, unpack
from asterisk_conf.errors import InstallFailed, MirrorUnknown, MirrorUnreachable, PackageMissing
from asterisk_conf.modules import MODULES
from asterisk_conf.packages import PACKAGES, SUITE
from asterisk_conf.program import Program

_OFFLINE = (
    "Without a network: copy a finished prefix from another machine of the same kind to {prefix}, or put the .deb"
    " files of Asterisk and its libraries into a folder and name it; then run the install again"
)


@dataclass(frozen=True)
class Apt:
    """Where the packages come from; None means the machine's own answer."""

    mirror: str | None = None
    folder: Path = Path("/etc/apt")
    keyring: Path = KEYRING
    command: str = "apt-get"


def _silent(_: str) -> None:
    """Show no progress."""


def ensure(prefix: Path, *, apt: Apt | None = None, debs: Path | None = None, progress: Progress = _silent) -> Program:
    """A usable Asterisk: the machine's own if new enough, else the one in `prefix`, which is made if it is not there.

    `debs` is a folder of package files to be used in place of a mirror. Raises InstallFailed and its kinds.
    """
    found = program.on_system()
    if found is not None and not missing_modules(found):
        progress(f"Asterisk {found.version_text} of this machine is used")
        return found
    return install(prefix, apt=apt, debs=debs, progress=progress)


def install(prefix: Path, *, apt: Apt | None = None, debs: Path | None = None, progress: Progress = _silent) -> Program:
    """The Asterisk in `prefix`; made first where it is not there, or is older than the security floor."""
    prefix = prefix.absolute()
    with only_one(prefix, progress):
        if (prefix / "manifest.json").is_file():
            found = program.in_prefix(prefix)
            if program.is_safe(found.version):
                return found
            progress(f"Asterisk {found.version_text} in {prefix} is below the security floor and is replaced")
        elif prefix.exists() and any(prefix.iterdir()):
            raise InstallFailed(
                f"{prefix} is not empty and no install of ours (no manifest.json): move it away or choose another"
            )
        work = prefix.with_name(f".{prefix.name}.work")
        try:
            files = _from_folder(debs) if debs else _from_mirror(work, apt or Apt(), progress)
        except MirrorUnreachable as wrong:
            raise MirrorUnreachable(f"{wrong}. {_OFFLINE.format(prefix=prefix)}") from wrong
        made = _build(work, files, prefix)
        put_in_place(made, prefix)
        shutil.rmtree(work)
        done = program.in_prefix(prefix)
        progress(f"Asterisk {done.version_text} stands in {prefix}")
        return done


def _from_folder(folder: Path) -> Callable[[bool], list[Path]]:
    files = sorted(folder.glob("*.deb"))
    if not any(file.name.startswith("asterisk_") for file in files):
        raise InstallFailed(f"no asterisk_*.deb in {folder}: put Asterisk's package and its libraries there")
    return lambda whole: files


def _from_mirror(work: Path, source: Apt, progress: Progress) -> Callable[[bool], list[Path]]:
    if not source.keyring.is_file():
        raise InstallFailed(
            f"{source.keyring} is missing: install debian-archive-keyring, packages are not taken unsigned"
        )
    mirror = source.mirror or _own_mirror(source.folder)
    private = PrivateApt(work, [f"deb [signed-by={source.keyring}] {mirror} {SUITE} main"], apt=source.command)
    progress("fetching the package index")
    private.update()

    def bring(whole: bool) -> list[Path]:
        debs = private.describe(private.closure(["asterisk"]) if whole else PACKAGES)
        private.fetch(debs, progress)
        return [private.archives / deb.file for deb in debs]

    return bring


def _own_mirror(folder: Path) -> str:
    codename = _codename()
    mirror = mirror_of(read_sources(folder), codename)
    if mirror is None:
        raise MirrorUnknown(f"the apt sources in {folder} name no mirror of Debian {codename}: name a mirror")
    return mirror


def _codename() -> str:
    release = platform.freedesktop_os_release()
    if release.get("ID") != "debian" or "VERSION_CODENAME" not in release:
        raise MirrorUnknown(
            f"this is {release.get('ID', 'an unknown system')}, not Debian: name a Debian mirror or install Asterisk"
        )
    return release["VERSION_CODENAME"]


def _build(work: Path, bring: Callable[[bool], list[Path]], prefix: Path) -> Path:
    """The complete new prefix beside the old one: first with the listed packages, if that lacks a library with all."""
    try:
        return _assemble(work, bring(False), prefix)
    except (PackageMissing, _Incomplete):
        return _assemble(work, bring(True), prefix)


class _Incomplete(InstallFailed):
    """A module's library is not among the packages."""


def _assemble(work: Path, files: list[Path], prefix: Path) -> Path:
    made = work / "made"
    shutil.rmtree(made, ignore_errors=True)
    unpack(files, made / "root")
    lacking = _lacking_libraries(made / "root")
    if lacking:
        raise _Incomplete(f"libraries are missing for {', '.join(sorted(lacking)[:3])}")
    found = program.unpacked(made / "root", prefix)
    if missing := missing_modules(found):
        raise InstallFailed(f"Asterisk {found.version_text} of these packages lacks {', '.join(missing)}")
    if not program.is_safe(found.version):
        raise InstallFailed(
            f"Asterisk {found.version_text} of these packages is below the security floor {program.SAFE_FROM}"
        )
    versions = {Deb(file.name, 0, "").package: Deb(file.name, 0, "").version for file in files}
    manifest = {"asterisk": found.version_text, "packages": dict(sorted(versions.items()))}
    (made / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return made


def missing_modules(found: Program) -> list[str]:
    """Those of our modules that this Asterisk does not have."""
    return [name for name in MODULES if not (found.modules / f"{name}.so").is_file()]


def _lacking_libraries(root: Path) -> set[str]:
    """Which of the program and our modules need a library that is not under `root`."""
    architecture, loader = program.triple()
    libraries = root / "usr" / "lib" / architecture
    modules = libraries / "asterisk" / "modules"
    lacking = set()
    for path in (root / "usr" / "sbin" / "asterisk", *(modules / f"{name}.so" for name in MODULES)):
        command = [
            str(libraries / loader),
            "--library-path",
            f"{libraries}:{libraries / 'asterisk'}",
            "--list",
            str(path),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        needed = re.findall(r"^\s+(\S+) => (not found|\S+)", done.stdout, re.MULTILINE)
        if done.returncode or any(not where.startswith(str(root)) for _, where in needed if where != "asterisk"):
            lacking.add(path.name)
    return lacking
