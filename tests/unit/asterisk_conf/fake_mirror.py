"""A mirror on disk with tiny packages, reached through a fake apt-get."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf.debian import Apt


@dataclass
class Mirror:
    """A mirror on disk, reached through a fake apt-get."""

    home: Path
    apt: Apt

    def plan(self, **changes: object) -> None:
        standing = json.loads((self.home / "plan.json").read_text())
        (self.home / "plan.json").write_text(json.dumps(standing | changes))

    def calls(self) -> list[list[str]]:
        log = self.home / "calls.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def downloaded(self) -> list[str]:
        fetched = [call[1:] for call in self.calls() if call[0] == "download"]
        return [argument.split("=")[0] for call in fetched for argument in call]

    def deb(self, name: str, files: dict[str, str]) -> None:
        for old in (self.home / "pool").glob(f"{name}_*"):
            old.unlink()
        build_deb(self.home / "pool", name, files)


def build_deb(pool: Path, name: str, files: dict[str, str]) -> None:
    tree = pool / f".{name}"
    (tree / "DEBIAN").mkdir(parents=True)
    fields = {"Package": name, "Version": "1:1.0-1", "Architecture": "all", "Maintainer": "x <x@example.invalid>"}
    control = "".join(f"{field}: {value}\n" for field, value in (fields | {"Description": "x"}).items())
    (tree / "DEBIAN" / "control").write_text(control)
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
        (tree / path).chmod(0o755)
    command = [
        "dpkg-deb",
        "--root-owner-group",
        "-Znone",
        "--build",
        str(tree),
        str(pool / f"{name}_1%3a1.0-1_all.deb"),
    ]
    subprocess.run(command, check=True, capture_output=True)


def make_mirror(home: Path, pool: Path) -> Mirror:
    """A mirror under `home` with the packages of `pool`, everything reachable."""
    (home / "pool").mkdir(parents=True)
    for deb in pool.glob("*.deb"):
        os.link(deb, home / "pool" / deb.name)
    (home / "plan.json").write_text(json.dumps({"reachable": True, "downloads": 1000, "gone": []}))
    fake = home / "fake_apt.py"
    fake.write_text(Path(__file__).with_name("fake_apt.py").read_text())
    command = home / "apt-get"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {fake} "$@"\n')
    command.chmod(0o755)
    keyring = home / "keyring.gpg"
    keyring.touch()
    apt = Apt(mirror="http://mirror.invalid/debian", folder=home, keyring=keyring, command=str(command))
    return Mirror(home, apt)
