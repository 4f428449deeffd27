"""What `site.yaml` of a site pack holds: the hotline's own names, texts, menu, skills and promises. Pure data."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from ticketing.pack import Count, Name, Part, TimeRange, Weekday
from ticketing.vocabulary import AgencyId, Medium, RequestType, Urgency

DayOfYear = Annotated[str, msgspec.Meta(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]


class Point(Part, frozen=True, kw_only=True):
    """WGS-84 degrees."""

    lon: float
    lat: float


class Box(Part, frozen=True, kw_only=True):
    """WGS-84 degrees."""

    min_lon: float
    min_lat: float
    max_lon: float
    max_lat: float


class SiteMap(Part, frozen=True, kw_only=True):
    """Where the site lies."""

    center: Point
    bbox: Box
    datum: Literal["WGS-84"]


class OpeningHours(Part, frozen=True, kw_only=True):
    """When which desk is staffed; a range may run over midnight."""

    human_agents: TimeRange
    days: tuple[Weekday, ...]
    enterprise_desk: TimeRange
    enrolment_desk: TimeRange
    heating_desk: TimeRange
    night_shift: TimeRange


class ServiceLevels(Part, frozen=True, kw_only=True):
    """What the hotline promises; every name carries its unit."""

    answer_within_seconds: Count
    answer_rate_percent: Count
    window: Literal["rolling_24h"]
    timely_answer_percent: Count
    first_dial_group_window_minutes: Count
    abandoned_min_seconds: Count
    missed_call_callback_within_minutes: Count
    sms_reply_within_minutes: Count
    email_reply_within_hours: Count
    draft_ready_seconds_after_hangup: Count
    ticket_dispatch_target_minutes: Count


class Season(Part, frozen=True, kw_only=True):
    """Root of what is only there for part of the year; may run over New Year. Both days are included."""

    active_from: DayOfYear | None = None
    active_to: DayOfYear | None = None

    def active(self, day: date) -> bool:
        """Whether `day` (the site's) lies in the season; without days it always does."""
        if self.active_from is None or self.active_to is None:
            return True
        today = day.strftime("%m-%d")
        if self.active_from <= self.active_to:
            return self.active_from <= today <= self.active_to
        return today >= self.active_from or today <= self.active_to


class MenuInput(Part, frozen=True, kw_only=True):
    """Digits the caller types."""

    kind: Literal["digits"]
    length: Count
    confirm: bool
    terminator: str
    max_attempts: Annotated[int, msgspec.Meta(ge=1)]


class MenuVariant(Season, frozen=True, kw_only=True):
    """What a seasonal key means in one season."""

    id: Name
    label: Name
    skill: Name
    prompt: Name | None = None
    hours: TimeRange | None = None
    out_of_hours_target: Name | None = None


class MenuOption(Part, frozen=True, kw_only=True):
    """A key of the menu: to a skill, to an action, or by season to one of `variants`."""

    id: Name
    key: Annotated[str, msgspec.Meta(pattern=r"^[0-9*#]$")]
    label: Name
    skill: Name | None = None
    prompt: Name | None = None
    hours: TimeRange | None = None
    out_of_hours_target: Name | None = None
    variants: tuple[MenuVariant, ...] = ()
    hidden_when_inactive: bool = False
    action: Literal["query_by_reference", "register_callback"] | None = None
    input: MenuInput | None = None
    fail_target: Name | None = None
    confirm_number: Literal["caller_id"] | None = None


class Menu(Part, frozen=True, kw_only=True):
    """The spoken menu (IVR)."""

    enabled: bool
    skip_on_no_input: bool
    no_input_seconds: Count
    no_input_target: Name
    intro: Name
    options: tuple[MenuOption, ...]


class SkillGroup(Season, frozen=True, kw_only=True):
    """A skill agents have and calls need (技能组)."""

    id: Name
    name: Name
    default: bool = False
    note: str = ""


class Scale(Part, frozen=True, kw_only=True):
    """A question answered by a number."""

    scale: tuple[int, int]
    labels: dict[int, str]
    satisfied_from: int
    ask_solved: bool = False


class Survey(Part, frozen=True, kw_only=True):
    """Satisfaction with the service and with the handling are two questions."""

    service: Scale
    handling: Scale


class Channel(Part, frozen=True, kw_only=True):
    """A way of contact and its name."""

    id: Medium
    name: Name


class Confidentiality(Part, frozen=True, kw_only=True):
    """What is hidden unless somebody may and needs to see it."""

    default_mask: tuple[Literal["phone", "id_number", "name"], ...]
    caller_hidden_from_accused: bool
    sensitive_categories: Literal["from_categories_csv"]


class ReferenceFormat(Part, frozen=True, kw_only=True):
    """What a ticket's number looks like and how it is read out."""

    format: Literal["YYMMDDNNNN"]
    length: Literal[10]
    spoken: str


class SiteInfo(Part, frozen=True, kw_only=True):
    """Everything of `site.yaml`. `announcements` and `greetings` may hold {placeholders}."""

    version: int
    site_id: Name
    name: Name
    short_name: Name
    city: Name
    province: Name
    adcode: Name
    area_code: Name
    hotline_number: Name
    timezone: Name
    locale: Name
    demo: bool
    root_agency_id: AgencyId
    hotline_agency_id: AgencyId
    map: SiteMap
    greetings: dict[str, Name]
    opening_hours: OpeningHours
    service_levels: ServiceLevels
    ivr: Menu
    skills: tuple[SkillGroup, ...]
    announcements: dict[str, Name]
    survey: Survey
    channels: tuple[Channel, ...]
    request_types: tuple[RequestType, ...]
    request_type_notes: dict[RequestType, str]
    urgencies: tuple[Urgency, ...]
    confidentiality: Confidentiality
    reference_number: ReferenceFormat
