"""The numbers citizens call from and are called at: each kept once, sealed, and found by its digest."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.models import Caller
from ticketing.repositories.sealing import vault_of
from ticketing.repositories.upsert import insert


async def caller_id_of(session: AsyncSession, number: str, seen_at: datetime) -> int:
    """The row of a number, made where there is none."""
    vault = vault_of(session)
    seen = insert(session, Caller).values(number=vault.seal(number), digest=vault.digest(number), first_seen_at=seen_at)
    known = seen.on_conflict_do_update(index_elements=[Caller.digest], set_={"digest": seen.excluded.digest})
    found: int = (await session.execute(known.returning(Caller.id))).scalar_one()
    return found
