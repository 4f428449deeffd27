"""Drafts as they stand on the desks."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.errors import AlreadySubmitted, ChangedMeanwhile, UnknownId
from ticketing.models import Draft
from ticketing.repositories.sealing import open_fields, seal_fields, vault_of
from ticketing.repositories.upsert import insert
from ticketing.views import DraftView
from ticketing.vocabulary import ContactId


class DraftRepository:
    """Drafts. The newest revision wins; a draft that became a ticket does not change any more."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def save(self, draft: DraftView, at: datetime) -> None:
        """Keep a draft, and hold its row until the unit of work ends.

        Raises `AlreadySubmitted` when it is a ticket, `ChangedMeanwhile` when a newer revision is kept.
        """
        values = {
            "contact_id": draft.call,
            "revision": draft.revision,
            "fields": seal_fields(vault_of(self._session), draft.fields),
            "emergency_target": draft.emergency_target,
            "not_accepted_id": draft.not_accepted_id,
            "promise": draft.promise,
            "updated_at": at,
        }
        saved = await self._session.execute(
            insert(self._session, Draft)
            .values(id=draft.id, **values)
            .on_conflict_do_update(
                index_elements=[Draft.id],
                set_=values,
                where=(Draft.reference.is_(None)) & (Draft.revision <= draft.revision),
            )
            .returning(Draft.id)
        )
        if saved.scalar() is None:
            kept = await self.get(draft.id)
            if kept.reference is not None:
                raise AlreadySubmitted(kept.reference)
            raise ChangedMeanwhile(f"draft {draft.id}")

    async def submitted(self, draft_id: str, reference: str) -> None:
        """It became this ticket."""
        await self._session.execute(update(Draft).where(Draft.id == draft_id).values(reference=reference))

    async def get(self, draft_id: str) -> DraftView:
        """The draft. Raises `UnknownId`."""
        query = select(Draft).where(Draft.id == draft_id).execution_options(populate_existing=True)
        row = (await self._session.execute(query)).scalar_one_or_none()
        if row is None:
            raise UnknownId(f"no draft {draft_id}")
        return _view(self._session, row)

    async def newest_submitted(self, limit: int) -> tuple[DraftView, ...]:
        """The drafts that became tickets, the last changed first."""
        query = select(Draft).where(Draft.reference.is_not(None)).order_by(Draft.updated_at.desc(), Draft.id)
        return tuple(_view(self._session, row) for row in (await self._session.execute(query.limit(limit))).scalars())

    async def of_contact(self, contact: ContactId) -> tuple[DraftView, ...]:
        """The drafts of a contact, the last changed first."""
        rows = await self._session.execute(
            select(Draft).where(Draft.contact_id == contact).order_by(Draft.updated_at.desc())
        )
        return tuple(_view(self._session, row) for row in rows.scalars())


def _view(session: AsyncSession, row: Draft) -> DraftView:
    return DraftView(
        id=row.id,
        call=row.contact_id,
        revision=row.revision,
        fields=open_fields(session, row.fields),
        emergency_target=row.emergency_target,
        not_accepted_id=row.not_accepted_id,
        promise=row.promise,
        reference=row.reference,
    )
