"""`hotline site …`: a city's data."""

from pathlib import Path
from typing import Annotated

import typer

from ivr.commands.common import AsJson, say, say_json, told
from ticketing.errors import SitePackBroken
from ticketing.site import load_site

app = typer.Typer(
    help="The city's data: agencies, categories, places, rules, articles, announcements.", no_args_is_help=True
)


@app.command()
@told
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The site pack's folder.")], as_json: AsJson = False
) -> None:
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
