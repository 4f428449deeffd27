"""What must hold between the parts of a pack: every id leads somewhere, trees have a root, seasons do not overlap."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from ticketing.pack import Agency, Article, Category, Emergency, NotAccepted, Part, Place, PlaceKind
from ticketing.pack_deadlines import DeadlineRules, Unit
from ticketing.pack_hotline import MenuVariant, Season, SiteInfo
from ticketing.pack_reader import Document, Faults, Read, read_table
from ticketing.vocabulary import AgencyId, RequestType

PLACE_WORDS = ("county", "subdistrict")
_LEAP_YEAR = 2024  # every day of the year exists in it, 29 February too


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a pack as they were read; a document is None when its form is broken."""

    agencies: Read[Agency]
    categories: Read[Category]
    places: Read[Place]
    articles: Read[Article]
    info: Document[SiteInfo] | None
    deadlines: Document[DeadlineRules] | None
    not_accepted: Document[NotAccepted] | None
    emergency: Document[Emergency] | None


class CalendarDay(Part, frozen=True, kw_only=True):
    """A row of the calendar's override file."""

    date: date
    working: bool
    note: Annotated[str, msgspec.Meta(max_length=100)]


def check(faults: Faults, folder: Path, pack: Pack) -> dict[date, bool]:
    """Note every broken promise between the files; returns the calendar's overrides (day → worked)."""
    agencies = _ids(faults, pack.agencies.file, "agency", [(line, agency.id) for line, agency in pack.agencies])
    categories = _ids(faults, pack.categories.file, "category", [(line, one.code) for line, one in pack.categories])
    _ids(faults, pack.places.file, "place", [(line, place.id) for line, place in pack.places])
    _ids(faults, pack.articles.file, "article", [(line, article.id) for line, article in pack.articles])
    rules = set(pack.deadlines.part.rules) if pack.deadlines else None
    _check_tree(faults, pack, agencies)
    _check_categories(faults, pack, agencies, rules)
    _check_places(faults, pack, agencies)
    _check_articles(faults, pack, agencies, categories)
    _check_emergency(faults, pack, agencies)
    if pack.info:
        _check_info(faults, pack.info, agencies)
    if pack.not_accepted:
        document = pack.not_accepted
        lines = [(document.line("reasons", i), one.id) for i, one in enumerate(document.part.reasons)]
        _ids(faults, document.file, "reason", lines)
    return _check_deadlines(faults, folder, pack.deadlines, pack.info, agencies) if pack.deadlines else {}


def _ids(faults: Faults, file: str, what: str, ids: Iterable[tuple[int, str]]) -> set[str]:
    seen: dict[str, int] = {}
    for line, key in ids:
        if key in seen:
            faults.add(file, line, f"{what} {key!r} stands on line {seen[key]} already", "give one of them a new id")
        seen.setdefault(key, line)
    return set(seen)


def _dangling(faults: Faults, file: str, line: int, what: str, key: str, known: set[str]) -> bool:
    if key in known:
        return False
    faults.add(file, line, f"{what} {key!r} does not exist", "correct the id or add what it names")
    return True


def _check_tree(faults: Faults, pack: Pack, known: set[str]) -> None:
    file = pack.agencies.file
    parents = {agency.id: agency.parent_id for _, agency in pack.agencies}
    root = pack.info.part.root_agency_id if pack.info else None
    for line, agency in pack.agencies:
        if not agency.parent_id:
            if root is not None and agency.id != root:
                faults.add(
                    file, line, f"agency {agency.id!r} has no parent and is not the root {root!r}", "set parent_id"
                )
            continue
        if _dangling(faults, file, line, "parent agency", agency.parent_id, known):
            continue
        seen = {agency.id}
        above = agency.parent_id
        while above and above not in seen:
            seen.add(above)
            above = parents.get(above, AgencyId(""))
        if above == agency.id:
            faults.add(file, line, f"agency {agency.id!r} is above itself", "break the cycle of parent_id")


def _check_categories(faults: Faults, pack: Pack, agencies: set[str], rules: set[str] | None) -> None:
    file = pack.categories.file
    names: dict[str, tuple[str, int]] = {}
    for line, category in pack.categories:
        for rule in (category.lead_agency_rule, *category.co_agency_ids):
            if rule not in PLACE_WORDS:
                _dangling(faults, file, line, "agency", rule, agencies)
        if category.lead_agency_rule in category.co_agency_ids:
            faults.add(
                file, line, f"{category.lead_agency_rule!r} both leads and helps", "take it out of co_agency_ids"
            )
        if rules is not None:
            _dangling(faults, file, line, "deadline rule", category.deadline_rule_id, rules)
        other, first = names.setdefault(category.code[:2], (category.level1, line))
        if other != category.level1:
            wrong = f"{category.code[:2]} is {category.level1!r} here and {other!r} on line {first}"
            faults.add(file, line, wrong, "one name for one code")


def _check_places(faults: Faults, pack: Pack, agencies: set[str]) -> None:
    file = pack.places.file
    places = {place.id: place for _, place in pack.places}
    known: set[str] = set(places)
    for line, place in pack.places:
        if place.kind in (PlaceKind.COUNTY, PlaceKind.SUBDISTRICT, PlaceKind.TOWN):
            _dangling(faults, file, line, "agency of the same id", place.id, agencies)
        if (place.lon is None) != (place.lat is None):
            faults.add(file, line, "only one of lon and lat", "give both or neither")
        if place.county_id and _dangling(faults, file, line, "county", place.county_id, known):
            continue
        if place.county_id and places[place.county_id].kind is not PlaceKind.COUNTY:
            faults.add(file, line, f"county_id {place.county_id!r} is not a county", "name the county's id")
        if not place.subdistrict_id or _dangling(faults, file, line, "subdistrict", place.subdistrict_id, known):
            continue
        above = places[place.subdistrict_id]
        if above.kind not in (PlaceKind.SUBDISTRICT, PlaceKind.TOWN):
            faults.add(file, line, f"subdistrict_id {above.id!r} is a {above.kind}", "name a subdistrict or town")
        elif above.county_id != place.county_id:
            faults.add(file, line, f"{above.id!r} lies in {above.county_id!r}, not {place.county_id!r}", "correct one")


def _check_articles(faults: Faults, pack: Pack, agencies: set[str], categories: set[str]) -> None:
    file = pack.articles.file
    for line, article in pack.articles:
        _dangling(faults, file, line, "category", article.category_code, categories)
        _dangling(faults, file, line, "agency", article.agency_id, agencies)
        if article.valid_from and article.valid_to and article.valid_to < article.valid_from:
            faults.add(file, line, "valid_to is before valid_from", "swap or correct them")


def _check_emergency(faults: Faults, pack: Pack, agencies: set[str]) -> None:
    document = pack.emergency
    if document is None:
        return
    transfers = document.part.transfers
    _ids(
        faults,
        document.file,
        "transfer",
        [(document.line("transfers", i, "id"), one.id) for i, one in enumerate(transfers)],
    )
    for index, transfer in enumerate(transfers):
        line = document.line("transfers", index, "agency_id")
        _dangling(faults, document.file, line, "agency", transfer.agency_id, agencies)
        for agency_id in transfer.also:
            _dangling(faults, document.file, document.line("transfers", index, "also"), "agency", agency_id, agencies)


def _check_info(faults: Faults, document: Document[SiteInfo], agencies: set[str]) -> None:
    info, file = document.part, document.file
    try:
        ZoneInfo(info.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        faults.add(file, document.line("timezone"), f"no time zone {info.timezone!r}", "use a name like Asia/Shanghai")
    for key in ("root_agency_id", "hotline_agency_id"):
        _dangling(faults, file, document.line(key), "agency", getattr(info, key), agencies)
    skills = {skill.id for skill in info.skills}
    if sum(skill.default for skill in info.skills) != 1:
        faults.add(file, document.line("skills"), "exactly one skill must be the default", "set default: true on one")
    for index, skill in enumerate(info.skills):
        _check_season(faults, file, document.line("skills", index), skill)
    options = {option.id for option in info.ivr.options}
    keys: dict[str, int] = {}
    for index, option in enumerate(info.ivr.options):
        line = document.line("ivr", "options", index)
        if option.key in keys:
            faults.add(file, line, f"key {option.key!r} stands on line {keys[option.key]} already", "use another key")
        keys.setdefault(option.key, line)
        if sum((option.skill is not None, option.action is not None, bool(option.variants))) != 1:
            faults.add(file, line, f"option {option.id!r} must have one of skill, action, variants", "keep one of them")
        for target in (
            option.out_of_hours_target,
            option.fail_target,
            *(v.out_of_hours_target for v in option.variants),
        ):
            if target is not None:
                _dangling(faults, file, line, "menu option", target, options)
        for skill_id in (option.skill, *(variant.skill for variant in option.variants)):
            if skill_id is not None:
                _dangling(faults, file, line, "skill", skill_id, skills)
        for place, variant in enumerate(option.variants):
            _check_season(faults, file, document.line("ivr", "options", index, "variants", place), variant)
        _check_overlap(faults, file, line, option.variants)
    _dangling(faults, file, document.line("ivr", "no_input_target"), "menu option", info.ivr.no_input_target, options)
    channels = [channel.id for channel in info.channels]
    if len(set(channels)) != len(channels):
        faults.add(file, document.line("channels"), "a channel stands twice", "keep one")
    if missing := [one for one in RequestType if one not in info.request_types]:
        faults.add(file, document.line("request_types"), f"lacks {'、'.join(missing)}", "list every request type")


def _check_season(faults: Faults, file: str, line: int, season: Season) -> None:
    if (season.active_from is None) != (season.active_to is None):
        faults.add(file, line, "only one of active_from and active_to", "give both or neither")
    for day in (season.active_from, season.active_to):
        if day is not None and _day(day) is None:
            faults.add(file, line, f"no day {day!r} in any year", "write MM-DD")


def _check_overlap(faults: Faults, file: str, line: int, variants: Sequence[MenuVariant]) -> None:
    for index, one in enumerate(variants):
        for other in variants[index + 1 :]:
            if (first := _shared_day(one, other)) is not None:
                wrong = f"{one.id!r} and {other.id!r} overlap from {first:%m-%d}"
                faults.add(file, line, wrong, "move the seasons apart, one key can mean one thing a day")


def _shared_day(one: Season, other: Season) -> date | None:
    """The first day of a year that lies in both seasons."""
    start = date(_LEAP_YEAR, 1, 1)
    days = (start + timedelta(days=number) for number in range(366))
    return next((day for day in days if one.active(day) and other.active(day)), None)


def _day(text: str) -> date | None:
    try:
        return date(_LEAP_YEAR, int(text[:2]), int(text[3:]))
    except ValueError:
        return None


def _check_deadlines(
    faults: Faults,
    folder: Path,
    document: Document[DeadlineRules],
    info: Document[SiteInfo] | None,
    agencies: set[str],
) -> dict[date, bool]:
    rules, file = document.part, document.file
    known = set(rules.rules)
    _dangling(faults, file, document.line("default_rule"), "deadline rule", rules.default_rule, known)
    for request_type, rule in rules.by_request_type.items():
        _dangling(faults, file, document.line("by_request_type", request_type), "deadline rule", rule, known)
    for urgency, rule in rules.by_urgency.items():
        _dangling(faults, file, document.line("by_urgency", urgency), "deadline rule", rule, known)
    if info is not None and info.part.timezone != rules.timezone:
        wrong = f"time zone {rules.timezone!r} is not site.yaml's {info.part.timezone!r}"
        faults.add(file, document.line("timezone"), wrong, "make them the same")
    if rules.precedence[-1:] != ("default_rule",) or len(set(rules.precedence)) != len(rules.precedence):
        faults.add(file, document.line("precedence"), "must name each way once, default_rule last", "reorder it")
    for key, rule_part in rules.rules.items():
        line = document.line("rules", key)
        if rule_part.reply.amount == 0:
            faults.add(file, document.line("rules", key, "reply"), f"{key!r} gives no time to reply", "set amount")
        if (rule_part.late_from is None) != (rule_part.late_reply_by is None):
            faults.add(file, line, f"{key!r} has only one of late_from and late_reply_by", "give both or neither")
        if rule_part.reply_by is not None and rule_part.reply.unit not in (Unit.NATURAL_DAY, Unit.WORKING_DAY):
            faults.add(file, line, f"{key!r} has reply_by but counts {rule_part.reply.unit}s", "count days or drop it")
        if rule_part.late_from is not None and rule_part.reply.unit is not Unit.NATURAL_DAY:
            faults.add(file, line, f"{key!r} has late_from but counts {rule_part.reply.unit}s", "count natural days")
        if rule_part.max_extensions and (rule_part.extension is None or rule_part.extension.amount == 0):
            faults.add(file, line, f"{key!r} allows extensions of no length", "add extension or set max_extensions: 0")
    _check_changes(faults, document, agencies)
    for index, reminder in enumerate(rules.reminders):
        if (reminder.before is None) == (reminder.after is None):
            faults.add(file, document.line("reminders", index), "needs one of before and after", "keep one")
    levels = [level.level for level in rules.supervision_levels]
    if levels != list(range(1, len(levels) + 1)):
        faults.add(file, document.line("supervision_levels"), "levels must be 1, 2, 3 in order", "renumber them")
    if rules.calendar.overrides_file is None:
        return {}
    days = read_table(faults, folder, rules.calendar.overrides_file, CalendarDay)
    return {day.date: day.working for _, day in days}


def _check_changes(faults: Faults, document: Document[DeadlineRules], agencies: set[str]) -> None:
    file, changes = document.file, document.part.changes
    known = set(document.part.rules)
    for index, one in enumerate(changes):
        line = document.line("changes", index)
        for rule in (one.rule, one.use):
            _dangling(faults, file, line, "deadline rule", rule, known)
        if one.agency_id is not None:
            _dangling(faults, file, line, "agency", one.agency_id, agencies)
        elif one.active_from is None:
            faults.add(file, line, "a change for no agency and no season", "name one, or change the rule itself")
        _check_season(faults, file, line, one)
        for other in changes[:index]:
            same = (one.rule, one.agency_id) == (other.rule, other.agency_id)
            if same and (one.active_from is None) == (other.active_from is None) and _shared_day(one, other):
                wrong = f"a second change of {one.rule!r} for {one.agency_id or 'everybody'} on the same days"
                faults.add(file, line, wrong, "keep one, or move the seasons apart")
