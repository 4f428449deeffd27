"""Knowledge-base articles as the database keeps them: versions, what came of them, and what agents thought of them."""

from datetime import datetime
from enum import StrEnum

import msgspec

from ticketing.pack import Article
from ticketing.vocabulary import ArticleId, CategoryCode, Reference


class VersionState(StrEnum):
    """How far a version of an article has come."""

    WAITING = "waiting"  # 待审
    APPROVED = "approved"  # 已审
    REJECTED = "rejected"  # 退回
    PUBLISHED = "published"  # 已发布
    SUPERSEDED = "superseded"  # 旧版


class ArticleVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an article. `source` is the ticket it was proposed from; `remark` the reviewer's."""

    article: Article
    version: int
    state: VersionState
    author: str
    written_at: datetime
    reviewer: str = ""
    reviewed_at: datetime | None = None
    published_at: datetime | None = None
    remark: str = ""
    source: str = ""


class Verdict(StrEnum):
    """What an agent thought of an article read to a citizen."""

    USEFUL = "useful"
    WRONG = "wrong"


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """One agent's verdict on one version (0: as the site pack has it)."""

    article_id: ArticleId
    version: int
    verdict: Verdict
    agent: str
    at: datetime
    remark: str = ""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How often an article was found useful, and how often wrong, in its version of now."""

    useful: int = 0
    wrong: int = 0


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """An article that closed tickets speak for: what was asked, how it was answered, how many asked the like."""

    category_code: CategoryCode
    title: str
    answer: str
    source: Reference
    tickets: int
