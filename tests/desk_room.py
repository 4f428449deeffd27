"""A server for desks without telephones: the real websocket, counters, back office and database; a scripted gateway.

Everybody of the first roster can come; their password is `PASSWORD`. Time stands still until `clock.forward`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec
from argon2 import PasswordHasher

from ivr.back_office import BackOffice, staff_of
from ivr.calls.roster import Agent
from ivr.calls.seen import CallSeen
from ivr.calls.vocabulary import AgentId, CallId, CallState, Skill
from ivr.demo.hand import DeskHand
from ivr.desk.counters import Counters
from ivr.desk.door import Door
from ivr.desk.envelope import Done
from ivr.desk.newsroom import Newsroom
from ivr.desk.office import Office
from ivr.desk.rates import Today
from ivr.desk.server import DeskServer
from ivr.desk.ticket_views import TicketSheet
from ivr.desk.wire import EditField, Ending, Submit
from ivr.desk.wire_tickets import ShowTicket, TakeStep, TicketShown, Value
from ivr.floor import AgentFloor
from ivr.intake import Intake
from ivr.keeper import Keeper
from ivr.people import FIRST_ROSTER, Person
from ivr.tasks import Tasks
from ivr.watchers import Watchers
from tests.fakes.gateways import ScriptedGateway
from tests.fakes.tickets import FILLED, MONDAY, NUMBER, SITE, a_contact, draft_of
from tests.until import until_async
from ticketing.accounts import Accounts, Seed
from ticketing.database import Database
from ticketing.dispatch import DispatchWorker, Gateways
from ticketing.drafting.drafter import Drafter
from ticketing.knowledge.index import KnowledgeIndex
from ticketing.matter_index import MatterIndex
from ticketing.records import AccountRecord
from ticketing.service import TicketService
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import AgencyId, FieldName, Role

PASSWORD = "open sesame"
PEOPLE = tuple(
    msgspec.convert(one, Person)
    for one in [
        *msgspec.toml.decode(FIRST_ROSTER)["people"],
        {"id": "3005", "name": "执法支队经办", "role": "handler", "agency": "d-cgj-zf"},
    ]
)
LED_BY_CITY_MANAGEMENT = "d-cgj-zf"


class RoomClock:
    """The Clock port: the wall clock stands until it is moved, what is waited for is waited for."""

    def __init__(self, at: datetime = MONDAY) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def forward(self, **length: float) -> None:
        """Let the wall clock go on."""
        self.at += timedelta(**length)

    def monotonic_ms(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)

    async def sleep(self, ms: int) -> None:
        await asyncio.sleep(ms / 10_000)  # what is told at most once in two seconds is told ten times as often here


class DeskRoom:
    """The running server; `hand` lets a person in."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = RoomClock()
        self.gateway = ScriptedGateway()
        self.worker = DispatchWorker(database, SITE, Gateways(default=self.gateway), now=self.clock.now)
        self.newsroom = Newsroom()
        self.index = MatterIndex()
        self.back_office = BackOffice(database, SITE, staff_of(PEOPLE), self.clock, self.index)
        self.keeper = Keeper(database)
        self.service = TicketService(SITE, self.clock.now)
        self.intake = Intake(
            database=database,
            keeper=self.keeper,
            site=SITE,
            service=self.service,
            drafter=cast(Drafter, None),  # nobody speaks here, so nothing is drafted
            index=KnowledgeIndex(),
            clock=self.clock,
            executor=cast(Any, None),
            casework=self.back_office.casework,
            matters=self.back_office.matters,
        )
        agents = [
            Agent(id=one.id, name=one.name, extension=one.extension, endpoint=one.id, skills=frozenset(one.skills))
            for one in PEOPLE
            if one.extension is not None
        ]
        floor = AgentFloor(agents, self.clock, Watchers(), lambda call, event: True)
        self.office = Office(floor, self.intake, Today(SITE.zone, self.clock.now, 15_000))
        self.address = ""
        self._submitted = 0

    def hand(self, person: str) -> AbstractAsyncContextManager[DeskHand]:
        """Somebody at their desk."""
        return DeskHand.at(self.address, agent=person, password=PASSWORD)

    async def submit(self, call: str = "", fields: dict[FieldName, str] | None = None, **options: Any) -> str:
        """A ticket as an agent's desk makes one; its number."""
        self._submitted += 1
        call = call or f"call-{self._submitted}"
        await a_contact(self.database, call, arrived_at=self.clock.at)
        async with UnitOfWork(self.database) as unit:
            view = await self.service.submit(unit, draft_of(call, fields), "1001", call, **options)
        self.intake.on_submitted(view)
        return view.reference

    async def dispatched(self, call: str = "", fields: dict[FieldName, str] | None = None) -> str:
        """A ticket that has reached its agency."""
        reference = await self.submit(call, fields)

        async def gone() -> bool:
            async with UnitOfWork(self.database, reads=True) as unit:
                return (await unit.tickets.get(reference)).dispatched_at is not None

        await until_async(gone, f"{reference} dispatched")
        return reference

    async def talk(self, agent: str, call: str, number: str | None = NUMBER) -> str:
        """A call at an agent's desk; the id of its draft."""
        await a_contact(self.database, call, number=number, arrived_at=self.clock.at)
        seen = CallSeen(
            call=CallId(call),
            state=CallState.CONNECTED,
            caller_number=number,
            dialled="12345",
            skill=Skill("general"),
            arrived_at=self.clock.at,
            agent=AgentId(agent),
        )
        self.office.call_changed(seen)
        return f"{call}.draft"


async def sheet(hand: DeskHand, reference: str) -> TicketSheet:
    """A ticket as this person sees it."""
    shown = await hand.ask(ShowTicket(request=hand.number(), reference=reference), TicketShown)
    assert shown.sheet is not None
    return shown.sheet


async def step(
    hand: DeskHand, reference: str, name: str, said: dict[str, Value] | None = None, why: str = "理由"
) -> TicketSheet | None:
    """Look at a ticket and take a step."""
    before = await sheet(hand, reference)
    message = TakeStep(
        request=hand.number(),
        reference=reference,
        revision=before.line.revision,
        step=name,
        said=said or {},
        why=why,
    )
    return (await hand.ask(message, TicketShown)).sheet


async def fill(hand: DeskHand, draft: str, fields: dict[FieldName, str] | None = None) -> None:
    """Write a draft as an agent does."""
    for name, value in {**FILLED, **(fields or {})}.items():
        await hand.ask(EditField(request=hand.number(), draft=draft, field=name, value=value), Done)


async def send(hand: DeskHand, draft: str, ending: Ending | None = None) -> str:
    """Submit a draft; the number of its ticket."""
    await hand.ask(Submit(request=hand.number(), draft=draft, ending=ending), Done)
    view = await hand.until(lambda view: view.ticket is not None, "the ticket")
    assert view.ticket is not None
    return view.ticket.reference


@asynccontextmanager
async def desk_room(database: Database) -> AsyncIterator[DeskRoom]:
    """The server at work."""
    room = DeskRoom(database)
    accounts = Accounts(database, now=room.clock.now, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    await accounts.seed(
        [
            Seed(
                account=AccountRecord(
                    id=one.id,
                    name=one.name,
                    extension=one.extension,
                    role=Role(one.role),
                    agency_id=AgencyId(one.agency) if one.agency else None,
                ),
                first_password=PASSWORD,
            )
            for one in PEOPLE
        ]
    )
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(Tasks())
        tasks.start("keeper", room.keeper.run())
        tasks.start("office", room.office.run())
        tasks.start("dispatch", room.worker.run())
        counters = room.back_office.start(tasks, room.intake, room.office, room.newsroom, room.worker)
        desks = DeskServer(
            Door(accounts),
            room.office,
            room.newsroom,
            Counters(room.office, room.newsroom, counters),
            secret="secret",
            site=SITE.info.short_name,
            zone=SITE.info.timezone,
            clock=room.clock,
        )
        server = await stack.enter_async_context(desks.listening("127.0.0.1", 0))
        room.address = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        try:
            yield room
        finally:
            await room.keeper.flush(5)
