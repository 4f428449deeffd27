"""`hotline privacy …`: how long what is kept, who is forgotten, who read what, and the keys."""

from typing import Annotated

import typer

from ivr.commands.books import As, Why, open_books, refused
from ivr.commands.common import DEFAULT_HOME, AsJson, Home, run_async, say, say_json, told
from ivr.commands.ticket import Reference
from ticketing.errors import AccessRefused
from ticketing.keeping import Keeping
from ticketing.lifecycle.table import ROLE_NAMES
from ticketing.matter_index import forget
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import Role

app = typer.Typer(help="Citizens' data: retention, holds, erasure, reads, keys.", no_args_is_help=True)

READERS = frozenset({Role.ADMIN, Role.SUPERVISOR, Role.QUALITY})
"""Who may see who read a ticket."""


@app.command("retention")
@told
def retention(
    actor: As = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Remove what is kept longer than [retention] says, but what is held; statistics stay."""

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            keeping = Keeping(books.database, books.settings.recordings)
            try:
                swept = await keeping.sweep(books.settings.retention, who, dry_run=dry_run)
            except AccessRefused as error:
                refused(error, as_json=as_json)
            if as_json:
                say_json(swept)
                return
            for kind, number in swept.rows.items():
                say(f"{kind:12} {number:8} {'would go' if dry_run else 'removed'}")
            say(f"held: {', '.join(swept.held) or 'nothing'}")

    run_async(main())


@app.command("hold")
@told
def hold(
    reference: Reference,
    actor: As = "",
    why: Why = "",
    lift: Annotated[bool, typer.Option("--lift", help="The hold is over.")] = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Keep a ticket and its recordings whatever their age and whoever asks for erasure (依法留存)."""

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            keeping = Keeping(books.database, books.settings.recordings)
            try:
                await (keeping.lift if lift else keeping.hold)(reference, who, why)
            except AccessRefused as error:
                refused(error, as_json=False)

    run_async(main())
    say(f"{reference}: {'released' if lift else 'held'}")


@app.command("erase")
@told
def erase(
    phone: Annotated[str, typer.Option(help="The citizen's number.")],
    actor: As = "",
    why: Why = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Erase a citizen: name, number, words, recordings. Refused while a ticket of theirs is open or held."""

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            try:
                erased = await Keeping(books.database, books.settings.recordings).erase(phone, who, why)
            except AccessRefused as error:
                refused(error, as_json=as_json)
            forget(books.settings.matters)
            say_json({"tickets": erased}) if as_json else say(f"erased from {len(erased)} tickets: {' '.join(erased)}")

    run_async(main())


@app.command("reads")
@told
def reads(reference: Reference, actor: As = "", home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Who read, revealed, heard or exported a ticket, and why."""

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            if who.role not in READERS:
                refused(AccessRefused(f"{ROLE_NAMES[who.role]}无权查看审计记录"), as_json=as_json)
            async with UnitOfWork(books.database, reads=True) as unit:
                ticket = await unit.tickets.get(reference)
                found = [
                    *await unit.audits.of_subject("ticket", reference),
                    *await unit.audits.of_subject("contact", ticket.contact),
                ]
            shown = [books.plain(one) for one in sorted(found, key=lambda one: one.at)]
            if as_json:
                say_json(shown)
                return
            for one in shown:
                say(f"{one['at'][:19]}  {one['actor']}  {one['action']}  {one['why']}")

    run_async(main())


@app.command("rotate-keys")
@told
def rotate_keys(actor: As = "", home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """A new key seals citizens' identities; what is there is sealed again. A running server follows by itself."""

    async def main() -> None:
        async with open_books(home) as books:
            who = await books.actor(actor)
            keeping = Keeping(books.database, books.settings.recordings)
            try:
                done = await keeping.rotate(books.settings.keys_file, who)
            except AccessRefused as error:
                refused(error, as_json=as_json)
            say_json({"resealed": done}) if as_json else say(f"{done} rows are sealed with the new key")

    run_async(main())
