"""What tickets cost at size: `python -m tests.bench.bench_tickets [TICKETS] [sqlite|postgresql] [FOLDER]`.

Loads tickets made of the site pack's spoken sentences, indexes them, then measures the search for duplicates, the
caller's history, the lists and intake (submit with the search on), one after the other and from 20 desks at once. What
was loaded into a FOLDER is used again.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from tests.databases import new_postgres, new_server
from tests.fakes.tickets import SITE, draft_of
from ticketing.columns import Base
from ticketing.database import Database, open_database
from ticketing.duplicates import Duplicates, Matter
from ticketing.lifecycle.table import Actor
from ticketing.matter_index import MatterIndex
from ticketing.models import Caller, Contact, Ticket
from ticketing.privacy import Privacy
from ticketing.records import TicketFilter
from ticketing.schema import upgrade
from ticketing.service import TicketService
from ticketing.site import default_site_dir
from ticketing.unit_of_work import UnitOfWork
from ticketing.vault import Keys, Vault
from ticketing.vocabulary import (
    AgencyId,
    Closure,
    ContactId,
    ContactState,
    FieldName,
    Medium,
    PlaceId,
    RequestType,
    Role,
    TicketState,
    Urgency,
)

VAULT = Vault(Keys(lookup="A" * 43 + "=", current="1", sealing={"1": "A" * 43 + "="}))  # guards nothing
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
PHRASES = (default_site_dir() / "phrases.txt").read_text(encoding="utf-8").split()
CATEGORIES = list(SITE.categories.values())
PLACES = list(SITE.places)
LEADS = [AgencyId(one.lead_agency_rule) for one in CATEGORIES if one.lead_agency_rule in SITE.agencies] + [
    one for one in SITE.agencies if one.startswith("b1408")
]
PART = 5_000


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def words(rng: random.Random) -> str:
    return "".join(rng.choice(PHRASES) for _ in range(8))[:110]


def a_row(number: int, per_day: int, rng: random.Random) -> dict[str, Any]:
    day, in_day = divmod(number, per_day)
    at = NOW - timedelta(days=400 - day, seconds=-in_day)
    category = rng.choice(CATEGORIES)
    closed = rng.random() < 0.995
    agency = rng.choice(LEADS)
    return {
        "id": number + 1,
        "reference": f"{at:%y%m%d}{in_day + 1:04d}",
        "revision": 5,
        "state": TicketState.ARCHIVED if closed else TicketState.IN_PROGRESS,
        "contact_id": f"old-{number}",
        "caller_id": number % 200_000 + 1,
        "draft_id": None,
        "submit_key": f"old-{number}",
        "medium": Medium.PHONE,
        "request_type": RequestType.COMPLAINT,
        "category_code": category.code,
        "category": f"{category.level1}/{category.level2}/{category.level3}",
        "place_id": PlaceId(rng.choice(PLACES)),
        "address": rng.choice(PHRASES)[:10],
        "citizen_name": VAULT.seal("王女士"),
        "callback_phone": VAULT.seal(f"138{number % 200_000:08d}"),
        "phone_digest": VAULT.digest(f"138{number % 200_000:08d}"),
        "confidential": False,
        "sensitive": False,
        "lead_agency_id": agency,
        "lead_agency": SITE.agency(agency).name,
        "co_agency_ids": (),
        "urgency": Urgency.NORMAL,
        "deadline_rule_id": "dl-general",
        "due_at": at + timedelta(days=7),
        "title": rng.choice(PHRASES)[:20],
        "content": words(rng),
        "created_by": "1001",
        "created_at": at,
        "dispatched_at": at,
        "holder_agency_id": agency,
        "sign_by": None,
        "supervision": 0,
        "supervision_due_at": None,
        "merged_into": None,
        "closure": Closure.SOLVED if closed else None,
        "closed_at": at + timedelta(days=5) if closed else None,
        "promised_by": None,
    }


async def load(database: Database, tickets: int) -> None:
    rng = random.Random(1)
    per_day = min(9_000, tickets // 380 + 1)

    async def put(table: type[Base], rows: list[dict[str, Any]]) -> None:
        async with database.engine.begin() as connection:
            await connection.execute(insert(table), rows)

    callers = [
        {
            "id": n + 1,
            "number": VAULT.seal(f"138{n:08d}"),
            "digest": VAULT.digest(f"138{n:08d}"),
            "first_seen_at": NOW,
        }
        for n in range(200_000)
    ]
    for start in range(0, len(callers), PART):
        await put(Caller, callers[start : start + PART])
    for start in range(0, tickets, PART):
        rows = [a_row(number, per_day, rng) for number in range(start, min(tickets, start + PART))]
        contacts = [
            {
                "id": row["contact_id"],
                "medium": Medium.PHONE,
                "state": ContactState.ENDED,
                "caller_id": row["caller_id"],
                "dialled": "12345",
                "agent_id": "1001",
                "disposition": None,
                "arrived_at": row["created_at"],
                "answered_at": row["created_at"],
                "ended_at": row["created_at"],
            }
            for row in rows
        ]
        await put(Contact, contacts)
        await put(Ticket, rows)
    if database.engine.dialect.name == "postgresql":
        async with database.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.exec_driver_sql("ANALYZE")
            await connection.exec_driver_sql("SELECT setval('ticket_id_seq', (SELECT max(id) FROM ticket))")
            await connection.exec_driver_sql("SELECT setval('caller_id_seq', (SELECT max(id) FROM caller))")


@contextmanager
def timed(what: str, count: int) -> Iterator[None]:
    began, worked = time.perf_counter(), time.process_time()
    yield
    took, worked = time.perf_counter() - began, time.process_time() - worked
    say(f"{what}: {took:.1f} s, {count / took:,.0f} a second; processor {worked * 1000 / count:.2f} ms each")


async def measure(what: str, work: Callable[[int], Awaitable[object]], times: int = 300) -> None:
    for number in range(20):
        await work(number)
    took = []
    worked = time.process_time()
    for number in range(times):
        began = time.perf_counter()
        await work(number)
        took.append((time.perf_counter() - began) * 1000)
    worked = (time.process_time() - worked) * 1000 / times  # what a busy machine does not change
    took.sort()
    at = f"p50 {statistics.median(took):.1f} ms, p95 {took[int(times * 0.95)]:.1f} ms, max {took[-1]:.1f} ms"
    say(f"{what}: {at}; processor {worked:.1f} ms each")


async def bench(url: str, folder: Path, tickets: int) -> None:
    await upgrade(url)
    async with open_database(url, VAULT) as database:
        async with UnitOfWork(database, reads=True) as unit:
            loaded = await unit.tickets.count() >= tickets
        if not loaded:
            with timed(f"loaded {tickets:,} tickets", tickets):
                await load(database, tickets)
        index = MatterIndex(folder / "matters")
        with timed("indexed", tickets):
            await index.catch_up(database)
        duplicates, service, rng = Duplicates(SITE, index), TicketService(SITE, lambda: NOW), random.Random(2)

        async def find(_: int) -> object:
            matter = Matter(
                text=words(rng),
                at=NOW,
                contact=ContactId(f"old-{rng.randrange(tickets)}"),
                place_id=PlaceId(rng.choice(PLACES)),
                category_code=rng.choice(CATEGORIES).code,
            )
            async with UnitOfWork(database, reads=True) as unit:
                return await duplicates.find(unit, matter)

        async def caller(_: int) -> object:
            async with UnitOfWork(database, reads=True) as unit:
                return await service.caller(unit, ContactId(f"old-{rng.randrange(tickets)}"))

        async def due(_: int) -> object:
            async with UnitOfWork(database, reads=True) as unit:
                return await unit.tickets.due_between(None, NOW, 50)

        calls = iter(range(1_000_000))

        async def intake(_: int) -> object:
            call = f"new-{next(calls)}"
            async with UnitOfWork(database) as unit:
                await unit.contacts.open(
                    ContactId(call),
                    arrived_at=NOW,
                    caller_number=f"138{rng.randrange(200_000):08d}",
                    dialled="12345",
                    medium=Medium.PHONE,
                )
            draft = draft_of(call, {FieldName.CONTENT: words(rng)})
            await find(0)
            async with UnitOfWork(database) as unit:
                view = await service.submit(unit, draft, "1001", call)
            async with UnitOfWork(database, reads=True) as unit:
                index.add(await unit.tickets.get(view.reference))
            return view

        await measure("search for duplicates", find)
        await measure("what is known of the caller", caller)
        await measure("the 50 next due", due)
        office = [one.id for one in SITE.agencies.values() if SITE.is_under(one.id, "d-cgj")]
        handler = Actor(id="cg", role=Role.HANDLER_HEAD, agency_id=AgencyId("d-cgj"))
        small = Actor(id="x", role=Role.HANDLER_HEAD, agency_id=AgencyId("b140802-jy"))
        agent = Actor(id="1001", role=Role.AGENT)
        lists: dict[str, tuple[Actor, TicketFilter]] = {
            "the newest": (agent, TicketFilter()),
            "in progress": (agent, TicketFilter(states=(TicketState.IN_PROGRESS,))),
            "archived": (agent, TicketFilter(states=(TicketState.ARCHIVED,))),
            "overdue": (agent, TicketFilter(states=(TicketState.IN_PROGRESS,), due_before=NOW)),
            "supervised": (agent, TicketFilter(supervised=True)),
            "of one category": (agent, TicketFilter(category_prefix="010101")),
            "of a level of categories, open": (
                agent,
                TicketFilter(category_prefix="01", states=(TicketState.IN_PROGRESS,)),
            ),
            "of a page far back": (agent, TicketFilter(before="2512010000")),
            f"of a large agency ({len(office)} units)": (handler, TicketFilter()),
            "of a large agency, in progress": (handler, TicketFilter(states=(TicketState.IN_PROGRESS,))),
            "of a small agency": (small, TicketFilter()),
        }
        privacy = Privacy(SITE, lambda: NOW)
        for name, (who, wanted) in lists.items():

            async def listed(_: int, who: Actor = who, wanted: TicketFilter = wanted) -> object:
                async with UnitOfWork(database, reads=True) as unit:
                    return await privacy.listing(unit, wanted, who, 50)

            await measure(f"list of 50: {name}", listed, 60)
        await measure("intake of one ticket, search on", intake, 100)

        async def desk(count: int) -> None:
            for _ in range(count):
                await intake(0)

        async def flush() -> None:
            while True:
                await asyncio.sleep(1)
                await index.flush()

        flushing = asyncio.create_task(flush(), name="flush every second, as a server does")
        with timed("intake from 20 desks at once", 1000):
            async with asyncio.TaskGroup() as group:
                for number in range(20):
                    group.create_task(desk(50), name=f"desk {number}")
        flushing.cancel()


async def main(tickets: int, kind: str, kept: str) -> None:
    with tempfile.TemporaryDirectory(prefix="huying-bench-") as scratch:
        folder = kept or scratch
        if kind == "sqlite":
            await bench(f"sqlite+aiosqlite:///{folder}/hotline.db", Path(folder), tickets)
        else:
            with new_server() as server:
                async with new_postgres(server, template=False) as url:
                    await bench(url, Path(folder), tickets)


if __name__ == "__main__":
    asyncio.run(
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 100_000,
            (sys.argv[2:] or ["sqlite"])[0],
            (sys.argv[3:] or [""])[0],
        )
    )
