"""Other Debian programs without root, from the machine's own release: SIPp and baresip for end-to-end tests.

Only what the machine does not have is fetched and unpacked into a folder; the programs run from there with their
libraries named in the environment.
"""

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf.apt_sources import own_sources
from asterisk_conf.debian import Apt, PrivateApt, Progress, name_and_version, only_one, put_in_place, silent, unpack
from asterisk_conf.errors import InstallFailed
from asterisk_conf.program import triple

_STATUS = Path("/var/lib/dpkg/status")
_BINARIES = ("usr/bin", "usr/sbin", "usr/games", "bin", "sbin")


@dataclass(frozen=True)
class Toolbox:
    """Unpacked programs under `root`."""

    root: Path

    def path(self, name: str) -> str:
        """The program's path, here or on the machine. Raises InstallFailed when there is none."""
        for folder in _BINARIES:
            candidate = self.root / folder / name
            if candidate.is_file():
                return str(candidate)
        found = shutil.which(name)
        if found is None:
            raise InstallFailed(f"no program {name} in {self.root}: ask for the package that has it")
        return found

    def environment(self) -> dict[str, str]:
        """The environment to run them in: our own, with the libraries that came along."""
        architecture, _ = triple()
        libraries = (self.root / "usr" / "lib" / architecture, self.root / "lib" / architecture)
        known = os.environ.get("LD_LIBRARY_PATH", "")
        return {**os.environ, "LD_LIBRARY_PATH": ":".join([*map(str, libraries), *([known] if known else [])])}


def install_tools(
    packages: Iterable[str], folder: Path, *, apt: Apt | None = None, progress: Progress = silent
) -> Toolbox:
    """Debian `packages` with all they need beyond what the machine has, in `folder`; kept when they are there already.

    Blocks for seconds. Raises InstallFailed and its kinds.
    """
    wanted = sorted(set(packages))
    source = apt or Apt()
    folder = folder.absolute()
    with only_one(folder, progress):
        manifest = folder / "manifest.json"
        asked = json.loads(manifest.read_text(encoding="utf-8"))["asked"] if manifest.is_file() else []
        if set(wanted) <= set(asked):
            return Toolbox(folder / "root")
        work = folder.with_name(f".{folder.name}.work")
        lines = [
            f"deb [signed-by={source.keyring}] {entry.uri} {suite} main"
            for entry in own_sources(source.folder)
            for suite in entry.suites
        ]
        private = PrivateApt(work, lines, installed=_STATUS, apt=source.command)
        progress("fetching the package index")
        private.update()
        every = sorted({*wanted, *asked})
        debs = private.describe(private.closure(every))
        private.fetch(debs, progress)
        made = work / "made"
        shutil.rmtree(made, ignore_errors=True)
        unpack((private.archives / deb.file for deb in debs), made / "root")
        text = json.dumps({"asked": every, "packages": dict(name_and_version(deb.file) for deb in debs)}, indent=1)
        (made / "manifest.json").write_text(f"{text}\n", encoding="utf-8")
        put_in_place(made, folder)
        shutil.rmtree(work)
    return Toolbox(folder / "root")
