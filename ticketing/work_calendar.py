"""Which days a site works: China's published calendar with 调休, and what stands above it. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

import chinese_calendar

from ticketing.errors import CalendarUnknown
from ticketing.site import Site

_WEEKDAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
"""The days 全国年节及纪念日放假办法 (2024) fixes in the solar calendar; the lunar ones await the yearly notice."""


class WorkCalendar:
    """The site's days: zone, end of business and which days are worked.

    Published days come from `chinesecalendar`; `overrides` (day → worked) stand above it. In a year it does not know,
    `beyond` decides: `warn` counts weekends and the holidays that law fixes, and whoever counts says so in the result
    (`is_published`); `refuse` raises `CalendarUnknown`.
    """

    def __init__(
        self,
        zone: ZoneInfo,
        *,
        day_end: str = "17:30",
        weekend: Sequence[str] = ("sat", "sun"),
        overrides: Mapping[date, bool] | None = None,
        beyond: Literal["warn", "refuse"] = "warn",
    ) -> None:
        self.zone = zone
        self.day_end = day_end
        self._weekend = frozenset(_WEEKDAY_NAMES.index(name) for name in weekend)
        self._overrides = dict(overrides or {})
        self._beyond = beyond

    @classmethod
    def of_site(cls, site: Site) -> "WorkCalendar":
        """The calendar a site's rules ask for."""
        rules = site.deadlines
        return cls(
            site.zone,
            day_end=rules.clock.day_end,
            weekend=rules.calendar.weekend,
            overrides=site.calendar_overrides,
            beyond=rules.calendar.beyond_published_years,
        )

    def is_working(self, day: date) -> bool:
        """Whether `day` is worked. Raises `CalendarUnknown` in an unpublished year where the site refuses to guess."""
        if day in self._overrides:
            return self._overrides[day]
        if not self.is_published(day):
            if self._beyond == "refuse":
                raise CalendarUnknown(
                    f"working days of {day.year} are not published here; update chinesecalendar or list them in the "
                    "pack's calendar overrides_file"
                )
            return day.weekday() not in self._weekend and (day.month, day.day) not in _FIXED_HOLIDAYS
        return bool(chinese_calendar.is_workday(day))

    def is_published(self, day: date) -> bool:
        """Whether the day's status is certain: overridden, or in a year the published calendar covers."""
        if day in self._overrides:
            return True
        try:
            chinese_calendar.is_workday(day)
        except NotImplementedError:
            return False
        return True

    def describe(self, day: date) -> str:
        """Why a day is open or closed, in a word: 工作日, 周末, 国庆节放假, 调休上班, 站点日历."""
        working = self.is_working(day)
        if day in self._overrides:
            return "站点日历上班" if working else "站点日历放假"
        weekend = day.weekday() in self._weekend
        if working:
            return "调休上班" if weekend else "工作日"
        if self.is_published(day) and (name := chinese_calendar.get_holiday_detail(day)[1]):
            return f"{chinese_calendar.Holiday(name).chinese}放假"
        return "周末" if weekend else "法定节日"
