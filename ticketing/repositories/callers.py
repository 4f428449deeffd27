"""The numbers citizens call from and are called at: each kept once."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.models import Caller
from ticketing.repositories.upsert import insert


async def caller_id_of(session: AsyncSession, number: str, seen_at: datetime) -> int:
    """The row of a number, made where there is none."""
    known = insert(session, Caller).values(number=number, first_seen_at=seen_at)
    await session.execute(known.on_conflict_do_nothing(index_elements=[Caller.number]))
    return (await session.execute(select(Caller.id).where(Caller.number == number))).scalar_one()
