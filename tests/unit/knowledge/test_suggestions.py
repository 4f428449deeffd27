"""What comes up beside a call: about the matter, and steady as long as the matter is."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from tests.unit.drafting.speech import conversation
from ticketing.drafting.categoriser import Categoriser, topics
from ticketing.drafting.drafter import Drafter
from ticketing.knowledge.index import KnowledgeIndex
from ticketing.knowledge.suggestions import SHOWN, Suggestions, suggest
from ticketing.places import Gazetteer
from ticketing.site import Site, default_site_dir, load_site
from ticketing.views import Proposal, Utterance

AT = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)

COLD = (
    "话务 您好请讲",
    "市民 我家暖气一点都不热",
    "话务 现在多少度",
    "市民 量了才十四度孩子冻得直哭",
    "话务 交费了吗",
    "市民 早交了去年也是这样",
    "话务 您贵姓",
    "市民 姓常",
)
CARD = (
    "话务 还有别的事吗",
    "市民 再问一下我那个社保卡丢了怎么补办",
    "话务 可以到银行网点",
    "市民 补社保卡要带什么证件当天能拿到卡吗",
    "话务 带身份证",
    "市民 社保卡补办收费吗挂失打哪个电话",
)


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(default_site_dir())


@pytest.fixture(scope="module")
def index(site: Site) -> KnowledgeIndex:
    return KnowledgeIndex(site.articles.values(), topics=topics(site))


@pytest.fixture(scope="module")
def drafter(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Drafter:
    categoriser = Categoriser.of_site(site, tmp_path_factory.getbasetemp())
    return Drafter(site, Gazetteer(site.places.values()), categoriser=categoriser)


def _course(index: KnowledgeIndex, drafter: Drafter, said: list[Utterance]) -> list[Suggestions]:
    """What the panel shows after each utterance."""
    shown: list[Suggestions] = [Suggestions()]
    for upto in range(1, len(said) + 1):
        proposal: Proposal = drafter.propose(said[:upto], started_at=AT, caller_number=None)
        shown.append(suggest(index, shown[-1], said[:upto], proposal, AT.date()))
    return shown


def _ids(suggestions: Suggestions) -> tuple[str, ...]:
    return tuple(hit.id for hit in suggestions.hits)


def test_nothing_comes_up_before_the_citizen_told_something(index: KnowledgeIndex, drafter: Drafter) -> None:
    assert not _course(index, drafter, conversation("话务 您好请讲", "市民 喂你好"))[-1].hits


def test_three_live_articles_of_the_matter_come_up(site: Site, index: KnowledgeIndex, drafter: Drafter) -> None:
    hits = _course(index, drafter, conversation(*COLD))[-1].hits
    assert len(hits) == SHOWN == len({hit.id for hit in hits})
    assert not any(hit.expired for hit in hits)
    assert any(site.article(hit.id).category_code.startswith("0401") for hit in hits)


def test_the_panel_is_still_while_the_matter_is_the_same(index: KnowledgeIndex, drafter: Drafter) -> None:
    course = _course(index, drafter, conversation(*COLD))
    changes = sum(_ids(one) != _ids(two) for one, two in pairwise(course))
    assert changes <= 3
    assert _ids(course[-1]) == _ids(course[-3])


def test_the_panel_follows_another_matter(site: Site, index: KnowledgeIndex, drafter: Drafter) -> None:
    first = _course(index, drafter, conversation(*COLD))[-1]
    last = _course(index, drafter, conversation(*COLD, *CARD))[-1]
    assert _ids(first) != _ids(last)
    assert any("社保卡" in site.article(hit.id).title for hit in last.hits)


def test_an_article_that_stays_keeps_its_place(index: KnowledgeIndex, drafter: Drafter) -> None:
    course = _course(index, drafter, conversation(*COLD, *CARD))
    for before, after in pairwise(course):
        for at, article in enumerate(_ids(before)):
            assert article not in _ids(after) or _ids(after).index(article) == at
