"""`hotline draft`, `hotline place`: what the machine understands, from the command line."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ivr.commands.common import DEFAULT_HOME, AsJson, Home, fail, say, say_json, settings_of, told
from ticketing.drafting.cli_format import draft_dialogues
from ticketing.drafting.drafter import Drafter
from ticketing.places import Gazetteer
from ticketing.site import Site, default_site_dir, load_site

places = typer.Typer(help="The gazetteer.", no_args_is_help=True)


def _site(home: Path) -> Site:
    pack = settings_of(home).site.pack
    return load_site(Path(pack) if pack else default_site_dir())


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


@told
def draft(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Dialogues, one JSON object a line; - for stdin.")],
    home: Home = DEFAULT_HOME,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a dialogue; there is no other form.")] = True,
    live: Annotated[bool, typer.Option("--live", help="Print the draft after every segment.")] = False,
) -> None:
    """Draft work orders from dialogues."""
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
        except (ValueError, KeyError) as error:
            fail(f"{file}:{number}: not a dialogue ({type(error).__name__}: {error}); see docs/reference/commands.md")
