"""Is this matter known already? Likely duplicates among all tickets, with the reasons, while the citizen still speaks.

Candidates come from the words (`MatterIndex`) and from the caller's own tickets; place, caller, words, category and
time then decide. A person decides in the end: nothing is merged by itself.
"""

import asyncio
from datetime import datetime, timedelta

import msgspec

from ticketing.lifecycle.table import STATE_NAMES
from ticketing.matter_index import MatterIndex, likeness, pairs, words_of
from ticketing.records import TicketRecord
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CategoryCode, ContactId, PlaceId, TicketState

LIKELY = 0.35
"""The score from which a ticket is worth showing."""

WINDOW = timedelta(days=90)
"""How far back a matter may be the same one."""


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the matter so far; empty where nothing is."""

    text: str
    at: datetime
    contact: ContactId | None = None
    place_id: PlaceId | None = None
    category_code: CategoryCode | None = None


def matter_of(ticket: TicketRecord, at: datetime) -> Matter:
    """What a ticket is about, looked for at `at`."""
    return Matter(
        text=words_of(ticket),
        at=max(at, ticket.created_at),
        contact=ticket.contact,
        place_id=ticket.place_id,
        category_code=ticket.category_code,
    )


class Likely(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that may be the same matter: how sure (0..1) and why (Chinese), strongest reason first."""

    ticket: TicketRecord
    score: float
    reasons: tuple[str, ...]


class Duplicates:
    """The search for one site."""

    def __init__(self, site: Site, index: MatterIndex) -> None:
        self._site = site
        self._index = index

    async def find(self, unit: UnitOfWork, matter: Matter, limit: int = 5) -> tuple[Likely, ...]:
        """The likeliest tickets, best first; a merged one is stood for by its main ticket."""
        since = matter.at - WINDOW
        by_words = await asyncio.to_thread(self._index.candidates, matter.text, since)
        tickets = {one.reference: one for one in await unit.tickets.many(by_words)}
        own: set[str] = set()
        if matter.contact is not None:
            mine = [one for one in await unit.tickets.of_caller(matter.contact) if one.created_at >= since]
            own = {one.reference for one in mine}
            tickets |= {one.reference: one for one in mine}
        mains = {one.merged_into for one in tickets.values() if one.merged_into} - set(tickets)
        tickets |= {one.reference: one for one in await unit.tickets.many([one for one in mains if one])}
        words = pairs(matter.text)
        judged = [
            self._judge(matter, words, ticket, ticket.reference in own)
            for ticket in tickets.values()
            if ticket.state not in (TicketState.MERGED, TicketState.WITHDRAWN) and ticket.contact != matter.contact
        ]
        likely = sorted((one for one in judged if one.score >= LIKELY), key=lambda one: one.score, reverse=True)
        return tuple(likely[:limit])

    def _judge(self, matter: Matter, words: frozenset[str], ticket: TicketRecord, own: bool) -> Likely:
        alike = likeness(words, pairs(words_of(ticket)))
        days = max(0, (matter.at - ticket.created_at).days)
        weighed = [
            (0.45 * min(1.0, alike / 0.6), f"内容相似 {alike:.0%}"),
            self._place(matter.place_id, ticket.place_id),
            (0.2 * own, "同一来电号码"),
            (0.1 * (ticket.category_code == matter.category_code), f"同类诉求：{ticket.category.rpartition('/')[2]}"),
            (0.1 * max(0.0, 1 - days / 30), f"{days} 天前" if days else "今天"),
        ]
        reasons = [reason for weight, reason in sorted(weighed, key=lambda one: -one[0]) if weight > 0.02]
        score = sum(weight for weight, _ in weighed)
        return Likely(ticket=ticket, score=round(min(score, 1.0), 3), reasons=(*reasons, STATE_NAMES[ticket.state]))

    def _place(self, one: PlaceId | None, other: PlaceId | None) -> tuple[float, str]:
        mine, theirs = (self._site.places.get(place) if place else None for place in (one, other))
        if mine is None or theirs is None:
            return 0.0, ""
        if mine.id == theirs.id:
            return 0.25, f"同一地点：{mine.name}"
        if mine.subdistrict_id and mine.subdistrict_id == theirs.subdistrict_id:
            return 0.1, f"同一街道乡镇：{self._site.place(mine.subdistrict_id).name}"
        return 0.0, ""
