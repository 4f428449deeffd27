"""`make bench`: every benchmark, one after the other, each in a process of its own."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run them all; the worst exit status."""
    here = Path(__file__).parent
    worst = 0
    for file in sorted(here.glob("bench_*.py")):
        print(f"== {file.stem}", flush=True)  # noqa: T201 - a benchmark prints
        worst = max(worst, subprocess.run([sys.executable, "-m", f"tests.bench.{file.stem}"], check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
