"""`hotline site …`: a city's data."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ivr.commands.books import As, open_books
from ivr.commands.common import DEFAULT_HOME, AsJson, Home, fail, note, run_async, say, say_json, settings_of, told
from ticketing.errors import SitePackBroken
from ticketing.lifecycle.life import OPEN
from ticketing.pack_retired import PartKind
from ticketing.records import AuditRecord, TicketFilter
from ticketing.service import utc_now
from ticketing.site import load_site
from ticketing.site_store import Loaded, SiteStore
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import AgencyId

app = typer.Typer(
    help="The city's data: agencies, categories, places, rules, articles, announcements.", no_args_is_help=True
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The site pack's folder.")]


@app.command()
@told
def check(folder: Folder, as_json: AsJson = False) -> None:
    """Check a site pack; every fault is printed with its file, line and mend."""
    faults: list[str] = []
    try:
        site = load_site(folder)
    except SitePackBroken as broken:
        faults = broken.faults
    if as_json:
        say_json({"ok": not faults, "faults": faults})
    elif faults:
        for fault in faults:
            say(fault)
    else:
        say(f"{site.info.name}: no fault")
    if faults:
        raise typer.Exit(1)


@app.command()
@told
def load(folder: Folder, actor: As = "", home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Bring a changed pack in: it is copied into the instance, and ids it no longer has are retired, never deleted.

    It is in force for whatever starts next; a running server is to be started again.
    """
    if settings_of(home).site.pack:
        fail("[site] pack names a folder, and that one is in force; remove the setting to work with loaded packs")

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            store = SiteStore(books.settings.home / "site")
            try:
                loaded = store.load(folder, datetime.now(books.site.zone).date())
            except OSError as error:
                fail(f"{error.filename}: {error.strerror}; nothing was loaded")
            counts = _counts(loaded)
            gone = tuple(AgencyId(one) for one in loaded.retired.get(PartKind.AGENCY, ()))
            async with UnitOfWork(books.database) as unit:
                if not loaded.same:
                    await unit.audits.add(
                        AuditRecord(
                            at=utc_now(),
                            actor=who.id,
                            action="site_load",
                            subject_kind="site",
                            subject_id=loaded.folder.name,
                            why="; ".join(f"{what} {number}" for what, number in counts.items()),
                        )
                    )
                wanted = TicketFilter(agencies=gone, states=tuple(OPEN))
                stranded = await unit.tickets.find(wanted, 1000) if gone else ()
        references = [one.reference for one in stranded]
        told_of = {
            "same": loaded.same,
            "version": loaded.folder.name,
            "added": loaded.added,
            "changed": loaded.changed,
            "retired": loaded.retired,
            "revived": loaded.revived,
            "open_at_retired_agencies": references,
        }
        if as_json:
            say_json(told_of)
        elif loaded.same:
            say("nothing in it is new")
        else:
            say(
                f"pack {loaded.folder.name} is in force from the next start: "
                + ", ".join(f"{n} {w}" for w, n in counts.items())
            )
        if references:
            first = " ".join(references[:10])
            note(f"hotline: {len(references)} open tickets are with retired agencies: {first}")

    run_async(main())


def _counts(loaded: Loaded) -> dict[str, int]:
    kinds = {"added": loaded.added, "changed": loaded.changed, "retired": loaded.retired, "revived": loaded.revived}
    return {what: sum(len(ids) for ids in found.values()) for what, found in kinds.items()}
