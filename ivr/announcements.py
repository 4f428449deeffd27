"""What a citizen hears, from the site pack: the texts to be made into sounds, and a call's plan at a given time."""

from datetime import datetime, time

from asterisk_conf.promptbook import PromptBook
from ivr.calls.caller import ANYBODY, Caller
from ivr.calls.menu import Menu, MenuOption
from ivr.calls.plan import CallPlan, QueueSounds
from ivr.calls.vocabulary import Skill
from ivr.queueing import wrap_ups
from ivr.settings import QueueSettings, SettingsError
from ticketing.pack_hotline import MenuOption as PackOption
from ticketing.pack_hotline import MenuVariant
from ticketing.site import Site

CLOSED = "closed"
"""The announcement of the hours in which no person works; a pack without such hours needs none."""
COMFORT = "comfort_"
"""Announcements whose name begins so are said in turn to those who wait."""
WAITS_TOLD = 30
"""Minutes of waiting that have an announcement; who will wait longer is told the place alone."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PLACES_TOLD = 30
"""Places in the queue that have an announcement; further back the citizen hears that all agents are busy."""


def prompt_book(site: Site) -> PromptBook:
    """Every announcement of a site by the name of its sound. Raises `PromptRefused` for a text that cannot be said."""
    info = site.info
    texts = {f"greeting_{name}": text for name, text in info.greetings.items()} | dict(info.announcements)
    texts["menu_intro"] = info.ivr.intro
    for option in info.ivr.options:
        named: tuple[PackOption | MenuVariant, ...] = (option, *option.variants)
        for each in named:
            if each.prompt is not None:
                texts[f"menu_{each.id}"] = each.prompt
    return PromptBook(texts)


class CallPlans:
    """Makes the plan of each call: the season's desks, the hour's, and the operator's times."""

    def __init__(self, site: Site, book: PromptBook, queue: QueueSettings) -> None:
        self._site = site
        self._queue = queue
        self._default = Skill(next(skill.id for skill in site.info.skills if skill.default))
        self._waiting = QueueSounds(
            places=(
                book.sounds_for("queue_next"),
                *(book.sounds_for("queue_position", position=ahead) for ahead in range(1, PLACES_TOLD)),
            ),
            far=book.sounds_for("all_busy"),
            busy=book.sounds_for("all_busy"),
            apology=book.sounds_for("apology"),
            waits=_waits(book) if queue.estimate else (),
            notice=_notice(site, book, queue.notice),
            comforts=tuple(
                book.sounds_for(name) for name in sorted(site.info.announcements) if name.startswith(COMFORT)
            ),
        )
        self._wrap_ups = wrap_ups(site, queue)

    def at(self, moment: datetime, caller: Caller = ANYBODY) -> CallPlan:
        """The plan of a call of `caller` that arrives at `moment` (aware)."""
        queue = self._queue
        staffed = self._staffed(moment)
        return CallPlan(
            caller=caller,
            staffed=staffed,
            wrap_up_by_skill=self._wrap_ups,
            max_wait_ms=round(queue.max_wait_s * 1000) or None,
            menu=self._menu(moment),
            greeting=("greeting_default",) if staffed else ("greeting_default", CLOSED),
            recording_notice=("recording",) if staffed else (),
            queue=self._waiting,
            ring_ms=round(queue.ring_s * 1000),
            wrap_up_ms=round(queue.wrap_up_s * 1000),
            announce_every_ms=round(queue.position_every_s * 1000),
        )

    def _staffed(self, moment: datetime) -> bool:
        hours, local = self._site.info.opening_hours, moment.astimezone(self._site.zone)
        return WEEKDAYS[local.weekday()] in hours.days and _open(hours.human_agents, local.time())

    def _menu(self, moment: datetime) -> Menu:
        pack = self._site.info.ivr
        if not (pack.enabled and self._queue.menu):
            return Menu(default=self._default)
        local = moment.astimezone(self._site.zone)
        offered = [found for option in pack.options if (found := _offered(option, local)) is not None]
        if not offered:
            return Menu(default=self._default)
        return Menu(
            default=self._default,
            options=tuple(MenuOption(key=key, skill=Skill(skill)) for key, skill, _ in offered),
            sounds=("menu_intro", *(sound for _, _, sound in offered)),
            wait_ms=round(self._queue.menu_wait_s * 1000),
        )


def _waits(book: PromptBook) -> tuple[tuple[str, ...], ...]:
    longer = (book.sounds_for("estimated_wait", minutes=minutes) for minutes in range(1, WAITS_TOLD + 1))
    return (book.sounds_for("estimated_wait_short"), *longer)


def _notice(site: Site, book: PromptBook, name: str) -> tuple[str, ...]:
    if not name:
        return ()
    if name not in site.info.announcements:
        raise SettingsError(f"[queue] notice is {name!r}, which the site pack does not announce; choose one it has")
    return book.sounds_for(name)


def _offered(option: PackOption, local: datetime) -> tuple[str, str, str] | None:
    """Key, skill and sound of an option that leads to a desk that is open at this season and hour."""
    chosen: PackOption | MenuVariant | None = option
    if option.variants:
        chosen = next((variant for variant in option.variants if variant.active(local.date())), None)
    if chosen is None or chosen.skill is None or chosen.prompt is None or not _open(chosen.hours, local.time()):
        return None
    return option.key, chosen.skill, f"menu_{chosen.id}"


def _open(hours: str | None, now: time) -> bool:
    """Whether a time of day lies in `HH:MM-HH:MM`; `24:00` is the end of the day, and hours may run over midnight."""
    if hours is None:
        return True
    begin, _, end = hours.partition("-")
    minute = now.strftime("%H:%M")
    return begin <= minute < end if begin <= end else minute >= begin or minute < end
