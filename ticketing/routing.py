"""Who handles a request: the category's rule at a place (派单目录), with reasons. Pure.

A rule names an agency or says `county` / `subdistrict`. `county` is answered by the county's own bureau for the matter
where it has one, else by the county government; `subdistrict` by the subdistrict or town, else by its county. Which
bureau is meant is read from the pack: a county bureau is the counterpart of a city department when their names agree
without the city's and the county's (河津市教育局, 运城市教育局).
"""

import msgspec

from ticketing.pack import Agency, AgencyKind, Category, Place
from ticketing.site import COUNTY_WORD, SUBDISTRICT_WORD, Site
from ticketing.vocabulary import AgencyId

_SAME_BEGINNING = 4
"""Characters two bureaus' names must share to be counterparts when they differ at the end (卫生健康…)."""


class Assigned(msgspec.Struct, frozen=True, kw_only=True):
    """An agency and why it was chosen (Chinese)."""

    agency_id: AgencyId
    reason: str


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request goes. `lead` is None only where the rule needs a place and none is known; `ask` says so.

    `alternatives` could lead as well, best first: the units above the lead, the county and its bureau.
    """

    lead: Assigned | None
    co: tuple[Assigned, ...] = ()
    alternatives: tuple[Assigned, ...] = ()
    ask: str = ""


def route(site: Site, category: Category, place: Place | None) -> Route:
    """The lead agency (主办), those that help (协办) and what else could be right."""
    lead = _resolve(site, category, place, category.lead_agency_rule)
    co: list[Assigned] = []
    for rule in category.co_agency_ids:
        helper = _resolve(site, category, place, rule)
        if helper is not None and (lead is None or helper.agency_id != lead.agency_id):
            co.append(helper)
    if lead is None:
        ask = (
            "请问事情发生在哪个县区？" if category.lead_agency_rule == COUNTY_WORD else "请问事情发生在哪个街道或乡镇？"
        )
        return Route(lead=None, co=_once(co), ask=ask)
    alternatives = _alternatives(site, category, place, lead.agency_id)
    return Route(lead=lead, co=_once(co), alternatives=alternatives)


def county_bureau(site: Site, category: Category, county: Place) -> Agency | None:
    """The county's bureau for a category's matter; None where the county government itself answers.

    The category's own departments say what the matter is: the counterpart of the first of them is meant. Another
    one's counterpart is preferred only where its duties speak of the category's words and the first one's do not.
    """
    bureaus = [agency for agency in site.children(county.id) if agency.kind is AgencyKind.COUNTY]
    departments = [rule for rule in (category.lead_agency_rule, *category.co_agency_ids) if rule in site.agencies]
    found: list[tuple[bool, bool, Agency]] = []
    for index, department in enumerate(departments):
        bureau = _counterpart(site, AgencyId(department), county, bureaus)
        if bureau is not None:
            found.append((_speaks_of(bureau, category), index == 0, bureau))
    best = max(found, key=lambda one: one[:2], default=None)
    return best[2] if best is not None and any(best[:2]) else None


def _resolve(site: Site, category: Category, place: Place | None, rule: str) -> Assigned | None:
    if rule not in (COUNTY_WORD, SUBDISTRICT_WORD):
        return Assigned(agency_id=AgencyId(rule), reason=f"“{category.level3}”由{site.agency(rule).short_name}承办")
    if place is None:
        return None
    subdistrict = site.subdistrict_of(place)
    if rule == SUBDISTRICT_WORD and subdistrict is not None:
        return Assigned(
            agency_id=AgencyId(subdistrict.id), reason=f"“{category.level3}”属地办理，{place.name}在{subdistrict.name}"
        )
    county = site.county_of(place)
    if county is None:
        return None
    if rule == SUBDISTRICT_WORD:
        reason = f"“{category.level3}”属地办理，{place.name}的街道乡镇未知，由{county.name}承办"
        return Assigned(agency_id=AgencyId(county.id), reason=reason)
    bureau = county_bureau(site, category, county)
    if bureau is None:
        return Assigned(
            agency_id=AgencyId(county.id), reason=f"“{category.level3}”由县区办理，{place.name}在{county.name}"
        )
    reason = f"“{category.level3}”由县区办理，{place.name}在{county.name}，{bureau.short_name}主管"
    return Assigned(agency_id=bureau.id, reason=reason)


def _alternatives(site: Site, category: Category, place: Place | None, lead: AgencyId) -> tuple[Assigned, ...]:
    root = site.info.root_agency_id
    others = [
        Assigned(agency_id=agency.id, reason=f"{site.agency(lead).short_name}的上级单位")
        for agency in site.ancestors(lead)
        if agency.id != root
    ]
    county = site.county_of(place) if place is not None else None
    if county is not None:
        if bureau := county_bureau(site, category, county):
            others.append(Assigned(agency_id=bureau.id, reason=f"{county.name}的主管部门"))
        others.append(Assigned(agency_id=AgencyId(county.id), reason=f"地点在{county.name}"))
    return _once([one for one in others if one.agency_id != lead])


def _counterpart(site: Site, department: AgencyId, county: Place, bureaus: list[Agency]) -> Agency | None:
    """The county's bureau for what a city department, or one above it, does; the closest name wins."""
    for above in (site.agency(department), *site.ancestors(department)):
        if above.kind is not AgencyKind.CITY_DEPARTMENT or above.id == site.info.root_agency_id:
            continue
        wanted = above.name.removeprefix(site.info.city)
        near = [(_likeness(wanted, bureau.name.removeprefix(county.name)), bureau) for bureau in bureaus]
        likeness, bureau = max(near, key=lambda one: one[0], default=(0, None))
        if likeness > 0:
            return bureau
    return None


def _likeness(one: str, other: str) -> int:
    if one.endswith(other) or other.endswith(one):
        return 100 + min(len(one), len(other))
    shared = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        shared += 1
    return shared if shared >= _SAME_BEGINNING else 0


def _speaks_of(bureau: Agency, category: Category) -> bool:
    words = "|".join((category.level2, category.level3, *category.keywords))
    return any(duty[i : i + 2] in words for duty in bureau.duties for i in range(len(duty) - 1))


def _once(assigned: list[Assigned]) -> tuple[Assigned, ...]:
    seen: dict[AgencyId, Assigned] = {}
    for one in assigned:
        seen.setdefault(one.agency_id, one)
    return tuple(seen.values())
