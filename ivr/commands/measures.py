"""`hotline measures`: the figures of any period, or those of an Asterisk queue_log by the same definitions."""

import gzip
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from ivr.calls.figures import ClockStart
from ivr.calls.hotline_report import HotlineReport
from ivr.calls.queue_log import moment, read
from ivr.calls.queue_log_report import QueueLogReport, queue_log_report
from ivr.calls.report import Figures, Rate, Terms
from ivr.commands.common import DEFAULT_HOME, AsJson, Home, fail, run_async, say, say_json, settings_of, told
from ivr.figures_store import read_report
from ivr.settings import Settings
from ticketing.database import open_database
from ticketing.schema import check_schema
from ticketing.site import Site, default_site_dir, load_site

SHOWN_PROBLEMS = 20


@told
def measures(
    home: Home = DEFAULT_HOME,
    queue_log: Annotated[
        list[Path] | None,
        typer.Option("--queue-log", metavar="FILE", help="An Asterisk queue_log (plain or .gz); may be repeated."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="T of the service levels, in seconds; by default the site's promise.")
    ] = None,
    short: Annotated[
        float | None, typer.Option(help="Abandoned up to this many seconds is short; by default the site's.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="First arrival counted, ISO 8601.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="First arrival not counted.")] = None,
    clock: Annotated[ClockStart, typer.Option(help="When the wait begins.")] = ClockStart.QUEUE_ENTRY,
    zone: Annotated[
        str | None, typer.Option(help="Zone of times without an offset; by default the site's, UTC in a queue_log.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the measures: each with its numerator, denominator and exclusions."""
    if queue_log:
        terms = Terms(within_ms=_ms("--threshold", threshold, 15.0), short_ms=_ms("--short", short, 5.0))
        place = _zone(zone, UTC)
        log = read([(str(path), _lines(path)) for path in queue_log], place)
        begin, end = _time("--from", since, place), _time("--to", until, place)
        _show(queue_log_report(log, terms, [str(path) for path in queue_log], since=begin, until=end), as_json)
        return
    settings = settings_of(home)
    site = load_site(Path(settings.site.pack) if settings.site.pack else default_site_dir())
    place = _zone(zone, site.zone)
    promised = site.info.service_levels
    terms = Terms(
        start=clock,
        within_ms=_ms("--threshold", threshold, settings.queue.answer_within_s),
        short_ms=_ms("--short", short, promised.abandoned_min_seconds),
        first_dial=timedelta(minutes=promised.first_dial_group_window_minutes),
    )
    begin, end = _time("--from", since, place), _time("--to", until, place) or datetime.now(UTC)
    _show(run_async(_report(settings, site, terms, begin, end)), as_json)


async def _report(settings: Settings, site: Site, terms: Terms, begin: datetime | None, end: datetime) -> HotlineReport:
    async with open_database(settings.database_url) as database:
        await check_schema(database)
        return await read_report(database, terms, begin, end, site.info.survey.service.satisfied_from)


def _ms(option: str, told_s: float | None, default_s: float) -> int:
    seconds = default_s if told_s is None else told_s
    if not 0 <= seconds <= 86_400:
        fail(f"{option} is {seconds:g}; give 0 to 86400 seconds")
    return round(seconds * 1000)


def _zone(name: str | None, default: tzinfo) -> tzinfo:
    if name is None:
        return default
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        fail(f"--zone {name!r} is not a zone; give one like Asia/Shanghai")


def _time(option: str, text: str | None, zone: tzinfo) -> datetime | None:
    if text is None:
        return None
    found = moment(text, zone) or moment(f"{text}T00:00", zone)
    if found is None:
        fail(f"{option} {text!r} is not a time; give ISO 8601 like 2026-03-02T08:00, a date, or seconds since 1970")
    return found


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from file
    except (OSError, EOFError, zlib.error) as error:
        fail(f"{path}: {getattr(error, 'strerror', None) or error}; give a readable queue_log")


def _show(report: QueueLogReport | HotlineReport, as_json: bool) -> None:
    if as_json:
        say_json(report)
        return
    say(f"{report.begin} to {report.end}, wait from {report.clock_start.value}, T = {report.threshold_s:g} s")
    for line in _figures(report):
        say(line)
    say(_line("first-dial answer rate", report.first_dial_answer_rate))
    for name, worst in report.worst_24h.items():
        if worst is not None:
            say(_line(f"worst 24 h {name} from {worst.begin}", worst))
    say(_line("occupancy", report.occupancy))
    if isinstance(report, HotlineReport):
        say(_line("callbacks reached", report.callbacks.reached))
        say(_line("satisfied with the service", report.satisfaction.service))
        say(_line("satisfied with the handling", report.satisfaction.handling))
    else:
        for problem in report.problems[:SHOWN_PROBLEMS]:
            say(f"{problem.file}:{problem.line}: {problem.kind}: {problem.reason}")
        if (more := len(report.problems) - SHOWN_PROBLEMS) > 0:
            say(f"and {more} more; --json lists all")
    for name, figures in report.queues.items():
        say(f"queue {name}")
        for line in _figures(figures):
            say(f"  {line}")


def _figures(found: Figures) -> Iterator[str]:
    yield (
        f"offered {found.offered}: answered {found.answered}, abandoned {found.abandoned} (short"
        f" {found.short_abandoned}), given back {found.given_back}, undecided {found.undecided}"
    )
    yield _line("answer rate", found.answer_rate)
    yield _line("15-second rate", found.fifteen_second_rate)
    for name, level in found.service_level.items():
        yield _line(f"service level {level.formula} {name}", level)
    yield _line("abandonment", found.abandonment)
    yield _line("average speed of answer", found.asa)
    yield _line("average handle time", found.aht)


def _line(name: str, rate: Rate) -> str:
    shown = "n/a"
    if rate.value is not None:
        shown = f"{rate.value:.2%}" if rate.unit == "fraction" else f"{rate.value:.1f} s"
    apart = "; ".join(f"{count:g} {why}" for why, count in rate.exclusions.items() if count)
    return f"{name}: {rate.numerator:g}/{rate.denominator:g} = {shown}" + (f" (left out: {apart})" if apart else "")
