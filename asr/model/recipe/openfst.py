"""OpenFst's command-line tools, which make the graph; never its libraries in our process.

Vosk carries its own OpenFst, and two of them in one process hang or abort, so the graph is made by child processes.
The tools are Debian's libfst-tools and libfst22-plugins-base (Apache-2.0), from the system or from a private folder.
"""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("libfst-tools", "libfst22", "libfst22-plugins-base")
_LOOKAHEAD = "olabel_lookahead-fst.so"
_SYSTEM = Path("/")


class ToolsMissing(RuntimeError):
    """OpenFst's tools are not there or refused their input; the text says how to get them or what they said."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools under a root: `/` for the system's, else a private folder as `install` fills it."""

    root: Path

    def run(self, *command: str) -> None:
        """Run one tool to its end. Raises ToolsMissing with the tool's last words."""
        plugins = self._plugins()
        if plugins is None:
            raise ToolsMissing(_how_to_get())
        libraries = [str(plugins), str(plugins.parent), str(plugins.parent.parent)]
        tool = self.root / "usr/bin" / command[0]
        done = subprocess.run(
            [str(tool), *command[1:]],
            env={**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ToolsMissing(f"{command[0]} failed: {done.stderr.strip()[-500:]}")

    def complete(self) -> bool:
        """Whether the tools and the look-ahead plugin are there."""
        return (self.root / "usr/bin/fstconvert").exists() and self._plugins() is not None

    def _plugins(self) -> Path | None:
        found = sorted((self.root / "usr/lib").glob(f"*-linux-gnu/fst/**/{_LOOKAHEAD}"))
        return found[0].parent if found else None


def find(private: Path | None = None) -> Tools:
    """The tools in the private folder if it holds them, else the system's. Raises ToolsMissing."""
    for root in (private, _SYSTEM):
        if root is not None and Tools(root).complete():
            return Tools(root)
    raise ToolsMissing(_how_to_get())


def install(private: Path) -> Tools:
    """Download the packages with apt-get and unpack them into a private folder, without root. Raises ToolsMissing."""
    for needed in ("apt-get", "dpkg-deb"):
        if shutil.which(needed) is None:
            raise ToolsMissing(f"{needed} is not here; {_how_to_get()}")
    private.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=private) as folder:
        done = subprocess.run(
            ["apt-get", "download", *PACKAGES], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ToolsMissing(f"apt-get download failed: {done.stderr.strip()[-500:]}")
        for package in sorted(Path(folder).glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", str(package), str(private)], check=True)
    tools = Tools(private)
    if not tools.complete():
        raise ToolsMissing(f"the packages unpacked into {private} hold no {_LOOKAHEAD}; {_how_to_get()}")
    return tools


def _how_to_get() -> str:
    return f"OpenFst's tools are missing: apt-get install {' '.join(PACKAGES)}, or run the recipe with --fst FOLDER"
