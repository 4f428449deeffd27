"""质检: which tickets are looked at again, by lot and by rule, and how they score. Never commits.

The lot is drawn from the ticket's number, so that drawing a day twice draws the same and nobody can choose.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta

from ticketing.errors import AccessRefused, UnknownId
from ticketing.lifecycle.table import ROLE_NAMES, SYSTEM, Actor
from ticketing.pack_quality import SampleRule
from ticketing.records import InspectionRecord, PraiseRecord, TicketEventRecord
from ticketing.service import utc_now
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import AgencyId, PraiseForm, Reference, RequestType, Role

INSPECTORS = frozenset({Role.QUALITY, Role.SUPERVISOR})
"""Who judges."""

LOT = "lot"
"""Drawn by lot, no rule said so."""

_KINDS: Mapping[SampleRule, str] = {
    SampleRule.UNHAPPY: "visited",
    SampleRule.RETURNED: "return_upheld",
    SampleRule.SENT_BACK: "reply_sent_back",
    SampleRule.REFUSED: "refused",
    SampleRule.SUPERVISED: "supervised",
    SampleRule.WITHDRAWN: "withdrawn",
}


class Quality:
    """The rules of one site."""

    def __init__(self, site: Site, now: Callable[[], datetime] = utc_now) -> None:
        self._site = site
        self._rules = site.quality
        self._now = now

    async def sample(self, unit: UnitOfWork, day: date) -> dict[str, int]:
        """Draw a day's tickets (the site's day); how many by each rule and by lot. A second time draws none."""
        start = datetime.combine(day, time(), self._site.zone)
        end = datetime.combine(day + timedelta(days=1), time(), self._site.zone)
        drawn: dict[str, int] = {}
        by_kind = {_KINDS[rule]: rule for rule in self._rules.rules}
        for reference, by, step in await unit.quality.steps_between(tuple(by_kind), start, end):
            if _counts(step) and by != SYSTEM.id:
                await self._draw(unit, drawn, reference, by_kind[step.kind], by)
        for reference, by in await unit.quality.written_between(start, end):
            if by != SYSTEM.id and lot(reference) < self._rules.percent:
                await self._draw(unit, drawn, reference, LOT, by)
        return drawn

    async def score(
        self, unit: UnitOfWork, inspection: int, actor: Actor, scores: Mapping[str, int], remark: str = ""
    ) -> InspectionRecord:
        """Judge: points for every item of the sheet. Nobody judges themselves; a failed fatal item fails the whole.

        Raises `AccessRefused`, `UnknownId` for an item or points the sheet does not have.
        """
        if actor.role not in INSPECTORS:
            raise AccessRefused(f"{ROLE_NAMES[actor.role]}无权质检")
        drawn = await unit.quality.get(inspection)
        if drawn.judged == actor.id:
            raise AccessRefused("不能质检本人的工单")
        items = {one.id: one for one in self._rules.items}
        if unknown := set(scores) - set(items):
            raise UnknownId(f"the sheet has no {', '.join(sorted(unknown))}; it has: {', '.join(items)}")
        if missing := [one for one in items if one not in scores]:
            raise UnknownId(f"points are missing for {', '.join(missing)}")
        for name, points in scores.items():
            if not 0 <= points <= items[name].points:
                raise UnknownId(f"{name} has 0 to {items[name].points} points, not {points}")
        failed = any(one.fatal and scores[one.id] == 0 for one in items.values())
        total = 0 if failed else sum(scores.values())
        await unit.quality.score(
            inspection, scores=dict(scores), total=total, inspector=actor.id, remark=remark, at=self._now()
        )
        return await unit.quality.get(inspection)

    async def praise(
        self, unit: UnitOfWork, reference: str, actor: Actor, *, agency: str = "", person: str = "", form: PraiseForm
    ) -> None:
        """Whom a 表扬 ticket praises: an agency (its lead by default), and the person if the citizen named one.

        Raises `AccessRefused` for a ticket that praises nobody, `UnknownId`.
        """
        if actor.role not in (Role.AGENT, Role.SUPERVISOR, Role.REVIEWER):
            raise AccessRefused(f"{ROLE_NAMES[actor.role]}无权登记表扬")
        ticket = await unit.tickets.get(reference)
        if ticket.request_type is not RequestType.PRAISE:
            raise AccessRefused("工单不是表扬件")
        praised = self._site.agency(agency).id if agency else ticket.lead_agency_id
        await unit.quality.praise(
            PraiseRecord(
                reference=Reference(reference),
                agency_id=AgencyId(praised),
                person=person,
                form=form,
                at=ticket.created_at,
            )
        )

    async def _draw(self, unit: UnitOfWork, drawn: dict[str, int], reference: Reference, rule: str, by: str) -> None:
        if await unit.quality.draw(reference, rule=rule, judged=by, sheet=self._rules.sheet, at=self._now()):
            drawn[rule] = drawn.get(rule, 0) + 1


def lot(reference: str) -> float:
    """A ticket's lot, evenly spread over [0, 100)."""
    return int.from_bytes(hashlib.sha256(reference.encode()).digest()[:6]) / 2**48 * 100


def _counts(step: TicketEventRecord) -> bool:
    return step.kind != "visited" or step.body.get("solved") is False or step.body.get("satisfied") is False
