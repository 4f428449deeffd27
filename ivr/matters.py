"""Matters that may be known already: while the citizen speaks, the tickets that may be the same one.

Looking takes tens of milliseconds, so it is done beside the drafting: always for the newest words of a call, and what
it finds is told only when it is something else than before. `Matters.run` is its task.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from ivr.calls.vocabulary import CallId
from ivr.desk.ticket_cards import likely_card
from ivr.desk.ticket_views import LikelyTicket
from ivr.ports import Clock
from ticketing.database import Database
from ticketing.duplicates import Duplicates, Matter
from ticketing.errors import DatabaseUnavailable, TicketingError
from ticketing.lifecycle.table import Actor
from ticketing.matter_index import MatterIndex
from ticketing.privacy import Privacy
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.views import DraftView
from ticketing.vocabulary import CategoryCode, ContactId, FieldName, PlaceId, Role

_log = logging.getLogger(__name__)

SHOWN = 3
LEAST_WORDS = 6
"""Characters the matter must have before it is looked for."""
FLUSH_EVERY_MS = 2_000
CATCH_UP_EVERY_MS = 600_000
SURER_BY = 0.15
"""How much surer one must be before the same tickets are told again."""


class Matters:
    """The search for all calls of one site. `on_found` is told, on the loop; it must neither block nor raise."""

    def __init__(self, database: Database, site: Site, index: MatterIndex, privacy: Privacy, clock: Clock) -> None:
        self._database = database
        self._site = site
        self._index = index
        self._duplicates = Duplicates(site, index)
        self._privacy = privacy
        self._clock = clock
        self._waiting: dict[CallId, Matter] = {}  # the newest of each call: bounded by the calls that stand
        self._found: dict[CallId, tuple[LikelyTicket, ...]] = {}
        self._work = asyncio.Event()
        self._new: dict[str, None] = {}
        self._added = asyncio.Event()
        self.on_found: Callable[[CallId, tuple[LikelyTicket, ...]], None] = lambda call, likely: None

    def consider(self, call: CallId, draft: DraftView, said: str) -> None:
        """The matter of a call as it is now: its draft, and what the citizen said where the draft says nothing yet."""
        values = {name: field.value for name, field in draft.fields.items()}
        written = f"{values[FieldName.TITLE]} {values[FieldName.ADDRESS]} {values[FieldName.CONTENT]}".strip()
        text = written or said
        if len(text) < LEAST_WORDS:
            return
        place, category = values[FieldName.PLACE], values[FieldName.CATEGORY]
        self._waiting[call] = Matter(
            text=text,
            at=self._clock.now(),
            contact=ContactId(call),
            place_id=PlaceId(place) if place in self._site.places else None,
            category_code=CategoryCode(category) if category in self._site.categories else None,
        )
        self._work.set()

    def found(self, call: CallId) -> tuple[LikelyTicket, ...]:
        """What was found for a call, for a desk that comes to it later."""
        return self._found.get(call, ())

    def forget(self, call: CallId) -> None:
        """The call is done."""
        self._waiting.pop(call, None)
        self._found.pop(call, None)

    async def run(self) -> None:
        """Look for the matters of the calls, for ever."""
        while True:
            await self._work.wait()
            call = next(iter(self._waiting), None)
            if call is None:
                self._work.clear()
                continue
            matter = self._waiting.pop(call)
            try:
                await self._look(call, matter)
            except DatabaseUnavailable as error:
                _log.warning("nothing known of the matter of call %s: %s", call, error)
            except TicketingError as error:
                _log.error("looking for the matter of call %s failed: %s", call, type(error).__name__)

    async def _look(self, call: CallId, matter: Matter) -> None:
        agent = Actor(id="", role=Role.AGENT)
        async with UnitOfWork(self._database, reads=True) as unit:
            likely = await self._duplicates.find(unit, matter, SHOWN)
        cards = tuple(
            likely_card(msgspec.structs.replace(one, ticket=self._privacy.masked(one.ticket, agent))) for one in likely
        )
        if _news(self._found.get(call, ()), cards):
            self._found[call] = cards
            self.on_found(call, cards)

    # ---- the index of all tickets

    def add(self, reference: str) -> None:
        """A new ticket is to be found from now on."""
        self._new[reference] = None
        self._added.set()

    async def keep_index(self) -> None:
        """Know every ticket of the database, and soon every new one; until cancelled.

        New ones are written to disk every two seconds. Tickets of other processes are looked for every ten minutes.
        """
        written = caught_up = -CATCH_UP_EVERY_MS
        while True:
            self._added.clear()
            now = self._clock.monotonic_ms()
            try:
                if now - caught_up >= CATCH_UP_EVERY_MS:
                    added = await self._index.catch_up(self._database)
                    _log.info("index of matters: %d tickets read, %d known", added, len(self._index))
                    caught_up = now
                await self._take_in()
            except DatabaseUnavailable as error:
                _log.warning("the index of matters waits: %s", error)
            if now - written >= FLUSH_EVERY_MS:
                await self._index.flush()
                written = now
            try:
                async with asyncio.timeout(FLUSH_EVERY_MS / 1000):
                    await self._added.wait()
            except TimeoutError:
                pass

    async def _take_in(self) -> None:
        new = list(self._new)
        async with UnitOfWork(self._database, reads=True) as unit:
            for ticket in await unit.tickets.many(new):
                self._index.add(ticket)
        for reference in new:
            del self._new[reference]


def _news(before: tuple[LikelyTicket, ...], now: tuple[LikelyTicket, ...]) -> bool:
    if [one.ticket.reference for one in before] != [one.ticket.reference for one in now]:
        return True
    return any(abs(one.score - other.score) >= SURER_BY for one, other in zip(before, now, strict=True))
