import shutil
import time
from datetime import date
from pathlib import Path

import pytest

from ticketing.errors import SitePackBroken, UnknownId
from ticketing.pack import AgencyKind
from ticketing.site import Site, default_site_dir, load_site


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(default_site_dir())


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A copy of the embedded pack to break."""
    folder = tmp_path / "pack"
    shutil.copytree(default_site_dir(), folder)
    return folder


def change(pack: Path, file: str, old: str, new: str) -> None:
    text = (pack / file).read_text(encoding="utf-8")
    assert old in text, f"{file} no longer holds {old!r}"
    (pack / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def faults_of(pack: Path) -> list[str]:
    with pytest.raises(SitePackBroken) as broken:
        load_site(pack)
    return broken.value.faults


def line_of(pack: Path, file: str, text: str) -> int:
    for number, line in enumerate((pack / file).read_text(encoding="utf-8").splitlines(), start=1):
        if text in line:
            return number
    raise AssertionError(f"{file} does not hold {text!r}")


def test_the_embedded_site_is_whole(site: Site) -> None:
    assert (len(site.agencies), len(site.categories), len(site.places), len(site.articles)) == (463, 160, 1520, 251)
    assert site.info.city == "运城市"
    assert site.zone.key == "Asia/Shanghai"
    assert site.rule("dl-sameday").late_reply_by == "12:00"
    assert site.emergency.transfers[0].target_number == "110"
    assert site.refusal("na-region").name == "不属于本市行政区域"


def test_loading_takes_less_than_half_a_second() -> None:
    began = time.process_time()
    load_site(default_site_dir())
    assert time.process_time() - began < 0.5


def test_an_unknown_id_is_named(site: Site) -> None:
    with pytest.raises(UnknownId, match="no agency 'd-nobody'"):
        site.agency("d-nobody")


def test_the_tree_of_agencies_can_be_walked_both_ways(site: Site) -> None:
    above = [agency.id for agency in site.ancestors("d-gaj-jj-yh1")]
    assert above == ["d-gaj-jj-yh", "d-gaj-jj", "d-gaj", "yc"]
    assert site.is_under("d-gaj-jj-yh1", "d-gaj")
    assert not site.is_under("d-gaj", "d-gaj-jj")
    assert {agency.id for agency in site.descendants("yc")} == set(site.agencies) - {"yc"}
    counties = [agency for agency in site.children("yc") if agency.kind is AgencyKind.COUNTY]
    assert len(counties) == 13


def test_a_place_knows_where_it_lies(site: Site) -> None:
    place = next(one for one in site.places.values() if one.subdistrict_id and one.kind == "compound")
    county, subdistrict = site.county_of(place), site.subdistrict_of(place)
    assert county is not None
    assert subdistrict is not None
    assert site.place_path(place) == county.name + subdistrict.name + place.name
    assert site.county_of(county) == county
    assert site.place_path(county) == county.name


def test_seasons_run_over_new_year(site: Site) -> None:
    heating = next(skill for skill in site.info.skills if skill.id == "heating")
    assert heating.active(date(2026, 12, 31))
    assert heating.active(date(2026, 11, 1))
    assert heating.active(date(2026, 3, 31))
    assert not heating.active(date(2026, 4, 1))


def test_expired_articles_say_so(site: Site) -> None:
    today = date(2026, 11, 21)
    assert sum(article.expired(today) for article in site.articles.values()) == 16


FAULTS = [
    ("agencies.csv", "city_department,d-gaj,", "city_department,d-nobody,", "parent agency 'd-nobody' does not exist"),
    ("agencies.csv", "d-kjj,运城市科学技术局,市科技局", "d-kjj,,市科技局", "name is ''"),
    ("agencies.csv", "d-kjj,", "d-jyj,", "agency 'd-jyj' stands on line"),
    ("agencies.csv", "id,name,short_name", "id,nome,short_name", "unknown column 'nome'; did you mean 'name'?"),
    ("agencies.csv", "id,name,short_name", "id,nome,short_name", "column 'name' is missing"),
    ("categories.csv", "010101,城市管理", "10101,城市管理", "code is '10101'"),
    (
        "categories.csv",
        ",d-cgj-zf,subdistrict,一般,dl-general",
        ",d-none,subdistrict,一般,dl-general",
        "agency 'd-none'",
    ),
    ("categories.csv", ",一般,dl-general,0", ",一般,dl-none,0", "deadline rule 'dl-none' does not exist"),
    ("categories.csv", ",一般,dl-general,0", ",不急,dl-general,0", "urgency is '不急'"),
    ("categories.csv", "010102,城市管理", "010102,市容", "01 is '市容' here and '城市管理' on line 2"),
    ("places.csv", "c140802,,110.998,35.022", "c140802,,110.998,", "only one of lon and lat"),
    ("places.csv", "c140802,,110.998,35.022", "c140802,,210.998,35.022", "lon is '210.998'"),
    ("places.csv", ",county,c140881,,", ",county,c149999,,", "county 'c149999' does not exist"),
    ("kb.jsonl", '"category_code": "040101"', '"category_code": "999999"', "category '999999' does not exist"),
    ("kb.jsonl", '"valid_to": "2027-03-31"', '"valid_to": "2025-03-31"', "valid_to is before valid_from"),
    ("kb.jsonl", '"valid_to": "2027-03-31"', '"valid_to": "2027-02-30"', "valid_to is '2027-02-30'"),
    ("kb.jsonl", '"valid_to": "2027-03-31"', '"valid_to": ', "not JSON"),
    (
        "deadline_rules.yaml",
        "reply: {amount: 2, unit: working_day}",
        "reply: {amount: 2, unit: fortnight}",
        "'fortnight'",
    ),
    ("deadline_rules.yaml", "reply: {amount: 2, unit: working_day}", "reply: {amount: -2, unit: hour}", "amount is -2"),
    ("deadline_rules.yaml", "default_rule: dl-general", "default_rule: dl-x", "deadline rule 'dl-x' does not exist"),
    ("deadline_rules.yaml", "    max_extensions: 0\n", "    max_extentions: 0\n", "did you mean 'max_extensions'?"),
    ("deadline_rules.yaml", "timezone: Asia/Shanghai", "timezone: Asia/Tokyo", "is not site.yaml's"),
    ("deadline_rules.yaml", 'late_from: "21:00"', 'late_from: "25:00"', "late_from is '25:00'"),
    ("emergency.yaml", "agency_id: x-119", "agency_id: x-11", "agency 'x-11' does not exist"),
    ("not_accepted.yaml", "id: na-party", "id: na-region", "reason 'na-region' stands on line"),
    ("site.yaml", "root_agency_id: yc", "root_agency_id: ycc", "agency 'ycc' does not exist"),
    ("site.yaml", 'active_from: "06-15"', 'active_from: "03-01"', "'heating' and 'enrolment' overlap from 03-01"),
    ("site.yaml", 'active_from: "06-15"', 'active_from: "02-30"', "no day '02-30' in any year"),
    ("site.yaml", "skill: enterprise,", "skill: enterprize,", "skill 'enterprize' does not exist"),
    ("site.yaml", "hold: 请您", "hold: : 请您", "not YAML"),
    ("site.yaml", "city: 运城市", "city: 运城市\ncity: 别处", "key 'city' stands on line"),
]


@pytest.mark.parametrize(("file", "old", "new", "fault"), FAULTS)
def test_each_fault_is_found_and_named(pack: Path, file: str, old: str, new: str, fault: str) -> None:
    change(pack, file, old, new)
    found = faults_of(pack)
    assert any(fault in line and line.startswith(f"{file}:") and "; " in line for line in found), found


def test_a_fault_names_its_line(pack: Path) -> None:
    change(pack, "deadline_rules.yaml", "reply: {amount: 24, unit: hour}", "reply: {amount: 24, unit: hours}")
    line = line_of(pack, "deadline_rules.yaml", "unit: hours}")
    assert faults_of(pack) == [
        f"deadline_rules.yaml:{line}: rules.dl-urgent.reply.unit is 'hours': Invalid enum value 'hours'; correct it"
    ]


def test_every_fault_is_found_in_one_reading(pack: Path) -> None:
    change(pack, "site.yaml", "version: 1", "version: one")
    change(pack, "site.yaml", "demo: true", "demo: perhaps")
    change(pack, "categories.csv", ",一般,dl-general,0", ",一般,dl-none,2")
    change(pack, "places.csv", "盐湖区,盐湖", ",盐湖")
    (pack / "emergency.yaml").unlink()
    files = [line.partition(":")[0] for line in faults_of(pack)]
    assert files.count("site.yaml") == 2
    assert "categories.csv" in files
    assert "places.csv" in files
    assert "emergency.yaml" in files


def test_a_cycle_of_agencies_is_found(pack: Path) -> None:
    change(pack, "agencies.csv", "city_department,yc,治安", "city_department,d-gaj-jj,治安")
    found = faults_of(pack)
    assert sum("is above itself" in line for line in found) == 2


def test_an_agency_without_a_parent_is_not_a_second_root(pack: Path) -> None:
    change(pack, "agencies.csv", "city_department,yc,治安", "city_department,,治安")
    assert any("'d-gaj' has no parent and is not the root 'yc'" in line for line in faults_of(pack))


def test_calendar_overrides_are_read(pack: Path) -> None:
    change(pack, "deadline_rules.yaml", "overrides_file: null", "overrides_file: days.csv")
    assert any(line.startswith("days.csv:1: cannot be read") for line in faults_of(pack))
    (pack / "days.csv").write_text("date,working,note\n2027-01-02,1,补班\n2027-01-04,0,放假\n", encoding="utf-8")
    assert load_site(pack).calendar_overrides == {date(2027, 1, 2): True, date(2027, 1, 4): False}
    (pack / "days.csv").write_text("date,working,note\n2027-02-30,1,补班\n", encoding="utf-8")
    assert any(line.startswith("days.csv:2: ") for line in faults_of(pack))


def test_a_missing_folder_is_a_fault_for_each_file(tmp_path: Path) -> None:
    assert len(faults_of(tmp_path / "nowhere")) == 8
