"""The numbers citizens call from and are called at: each kept once, sealed, and found by its digest."""

from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.models import Caller
from ticketing.repositories.sealing import vault_of
from ticketing.repositories.upsert import Prepared

_KNOWN = select(Caller.id).where(Caller.digest == bindparam("wanted"))
_SEEN = Prepared(
    Caller,
    lambda made, its: made.on_conflict_do_update(
        index_elements=[its.digest], set_={"digest": made.excluded.digest}
    ).returning(its.id),
)


async def caller_id_of(session: AsyncSession, number: str, seen_at: datetime) -> int:
    """The row of a number, made where there is none. A known one is not touched: nobody waits for it."""
    vault = vault_of(session)
    digest = vault.digest(number)
    known: int | None = (await session.execute(_KNOWN, {"wanted": digest})).scalar()
    if known is not None:
        return known
    values = {"number": vault.seal(number), "digest": digest, "first_seen_at": seen_at}
    found: int = (await session.execute(_SEEN.on(session), values)).scalar_one()
    return found
