"""How long the stages took, over all sittings of one work folder: what a newcomer may expect."""

import json
import os
import time
from pathlib import Path


def cpu_s() -> float:
    """Processor seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Spent:
    """Wall-clock and processor minutes of each stage, kept in a file; time between sittings does not count."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stages: dict[str, dict[str, float]] = json.loads(path.read_text()) if path.exists() else {}
        self._last = time.monotonic()

    def begin(self) -> None:
        """A stage starts now."""
        self._last = time.monotonic()

    def charge(self, stage: str, cpu: float) -> None:
        """Some of a stage is done: the wall clock since the last call, and `cpu` seconds of processors."""
        now = time.monotonic()
        entry = self._stages.setdefault(stage, {"wall_minutes": 0.0, "cpu_minutes": 0.0})
        entry["wall_minutes"] += (now - self._last) / 60
        entry["cpu_minutes"] += cpu / 60
        self._last = now
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(self._stages))
        part.replace(self._path)

    def summary(self) -> dict[str, dict[str, float]]:
        """For the manifest, to a tenth of a minute."""
        return {name: {key: round(x, 1) for key, x in entry.items()} for name, entry in self._stages.items()}
