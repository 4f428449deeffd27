"""What the tables of a site pack hold: one frozen struct for each thing they name. Pure data.

`pack_deadlines` and `pack_hotline` hold the rest; `ticketing.site` reads and joins them. The README beside the embedded
pack (`sites/yuncheng`) says what every file, column and key means. Times of day are texts "HH:MM" in the site's zone
("24:00" ends the day), days of the year "MM-DD".
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from ticketing.vocabulary import AgencyId, ArticleId, CategoryCode, PlaceId, RequestType, Urgency

Name = Annotated[str, msgspec.Meta(min_length=1)]
TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
TimeRange = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
Count = Annotated[int, msgspec.Meta(ge=0)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Root of everything a pack holds; an unknown key is a fault."""


# ---- who handles


class AgencyKind(StrEnum):
    """The branch of the tree an agency hangs on, not its level."""

    CITY_DEPARTMENT = "city_department"
    HOTLINE_OFFICE = "hotline_office"
    ENTERPRISE = "enterprise"
    EMERGENCY = "emergency"
    COUNTY = "county"
    SUBDISTRICT = "subdistrict"
    TOWN = "town"


class Agency(Part, frozen=True, kw_only=True):
    """A handling unit (承办单位). `parent_id` is empty at the root; `duties` are phrases for search and hints."""

    id: Annotated[AgencyId, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]+$")]  # it names folders and keys
    name: Name
    short_name: Name
    aliases: tuple[Name, ...]
    kind: AgencyKind
    parent_id: AgencyId
    duties: tuple[Name, ...]


class Category(Part, frozen=True, kw_only=True):
    """A leaf of the three-level taxonomy (诉求分类).

    `lead_agency_rule` and each of `co_agency_ids` is an agency id or the word `county` / `subdistrict`: the unit of the
    place decides. `sensitive` categories are for restricted viewing.
    """

    code: Annotated[CategoryCode, msgspec.Meta(pattern=r"^\d{6}$")]
    level1: Name
    level2: Name
    level3: Name
    request_types: Annotated[tuple[RequestType, ...], msgspec.Meta(min_length=1)]
    keywords: tuple[Name, ...]
    lead_agency_rule: Name
    co_agency_ids: tuple[Name, ...]
    urgency: Urgency
    deadline_rule_id: Name
    sensitive: bool


# ---- where


class PlaceKind(StrEnum):
    """What a place is."""

    COUNTY = "county"
    SUBDISTRICT = "subdistrict"
    TOWN = "town"
    VILLAGE = "village"
    COMPOUND = "compound"
    ROAD = "road"
    SCHOOL = "school"
    MARKET = "market"
    HOSPITAL = "hospital"
    GOVERNMENT = "government"
    SCENIC = "scenic"
    PARK = "park"
    STATION = "station"
    BRIDGE = "bridge"
    LANDMARK = "landmark"


class Place(Part, frozen=True, kw_only=True):
    """A row of the gazetteer. Coordinates are WGS-84 degrees, None when unknown; never send anybody by them.

    `county_id` is empty only for a place that lies in several counties; `subdistrict_id` where it is not known.
    """

    id: Annotated[PlaceId, msgspec.Meta(min_length=1)]
    name: Name
    aliases: tuple[Name, ...]
    kind: PlaceKind
    county_id: PlaceId
    subdistrict_id: PlaceId
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None


# ---- what is known


class Article(Part, frozen=True, kw_only=True):
    """A knowledge-base article. `valid_to` None means open-ended; an expired one must not be answered from."""

    id: Annotated[ArticleId, msgspec.Meta(min_length=1)]
    kind: Literal["政务便民", "公共服务", "单位职责"] = msgspec.field(name="class")
    title: Name
    questions: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    answer: Name
    category_code: CategoryCode
    agency_id: AgencyId
    tags: tuple[Name, ...]
    valid_from: date | None
    valid_to: date | None
    updated_at: date

    def expired(self, today: date) -> bool:
        """Whether it no longer holds on `today` (the site's day)."""
        return self.valid_to is not None and self.valid_to < today


# ---- what is not taken, and what is passed on at once


class Refusal(Part, frozen=True, kw_only=True):
    """A reason for not accepting a request (不予受理). Cues are hints for a person, never a decision."""

    id: Name
    name: Name
    cues: tuple[Name, ...]
    not_cues: tuple[Name, ...] = ()
    script: Name
    send_to: Name
    record: Name


class NotAccepted(Part, frozen=True, kw_only=True):
    """Everything of `not_accepted.yaml`."""

    version: int
    policy: str
    reasons: tuple[Refusal, ...]


class EmergencyMatch(Part, frozen=True, kw_only=True):
    """How emergency cues are matched; the README beside the pack says it in words."""

    unit: Literal["utterance"]
    negation_window_chars: Count
    past_markers: tuple[Name, ...]
    negative_markers: tuple[Name, ...]
    present_markers: tuple[Name, ...]
    rule: str
    whole_cue_first: bool
    negative_list_wins: bool


class EmergencyTransfer(Part, frozen=True, kw_only=True):
    """An emergency line, the cues that suggest it and those that do not."""

    id: Name
    target_number: Name
    agency_id: AgencyId
    name: Name
    positive: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    negative: tuple[Name, ...]
    script: Name
    mode: Literal["three_way", "direct_transfer"]
    also: tuple[AgencyId, ...]


class AfterTransfer(Part, frozen=True, kw_only=True):
    """What is done after a transfer."""

    record: str
    follow_up_minutes: Count
    failed_target: str
    unclear: str


class Emergency(Part, frozen=True, kw_only=True):
    """Everything of `emergency.yaml`."""

    version: int
    match: EmergencyMatch
    transfers: tuple[EmergencyTransfer, ...]
    after_transfer: AfterTransfer
