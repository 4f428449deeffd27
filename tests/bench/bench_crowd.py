"""10,000 tickets in the hands of a crowd: `python -m tests.bench.bench_crowd [TICKETS] [sqlite|postgresql] [SEED]`.

Nothing may be illegal, lost or done twice; see `tests.crowd`. Takes a while: a hundred thousand turns and their audit.
"""

import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.measure import say
from tests.crowd import Audit, Crowd
from tests.databases import VAULT, new_postgres, new_server
from ticketing.database import open_database
from ticketing.schema import upgrade

FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - the rules are proved here, not the disk
PEOPLE = 4


async def bench(url: str, tickets: int, seed: int) -> None:
    """Let them work, then audit."""
    await upgrade(url)
    async with open_database(url, VAULT) as database:
        crowd = Crowd(database, seed, tickets, PEOPLE)
        crowd.told = lambda made: say(f"{made:,} tickets made") if made % 1_000 == 0 else None
        began = time.perf_counter()
        await crowd.work()
        worked = time.perf_counter() - began
        audit = Audit(crowd)
        await audit.check()
    kinds = audit.kinds()
    say(f"{tickets:,} tickets, seed {seed}, {PEOPLE} people at once: {sum(kinds.values()):,} steps in {worked:,.0f} s")
    say("steps: " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()))
    say(f"refused {crowd.did['refused']:,}, too late {crowd.did['too late']:,}, calls {crowd.did['called']:,}")
    say("no illegal state, rows as their logs, every citizen called, no deadline lost: kept")


async def main(tickets: int, kind: str, seed: int) -> None:
    """On the kind of database."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="huying-crowd-", dir=FOLDER) as home:
            await bench(f"sqlite+aiosqlite:///{home}/hotline.db", tickets, seed)
    else:
        with new_server() as server:
            async with new_postgres(server, template=False) as url:
                await bench(url, tickets, seed)


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # gateways fail on purpose, a few thousand times
    given = sys.argv[1:]
    asyncio.run(
        main(int(given[0]) if given else 10_000, given[1] if given[1:] else "sqlite", int(given[2]) if given[2:] else 1)
    )
