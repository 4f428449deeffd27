"""The kinds of columns our tables are made of, and the base they share.

Times go in aware and come out aware, in UTC, on every database; structs go in and out as JSON.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import JSON, BigInteger, BindParameter, DateTime, Dialect, Integer, MetaData, String, literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

_Word = TypeVar("_Word", bound=StrEnum)

NAMES = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
"""Every constraint has a name, so that a migration can speak of it and an error can name it."""

Key = BigInteger().with_variant(Integer(), "sqlite")
"""A number the database counts up itself (SQLite does so only for INTEGER)."""


class Base(DeclarativeBase):
    """Root of the tables."""

    metadata = MetaData(naming_convention=NAMES)


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time. A naive one is refused; it is kept and returned in UTC, to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite keeps text without a zone, so the zone must be gone before it gets there."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be kept; give it one (UTC)")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Word(TypeDecorator[_Word], Generic[_Word]):
    """A word of one of our vocabularies, kept as text. No CHECK: vocabularies grow from release to release."""

    impl = String(32)
    cache_ok = True

    def __init__(self, words: type[_Word]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: _Word | None, dialect: Dialect) -> str | None:
        """The word's text."""
        return None if value is None else self.words(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> _Word | None:
        """The word."""
        return None if value is None else self.words(value)


def written(word: StrEnum) -> BindParameter[StrEnum]:
    """A word that stands in the statement itself: without that no partial index on it is used."""
    return literal(word, Word(type(word)), literal_execute=True)


class JsonOf(TypeDecorator[Any]):
    """A struct, or anything else msgspec builds, kept as JSON; checked on the way out."""

    impl = JSON
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """JSONB where there is one."""
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else JSON())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Plain values."""
        return None if value is None else msgspec.to_builtins(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """What it was."""
        return None if value is None else msgspec.convert(value, self.kind)
