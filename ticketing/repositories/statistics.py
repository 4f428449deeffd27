"""What measures need beside the event log: who worked when, which calls back were made, what citizens said."""

from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.models import AgentMove, Callback, Contact, TicketEvent
from ticketing.records import AgentMoveRecord, CallbackRecord, VisitAnswer
from ticketing.repositories.callbacks import CallbackRepository
from ticketing.repositories.upsert import insert
from ticketing.vocabulary import CallbackKind


class StatisticsRepository:
    """Reads for measures, and the one thing kept for nothing else: the agents' changes of state."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def agent_moved(self, move: AgentMoveRecord) -> None:
        """Append a change of an agent's state."""
        values = {"agent_id": move.agent, "at": move.at, "state": move.state, "reason": move.reason}
        await self._session.execute(insert(self._session, AgentMove), [values])

    async def agent_moves(self, start: datetime, end: datetime) -> tuple[AgentMoveRecord, ...]:
        """Every change in [start, end), in order, after the last one of each agent before it."""
        last = (
            select(AgentMove.agent_id, func.max(AgentMove.id).label("id"))
            .where(AgentMove.at < start)
            .group_by(AgentMove.agent_id)
            .subquery()
        )
        inside = and_(AgentMove.at >= start, AgentMove.at < end)
        rows = await self._session.execute(
            select(AgentMove)
            .where(or_(inside, AgentMove.id.in_(select(last.c.id))))
            .order_by(AgentMove.at, AgentMove.id)
        )
        return tuple(
            AgentMoveRecord(agent=row.agent_id, at=row.at, state=row.state, reason=row.reason) for row in rows.scalars()
        )

    async def callbacks(self, start: datetime, end: datetime) -> tuple[CallbackRecord, ...]:
        """The calls back owed for contacts of [start, end): missed and promised."""
        return await CallbackRepository(self._session).matching(
            Callback.entered_at >= start,
            Callback.entered_at < end,
            Callback.kind.in_((CallbackKind.MISSED, CallbackKind.PROMISED)),
        )

    async def visits(self, start: datetime, end: datetime) -> tuple[VisitAnswer, ...]:
        """What citizens answered to the return visits of [start, end)."""
        rows = await self._session.execute(
            select(TicketEvent.body).where(TicketEvent.kind == "visited", TicketEvent.at >= start, TicketEvent.at < end)
        )
        return tuple(
            VisitAnswer(reached=bool(body["reached"]), satisfied=body.get("satisfied"), solved=body.get("solved"))
            for body in rows.scalars()
        )

    async def first_arrival(self) -> datetime | None:
        """When the first call of all came."""
        return (await self._session.execute(select(func.min(Contact.arrived_at)))).scalar()
