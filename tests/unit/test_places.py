import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.pack import Place, PlaceKind
from ticketing.places import Gazetteer
from ticketing.site import default_site_dir, load_site
from ticketing.vocabulary import PlaceId

SITE = load_site(default_site_dir())
GAZETTEER = Gazetteer(SITE.places.values())


def place(place_id: str, name: str, *aliases: str, kind: PlaceKind = PlaceKind.COMPOUND, county: str = "c1") -> Place:
    return Place(
        id=PlaceId(place_id),
        name=name,
        aliases=aliases,
        kind=kind,
        county_id=PlaceId(county),
        subdistrict_id=PlaceId(""),
        lon=None,
        lat=None,
    )


def best(text: str) -> str | None:
    found = GAZETTEER.find(text)
    return found[0].label if found else None


@pytest.mark.parametrize("each", SITE.places.values(), ids=lambda p: p.id)
def test_every_place_is_found_by_its_name(each: Place) -> None:
    assert each.id in {match.place_id for match in GAZETTEER.find(f"我家在{each.name}", limit=20)}


@pytest.mark.parametrize(
    ("text", "label", "how"),
    [
        ("安邑汽锚城你知道", "汽贸城", "sound"),
        ("我是运坊小取七号楼", "运纺小区", "sound"),
        ("市图书馆旁边", "运城市图书馆", "alias"),
        ("翡翠花庭南边", "翡翠华庭", "sound"),
        ("圣惠北的路立交桥", "圣惠北路立交桥", "slip"),
        ("石油公司那儿", "石油公司家属院", "partial"),
    ],
)
def test_aliases_sounds_and_slips(text: str, label: str, how: str) -> None:
    match = next(m for m in GAZETTEER.find(text) if m.label == label)
    assert match.how == how


def test_the_words_of_a_match_can_be_cut_out() -> None:
    [match, *_] = GAZETTEER.find("夏县温泉小区今年改造")
    assert "夏县温泉小区今年改造"[match.start : match.end] == "温泉小区"


def test_one_name_in_several_counties_stays_open() -> None:
    found = [m for m in GAZETTEER.find("阳光花园三号楼", limit=20) if m.label == "阳光花园"]
    assert len({m.county_id for m in found}) == 9
    assert len({m.score for m in found}) == 1


def test_a_county_beside_it_settles_which_is_meant() -> None:
    found = GAZETTEER.find("芮城阳光花园三号楼")
    assert found[0].county_id == "c140830"


@pytest.mark.parametrize("text", ["西安的阳光花园", "太原市人民医院", "在郑州那边的人民路"])
def test_no_guess_outside_the_city(text: str) -> None:
    assert GAZETTEER.find(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "墙上贴了张营业执照是卖五金的",
        "太阳出来了",
        "饭店刚开张",
        "一天二十四小时",
        "进园的时候",
        "我明天去一趟",
        "从二楼掉下来",
    ],
)
def test_everyday_words_are_no_places(text: str) -> None:
    assert [m.label for m in GAZETTEER.find(text) if m.score > 0.6] == []


def test_an_everyday_name_counts_where_its_kind_is_said() -> None:
    assert best("开张镇的") == "开张镇"


def test_a_crossing_is_one_place_with_both_roads() -> None:
    text = "人民路和解放路交叉口那儿"
    match = GAZETTEER.find(text)[0]
    assert match.how == "crossing"
    assert text[match.start : match.end] == "人民路和解放路交叉口"


def test_the_longest_explanation_wins() -> None:
    labels = [m.label for m in GAZETTEER.find("临猗双塔小区大门")]
    assert "双塔小区" in labels
    assert "临猗双塔" not in labels


def test_names_that_sound_alike_are_told_apart_by_their_letters() -> None:
    found = Gazetteer([place("a", "学苑路", kind=PlaceKind.ROAD), place("b", "学院路", kind=PlaceKind.ROAD)])
    assert found.find("学院路堵了")[0].place_id == "b"
    assert found.find("学苑路堵了")[0].place_id == "a"


def test_dialect_slack_of_initials_and_finals() -> None:
    found = Gazetteer([place("a", "南宁家园"), place("b", "正兴花园")])
    assert found.find("兰林家园")[0].place_id == "a"
    assert found.find("镇新花园")[0].place_id == "b"


def test_a_place_without_a_site_is_never_answered() -> None:
    assert Gazetteer([]).find("盐湖区人民路") == []


@given(st.text())
def test_any_text_is_read_and_every_match_lies_in_it(text: str) -> None:
    for match in GAZETTEER.find(text):
        assert 0 <= match.start < match.end <= len(text)
        assert match.place_id in SITE.places
        assert 0 < match.score <= 1


@given(st.text(max_size=30), st.integers(1, 5))
def test_the_limit_holds_and_the_best_come_first(text: str, limit: int) -> None:
    found = GAZETTEER.find(text + "阳光花园人民医院", limit=limit)
    assert len(found) <= limit
    assert [m.score for m in found] == sorted((m.score for m in found), reverse=True)
