"""What follows from a matter and a place by the site's rules: who handles it, how urgent it is, when it is due. Pure.

The drafter says this of its own beliefs; here it is said of what a person decided, so that a corrected category takes
its agency and its deadline with it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from ticketing.deadlines import choose_rule, due_at
from ticketing.errors import CalendarUnknown
from ticketing.pack import Category
from ticketing.pack_deadlines import DeadlineRule
from ticketing.routing import route
from ticketing.site import Site
from ticketing.views import Choice, DraftField, Proposed
from ticketing.vocabulary import CategoryCode, FieldName, PlaceId, RequestType, Urgency
from ticketing.work_calendar import WorkCalendar

DECIDING = (FieldName.REQUEST_TYPE, FieldName.CATEGORY, FieldName.PLACE, FieldName.URGENCY)
"""Fields others follow from."""

UNHURRIED = frozenset({RequestType.ENQUIRY, RequestType.SUGGESTION, RequestType.PRAISE})
"""Request types that are never urgent, whatever their category is."""


def consequences(
    site: Site, calendar: WorkCalendar, fields: Mapping[FieldName, DraftField], at: datetime
) -> dict[FieldName, Proposed]:
    """Lead agency, co-agencies, urgency and due time of a draft's deciding fields, were it dispatched at `at`.

    Empty where the category is not decided yet.
    """
    category = site.categories.get(CategoryCode(fields[FieldName.CATEGORY].value))
    if category is None:
        return {}
    typed = fields[FieldName.REQUEST_TYPE].value
    request_type = RequestType(typed) if typed else None
    chosen = fields[FieldName.URGENCY]
    urgency = Urgency(chosen.value) if chosen.mine and chosen.value else _usual(category, request_type)
    found = {FieldName.URGENCY: Proposed(value=urgency, label=urgency, confidence=1.0)}
    agencies = _agencies(site, category, fields)
    chosen_lead = fields[FieldName.LEAD_AGENCY]
    lead = chosen_lead.value if chosen_lead.mine else agencies[FieldName.LEAD_AGENCY].value
    rule_id, _ = choose_rule(site.deadlines, category, request_type, urgency)
    return found | agencies | _due(site, calendar, site.rule_for(rule_id, lead or None, at), at)


def _usual(category: Category, request_type: RequestType | None) -> Urgency:
    return Urgency.NORMAL if request_type in UNHURRIED else category.urgency


def _agencies(site: Site, category: Category, fields: Mapping[FieldName, DraftField]) -> dict[FieldName, Proposed]:
    routed = route(site, category, site.places.get(PlaceId(fields[FieldName.PLACE].value)))
    co = [site.agency(one.agency_id) for one in routed.co]
    helpers = Proposed(
        value="|".join(one.id for one in co),
        label="、".join(one.short_name for one in co),
        confidence=1.0 if co else 0.0,
    )
    if routed.lead is None:
        return {FieldName.LEAD_AGENCY: Proposed(ask=routed.ask), FieldName.CO_AGENCIES: helpers}
    lead = site.agency(routed.lead.agency_id)
    others = tuple(
        Choice(value=one.agency_id, label=site.agency(one.agency_id).short_name, confidence=0.5)
        for one in routed.alternatives[:3]
    )
    return {
        FieldName.LEAD_AGENCY: Proposed(value=lead.id, label=lead.short_name, confidence=1.0, alternatives=others),
        FieldName.CO_AGENCIES: helpers,
    }


def _due(site: Site, calendar: WorkCalendar, rule: DeadlineRule, at: datetime) -> dict[FieldName, Proposed]:
    try:
        due = due_at(rule, at, calendar).due_at
    except CalendarUnknown:
        return {FieldName.DUE_AT: Proposed(ask="放假安排未公布，请人工确定时限")}
    local = due.astimezone(site.zone)
    label = f"{local.month}月{local.day}日 {local:%H:%M}"
    return {FieldName.DUE_AT: Proposed(value=due.astimezone(UTC).isoformat(), label=label, confidence=1.0)}
