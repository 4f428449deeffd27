import pytest

from tests.unit.drafting.speech import citizen, conversation
from ticketing.drafting.location import NOWHERE, Location, Locator, likely_at
from ticketing.pack import PlaceKind
from ticketing.places import Gazetteer
from ticketing.site import Site


@pytest.fixture(scope="module")
def locator(gazetteer: Gazetteer) -> Locator:
    return Locator(gazetteer)


def place(locator: Locator, *lines: str) -> Location:
    return locator.locate(conversation(*lines))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("我住运纺小区三号楼二单元六零一", "运纺小区三号楼二单元六零一"),
        ("汽贸城对面那截人行道让卖车的占了", "汽贸城对面那截人行道"),
        ("姚孟小学门口天天堵", "姚孟小学门口"),
        ("翡翠华庭南边那个工地半夜还在干", "翡翠华庭南边那个工地半夜还"),
    ],
)
def test_the_address_is_what_was_said_of_the_place(locator: Locator, text: str, address: str) -> None:
    found = locator.locate(citizen(text)).address
    assert found.startswith(address[:8])


def test_a_house_number_said_later_belongs_to_the_compound(locator: Locator) -> None:
    found = place(locator, "市民 我家在运纺小区", "话务 几号楼", "市民 七号楼一单元")
    assert found.address == "运纺小区七号楼一单元"


@pytest.mark.parametrize(
    "lines",
    [
        ("市民 不是航天公园啊是东湖公园里面灯坏了",),
        ("市民 我从航天公园那边过来的", "话务 在哪里", "市民 东湖公园里面灯坏了"),
        ("市民 我同事家住航天公园边上", "话务 您说的位置是哪里", "市民 东湖公园"),
    ],
)
def test_places_passed_denied_or_compared_are_not_meant(locator: Locator, lines: tuple[str, ...]) -> None:
    assert place(locator, *lines).label == "东湖公园"


def test_a_town_settles_the_county_of_a_common_name(locator: Locator) -> None:
    found = place(locator, "市民 芮城古魏镇这边", "话务 具体位置", "市民 阳光花园门口")
    assert found.county_id == "c140830"


def test_where_nothing_settles_it_the_home_district_is_proposed_and_asked_about(locator: Locator) -> None:
    found = place(locator, "市民 解放路上有个大坑")
    assert found.county_id == "c140802"
    assert found.ask


def test_an_agent_alone_names_no_place(locator: Locator) -> None:
    assert place(locator, "话务 您可以到政务大厅或者医保大厅办理", "市民 好") == NOWHERE
    assert place(locator, "话务 您说的是运纺小区对吗", "市民 对").label == "运纺小区"


def test_a_county_mentioned_as_an_origin_is_weak(locator: Locator) -> None:
    found = place(locator, "市民 我是临猗的户口现在想问盐湖区桂花园的房子")
    assert found.label == "桂花园"
    assert found.county_id == "c140802"


def test_likely_kinds_follow_the_category(site: Site) -> None:
    assert PlaceKind.SCHOOL in likely_at(site.category("050202"))
    assert PlaceKind.COMPOUND in likely_at(site.category("040101"))
    assert likely_at(None) == frozenset()


def test_of_two_places_the_likelier_kind_is_taken(locator: Locator) -> None:
    said = citizen("我家住桂花园娃明年上禹都小学")
    assert locator.locate(said, frozenset({PlaceKind.SCHOOL})).label == "禹都小学"
    assert locator.locate(said, frozenset({PlaceKind.COMPOUND})).label == "桂花园"


def test_no_place_is_nowhere(locator: Locator) -> None:
    assert place(locator, "市民 我想问一下退休的事") == NOWHERE
    assert place(locator) == NOWHERE
