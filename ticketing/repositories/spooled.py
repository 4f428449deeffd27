"""Which calls of the fallback have been taken in."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.models import Spooled
from ticketing.repositories.upsert import insert


class SpooledRepository:
    """One row for each call taken in, for ever: files may come back from a backup, calls may not."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def take(self, call: str, at: datetime) -> bool:
        """Take a call in; False where it has been taken in before."""
        taken = insert(self._session, Spooled).values(call=call, at=at)
        row = await self._session.execute(taken.on_conflict_do_nothing().returning(Spooled.call))
        return row.scalar() is not None
