"""Versions of knowledge-base articles and the verdicts on them."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.article_records import ArticleVersion, Feedback, Tally, Verdict, VersionState
from ticketing.article_tables import ArticleFeedbackRow, ArticleVersionRow
from ticketing.pack import Article
from ticketing.repositories.upsert import insert
from ticketing.vocabulary import ArticleId

_ARTICLE = tuple(name for name in Article.__struct_fields__ if name != "id")
_ABOUT = tuple(name for name in ArticleVersion.__struct_fields__ if name != "article")


class ArticleRepository:
    """Articles as they were edited; those of the site pack that never were are not here."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, version: ArticleVersion) -> None:
        """Keep a new version."""
        self._session.add(ArticleVersionRow(article_id=version.article.id, **_columns(version)))
        await self._session.flush()

    async def change(self, version: ArticleVersion) -> None:
        """Bring a version's row up to date."""
        await self._session.execute(
            update(ArticleVersionRow)
            .where(ArticleVersionRow.article_id == version.article.id, ArticleVersionRow.version == version.version)
            .values(**_columns(version))
        )

    async def versions(self, article_id: ArticleId) -> tuple[ArticleVersion, ...]:
        """Every version of an article, oldest first; empty where it was never edited."""
        query = select(ArticleVersionRow).where(ArticleVersionRow.article_id == article_id)
        rows = await self._session.execute(query.order_by(ArticleVersionRow.version))
        return tuple(_version(row) for row in rows.scalars())

    async def in_state(self, states: Sequence[VersionState]) -> tuple[ArticleVersion, ...]:
        """All versions in one of these states, the longest waiting first."""
        query = select(ArticleVersionRow).where(ArticleVersionRow.state.in_(states))
        rows = await self._session.execute(query.order_by(ArticleVersionRow.written_at, ArticleVersionRow.id))
        return tuple(_version(row) for row in rows.scalars())

    async def published_since(self, at: datetime | None) -> tuple[ArticleVersion, ...]:
        """What is published now and was at or after `at` (None: ever)."""
        query = select(ArticleVersionRow).where(ArticleVersionRow.state == VersionState.PUBLISHED)
        if at is not None:
            query = query.where(ArticleVersionRow.published_at >= at)
        rows = await self._session.execute(query.order_by(ArticleVersionRow.published_at, ArticleVersionRow.id))
        return tuple(_version(row) for row in rows.scalars())

    async def judge(self, feedback: Feedback) -> None:
        """Keep a verdict; a second one of the same agent on the same version replaces the first."""
        values = msgspec.structs.asdict(feedback)
        kept = insert(self._session, ArticleFeedbackRow).values(**values)
        await self._session.execute(
            kept.on_conflict_do_update(
                index_elements=["article_id", "version", "agent"],
                set_={name: values[name] for name in ("verdict", "at", "remark")},
            )
        )

    async def tally(self, article_id: ArticleId, version: int) -> Tally:
        """The verdicts on one version."""
        query = (
            select(ArticleFeedbackRow.verdict, func.count())
            .where(ArticleFeedbackRow.article_id == article_id, ArticleFeedbackRow.version == version)
            .group_by(ArticleFeedbackRow.verdict)
        )
        counts = {row[0]: int(row[1]) for row in await self._session.execute(query)}
        return Tally(useful=counts.get(Verdict.USEFUL, 0), wrong=counts.get(Verdict.WRONG, 0))

    async def feedback(self, article_id: ArticleId) -> tuple[Feedback, ...]:
        """Every verdict on an article, newest first."""
        query = select(ArticleFeedbackRow).where(ArticleFeedbackRow.article_id == article_id)
        rows = await self._session.execute(query.order_by(ArticleFeedbackRow.at.desc(), ArticleFeedbackRow.id.desc()))
        return tuple(
            Feedback(**{name: getattr(row, name) for name in Feedback.__struct_fields__}) for row in rows.scalars()
        )


def _columns(version: ArticleVersion) -> dict[str, object]:
    columns: dict[str, object] = {name: getattr(version.article, name) for name in _ARTICLE}
    return columns | {name: getattr(version, name) for name in _ABOUT}


def _version(row: ArticleVersionRow) -> ArticleVersion:
    article = msgspec.convert(
        {"class" if name == "kind" else name: getattr(row, name) for name in _ARTICLE} | {"id": row.article_id},
        Article,
    )
    return ArticleVersion(article=article, **{name: getattr(row, name) for name in _ABOUT})
