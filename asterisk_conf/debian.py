"""Debian packages without root: a private apt, and a folder into which they are unpacked.

The private apt keeps its own state beside the target and an empty (or the machine's) package status, takes its
addresses from the machine's apt sources and checks signatures with Debian's own keyring.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf.errors import InstallFailed, MirrorUnreachable, PackageMissing

Progress = Callable[[str], None]
"""Told one short line at a time."""


def silent(_: str) -> None:
    """Show no progress."""


KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_URI_LINE = re.compile(r"'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+) (?P<digest>\w+:[0-9a-f]+)")
_BATCH = 8
_TIMEOUT_S = 900.0


@dataclass(frozen=True)
class Apt:
    """Where packages come from: `mirror` None means the one in the machine's apt `folder`."""

    mirror: str | None = None
    folder: Path = Path("/etc/apt")
    keyring: Path = KEYRING
    command: str = "apt-get"


def name_and_version(file: str) -> tuple[str, str]:
    """What a package file's name says: `asterisk_1%3a22.10.1-1_amd64.deb` is asterisk, 1:22.10.1-1."""
    name, version, _ = file.split("_", 2)
    return name, version.replace("%3a", ":")


@dataclass(frozen=True)
class Deb:
    """One package file as the signed index describes it; `digest` is `SHA256:` and hexadecimal digits."""

    file: str
    size: int
    digest: str

    def stands_in(self, folder: Path) -> bool:
        """Whether the file is there, whole and unspoilt."""
        path = folder / self.file
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        algorithm, _, digest = self.digest.partition(":")
        with path.open("rb") as file:
            return hashlib.file_digest(file, algorithm.lower()).hexdigest() == digest


class PrivateApt:
    """An apt of its own under `home`; a second one over the same folder goes on where the first broke off.

    `lines` are the entries of its sources.list. `installed` is a dpkg status file: packages in it count as there.
    """

    def __init__(
        self, home: Path, lines: Iterable[str], *, installed: Path | None = None, apt: str = "apt-get"
    ) -> None:
        self.home = home
        self.archives = home / "debs"
        self._apt = apt
        for folder in ("lists/partial", "cache/archives/partial", "etc", "debs"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        (home / "status").write_bytes(installed.read_bytes() if installed else b"")
        (home / "etc" / "sources.list").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        (home / "apt.conf").write_text(self._configuration(), encoding="utf-8")

    def _configuration(self) -> str:
        settings = {
            "Dir::State": self.home,
            "Dir::State::lists": self.home / "lists",
            "Dir::State::status": self.home / "status",
            "Dir::State::extended_states": self.home / "extended_states",
            "Dir::Cache": self.home / "cache",
            "Dir::Etc": self.home / "etc",
            "Dir::Etc::netrc": "/etc/apt/auth.conf",
            "Dir::Etc::netrcparts": "/etc/apt/auth.conf.d",
            "Dir::Log": self.home,
            "APT::Sandbox::User": "",
            "APT::Install-Recommends": "false",
            # a mirror of a moving suite is often past its Valid-Until; its signature is checked all the same
            "Acquire::Check-Valid-Until": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::http::Timeout": "20",
            "Acquire::https::Timeout": "20",
            "APT::Update::Error-Mode": "any",
            "Debug::NoLocking": "true",
        }
        return "\n".join([*(f'{name} "{value}";' for name, value in settings.items()), *_proxies(), ""])

    def _run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "APT_CONFIG": str(self.home / "apt.conf"),
            "LC_ALL": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
        }
        try:
            return subprocess.run(
                [self._apt, "-q", *arguments], cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                text=True, timeout=_TIMEOUT_S, check=False,
            )  # fmt: skip
        except FileNotFoundError as wrong:
            raise InstallFailed(
                f"{self._apt} is not on this machine: install Asterisk by your system's own means"
            ) from wrong
        except subprocess.TimeoutExpired as wrong:
            raise MirrorUnreachable(
                f"{self._apt} {arguments[0]} took longer than {_TIMEOUT_S:.0f} s; run it again to go on"
            ) from wrong

    def update(self) -> None:
        """Fetch the package indexes. Raises MirrorUnreachable."""
        done = self._run("update")
        if done.returncode:
            raise MirrorUnreachable(f"the package index could not be fetched: {_complaint(done.stderr)}")

    def closure(self, packages: Iterable[str]) -> tuple[str, ...]:
        """`packages` and everything they depend on that the status file does not have. Raises PackageMissing."""
        done = self._run("--simulate", "install", *packages)
        if done.returncode:
            raise PackageMissing(f"the dependencies could not be worked out: {_complaint(done.stderr)}")
        return tuple(re.findall(r"^Inst (\S+)", done.stdout, re.MULTILINE))

    def describe(self, packages: Iterable[str]) -> tuple[Deb, ...]:
        """The files that hold `packages`. Raises PackageMissing, naming the ones the suite does not have."""
        done = self._run("--print-uris", "download", *packages)
        if done.returncode:
            raise PackageMissing(f"not in the suite: {_complaint(done.stderr)}")
        return tuple(Deb(hit["file"], int(hit["size"]), hit["digest"]) for hit in _URI_LINE.finditer(done.stdout))

    def fetch(self, debs: Iterable[Deb], progress: Progress) -> None:
        """Bring `debs` into `archives`; what stands there whole is kept. Raises MirrorUnreachable."""
        every = tuple(debs)
        missing = [deb for deb in every if not deb.stands_in(self.archives)]
        total = sum(deb.size for deb in every)
        for start in range(0, len(missing), _BATCH):
            batch = missing[start : start + _BATCH]
            for deb in batch:
                (self.archives / deb.file).unlink(missing_ok=True)
            done = self._run("download", *("=".join(name_and_version(deb.file)) for deb in batch), cwd=self.archives)
            if broken := [deb.file for deb in batch if not deb.stands_in(self.archives)]:
                raise MirrorUnreachable(f"{broken[0]} could not be fetched: {_complaint(done.stderr)}")
            here = total - sum(deb.size for deb in missing[start + _BATCH :])
            progress(f"{here / 1e6:.1f} of {total / 1e6:.1f} MB fetched")


def _proxies() -> Iterator[str]:
    """The machine's own way out: apt's proxy settings live in a folder that the private apt does not read."""
    try:
        dump = subprocess.run(
            ["apt-config", "dump", "Acquire"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except FileNotFoundError:
        return
    for line in dump.splitlines():
        if re.match(r'Acquire::\S*[Pp]roxy\S* "', line):
            yield line


def _complaint(stderr: str) -> str:
    """The lines in which apt says what is wrong; failing that the last ones."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "Err"))]
    return " | ".join((errors or lines)[:3]).rstrip(".") or "no reason given"


def unpack(debs: Iterable[Path], root: Path) -> None:
    """Unpack package files into `root`, without running anything of theirs. Raises InstallFailed."""
    root.mkdir(parents=True, exist_ok=True)
    for deb in debs:
        done = subprocess.run(["dpkg-deb", "-x", str(deb), str(root)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise InstallFailed(f"{deb.name} could not be unpacked: {done.stderr.strip()}; remove it and run again")
    for useless in ("doc", "man", "info", "locale", "lintian"):
        shutil.rmtree(root / "usr" / "share" / useless, ignore_errors=True)


@contextmanager
def only_one(target: Path, progress: Progress) -> Iterator[None]:
    """Hold the install lock of `target`; a second installer waits for the first, a dead one leaves no lock behind."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another install is under way, waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def put_in_place(made: Path, target: Path) -> None:
    """Let `target` be `made`, in one step where nothing stood before; what stood there is removed afterwards."""
    aside = target.with_name(f".{target.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if target.exists():
        target.rename(aside)
    made.rename(target)
    shutil.rmtree(aside, ignore_errors=True)
