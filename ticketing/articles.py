"""The knowledge base as people work on it: written, reviewed by another, published, judged, proposed from tickets.

The site pack brings the first articles; a published version stands above the pack's article of the same id, and one of
a new id beside them. `KnowledgeBase` keeps the search index in step: with what it publishes itself at once, with what
other processes published by `refresh`.
"""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import NoReturn

import msgspec

from ticketing.article_records import ArticleVersion, Feedback, Proposed, Tally, Verdict, VersionState
from ticketing.database import Database
from ticketing.errors import DatabaseUnavailable, StepRefused, UnknownId
from ticketing.knowledge.index import KnowledgeIndex
from ticketing.matter_index import likeness, pairs
from ticketing.pack import Article
from ticketing.records import TicketFilter, TicketRecord
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ArticleId, Closure, TicketState

_log = logging.getLogger(__name__)

FOLLOW_S = 15.0
"""How often a server looks for what others published, in seconds."""

_OVERLAP = timedelta(seconds=30)
"""What a unit of work may take from reading the clock to its commit; looked at again, which costs nothing."""

_OPEN = (VersionState.WAITING, VersionState.APPROVED)
_ALIKE, _KNOWN = 0.3, 0.35
"""Likeness of texts from which two tickets ask the same, and from which an article is about it already."""

_ANSWERS = frozenset({Closure.SOLVED, Closure.EXPLAINED, Closure.ANSWERED})
_READ = 500
"""Closed tickets read for proposals, the newest."""


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """What a writer changes of an article; None leaves it. A new article needs title, answer, category and agency."""

    title: str | None = None
    answer: str | None = None
    questions: tuple[str, ...] | None = None
    category_code: str | None = None
    agency_id: str | None = None
    tags: tuple[str, ...] | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class KnowledgeBase:
    """Articles of one site. Every method is one unit of work; `now` is aware."""

    def __init__(self, site: Site, database: Database, index: KnowledgeIndex, now: Callable[[], datetime]) -> None:
        self._site = site
        self._database = database
        self._index = index
        self._now = now
        self._seen: datetime | None = None
        self._indexing = asyncio.Lock()

    # ---- reading

    async def current(self) -> tuple[Article, ...]:
        """Every article as it holds now: the pack's, and what was published above and beside them; by id."""
        async with UnitOfWork(self._database, reads=True) as unit:
            published = await unit.articles.published_since(None)
        articles = dict(self._site.articles) | {version.article.id: version.article for version in published}
        return tuple(articles[key] for key in sorted(articles))

    async def history(self, article_id: str) -> tuple[ArticleVersion, ...]:
        """Every version of an article, oldest first; the pack's is version 0. Raises `UnknownId`."""
        async with UnitOfWork(self._database, reads=True) as unit:
            return await self._history(unit, article_id)

    async def open_versions(self) -> tuple[ArticleVersion, ...]:
        """What waits for a review or to be published, the oldest first."""
        async with UnitOfWork(self._database, reads=True) as unit:
            return await unit.articles.in_state(_OPEN)

    async def verdicts(self, article_id: str) -> tuple[Tally, tuple[Feedback, ...]]:
        """How the version of now was judged, and every verdict on the article, newest first."""
        async with UnitOfWork(self._database, reads=True) as unit:
            now = _published(await self._history(unit, article_id))
            tally = await unit.articles.tally(ArticleId(article_id), now.version if now else 0)
            return tally, await unit.articles.feedback(ArticleId(article_id))

    # ---- writing, reviewing, publishing

    async def edit(self, article_id: str, edit: Edit, author: str, *, source: str = "") -> ArticleVersion:
        """Write a new version, which waits for its review; an empty `article_id` begins a new article.

        The version builds on the newest there is. Raises `UnknownId` for an article, category or agency the site lacks,
        `StepRefused` where a version waits already or the text lacks something.
        """
        async with UnitOfWork(self._database) as unit:
            history = await self._history(unit, article_id) if article_id else ()
            if history and history[-1].state in _OPEN:
                _refuse(f"第{history[-1].version}版还没有发布或退回，请先处理")
            article = self._edited(_standing(history), edit)
            version = ArticleVersion(
                article=article,
                version=history[-1].version + 1 if history else 1,
                state=VersionState.WAITING,
                author=author,
                written_at=self._now(),
                source=source,
            )
            await unit.articles.add(version)
            return version

    async def review(self, article_id: str, reviewer: str, *, approve: bool, remark: str = "") -> ArticleVersion:
        """Approve the waiting version, or send it back with a remark. Nobody reviews their own (`StepRefused`)."""
        async with UnitOfWork(self._database) as unit:
            waiting = await self._in_state(unit, article_id, VersionState.WAITING, "没有待审的版本")
            if waiting.author == reviewer:
                _refuse("不能审核自己写的版本")
            if not approve and not remark.strip():
                _refuse("退回要写明原因")
            reviewed = msgspec.structs.replace(
                waiting,
                state=VersionState.APPROVED if approve else VersionState.REJECTED,
                reviewer=reviewer,
                reviewed_at=self._now(),
                remark=remark,
            )
            await unit.articles.change(reviewed)
            return reviewed

    async def publish(self, article_id: str) -> ArticleVersion:
        """Publish the approved version in the place of the one before; search finds it when this returns."""
        async with UnitOfWork(self._database) as unit:
            approved = await self._in_state(unit, article_id, VersionState.APPROVED, "没有审核通过的版本")
            published = await self._put_out(unit, await self._history(unit, article_id), approved)
        await self._to_index([published])
        return published

    async def expire(self, article_id: str, last_day: date, by: str) -> ArticleVersion:
        """Let an article hold until `last_day` and no longer: a new version, published at once.

        An article that has become wrong must not wait for a review.
        """
        async with UnitOfWork(self._database) as unit:
            history = await self._history(unit, article_id)
            if history[-1].state in _OPEN:
                _refuse(f"第{history[-1].version}版还没有发布或退回，请先处理")
            standing = _standing(history)
            if standing is None:
                _refuse("这篇知识没有发布过")
            article = self._edited(standing, Edit(valid_to=last_day))
            version = ArticleVersion(
                article=article,
                version=history[-1].version + 1,
                state=VersionState.APPROVED,
                author=by,
                written_at=self._now(),
                remark="失效",
            )
            await unit.articles.add(version)
            published = await self._put_out(unit, history, version)
        await self._to_index([published])
        return published

    async def judge(self, article_id: str, verdict: Verdict, agent: str, remark: str = "") -> Tally:
        """Keep an agent's verdict on the version of now; their last one counts. A wrong article needs a remark."""
        if verdict is Verdict.WRONG and not remark.strip():
            _refuse("请写明哪里不对")
        async with UnitOfWork(self._database) as unit:
            now = _published(await self._history(unit, article_id))
            version = now.version if now else 0
            await unit.articles.judge(
                Feedback(
                    article_id=ArticleId(article_id),
                    version=version,
                    verdict=verdict,
                    agent=agent,
                    at=self._now(),
                    remark=remark,
                )
            )
            return await unit.articles.tally(ArticleId(article_id), version)

    # ---- the index

    async def refresh(self) -> int:
        """Bring the index up to date with what was published since the last time; how many articles that were."""
        since = self._seen - _OVERLAP if self._seen else None
        at = self._now()
        async with UnitOfWork(self._database, reads=True) as unit:
            published = await unit.articles.published_since(since)
        changed = [one for one in published if self._index.article(one.article.id) != one.article]
        await self._to_index(changed)
        self._seen = at
        return len(changed)

    async def follow(self) -> None:
        """Refresh for ever; a database that does not answer is asked again."""
        while True:
            await asyncio.sleep(FOLLOW_S)
            try:
                changed = await self.refresh()
            except DatabaseUnavailable as error:
                _log.warning("articles not refreshed: %s", error)
                continue
            if changed:
                _log.info("articles refreshed: %d", changed)

    async def _to_index(self, versions: Sequence[ArticleVersion]) -> None:
        if not versions:
            return
        async with self._indexing:
            await asyncio.to_thread(self._index.put_all, [version.article for version in versions])

    # ---- what closed tickets speak for

    async def proposals(self, limit: int = 10) -> tuple[Proposed, ...]:
        """Articles worth writing: what several citizens asked, an agency answered in public, and no article tells.

        The newest closed tickets are read. Answers are the agencies' public replies; who asked is not in them.
        """
        async with UnitOfWork(self._database, reads=True) as unit:
            tickets = await unit.tickets.find(TicketFilter(states=(TicketState.CLOSED, TicketState.ARCHIVED)), _READ)
            open_sources = {version.source for version in await unit.articles.in_state(_OPEN)}
            answered = [
                (ticket, reply)
                for ticket in tickets
                if ticket.closure in _ANSWERS
                and not ticket.sensitive
                and not ticket.confidential
                and ticket.reference not in open_sources
                and (reply := await _public_reply(unit, ticket))
            ]
        return await asyncio.to_thread(self._proposed, answered, await self.current(), limit)

    def _proposed(
        self, answered: Sequence[tuple[TicketRecord, str]], articles: Sequence[Article], limit: int
    ) -> tuple[Proposed, ...]:
        told: dict[str, list[frozenset[str]]] = defaultdict(list)
        for article in articles:
            told[article.category_code] += [pairs(text) for text in (article.title, *article.questions)]
        groups: list[tuple[frozenset[str], list[tuple[TicketRecord, str]]]] = []
        for ticket, reply in answered:
            words = pairs(ticket.title)
            if any(likeness(words, known) >= _KNOWN for known in told[ticket.category_code]):
                continue
            for known, group in groups:
                if group[0][0].category_code == ticket.category_code and likeness(words, known) >= _ALIKE:
                    group.append((ticket, reply))
                    break
            else:
                groups.append((words, [(ticket, reply)]))
        groups.sort(key=lambda one: -len(one[1]))
        found = []
        for _, group in groups[:limit]:
            ticket, reply = max(group, key=lambda pair: len(pair[1]))
            found.append(
                Proposed(
                    category_code=ticket.category_code,
                    title=ticket.title,
                    answer=reply,
                    source=ticket.reference,
                    tickets=len(group),
                )
            )
        return tuple(found)

    # ---- inside

    def _edited(self, standing: Article | None, edit: Edit) -> Article:
        changed = {name: value for name, value in msgspec.structs.asdict(edit).items() if value is not None}
        today = self._now().astimezone(self._site.zone).date()
        if standing is None:
            lacking = [name for name in ("title", "answer", "category_code", "agency_id") if not changed.get(name)]
            if lacking:
                _refuse("新知识缺少：" + "、".join(lacking))
            base = {
                "id": f"kb-n{secrets.token_hex(4)}",
                "class": "政务便民",
                "questions": (changed["title"],),
                "tags": (),
                "valid_from": None,
                "valid_to": None,
            }
        else:
            base = msgspec.to_builtins(standing)
        try:
            article = msgspec.convert(base | msgspec.to_builtins(changed) | {"updated_at": today.isoformat()}, Article)
        except msgspec.ValidationError as error:
            raise StepRefused(f"这篇知识不完整：{error}") from None
        self._site.category(article.category_code)
        self._site.agency(article.agency_id)
        if article.valid_from and article.valid_to and article.valid_to < article.valid_from:
            _refuse("失效日期早于生效日期")
        return article

    async def _history(self, unit: UnitOfWork, article_id: str) -> tuple[ArticleVersion, ...]:
        versions = await unit.articles.versions(ArticleId(article_id))
        packed = self._site.articles.get(ArticleId(article_id))
        if packed is None and not versions:
            raise UnknownId(f"no article {article_id[:40]!r}")
        if packed is None:
            return versions
        written = datetime(
            packed.updated_at.year, packed.updated_at.month, packed.updated_at.day, tzinfo=self._site.zone
        )
        superseded = _published(versions) is not None
        first = ArticleVersion(
            article=packed,
            version=0,
            state=VersionState.SUPERSEDED if superseded else VersionState.PUBLISHED,
            author="",
            written_at=written,
        )
        return (first, *versions)

    async def _in_state(self, unit: UnitOfWork, article_id: str, state: VersionState, lacking: str) -> ArticleVersion:
        newest = (await self._history(unit, article_id))[-1]
        if newest.state is not state:
            _refuse(lacking)
        return newest

    async def _put_out(
        self, unit: UnitOfWork, history: Sequence[ArticleVersion], version: ArticleVersion
    ) -> ArticleVersion:
        before = _published(history)
        if before is not None and before.version:
            await unit.articles.change(msgspec.structs.replace(before, state=VersionState.SUPERSEDED))
        published = msgspec.structs.replace(version, state=VersionState.PUBLISHED, published_at=self._now())
        await unit.articles.change(published)
        return published


def _published(history: Sequence[ArticleVersion]) -> ArticleVersion | None:
    return next((one for one in history if one.state is VersionState.PUBLISHED), None)


def _standing(history: Sequence[ArticleVersion]) -> Article | None:
    """What a new version builds on: what is published, else the newest text."""
    standing = _published(history) or (history[-1] if history else None)
    return standing.article if standing else None


async def _public_reply(unit: UnitOfWork, ticket: TicketRecord) -> str:
    replies = [step.body.get("public_reply", "") for step in await unit.tickets.events(ticket.reference)]
    return next((str(reply) for reply in reversed(replies) if reply), "")


def _refuse(reason: str) -> NoReturn:
    raise StepRefused(reason)
