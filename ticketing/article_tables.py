"""The tables of the knowledge base. What the site pack brings is not copied: these rows stand above it."""

from datetime import date, datetime

from sqlalchemy import Date, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ticketing.article_records import Verdict, VersionState
from ticketing.columns import Base, JsonOf, Key, UtcDateTime, Word

_PUBLISHED = text("state = 'published'")


class ArticleVersionRow(Base):
    """One version of an article; of one article at most one is published."""

    __tablename__ = "article_version"
    __table_args__ = (
        UniqueConstraint("article_id", "version"),
        Index(
            "uq_article_version_published",
            "article_id",
            unique=True,
            sqlite_where=_PUBLISHED,
            postgresql_where=_PUBLISHED,
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    article_id: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    state: Mapped[VersionState] = mapped_column(Word(VersionState), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(String(200))
    questions: Mapped[tuple[str, ...]] = mapped_column(JsonOf(tuple[str, ...]))
    answer: Mapped[str] = mapped_column(Text)
    category_code: Mapped[str] = mapped_column(String(6))
    agency_id: Mapped[str] = mapped_column(String(64))
    tags: Mapped[tuple[str, ...]] = mapped_column(JsonOf(tuple[str, ...]))
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    updated_at: Mapped[date] = mapped_column(Date)
    author: Mapped[str] = mapped_column(String(64))
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reviewer: Mapped[str] = mapped_column(String(64))
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    remark: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(10))


class ArticleFeedbackRow(Base):
    """A verdict: an agent has one on a version, the last one given."""

    __tablename__ = "article_feedback"
    __table_args__ = (UniqueConstraint("article_id", "version", "agent"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    article_id: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    verdict: Mapped[Verdict] = mapped_column(Word(Verdict))
    agent: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    remark: Mapped[str] = mapped_column(Text)
