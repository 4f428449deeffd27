"""A usable Asterisk on this machine, without root: the machine's own where it is new enough, else one in a prefix.

The prefix is filled by a private apt from the suite that carries Asterisk 22, through the mirror in the machine's own
apt sources. It appears in one step when complete; what was fetched before a break is kept and used the next time.
These functions block for seconds: call them before the event loop, or in a thread.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from asterisk_conf import program
from asterisk_conf.apt_sources import own_mirror
from asterisk_conf.debian import Apt, PrivateApt, Progress, name_and_version, only_one, put_in_place, silent, unpack
from asterisk_conf.errors import InstallFailed, MirrorUnreachable, PackageMissing
from asterisk_conf.modules import MODULES
from asterisk_conf.packages import PACKAGES, SUITE
from asterisk_conf.program import Program

_OFFLINE = (
    "Without a network: copy a finished prefix from another machine of the same kind to {prefix}, or put the .deb"
    " files of Asterisk and its libraries into a folder and name it; then run the install again"
)


def find(prefix: Path) -> Program:
    """A usable Asterisk that is there: the machine's own if new enough, else the one in `prefix`.

    Raises InstallFailed when there is none.
    """
    own = program.on_system()
    return own if own is not None and not missing_modules(own.modules) else program.in_prefix(prefix)


def ensure(prefix: Path, *, apt: Apt | None = None, debs: Path | None = None, progress: Progress = silent) -> Program:
    """A usable Asterisk: the machine's own if new enough, else the one in `prefix`, which is made if it is not there.

    `debs` is a folder of package files to be used in place of a mirror. Raises InstallFailed and its kinds.
    """
    own = program.on_system()
    if own is not None and not missing_modules(own.modules):
        progress(f"Asterisk {own.version_text} of this machine is used")
        return own
    return install(prefix, apt=apt, debs=debs, progress=progress)


def install(prefix: Path, *, apt: Apt | None = None, debs: Path | None = None, progress: Progress = silent) -> Program:
    """The Asterisk in `prefix`; made first where there is none, or one that is broken or below the security floor.

    Raises InstallFailed and its kinds; `prefix` is then as it was.
    """
    prefix = prefix.absolute()
    if set(str(prefix)) & set(":; \t\n"):
        raise InstallFailed(f"{str(prefix)!r}: the loader needs a path without blanks, : and ;")
    with only_one(prefix, progress):
        standing = _standing(prefix, progress)
        if standing is not None:
            return standing
        work = prefix.with_name(f".{prefix.name}.work")
        try:
            made = _build(work, _from_folder(debs) if debs else _from_mirror(work, apt or Apt(), progress), prefix)
        except MirrorUnreachable as wrong:
            raise MirrorUnreachable(f"{wrong}. {_OFFLINE.format(prefix=prefix)}") from wrong
        put_in_place(made, prefix)
        shutil.rmtree(work)
        done = program.in_prefix(prefix)
        progress(f"Asterisk {done.version_text} stands in {prefix}")
        return done


def _standing(prefix: Path, progress: Progress) -> Program | None:
    """What is in the prefix already, if it can be used."""
    if not (prefix / "manifest.json").is_file():
        if prefix.exists() and any(prefix.iterdir()):
            raise InstallFailed(
                f"{prefix} is not empty and no install of ours (no manifest.json): choose another place"
            )
        return None
    try:
        found = program.in_prefix(prefix)
    except InstallFailed:
        progress(f"Asterisk in {prefix} is broken and is replaced")
        return None
    if not program.is_safe(found.version):
        progress(f"Asterisk {found.version_text} in {prefix} is below the security floor and is replaced")
        return None
    return None if missing_modules(found.modules) else found


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
    mirror = source.mirror or own_mirror(source.folder)
    private = PrivateApt(work, [f"deb [signed-by={source.keyring}] {mirror} {SUITE} main"], apt=source.command)
    progress("fetching the package index")
    private.update()

    def bring(whole: bool) -> list[Path]:
        debs = private.describe(private.closure(["asterisk"]) if whole else PACKAGES)
        private.fetch(debs, progress)
        return [private.archives / deb.file for deb in debs]

    return bring


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
    if missing := missing_modules(program.modules_under(made / "root")):
        raise InstallFailed(f"Asterisk of these packages lacks {', '.join(missing[:5])}")
    if lacking := lacking_libraries(made / "root"):
        raise _Incomplete(f"these packages lack libraries that {', '.join(sorted(lacking)[:3])} needs")
    found = program.unpacked(made / "root", prefix)
    if not program.is_safe(found.version):
        raise InstallFailed(
            f"Asterisk {found.version_text} of these packages is below the security floor {program.SAFE_FROM}"
        )
    manifest = {"asterisk": found.version_text, "packages": dict(sorted(name_and_version(file.name) for file in files))}
    (made / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return made


def missing_modules(folder: Path) -> list[str]:
    """Those of our modules that are not in Asterisk's `folder` of modules."""
    return [name for name in MODULES if not (folder / f"{name}.so").is_file()]


def lacking_libraries(root: Path) -> set[str]:
    """Which of the program and our modules need a library that is not under `root`."""
    architecture, loader = program.triple()
    libraries = root / "usr" / "lib" / architecture
    modules = program.modules_under(root)
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
