"""Quality inspections and praise at the desks; the rules are `ticketing.quality`'s."""

from collections.abc import Mapping
from typing import assert_never

from ivr.desk.envelope import Done, FromDesk, FromServer
from ivr.desk.refusal import Refusal
from ivr.desk.staff import Staff
from ivr.desk.wire_quality import (
    DrawInspections,
    InspectionCard,
    Inspections,
    InspectionScored,
    InspectionsDrawn,
    ListInspections,
    QualityRequest,
    RegisterPraise,
    ScoreInspection,
    SheetLine,
)
from ticketing.database import Database
from ticketing.errors import AccessRefused, DatabaseUnavailable, UnknownId
from ticketing.lifecycle.table import Actor
from ticketing.quality import INSPECTORS, Quality
from ticketing.records import InspectionRecord
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork

LISTED = 100
LONGEST_REMARK = 4_000


class QualityDesk:
    """Answers what desks ask about inspections and praise. `names` are people's by their number."""

    requests: tuple[type[FromDesk], ...] = (DrawInspections, ListInspections, ScoreInspection, RegisterPraise)

    def __init__(self, database: Database, site: Site, quality: Quality, names: Mapping[str, str]) -> None:
        self._database = database
        self._site = site
        self._quality = quality
        self._names = names

    async def carry_out(self, staff: Staff, message: QualityRequest) -> FromServer:
        """The answer. Raises `Refusal`."""
        if not isinstance(message, RegisterPraise) and staff.role not in INSPECTORS:
            raise Refusal("refused.not_allowed")
        try:
            return await self._carry_out(Actor(id=staff.id, role=staff.role), message)
        except AccessRefused as why:
            raise Refusal("refused.no_access", reason=why.reason) from None
        except UnknownId:
            raise Refusal("refused.bad_value") from None
        except DatabaseUnavailable:
            raise Refusal("refused.unavailable") from None

    async def _carry_out(self, actor: Actor, message: QualityRequest) -> FromServer:
        request = message.request
        async with UnitOfWork(self._database, reads=isinstance(message, ListInspections)) as unit:
            match message:
                case DrawInspections(day=day):
                    return InspectionsDrawn(request=request, drawn=await self._quality.sample(unit, day))
                case ListInspections():
                    waiting = await unit.quality.waiting(LISTED)
                    cards = tuple(self._card(one) for one in waiting)
                    return Inspections(request=request, cards=cards, sheet=self._sheet())
                case ScoreInspection(inspection=number, scores=scores):
                    remark = message.remark[:LONGEST_REMARK]
                    judged = await self._quality.score(unit, number, actor, scores, remark)
                    return InspectionScored(request=request, card=self._card(judged))
                case RegisterPraise():
                    await self._quality.praise(
                        unit,
                        message.reference,
                        actor,
                        agency=message.agency,
                        person=message.person,
                        form=message.form,
                    )
                    return Done(request=request)
                case _:
                    assert_never(message)

    def _sheet(self) -> tuple[SheetLine, ...]:
        return tuple(
            SheetLine(id=one.id, name=one.name, points=one.points, fatal=one.fatal) for one in self._site.quality.items
        )

    def _card(self, found: InspectionRecord) -> InspectionCard:
        return InspectionCard(
            id=found.id,
            reference=found.reference,
            rule=found.rule,
            judged=found.judged,
            judged_name=self._names.get(found.judged, found.judged),
            sampled_at=found.sampled_at,
            scores=found.scores,
            total=found.total,
            remark=found.remark,
            done_at=found.done_at,
        )
