"""What agents were doing between calls."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.models import Presence
from ticketing.records import PresenceRecord
from ticketing.repositories.upsert import insert


class PresenceRepository:
    """One row an agent: the newest."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def put(self, presence: PresenceRecord) -> None:
        """Keep what an agent does now."""
        values = {name: getattr(presence, name) for name in PresenceRecord.__struct_fields__}
        put = insert(self._session, Presence).values(**values)
        await self._session.execute(put.on_conflict_do_update(index_elements=[Presence.agent_id], set_=values))

    async def all(self) -> tuple[PresenceRecord, ...]:
        """Everybody, by number."""
        rows = await self._session.execute(select(Presence).order_by(Presence.agent_id))
        return tuple(
            PresenceRecord(**{name: getattr(row, name) for name in PresenceRecord.__struct_fields__})
            for row in rows.scalars()
        )
