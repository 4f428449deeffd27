from datetime import UTC, datetime

import msgspec
import pytest

from ticketing.consequences import consequences
from ticketing.drafts import edit, new_draft
from ticketing.site import Site, default_site_dir, load_site
from ticketing.views import DraftView
from ticketing.vocabulary import FieldName
from ticketing.work_calendar import WorkCalendar

SATURDAY = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(default_site_dir())


def decided(**values: str) -> DraftView:
    draft = new_draft("d", "c")
    for name, value in values.items():
        draft = edit(draft, FieldName(name), value, value)
    return draft


def test_nothing_follows_from_an_undecided_matter(site: Site) -> None:
    assert consequences(site, WorkCalendar.of_site(site), decided().fields, SATURDAY) == {}


def test_a_category_brings_its_agency_urgency_and_deadline(site: Site) -> None:
    found = consequences(site, WorkCalendar.of_site(site), decided(category="040101").fields, SATURDAY)
    assert found[FieldName.LEAD_AGENCY].value == "e-heat"
    # dl-utility: 24 hours, nights and holidays run on
    assert found[FieldName.DUE_AT].value == datetime(2026, 11, 22, 6, 30, tzinfo=UTC).isoformat()


def test_the_place_decides_where_the_rule_says_so(site: Site) -> None:
    local = next(c for c in site.categories.values() if c.lead_agency_rule == "subdistrict")
    place = next(p for p in site.places.values() if p.subdistrict_id and p.id.startswith("p"))
    without = consequences(site, WorkCalendar.of_site(site), decided(category=local.code).fields, SATURDAY)
    assert without[FieldName.LEAD_AGENCY].value == ""
    assert without[FieldName.LEAD_AGENCY].ask
    fields = decided(category=local.code, place=place.id).fields
    found = consequences(site, WorkCalendar.of_site(site), fields, SATURDAY)
    assert found[FieldName.LEAD_AGENCY].value == place.subdistrict_id


def test_an_urgency_a_person_chose_shortens_the_deadline(site: Site) -> None:
    calendar = WorkCalendar.of_site(site)
    usual = consequences(site, calendar, decided(category="010101").fields, SATURDAY)
    critical = consequences(site, calendar, decided(category="010101", urgency="特急").fields, SATURDAY)
    assert critical[FieldName.DUE_AT].value < usual[FieldName.DUE_AT].value
    assert critical[FieldName.URGENCY].value == "特急"


def test_an_enquiry_is_never_urgent(site: Site) -> None:
    urgent = next(c for c in site.categories.values() if c.urgency == "紧急")
    draft = decided(category=urgent.code, request_type="咨询")
    machine = msgspec.structs.replace(draft.fields[FieldName.URGENCY], value="紧急")
    fields = {**draft.fields, FieldName.URGENCY: machine}
    assert consequences(site, WorkCalendar.of_site(site), fields, SATURDAY)[FieldName.URGENCY].value == "一般"
