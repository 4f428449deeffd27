"""What must be answered for: appended, searched, never changed."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.models import Audit
from ticketing.records import AuditRecord
from ticketing.repositories.upsert import Prepared

_NOTED = Prepared(Audit)


class AuditRepository:
    """The audit."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, record: AuditRecord) -> None:
        """Note that somebody did something."""
        values = {name: getattr(record, name) for name in AuditRecord.__struct_fields__}
        await self._session.execute(_NOTED.on(self._session), values)

    async def of_subject(self, kind: str, subject_id: str) -> tuple[AuditRecord, ...]:
        """What was done to one thing, in order."""
        rows = await self._session.execute(
            select(Audit).where(Audit.subject_kind == kind, Audit.subject_id == subject_id).order_by(Audit.id)
        )
        return tuple(
            AuditRecord(**{name: getattr(row, name) for name in AuditRecord.__struct_fields__})
            for row in rows.scalars()
        )
