"""INSERT … ON CONFLICT, which both databases know and SQLAlchemy spells once for each; and statements made only once.

Building a statement takes four times as long as running it. What is run for every call and ticket is `Prepared`: its
values are given as parameters, by the names of the columns.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.columns import Base

_INSERTS: dict[str, Callable[[Any], Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def insert(session: AsyncSession, table: type[Base]) -> Any:
    """An insert that may be given `on_conflict_do_nothing` or `on_conflict_do_update`."""
    return _INSERTS[session.get_bind().dialect.name](table)


class Prepared:
    """An insert into `table`, made once for each kind of database; `more` adds to it what to do about conflicts."""

    def __init__(self, table: type[Base], more: Callable[[Any, Any], Any] = lambda made, _: made) -> None:
        self._table = table.__table__
        self._more = more
        self._made: dict[str, Any] = {}

    def on(self, session: AsyncSession) -> Any:
        """The statement for this session's database."""
        kind = session.get_bind().dialect.name
        made = self._made.get(kind)
        if made is None:
            made = self._made[kind] = self._more(_INSERTS[kind](self._table), self._table.c)
        return made
