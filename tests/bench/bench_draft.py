"""What drafting costs while a call goes on: `python -m tests.bench.bench_draft [UTTERANCES]` (60)."""

import sys
import tempfile
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from tests.bench.measure import memory, say, took
from ticketing.drafting.cli_format import read_dialogue
from ticketing.drafting.drafter import Drafter
from ticketing.places import Gazetteer
from ticketing.site import default_site_dir, load_site
from ticketing.views import Utterance

DIALOGUES = Path(__file__).parents[1] / "data" / "dialogues-dev"
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def long_calls(size: int) -> list[list[Utterance]]:
    """Calls of `size` utterances, put together from the development dialogues; half of them misheard."""
    calls = []
    for name in ("dialogues.jsonl", "dialogues-cer20.jsonl"):
        spoken = [
            utterance
            for line in (DIALOGUES / name).read_text(encoding="utf-8").splitlines()
            for utterance in read_dialogue(line)[3]
        ]
        rows = iter(spoken)
        while len(part := list(islice(rows, size))) == size:
            calls.append(
                [
                    Utterance(id=f"u{at}", speaker=u.speaker, start_ms=at * 2000, end_ms=at * 2000 + 1500, text=u.text)
                    for at, u in enumerate(part)
                ]
            )
    return calls


def main() -> int:
    """Draft after every utterance of every call, each call with a drafter that has heard none of it before."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    site = load_site(default_site_dir())
    gazetteer = Gazetteer(site.places.values())
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        Drafter(site, gazetteer, cache=Path(folder))
        say(f"first start, models trained: {time.perf_counter() - began:.1f} s, memory {memory()}")
        began = time.perf_counter()
        drafter = Drafter(site, gazetteer, cache=Path(folder))
        say(f"later start: {time.perf_counter() - began:.2f} s")
    calls = long_calls(size)
    live = [call[: upto + 1] for call in calls for upto in range(size)]

    def draft(said: list[Utterance]) -> None:
        drafter.propose(said, started_at=NOW, caller_number="13900000000")

    kept = took(f"{len(calls)} calls of {size}, after every utterance", draft, live, limit_ms=50, at=0.95)
    whole = took("whole calls again, all heard before", draft, calls, limit_ms=50, at=0.95)
    say(f"memory {memory()}")
    return 0 if kept and whole else 1


if __name__ == "__main__":
    sys.exit(main())
