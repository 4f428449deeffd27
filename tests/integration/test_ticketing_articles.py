"""Editing the knowledge base, on both databases, with the search index in step."""

from datetime import date

import pytest

from tests.fakes.tickets import SITE, TestClock
from ticketing.article_records import Verdict, VersionState
from ticketing.articles import Edit, KnowledgeBase
from ticketing.database import Database
from ticketing.errors import StepRefused, UnknownId
from ticketing.knowledge.index import KnowledgeIndex
from ticketing.vocabulary import ArticleId

pytestmark = pytest.mark.database

PACKED = ArticleId("kb-0001")
NEW = Edit(
    title="量子门锁怎么登记",
    answer="带身份证到社区登记。",
    category_code="030101",
    agency_id=SITE.info.hotline_agency_id,
)


@pytest.fixture(scope="module")
def index() -> KnowledgeIndex:
    return KnowledgeIndex(SITE.articles.values())


@pytest.fixture
def base(database: Database, index: KnowledgeIndex) -> KnowledgeBase:
    index.rebuild(SITE.articles.values())
    return KnowledgeBase(SITE, database, index, TestClock())


def found(index: KnowledgeIndex, query: str, on: date | None = None) -> list[str]:
    return [hit.id for hit in index.search(query, 3, on=on)]


async def test_a_new_article_is_found_only_when_another_has_approved_it_and_it_is_out(
    base: KnowledgeBase, index: KnowledgeIndex
) -> None:
    written = await base.edit("", NEW, "甲")
    article = written.article.id
    assert (written.version, written.state) == (1, VersionState.WAITING)
    assert article not in found(index, "量子门锁")
    with pytest.raises(StepRefused, match="不能审核自己写的版本"):
        await base.review(article, "甲", approve=True)
    with pytest.raises(StepRefused, match="没有审核通过的版本"):
        await base.publish(article)
    await base.review(article, "乙", approve=True)
    assert [one.article.id for one in await base.open_versions()] == [article]
    published = await base.publish(article)
    assert published.state is VersionState.PUBLISHED
    assert found(index, "量子门锁")[0] == article
    assert article in {one.id for one in await base.current()}
    assert await base.open_versions() == ()


async def test_a_published_version_stands_above_the_packs_and_history_keeps_both(
    base: KnowledgeBase, index: KnowledgeIndex
) -> None:
    await base.edit(PACKED, Edit(answer="改过的答复，含稀罕词珊瑚绒。"), "甲")
    await base.review(PACKED, "乙", approve=True)
    await base.publish(PACKED)
    assert index.article(PACKED) is not None
    assert found(index, "珊瑚绒")[0] == PACKED
    history = await base.history(PACKED)
    assert [(one.version, one.state) for one in history] == [
        (0, VersionState.SUPERSEDED),
        (1, VersionState.PUBLISHED),
    ]
    assert history[0].article == SITE.article(PACKED)
    await base.edit(PACKED, Edit(title="第二次改"), "乙")
    await base.review(PACKED, "甲", approve=True)
    again = await base.publish(PACKED)
    assert again.article.answer == "改过的答复，含稀罕词珊瑚绒。"
    states = [one.state for one in await base.history(PACKED)]
    assert states == [VersionState.SUPERSEDED, VersionState.SUPERSEDED, VersionState.PUBLISHED]


async def test_a_version_sent_back_changes_nothing_and_makes_room(base: KnowledgeBase) -> None:
    await base.edit(PACKED, Edit(title="不对的标题"), "甲")
    with pytest.raises(StepRefused, match="第1版还没有发布或退回"):
        await base.edit(PACKED, Edit(title="又一个"), "丙")
    with pytest.raises(StepRefused, match="退回要写明原因"):
        await base.review(PACKED, "乙", approve=False)
    sent_back = await base.review(PACKED, "乙", approve=False, remark="与文件不符")
    assert (sent_back.state, sent_back.remark) == (VersionState.REJECTED, "与文件不符")
    assert next(one for one in await base.current() if one.id == PACKED) == SITE.article(PACKED)
    anew = await base.edit(PACKED, Edit(title="对的标题"), "甲")
    assert anew.version == 2


async def test_an_expired_article_is_marked_and_last_at_once(base: KnowledgeBase, index: KnowledgeIndex) -> None:
    title = SITE.article(PACKED).title
    assert found(index, title, date(2026, 11, 2))[0] == PACKED
    await base.expire(PACKED, date(2026, 11, 1), "值班长")
    hits = index.search(title, 400, on=date(2026, 11, 2))
    assert next(hit for hit in hits if hit.id == PACKED).expired
    assert hits[0].id != PACKED


async def test_verdicts_count_once_an_agent_and_start_anew_with_a_version(base: KnowledgeBase) -> None:
    await base.judge(PACKED, Verdict.USEFUL, "1001")
    with pytest.raises(StepRefused, match="请写明哪里不对"):
        await base.judge(PACKED, Verdict.WRONG, "1001")
    await base.judge(PACKED, Verdict.WRONG, "1001", "电话换了")
    tally = await base.judge(PACKED, Verdict.USEFUL, "1002")
    assert (tally.useful, tally.wrong) == (1, 1)
    await base.expire(PACKED, date(2027, 1, 1), "值班长")
    now, all_of_them = await base.verdicts(PACKED)
    assert (now.useful, now.wrong) == (0, 0)
    assert {(one.agent, one.verdict) for one in all_of_them} == {
        ("1001", Verdict.WRONG),
        ("1002", Verdict.USEFUL),
    }


async def test_another_servers_index_follows(database: Database, base: KnowledgeBase) -> None:
    elsewhere = KnowledgeIndex(SITE.articles.values())
    other = KnowledgeBase(SITE, database, elsewhere, TestClock())
    assert await other.refresh() == 0
    written = await base.edit("", NEW, "甲")
    await base.review(written.article.id, "乙", approve=True)
    await base.publish(written.article.id)
    assert await other.refresh() == 1
    assert found(elsewhere, "量子门锁")[0] == written.article.id
    assert await other.refresh() == 0


@pytest.mark.parametrize(
    ("article", "edit", "fault", "words"),
    [
        ("kb-none", Edit(title="x"), UnknownId, "kb-none"),
        ("", Edit(title="只有标题"), StepRefused, "缺少"),
        (PACKED, Edit(category_code="999999"), UnknownId, "999999"),
        (PACKED, Edit(agency_id="nobody"), UnknownId, "nobody"),
        (PACKED, Edit(title=""), StepRefused, "不完整"),
        (PACKED, Edit(valid_from=date(2027, 1, 2), valid_to=date(2027, 1, 1)), StepRefused, "失效日期早于生效日期"),
    ],
)
async def test_what_is_no_article_is_refused_and_nothing_kept(
    base: KnowledgeBase, article: str, edit: Edit, fault: type[Exception], words: str
) -> None:
    with pytest.raises(fault, match=words):
        await base.edit(article, edit, "甲")
    assert await base.open_versions() == ()
