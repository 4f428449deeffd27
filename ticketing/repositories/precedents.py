"""How returns were judged."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from ticketing.models import Precedent, Ticket
from ticketing.records import PrecedentRecord
from ticketing.vocabulary import CategoryCode, PlaceId, Reference


class PrecedentRepository:
    """Judgements on returns, for whoever routes the next such matter."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, precedent: PrecedentRecord) -> None:
        """Keep a judgement."""
        ticket = select(Ticket.id).where(Ticket.reference == precedent.reference)
        self._session.add(
            Precedent(
                ticket_id=(await self._session.execute(ticket)).scalar_one(),
                **{name: getattr(precedent, name) for name in _COLUMNS},
            )
        )
        await self._session.flush()

    async def of_matter(
        self, category: CategoryCode, county: PlaceId | None, limit: int = 5
    ) -> tuple[PrecedentRecord, ...]:
        """The newest judgements on a category, those of the same county first."""
        same_county = Precedent.county_id.is_not_distinct_from(county)
        query = (
            select(Precedent)
            .where(Precedent.category_code == category)
            .options(joinedload(Precedent.ticket))
            .order_by(same_county.desc(), Precedent.at.desc(), Precedent.id.desc())
            .limit(limit)
        )
        return tuple(
            PrecedentRecord(
                reference=Reference(row.ticket.reference), **{name: getattr(row, name) for name in _COLUMNS}
            )
            for row in (await self._session.execute(query)).scalars()
        )


_COLUMNS = tuple(name for name in PrecedentRecord.__struct_fields__ if name != "reference")
