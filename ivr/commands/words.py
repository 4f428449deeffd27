"""`hotline draft`, `hotline kb`, `hotline place`: what the machine understands, from the command line."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ivr.commands.common import DEFAULT_HOME, AsJson, Home, fail, say, say_json, settings_of, told
from ivr.instance import pack_of
from ticketing.drafting.cli_format import draft_dialogues
from ticketing.drafting.drafter import Drafter
from ticketing.knowledge.index import KnowledgeIndex
from ticketing.places import Gazetteer
from ticketing.site import Site, load_site

knowledge = typer.Typer(help="The knowledge base.", no_args_is_help=True)
places = typer.Typer(help="The gazetteer.", no_args_is_help=True)


def _site(home: Path) -> Site:
    return load_site(pack_of(settings_of(home)))


@knowledge.command("search")
@told
def search_knowledge(
    query: Annotated[str, typer.Argument(help="Words, pinyin or initials.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(help="Most articles to print.")] = 10,
) -> None:
    """Search the articles as the desk does."""
    site = _site(home)
    today = datetime.now(site.zone).date()
    hits = KnowledgeIndex(site.articles.values()).search(query, limit=limit, on=today)
    if as_json:
        say_json([{"id": h.id, "title": h.title, "score": h.score, "snippet": h.snippet} for h in hits])
        return
    for hit in hits:
        say(f"{hit.id}  {hit.title}{'（已失效）' if hit.expired else ''}")


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
