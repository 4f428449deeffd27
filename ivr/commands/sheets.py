"""`hotline import …` and `hotline export …`: sheets in and out."""

import shutil
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ivr.commands.books import As, Why, open_books, refused
from ivr.commands.common import DEFAULT_HOME, AsJson, Home, fail, note, run_async, say, say_json, settings_of, told
from ticketing.errors import AccessRefused
from ticketing.exporting import TicketExport
from ticketing.importing import IMPORTERS, TicketImport
from ticketing.importing_articles import merged_lines, read_articles
from ticketing.lifecycle.table import ROLE_NAMES
from ticketing.old_tickets import Fault
from ticketing.records import AuditRecord, TicketFilter
from ticketing.service import utc_now
from ticketing.sheets import write_csv
from ticketing.site_store import SiteStore
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import AgencyId, TicketState

importing = typer.Typer(help="Old tickets and articles from CSV or Excel.", no_args_is_help=True)
exporting = typer.Typer(help="Tickets to CSV, Excel or JSON.", no_args_is_help=True)

Sheet = Annotated[Path, typer.Argument(metavar="FILE", help="A .csv or .xlsx file; its first row are the headings.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Judge every row, write nothing.")]
Report = Annotated[Path | None, typer.Option("--report", metavar="FILE.csv", help="Write the refused rows here too.")]

FAULTS = 1
"""Exit status when rows were refused."""


@importing.command("tickets")
@told
def import_tickets(
    file: Sheet,
    actor: As = "",
    dry_run: DryRun = False,
    skip: Annotated[bool, typer.Option("--skip-refused", help="Bring in the others if some are refused.")] = False,
    report: Report = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Bring in tickets of an earlier system, each with its past. One refused row, and nothing is brought in."""

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            try:
                brought = await TicketImport(books.database, books.site).bring_in(file, who, dry_run=dry_run, skip=skip)
            except AccessRefused as error:
                refused(error, as_json=as_json)
        if as_json:
            say_json(brought)
        else:
            say(f"{brought.rows} 行，导入 {brought.written}，以前已导入 {brought.known}，拒收 {_rows(brought.faults)}")
            if brought.first:
                say(f"工单 {brought.first} 至 {brought.last}")
        _tell(brought.faults, report, as_json=as_json)

    run_async(main())


@importing.command("articles")
@told
def import_articles(
    file: Sheet,
    actor: As = "",
    dry_run: DryRun = False,
    report: Report = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Bring in articles: a new version of the site pack has them, or, if one row is refused, nothing is changed."""
    if settings_of(home).site.pack:
        fail("[site] pack names a folder, and that one is in force; change its kb.jsonl, or remove the setting")

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            if who.role not in IMPORTERS:
                refused(AccessRefused(f"{ROLE_NAMES[who.role]}无权导入"), as_json=as_json)
            today = datetime.now(books.site.zone).date()
            articles, faults = read_articles(file, books.site, today)
            store = SiteStore(books.settings.home / "site")
            version = ""
            if articles and not faults and not dry_run:
                with tempfile.TemporaryDirectory() as folder:
                    pack = Path(shutil.copytree(store.current(), Path(folder) / "pack"))
                    (pack / "kb.jsonl").write_bytes(merged_lines(books.site, articles))
                    version = store.load(pack, today).folder.name
                async with UnitOfWork(books.database) as unit:
                    await unit.audits.add(
                        AuditRecord(
                            at=utc_now(),
                            actor=who.id,
                            action="import",
                            subject_kind="site",
                            subject_id=version,
                            why=f"{file.name}: {len(articles)}",
                        )
                    )
        if as_json:
            written = len(articles) if version else 0
            say_json({"articles": len(articles), "written": written, "version": version, "faults": faults})
        else:
            say(f"{len(articles)} 篇可用，拒收 {_rows(faults)}" + (f"，下次启动起生效（{version}）" if version else ""))
        _tell(faults, report, as_json=as_json)

    run_async(main())


@exporting.command("tickets")
@told
def export_tickets(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .csv, .xlsx or .json.")],
    actor: As = "",
    why: Why = "",
    state: Annotated[list[TicketState] | None, typer.Option(help="Only these states.")] = None,
    agency: Annotated[list[str] | None, typer.Option(help="Led or held by these agencies.")] = None,
    category: Annotated[str, typer.Option(help="Code, or its first two or four digits.")] = "",
    limit: Annotated[int, typer.Option(min=1)] = 100_000,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Write tickets to a file, masked and marked with who took them; the audit keeps it."""
    wanted = TicketFilter(
        states=tuple(state or ()), agencies=tuple(AgencyId(one) for one in agency or ()), category_prefix=category
    )

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            try:
                taken = await TicketExport(books.database, books.site).take_out(file, wanted, who, why, limit)
            except AccessRefused as error:
                refused(error, as_json=as_json)
            except OSError as error:
                fail(f"{file}: {error.strerror}")
        say_json(taken) if as_json else say(f"{taken.tickets} 件 → {taken.file}（{taken.mark}）")

    run_async(main())


def _tell(faults: Sequence[Fault], report: Path | None, *, as_json: bool) -> None:
    if report is not None:
        lines: list[tuple[Any, ...]] = [(str(one.row), one.column, one.why, one.mend) for one in faults]
        write_csv(report, ("行", "列", "原因", "改法"), lines)
    if faults and not as_json:
        for one in faults[:50]:
            note(f"第 {one.row} 行 {one.column}：{one.why}；{one.mend}")
        if len(faults) > 50:
            note(f"……共 {len(faults)} 处，--report 写出全部")
    if faults:
        raise typer.Exit(FAULTS)


def _rows(faults: Sequence[Fault]) -> int:
    return len({one.row for one in faults})
