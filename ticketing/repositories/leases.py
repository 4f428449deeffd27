"""Who does what only one process may do."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.models import Lease
from ticketing.records import LeaseRecord
from ticketing.repositories.upsert import insert


class LeaseRepository:
    """One row a task; `holder` is a random word of the process that has it."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, name: str) -> LeaseRecord | None:
        """How it stands; None where nobody ever had it, or it was given up."""
        row = (await self._session.execute(select(Lease).where(Lease.name == name))).scalar_one_or_none()
        return None if row is None else _record(row)

    async def take(self, lease: LeaseRecord, *, instead_of: str | None) -> bool:
        """Take it from `instead_of` (None: nobody has it); False where somebody was quicker."""
        values = {name: getattr(lease, name) for name in LeaseRecord.__struct_fields__}
        if instead_of is None:
            taken = insert(self._session, Lease).values(**values).on_conflict_do_nothing().returning(Lease.name)
            return (await self._session.execute(taken)).scalar() is not None
        replaced = (
            update(Lease).where(Lease.name == lease.name, Lease.holder == instead_of).values(**values)
        ).returning(Lease.name)
        return (await self._session.execute(replaced)).scalar() is not None

    async def renew(self, name: str, holder: str, *, at: datetime, until: datetime) -> bool:
        """Keep it; False where another has it by now."""
        kept = (
            update(Lease).where(Lease.name == name, Lease.holder == holder).values(renewed_at=at, until=until)
        ).returning(Lease.name)
        return (await self._session.execute(kept)).scalar() is not None

    async def give_up(self, name: str, holder: str) -> None:
        """Let the next have it at once; quiet where another has it."""
        await self._session.execute(delete(Lease).where(Lease.name == name, Lease.holder == holder))


def _record(row: Lease) -> LeaseRecord:
    return LeaseRecord(**{name: getattr(row, name) for name in LeaseRecord.__struct_fields__})
