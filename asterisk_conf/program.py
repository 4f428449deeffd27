"""An Asterisk that can be started: the machine's own, or one unpacked into a prefix and run through its own loader."""

import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf.errors import InstallFailed

SAFE_FROM = {20: (20, 20, 1), 22: (22, 10, 1), 23: (23, 4, 1)}
"""First releases of each branch without GHSA-wcvv-g26m-wx5c and GHSA-vrfp-mg3q-3959; newer branches are safe."""

_MACHINES = {
    "x86_64": ("x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "aarch64": ("aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
}
_SYSTEM_BINARIES = ("/usr/sbin/asterisk", "/usr/local/sbin/asterisk")
_SYSTEM_MODULES = ("lib/*/asterisk/modules", "lib64/asterisk/modules", "lib/asterisk/modules")


@dataclass(frozen=True, kw_only=True)
class Program:
    """How Asterisk is called, and where its modules and its data (documentation, ARI description) lie."""

    command: tuple[str, ...]
    modules: Path
    data: Path
    version: tuple[int, int, int]
    prefix: Path | None

    @property
    def version_text(self) -> str:
        """As people write it: 22.10.1."""
        return ".".join(map(str, self.version))


def is_safe(version: tuple[int, int, int]) -> bool:
    """Whether the release is past the security floor of its branch."""
    floor = SAFE_FROM.get(version[0])
    return version >= floor if floor else version[0] > max(SAFE_FROM)


def parse_version(text: str) -> tuple[int, int, int] | None:
    """The release in what `asterisk -V` prints, None where there is none."""
    found = re.search(r"Asterisk (?:certified[/-])?(\d+)\.(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _ask_version(command: tuple[str, ...]) -> tuple[int, int, int]:
    try:
        done = subprocess.run([*command, "-V"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as wrong:
        raise InstallFailed(f"{command[0]} cannot be run: {wrong}") from wrong
    version = parse_version(done.stdout)
    if done.returncode or version is None:
        raise InstallFailed(f"{' '.join(command)} -V failed: {(done.stderr or done.stdout).strip()[:300]}")
    return version


def triple() -> tuple[str, str]:
    """Debian's name of this machine's architecture and of its loader. Raises InstallFailed on another machine."""
    machine = platform.machine()
    if machine not in _MACHINES:
        raise InstallFailed(f"no Asterisk is prepared for {machine} machines: install one by your system's own means")
    return _MACHINES[machine]


def modules_under(root: Path) -> Path:
    """Where the packages under `root` keep Asterisk's modules."""
    return root / "usr" / "lib" / triple()[0] / "asterisk" / "modules"


def in_prefix(prefix: Path) -> Program:
    """The Asterisk in `prefix`. Raises InstallFailed when it is not there or does not run."""
    return unpacked(prefix / "root", prefix)


def unpacked(root: Path, prefix: Path) -> Program:
    """The Asterisk under `root`, run through its own C library: the machine's may be older than it needs."""
    architecture, loader = triple()
    libraries = root / "usr" / "lib" / architecture
    binary = root / "usr" / "sbin" / "asterisk"
    if not binary.is_file():
        raise InstallFailed(f"no Asterisk in {prefix}: run the install")
    path = f"{libraries}:{libraries / 'asterisk'}"
    command = (str(libraries / loader), "--library-path", path, "--argv0", "asterisk", str(binary))
    return Program(
        command=command,
        modules=modules_under(root),
        data=root / "usr" / "share" / "asterisk",
        version=_ask_version(command),
        prefix=prefix,
    )


def on_system() -> Program | None:
    """The machine's own Asterisk where it has one that runs and is past the security floor."""
    candidates = [shutil.which("asterisk"), *_SYSTEM_BINARIES]
    for binary in dict.fromkeys(candidate for candidate in candidates if candidate and Path(candidate).is_file()):
        home = Path(binary).parent.parent
        modules = next((hit for pattern in _SYSTEM_MODULES for hit in sorted(home.glob(pattern))), None)
        data = home / "share" / "asterisk"
        if modules is None:
            continue
        try:
            version = _ask_version((binary,))
        except InstallFailed:
            continue  # a broken system Asterisk is none; the prefix takes its place
        if is_safe(version):
            return Program(command=(binary,), modules=modules, data=data, version=version, prefix=None)
    return None
