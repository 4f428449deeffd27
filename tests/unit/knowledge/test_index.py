import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.drafting.categoriser import topics
from ticketing.knowledge.index import KnowledgeIndex
from ticketing.knowledge.snippets import END, START
from ticketing.pack import Article
from ticketing.site import Site, default_site_dir, load_site
from ticketing.vocabulary import AgencyId, ArticleId, CategoryCode

TODAY = date(2026, 11, 21)
_QUERIES = Path(__file__).parents[2] / "data" / "dialogues-dev" / "kb-queries.jsonl"


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(default_site_dir())


@pytest.fixture(scope="module")
def index(site: Site) -> KnowledgeIndex:
    return KnowledgeIndex(site.articles.values(), topics=topics(site))


def article(number: int, title: str, answer: str, **changes: object) -> Article:
    plain = Article(
        id=ArticleId(f"a{number}"),
        kind="政务便民",
        title=title,
        questions=(title,),
        answer=answer,
        category_code=CategoryCode("040101"),
        agency_id=AgencyId("e-heat"),
        tags=(),
        valid_from=None,
        valid_to=None,
        updated_at=TODAY,
    )
    return msgspec.structs.replace(plain, **changes)


def queries(kind: str) -> Iterator[tuple[str, list[str]]]:
    for line in _QUERIES.read_text(encoding="utf-8").splitlines():
        query = json.loads(line)
        if query["kind"] in kind:
            yield query["query"], query["relevant"]


@pytest.mark.parametrize(
    ("kinds", "floor"),
    [("full words, short keywords", 0.95), ("pinyin initials", 0.9), ("homophone typo", 0.9), ("full pinyin", 0.9)],
)
def test_development_queries_are_found_among_the_first_three(index: KnowledgeIndex, kinds: str, floor: float) -> None:
    asked = list(queries(kinds))
    found = [bool({hit.id for hit in index.search(q, 3, on=TODAY)} & set(relevant)) for q, relevant in asked]
    assert len(asked) >= 10
    assert sum(found) / len(found) >= floor


@pytest.mark.parametrize("query", ["报停", "baoting", "暂停供热", "热费报亭"])
def test_one_article_many_spellings(index: KnowledgeIndex, query: str) -> None:
    assert "kb-0004" in [hit.id for hit in index.search(query, 3, on=TODAY)]


def test_a_syllable_only_begun_is_enough(index: KnowledgeIndex) -> None:
    whole, begun = index.search("nuanqi", 5, on=TODAY), index.search("nuanq", 5, on=TODAY)
    assert {h.id for h in whole[:3]} & {h.id for h in begun}


def test_expired_articles_come_last_and_are_marked() -> None:
    past, future = TODAY - timedelta(1), TODAY + timedelta(1)
    articles = [
        article(1, "暖气温度标准", "十八度。", valid_to=past),
        article(2, "暖气测温", "可以申请。", valid_to=TODAY),
        article(3, "暖气报修", "打电话。", valid_to=future),
        article(4, "暖气", "无期限。"),
    ]
    hits = KnowledgeIndex(articles).search("暖气温度标准", 10, on=TODAY)
    assert [h.expired for h in hits] == [False, False, False, True]
    assert hits[-1].id == "a1"
    assert not any(h.expired for h in KnowledgeIndex(articles).search("暖气", 10))


def test_an_article_in_season_comes_before_its_like() -> None:
    season = {"tags": ("季节性",), "valid_from": TODAY - timedelta(5), "valid_to": TODAY + timedelta(5)}
    articles = [article(1, "供暖时间", "十一月。"), article(2, "供暖时间", "十一月。", **season)]
    assert [h.id for h in KnowledgeIndex(articles).search("供暖时间", on=TODAY)] == ["a2", "a1"]


def test_filters_by_category_prefix_and_agency() -> None:
    articles = [
        article(1, "水费标准", "甲。", category_code=CategoryCode("040203"), agency_id=AgencyId("e-water")),
        article(2, "水费发票", "乙。", category_code=CategoryCode("090201"), agency_id=AgencyId("d-swu")),
    ]
    index = KnowledgeIndex(articles)
    assert [h.id for h in index.search("水费", category="04")] == ["a1"]
    assert [h.id for h in index.search("水费", category="090201")] == ["a2"]
    assert [h.id for h in index.search("水费", agency="d-swu")] == ["a2"]
    assert index.search("水费", category="04", agency="d-swu") == []


def test_put_replaces_and_remove_takes_out() -> None:
    index = KnowledgeIndex([article(1, "公交线路", "二路。")])
    index.put(article(1, "地铁线路", "一号线。"))
    index.put(article(2, "公交卡", "办卡。"))
    assert [h.id for h in index.search("地铁")] == ["a1"]
    assert [h.id for h in index.search("公交")] == ["a2"]
    index.remove(ArticleId("a2"))
    index.remove(ArticleId("unknown"))
    assert index.search("公交卡") == []
    assert len(index) == 1


def test_a_rebuild_forgets_what_is_gone(tmp_path: Path) -> None:
    index = KnowledgeIndex([article(1, "公园", "开放。")], directory=tmp_path / "kb")
    index.rebuild([article(2, "广场", "开放。")])
    assert index.search("公园") == []
    again = KnowledgeIndex([article(3, "医院", "门诊。")], directory=tmp_path / "kb")
    assert [h.id for h in again.search("开放门诊")] == ["a3"]


def test_the_snippet_marks_what_was_meant() -> None:
    index = KnowledgeIndex([article(1, "报修", "先关阀门。漏水请打服务电话报修。其他情况到营业厅。")])
    [hit] = index.search("漏水")
    assert f"{START}漏水{END}" in hit.snippet
    assert "先关阀门" not in hit.snippet
    [by_sound] = index.search("loushui")
    assert START in by_sound.snippet


@given(st.text())
def test_nothing_typed_can_break_it(index: KnowledgeIndex, query: str) -> None:
    hits = index.search(query, 5, on=TODAY)
    assert len(hits) <= 5
    assert all(hit.snippet.count(START) == hit.snippet.count(END) for hit in hits)


@pytest.mark.parametrize("query", ["", "   ", "！？", "\U0001f525", "、、"])
def test_nothing_to_look_for_finds_nothing(index: KnowledgeIndex, query: str) -> None:
    assert index.search(query) == []
