"""Tickets drawn for 质检 and their scores; and whom citizens praised."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.errors import UnknownId
from ticketing.models import Inspection, Praise, Ticket, TicketEvent
from ticketing.records import InspectionRecord, PraiseCount, PraiseRecord, QualityResult, TicketEventRecord
from ticketing.repositories.upsert import insert
from ticketing.vocabulary import Reference

_COLUMNS = tuple(name for name in InspectionRecord.__struct_fields__ if name != "reference")


class QualityRepository:
    """Inspections and praise."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def written_between(self, start: datetime, end: datetime) -> tuple[tuple[Reference, str], ...]:
        """The tickets of [start, end) and who wrote each."""
        query = select(Ticket.reference, Ticket.created_by).where(Ticket.created_at >= start, Ticket.created_at < end)
        rows = await self._session.execute(query.order_by(Ticket.reference))
        return tuple((Reference(row.reference), row.created_by) for row in rows)

    async def steps_between(
        self, kinds: Sequence[str], start: datetime, end: datetime
    ) -> tuple[tuple[Reference, str, TicketEventRecord], ...]:
        """The steps of these kinds in [start, end), each with its ticket and who wrote that."""
        query = (
            select(Ticket.reference, Ticket.created_by, TicketEvent)
            .join(Ticket, Ticket.id == TicketEvent.ticket_id)
            .where(TicketEvent.kind.in_(kinds), TicketEvent.at >= start, TicketEvent.at < end)
            .order_by(TicketEvent.at)
        )
        names = TicketEventRecord.__struct_fields__
        return tuple(
            (Reference(reference), by, TicketEventRecord(**{name: getattr(event, name) for name in names}))
            for reference, by, event in (await self._session.execute(query)).all()
        )

    async def draw(self, reference: Reference, *, rule: str, judged: str, sheet: str, at: datetime) -> bool:
        """Draw a ticket; False where it was drawn before."""
        ticket = select(Ticket.id).where(Ticket.reference == reference).scalar_subquery()
        drawn = insert(self._session, Inspection).values(
            ticket_id=ticket, rule=rule, judged=judged, sampled_at=at, sheet=sheet, scores={}, remark=""
        )
        done = drawn.on_conflict_do_nothing(index_elements=[Inspection.ticket_id]).returning(Inspection.id)
        return (await self._session.execute(done)).scalar() is not None

    async def get(self, inspection: int) -> InspectionRecord:
        """One. Raises `UnknownId`."""
        query = select(Ticket.reference, Inspection).join(Inspection.ticket).where(Inspection.id == inspection)
        row = (await self._session.execute(query.execution_options(populate_existing=True))).one_or_none()
        if row is None:
            raise UnknownId(f"no inspection {inspection}")
        return _record(*row)

    async def waiting(self, limit: int = 200) -> tuple[InspectionRecord, ...]:
        """What is drawn and not judged yet, oldest first."""
        query = select(Ticket.reference, Inspection).join(Inspection.ticket).where(Inspection.done_at.is_(None))
        rows = await self._session.execute(query.order_by(Inspection.sampled_at, Inspection.id).limit(limit))
        return tuple(_record(*row) for row in rows.all())

    async def score(
        self, inspection: int, *, scores: dict[str, int], total: int, inspector: str, remark: str, at: datetime
    ) -> None:
        """Write the judgement down. Raises `UnknownId` where there is none to be written any more."""
        done = update(Inspection).where(Inspection.id == inspection, Inspection.done_at.is_(None))
        done = done.values(scores=scores, total=total, inspector=inspector, remark=remark, done_at=at)
        if (await self._session.execute(done.returning(Inspection.id))).scalar() is None:
            raise UnknownId(f"inspection {inspection} is done already, or there is none")

    async def results(self, start: datetime, end: datetime) -> tuple[QualityResult, ...]:
        """How each was judged in [start, end), by their number."""
        query = (
            select(Inspection.judged, func.count(), func.avg(Inspection.total), func.min(Inspection.total))
            .where(Inspection.done_at >= start, Inspection.done_at < end)
            .group_by(Inspection.judged)
            .order_by(Inspection.judged)
        )
        return tuple(
            QualityResult(judged=judged, inspected=number, mean=round(float(mean), 1), lowest=lowest)
            for judged, number, mean, lowest in (await self._session.execute(query)).all()
        )

    # ---- praise

    async def praise(self, praise: PraiseRecord) -> None:
        """Whom a ticket praises; said again, the last word counts."""
        values = {"agency_id": praise.agency_id, "person": praise.person, "form": praise.form, "at": praise.at}
        ticket = (await self._session.execute(select(Ticket.id).where(Ticket.reference == praise.reference))).scalar()
        if ticket is None:
            raise UnknownId(f"no ticket {praise.reference[:20]!r}")
        said = insert(self._session, Praise).values(ticket_id=ticket, **values)
        await self._session.execute(said.on_conflict_do_update(index_elements=[Praise.ticket_id], set_=values))

    async def praised(self, start: datetime, end: datetime) -> tuple[PraiseCount, ...]:
        """How often each was praised in [start, end), the most first."""
        number = func.count()
        query = (
            select(Praise.agency_id, Praise.person, Praise.form, number)
            .where(Praise.at >= start, Praise.at < end)
            .group_by(Praise.agency_id, Praise.person, Praise.form)
            .order_by(number.desc(), Praise.agency_id, Praise.person, Praise.form)
        )
        return tuple(
            PraiseCount(agency_id=agency, person=person, form=form, times=times)
            for agency, person, form, times in (await self._session.execute(query)).all()
        )


def _record(reference: str, row: Inspection) -> InspectionRecord:
    return InspectionRecord(reference=Reference(reference), **{name: getattr(row, name) for name in _COLUMNS})
