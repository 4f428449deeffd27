"""What `deadline_rules.yaml` of a site pack holds: spans, rules, calendar, clock, reminders. Pure data."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from ticketing.pack import Count, Name, Part, TimeOfDay, TimeRange, Weekday
from ticketing.pack_hotline import Season
from ticketing.vocabulary import AgencyId, RequestType, Urgency


class Unit(StrEnum):
    """How time is counted."""

    WORKING_DAY = "working_day"
    NATURAL_DAY = "natural_day"
    HOUR = "hour"
    MINUTE = "minute"


class Span(Part, frozen=True, kw_only=True):
    """An amount of time in one unit."""

    amount: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    unit: Unit


class DeadlineRule(Part, frozen=True, kw_only=True):
    """办理时限规则. `reply` counts from dispatch and decides the due date.

    `reply_by` names the time of day at which the last day ends, and makes the day of dispatch the first one counted
    (日结日清). A dispatch at or after `late_from` is due at `late_reply_by` of the day after that instead; only rules
    that count natural days may say so, because the day after may be closed.
    """

    name: Name
    dispatch: Span
    first_contact: Span
    reply: Span
    max_extensions: Count
    extension: Span | None = None
    reply_by: TimeOfDay | None = None
    late_from: TimeOfDay | None = None
    late_reply_by: TimeOfDay | None = None
    trigger: Name | None = None
    legal: Name | None = None
    note: str = ""


class RuleChange(Season, frozen=True, kw_only=True):
    """In place of `rule` the rule `use` counts: for an agency and every unit below it, in a season, or both.

    Of several that fit, the one of the nearest agency counts, and of one agency the seasonal one. Changes do not chain.
    """

    rule: Name
    use: Name
    agency_id: AgencyId | None = None


class CalendarRules(Part, frozen=True, kw_only=True):
    """Which days are worked. `overrides_file` (CSV: date, working, note) stands above the published calendar.

    `beyond_published_years`: `warn` counts on weekends and holidays fixed by law and says so in every result, `refuse`
    raises `CalendarUnknown`.
    """

    weekend: Annotated[tuple[Weekday, ...], msgspec.Meta(max_length=6)]
    source: str
    overrides_file: Name | None
    beyond_published_years: Literal["warn", "refuse"]


class ClockRules(Part, frozen=True, kw_only=True):
    """How the clock of a ticket runs."""

    start: Literal["dispatch"]
    working_day_rule: Literal["next_day"]
    day_end: TimeOfDay
    workday_hours: tuple[TimeRange, ...]
    hour_minute_units: Literal["continuous"]
    auto_sign_after: Span
    return_limit: Span
    max_returns: Count
    pause_reasons: tuple[Name, ...]


class Reminder(Part, frozen=True, kw_only=True):
    """Who is reminded how long before or after what; exactly one of `before` and `after` is set."""

    of: Literal["reply"]
    to: Name | tuple[Name, ...]
    before: Span | None = None
    after: Span | None = None
    when_unit: Unit | None = None
    action: Name | None = None


class SupervisionLevel(Part, frozen=True, kw_only=True):
    """A level of 督办 and the time it gives."""

    level: Annotated[int, msgspec.Meta(ge=1)]
    name: Name
    reply: Span


class CallbackRules(Part, frozen=True, kw_only=True):
    """When and how often a citizen is called back; `quiet_hours` may run over midnight."""

    first_attempt_after_reply: Span
    attempts: Annotated[int, msgspec.Meta(ge=1)]
    gap: Span
    quiet_hours: tuple[TimeRange, ...]


class DeadlineRules(Part, frozen=True, kw_only=True):
    """Everything of `deadline_rules.yaml`. `precedence` says which way of choosing a rule is asked first."""

    version: int
    timezone: Name
    calendar: CalendarRules
    clock: ClockRules
    rules: dict[str, DeadlineRule]
    default_rule: Name
    by_request_type: dict[RequestType, str]
    by_urgency: dict[Urgency, str]
    precedence: tuple[Literal["by_urgency", "category", "by_request_type", "default_rule"], ...]
    changes: tuple[RuleChange, ...] = ()
    reminders: tuple[Reminder, ...]
    supervision_levels: tuple[SupervisionLevel, ...]
    callback: CallbackRules
