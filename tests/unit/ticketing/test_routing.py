import pytest

from ticketing.pack import Place, PlaceKind
from ticketing.routing import county_bureau, route
from ticketing.site import default_site_dir, load_site

SITE = load_site(default_site_dir())


def somewhere(county: str, *, subdistrict: bool) -> Place:
    return next(
        place
        for place in SITE.places.values()
        if place.county_id == county and bool(place.subdistrict_id) is subdistrict and place.kind is PlaceKind.COMPOUND
    )


YANHU = somewhere("c140802", subdistrict=True)
HEJIN = somewhere("c140882", subdistrict=False)


@pytest.mark.parametrize(
    ("category", "place", "lead"),
    [
        ("010101", None, "d-cgj-zf"),  # a fixed agency needs no place
        ("110102", HEJIN, "b140882-jy"),  # the county's education bureau
        ("030101", HEJIN, "b140882-zj"),
        ("030102", HEJIN, "b140882-zj"),  # fees of property managers: housing speaks of them, markets do not
        ("140101", YANHU, "b140802-mz"),
        ("150301", YANHU, "b140802-sw"),  # 运城市水务局 and 盐湖区水务局
        ("150301", HEJIN, "c140882"),  # Hejin has no water bureau
        ("060101", YANHU, "c140802"),  # no county has a police bureau in this site
        ("180102", YANHU, "c140802"),
        ("060302", YANHU, YANHU.subdistrict_id),
        ("060302", HEJIN, "c140882"),  # subdistrict unknown: its county
        ("060302", SITE.place("s140824101"), "s140824101"),  # the town itself
    ],
)
def test_the_lead_follows_the_categorys_rule_at_the_place(category: str, place: Place | None, lead: str) -> None:
    chosen = route(SITE, SITE.category(category), place).lead
    assert chosen is not None
    assert chosen.agency_id == lead
    assert SITE.category(category).level3 in chosen.reason


@pytest.mark.parametrize("category", ["110102", "060302"])
def test_where_the_place_decides_and_is_unknown_the_question_is_asked(category: str) -> None:
    chosen = route(SITE, SITE.category(category), None)
    assert chosen.lead is None
    assert chosen.ask.endswith("？")


def test_helpers_are_resolved_and_never_the_lead() -> None:
    chosen = route(SITE, SITE.category("010303"), YANHU)
    assert [one.agency_id for one in chosen.co] == [YANHU.subdistrict_id, "d-gaj-jj"]
    for category in SITE.categories.values():
        found = route(SITE, category, YANHU)
        assert found.lead is not None
        ids = [one.agency_id for one in found.co]
        assert found.lead.agency_id not in ids
        assert len(ids) == len(set(ids))


def test_alternatives_are_the_units_above_and_the_countys() -> None:
    found = route(SITE, SITE.category("010101"), YANHU)
    assert [one.agency_id for one in found.alternatives][:1] == ["d-cgj"]
    assert "c140802" in [one.agency_id for one in found.alternatives]
    assert "yc" not in [one.agency_id for one in found.alternatives]


def test_every_category_has_a_lead_at_every_kind_of_place() -> None:
    for category in SITE.categories.values():
        for place in (YANHU, HEJIN, SITE.place("c140826"), SITE.place("s140824101")):
            lead = route(SITE, category, place).lead
            assert lead is not None
            assert lead.agency_id in SITE.agencies


def test_a_bureau_is_its_own_countys() -> None:
    for county in (place for place in SITE.places.values() if place.kind is PlaceKind.COUNTY):
        for category in SITE.categories.values():
            bureau = county_bureau(SITE, category, county)
            assert bureau is None or str(bureau.parent_id) == county.id
