"""A site: its pack, read, checked and joined, with the look-ups and trees everything else asks.

`load_site` reads files once; a `Site` is pure and never changes. Every fault of a pack is found in one reading.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from ticketing.errors import UnknownId
from ticketing.pack import Agency, Article, Category, Emergency, NotAccepted, Place, Refusal
from ticketing.pack_checks import Pack, check
from ticketing.pack_deadlines import DeadlineRule, DeadlineRules
from ticketing.pack_hotline import SiteInfo
from ticketing.pack_reader import Faults, read_json_lines, read_table, read_yaml
from ticketing.pack_retired import PartKind, Retired, read_retired
from ticketing.vocabulary import AgencyId, ArticleId, CategoryCode, PlaceId

_Key = TypeVar("_Key")
_Part = TypeVar("_Part")

WORDS: Mapping[PartKind, str] = {
    PartKind.RULE: "deadline rule",
    PartKind.REFUSAL: "reason for not accepting",
    **{kind: kind.value for kind in (PartKind.AGENCY, PartKind.CATEGORY, PartKind.PLACE, PartKind.ARTICLE)},
}
"""What a person calls each kind of part."""

COUNTY_WORD = "county"
"""In a category's agency rule: the unit of the county the place lies in."""

SUBDISTRICT_WORD = "subdistrict"
"""In a category's agency rule: the unit of the subdistrict or town the place lies in."""


class Site:
    """One hotline's data. Look-ups raise `UnknownId`, naming what was asked for.

    They also answer for retired ids, which stand in none of the tables: nothing new can name one.
    """

    def __init__(
        self,
        *,
        info: SiteInfo,
        agencies: dict[AgencyId, Agency],
        categories: dict[CategoryCode, Category],
        places: dict[PlaceId, Place],
        articles: dict[ArticleId, Article],
        deadlines: DeadlineRules,
        not_accepted: NotAccepted,
        emergency: Emergency,
        calendar_overrides: dict[date, bool],
        retired: Retired | None = None,
    ) -> None:
        self.info = info
        self.agencies = agencies
        self.categories = categories
        self.places = places
        self.articles = articles
        self.deadlines = deadlines
        self.not_accepted = not_accepted
        self.emergency = emergency
        self.calendar_overrides = calendar_overrides
        self.retired = retired or Retired()
        self.zone = ZoneInfo(info.timezone)
        self._children: dict[AgencyId, list[Agency]] = defaultdict(list)
        for agency in agencies.values():
            self._children[agency.parent_id].append(agency)
        self._refusals = {reason.id: reason for reason in not_accepted.reasons}

    def agency(self, agency_id: str) -> Agency:
        """The handling unit."""
        return self._named(PartKind.AGENCY, self.agencies, AgencyId(agency_id))

    def has_agency(self, agency_id: str | None) -> bool:
        """Whether the unit is, or once was, one of the site's."""
        return agency_id in self.agencies or bool(agency_id and self.retired.get(PartKind.AGENCY, agency_id))

    def category(self, code: str) -> Category:
        """The leaf of the taxonomy."""
        return self._named(PartKind.CATEGORY, self.categories, CategoryCode(code))

    def place(self, place_id: str) -> Place:
        """The row of the gazetteer."""
        return self._named(PartKind.PLACE, self.places, PlaceId(place_id))

    def article(self, article_id: str) -> Article:
        """The article of the knowledge base."""
        return self._named(PartKind.ARTICLE, self.articles, ArticleId(article_id))

    def rule(self, rule_id: str) -> DeadlineRule:
        """The deadline rule."""
        return self._named(PartKind.RULE, self.deadlines.rules, rule_id)

    def applied_rule(self, rule_id: str, agency_id: str | None, at: datetime) -> str:
        """The id of the rule that counts in place of `rule_id` for an agency, dispatched at `at` (aware).

        Raises `UnknownId` for an agency or a rule the site does not have.
        """
        self.rule(rule_id)
        day = at.astimezone(self.zone).date()
        fitting = [one for one in self.deadlines.changes if one.rule == rule_id and one.active(day)]
        near = [agency_id, *(above.id for above in self.ancestors(agency_id))] if agency_id else []
        for agency in (*near, None):
            here = [one for one in fitting if one.agency_id == agency]
            if here:
                return min(here, key=lambda one: one.active_from is None).use
        return rule_id

    def rule_for(self, rule_id: str, agency_id: str | None, at: datetime) -> DeadlineRule:
        """The deadline rule that counts, see `applied_rule`. An agency the site no longer has takes no exception."""
        known = agency_id if self.has_agency(agency_id) else None
        return self.rule(self.applied_rule(rule_id, known, at))

    def refusal(self, refusal_id: str) -> Refusal:
        """The reason for not accepting."""
        return self._named(PartKind.REFUSAL, self._refusals, refusal_id)

    def children(self, agency_id: str) -> tuple[Agency, ...]:
        """The units directly under an agency, in the pack's order."""
        return tuple(self._children.get(AgencyId(agency_id), ()))

    def ancestors(self, agency_id: str) -> Iterator[Agency]:
        """The units above an agency, nearest first, the root last."""
        above = self.agency(agency_id).parent_id
        while above:
            agency = self.agency(above)
            yield agency
            above = agency.parent_id

    def is_under(self, agency_id: str, head_id: str) -> bool:
        """Whether an agency is `head_id` itself or somewhere below it."""
        return agency_id == head_id or any(agency.id == head_id for agency in self.ancestors(agency_id))

    def descendants(self, agency_id: str) -> Iterator[Agency]:
        """Every unit below an agency, parents before their children."""
        for child in self.children(agency_id):
            yield child
            yield from self.descendants(child.id)

    def county_of(self, place: Place) -> Place | None:
        """The county a place lies in; None where the gazetteer does not say."""
        return self.place(place.county_id) if place.county_id else None

    def subdistrict_of(self, place: Place) -> Place | None:
        """The subdistrict or town a place lies in; None where the gazetteer does not say."""
        return self.place(place.subdistrict_id) if place.subdistrict_id else None

    def _named(self, kind: PartKind, parts: Mapping[_Key, _Part], key: _Key) -> _Part:
        found = parts.get(key) or self.retired.get(kind, str(key))
        if found is None:
            raise UnknownId(f"no {WORDS[kind]} {str(key)[:40]!r} in this site")
        part: _Part = found
        return part

    def place_path(self, place: Place) -> str:
        """Where it is as a person says it: 盐湖区北城街道学苑路."""
        above = [one.name for one in (self.county_of(place), self.subdistrict_of(place)) if one and one.id != place.id]
        return "".join([*above, place.name])


def default_site_dir() -> Path:
    """The embedded demonstration site."""
    return Path(__file__).parent / "sites" / "yuncheng"


def load_site(folder: Path) -> Site:
    """Read and check a pack. Raises `SitePackBroken` with every fault; a broken pack is never half a site."""
    faults = Faults()
    pack = Pack(
        agencies=read_table(faults, folder, "agencies.csv", Agency),
        categories=read_table(faults, folder, "categories.csv", Category),
        places=read_table(faults, folder, "places.csv", Place),
        articles=read_json_lines(faults, folder, "kb.jsonl", Article),
        info=read_yaml(faults, folder, "site.yaml", SiteInfo),
        deadlines=read_yaml(faults, folder, "deadline_rules.yaml", DeadlineRules),
        not_accepted=read_yaml(faults, folder, "not_accepted.yaml", NotAccepted),
        emergency=read_yaml(faults, folder, "emergency.yaml", Emergency),
    )
    overrides = check(faults, folder, pack)
    retired = read_retired(faults, folder)
    faults.raise_if_any()
    assert pack.info and pack.deadlines and pack.not_accepted and pack.emergency  # a missing one is a fault
    return Site(
        info=pack.info.part,
        agencies={agency.id: agency for _, agency in pack.agencies},
        categories={category.code: category for _, category in pack.categories},
        places={place.id: place for _, place in pack.places},
        articles={article.id: article for _, article in pack.articles},
        deadlines=pack.deadlines.part,
        not_accepted=pack.not_accepted.part,
        emergency=pack.emergency.part,
        calendar_overrides=overrides,
        retired=retired,
    )
