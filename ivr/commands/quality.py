"""`hotline quality …` and `hotline praise …`: tickets judged again, and whom citizens praised."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import typer

from ivr.commands.books import As, Books, open_books, refused
from ivr.commands.common import DEFAULT_HOME, AsJson, Home, fail, run_async, say, say_json, told
from ivr.commands.ticket import Reference
from ticketing.errors import AccessRefused
from ticketing.lifecycle.table import ROLE_NAMES
from ticketing.quality import INSPECTORS, Quality
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import PraiseForm

inspections = typer.Typer(help="质检: draw tickets and score them.", no_args_is_help=True)
praises = typer.Typer(help="表扬: whom citizens praised.", no_args_is_help=True)

From = Annotated[str, typer.Option("--from", metavar="DAY", help="First day, YYYY-MM-DD; 30 days ago by default.")]
To = Annotated[str, typer.Option("--to", metavar="DAY", help="Last day; today by default.")]


@inspections.command("sample")
@told
def sample(
    actor: As = "",
    day: Annotated[str, typer.Option(help="YYYY-MM-DD; yesterday by default.")] = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Draw a day's tickets: by rule, and a share by lot. Again it draws nothing new."""

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            if who.role not in INSPECTORS:
                refused(AccessRefused(f"{ROLE_NAMES[who.role]}无权质检"), as_json=as_json)
            wanted = _day(day) if day else datetime.now(books.site.zone).date() - timedelta(days=1)
            async with UnitOfWork(books.database) as unit:
                drawn = await Quality(books.site).sample(unit, wanted)
            if as_json:
                say_json(drawn)
            else:
                say(f"{wanted}: " + (", ".join(f"{rule} {number}" for rule, number in drawn.items()) or "nothing new"))

    run_async(main())


@inspections.command("list")
@told
def list_waiting(
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50, home: Home = DEFAULT_HOME, as_json: AsJson = False
) -> None:
    """What is drawn and waits to be judged, oldest first."""

    async def main() -> None:
        async with open_books(home) as books:
            async with UnitOfWork(books.database, reads=True) as unit:
                waiting = await unit.quality.waiting(limit)
            if as_json:
                items = [
                    {"id": one.id, "name": one.name, "points": one.points, "fatal": one.fatal}
                    for one in books.site.quality.items
                ]
                say_json({"sheet": books.site.quality.sheet, "items": items, "waiting": books.plain(waiting)})
                return
            for one in waiting:
                say(f"{one.id:6} {one.reference}  {one.rule}  {one.judged}")

    run_async(main())


@inspections.command("score")
@told
def score(
    inspection: Annotated[int, typer.Argument(metavar="ID")],
    items: Annotated[list[str], typer.Option("--item", metavar="NAME=POINTS", help="For every line of the sheet.")],
    actor: As = "",
    remark: Annotated[str, typer.Option()] = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Judge a ticket that was drawn."""
    scores: dict[str, int] = {}
    for item in items:
        name, _, points = item.partition("=")
        if not points.isdecimal():
            fail(f"--item {item!r} must be NAME=POINTS")
        scores[name] = int(points)

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            try:
                async with UnitOfWork(books.database) as unit:
                    judged = await Quality(books.site).score(unit, inspection, who, scores, remark)
            except AccessRefused as error:
                refused(error, as_json=as_json)
            say_json(books.plain(judged)) if as_json else say(f"{judged.reference}  {judged.total}")

    run_async(main())


@inspections.command("results")
@told
def results(first: From = "", last: To = "", home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """How each agent was judged: how often, mean and lowest score."""

    async def main() -> None:
        async with open_books(home) as books:
            start, end = _days(books, first, last)
            async with UnitOfWork(books.database, reads=True) as unit:
                found = await unit.quality.results(start, end)
            if as_json:
                say_json(found)
                return
            for one in found:
                say(f"{one.judged}  n={one.inspected}  mean {one.mean}  lowest {one.lowest}")

    run_async(main())


@praises.command("set")
@told
def praise(
    reference: Reference,
    actor: As = "",
    agency: Annotated[str, typer.Option(help="The agency; by default the ticket's lead.")] = "",
    person: Annotated[str, typer.Option(help="Whom the citizen named.")] = "",
    form: Annotated[PraiseForm, typer.Option()] = PraiseForm.CALL,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Say whom a 表扬 ticket praises."""

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            try:
                async with UnitOfWork(books.database) as unit:
                    await Quality(books.site).praise(unit, reference, who, agency=agency, person=person, form=form)
            except AccessRefused as error:
                refused(error, as_json=as_json)

    run_async(main())


@praises.command("count")
@told
def count(first: From = "", last: To = "", home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """How often each agency and person was praised, the most first."""

    async def main() -> None:
        async with open_books(home) as books:
            start, end = _days(books, first, last)
            async with UnitOfWork(books.database, reads=True) as unit:
                found = await unit.quality.praised(start, end)
            if as_json:
                say_json(found)
                return
            for one in found:
                name = books.site.agency(one.agency_id).short_name
                say(f"{one.times:5}  {name} {one.person}  {one.form}")

    run_async(main())


def _days(books: Books, first: str, last: str) -> tuple[datetime, datetime]:
    today = datetime.now(books.site.zone).date()
    start, end = (_day(first) if first else today - timedelta(days=30)), (_day(last) if last else today)
    bounds = (datetime.combine(one, time(), books.site.zone) for one in (start, end + timedelta(days=1)))
    begin, over = (one.astimezone(UTC) for one in bounds)
    return begin, over


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no day; write one like 2026-11-02")
