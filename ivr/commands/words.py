"""`hotline draft`, `hotline place`: what the machine understands, from the command line."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ivr.commands.common import DEFAULT_HOME, AsJson, Home, fail, run_async, say, say_json, settings_of, told, vault_of
from ivr.instance import pack_of
from ticketing.database import open_database
from ticketing.drafting.cli_format import draft_dialogues
from ticketing.drafting.corrections import Correction
from ticketing.drafting.corrections import learn as train_with
from ticketing.drafting.drafter import Drafter
from ticketing.learning import corrections
from ticketing.places import Gazetteer
from ticketing.schema import upgrade
from ticketing.site import Site, load_site

places = typer.Typer(help="The gazetteer.", no_args_is_help=True)


def _site(home: Path) -> Site:
    return load_site(pack_of(settings_of(home)))


@places.command("search")
@told
def search_places(
    text: Annotated[str, typer.Argument(help="What was said.")], home: Home = DEFAULT_HOME, as_json: AsJson = False
) -> None:
    """Find the places a text speaks of."""
    site = _site(home)
    found = Gazetteer(site.places.values()).find(text)
    if as_json:
        say_json(found)
        return
    for match in found:
        say(f"{match.place_id}  {site.place_path(site.place(match.place_id))}  {match.score:.2f} {match.how}")


class _Draft(TyperGroup):
    """`hotline draft FILE` is `hotline draft dialogues FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, with `dialogues` before them where no command is named."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["dialogues", *args]
        return super().parse_args(ctx, args)


drafting = typer.Typer(
    cls=_Draft, help="Draft work orders from dialogues, and learn from what agents corrected.", no_args_is_help=True
)


@drafting.command("dialogues")
@told
def draft(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Dialogues, one JSON object a line; - for stdin.")],
    home: Home = DEFAULT_HOME,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a dialogue; there is no other form.")] = True,
    live: Annotated[bool, typer.Option("--live", help="Print the draft after every segment.")] = False,
) -> None:
    """Draft work orders from dialogues; the word `dialogues` may be left out."""
    del as_json
    site = _site(home)
    drafter = Drafter(site, Gazetteer(site.places.values()), cache=settings_of(home).cache)
    try:
        lines = sys.stdin.readlines() if str(file) == "-" else file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    for number, line in enumerate(lines, 1):
        try:
            for answer in draft_dialogues(drafter, [line], live=live):
                say(json.dumps(answer, ensure_ascii=False))
        except (ValueError, KeyError, TypeError) as error:
            fail(f"{file}:{number}: not a dialogue ({type(error).__name__}: {error}); see docs/reference/commands.md")


@drafting.command("learn")
@told
def learn(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Train the categories anew with what agents corrected; a model that would be worse is not taken."""
    settings = settings_of(home)
    site = _site(home)

    async def gather() -> list[Correction]:
        vault = vault_of(settings)
        await upgrade(settings.database_url, vault=vault)
        async with open_database(settings.database_url, vault) as database:
            return await corrections(database, site)

    learned = train_with(site, run_async(gather()), settings.cache)
    if as_json:
        say_json(learned)
        return
    if not learned.corrections:
        say("no agent has corrected a category yet; nothing to learn")
        return
    verdict = "taken" if learned.taken else "not taken: it would be worse"
    say(f"{learned.corrections} corrections, {verdict} ({learned.before:.3f} to {learned.after:.3f} right)")
