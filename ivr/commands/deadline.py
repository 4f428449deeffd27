"""`hotline deadline`: when a rule's reply is due, and how it was counted."""

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ivr.commands.common import DEFAULT_HOME, AsJson, Home, fail, note, say, say_json, settings_of, told
from ivr.instance import pack_of
from ticketing.deadlines import due_at
from ticketing.site import load_site
from ticketing.work_calendar import WorkCalendar


@told
def deadline(
    rule: Annotated[str, typer.Option("--rule", metavar="ID", help="The deadline rule of the site pack.")],
    dispatched: Annotated[
        str,
        typer.Option("--from", metavar="TIME", help="When it was dispatched, ISO 8601; without zone the site's."),
    ],
    agency: Annotated[str, typer.Option("--agency", metavar="ID", help="The lead agency.")] = "",
    site_pack: Annotated[
        Path | None, typer.Option("--site", metavar="DIR", help="Another site pack than the instance's.")
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """When the reply to a ticket is due, and how that was counted, step by step."""
    site = load_site(site_pack or pack_of(settings_of(home)))
    begun = _time(dispatched, site.zone)
    if agency:
        site.agency(agency)
    applied = site.applied_rule(rule, agency or None, begun)
    due = due_at(site.rule(applied), begun, WorkCalendar.of_site(site))
    local = due.due_at.astimezone(site.zone)
    counted = due.counted
    if applied != rule:
        counted = (f"按站点例外，{rule} 改用 {applied}", *counted)
    for warning in due.warnings:
        note(f"hotline: 注意：{warning}")
    if as_json:
        say_json(
            {
                "rule": rule,
                "applied_rule": applied,
                "rule_name": site.rule(applied).name,
                "agency": agency or None,
                "from": begun.isoformat(),
                "due_at": local.isoformat(),
                "counted": counted,
                "warnings": due.warnings,
            }
        )
        return
    say(local.isoformat())
    for step in counted:
        say(f"  {step}")


def _time(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        fail(f"--from {text!r} is no time; write one like 2026-11-02T09:00 or 2026-11-02T09:00:00+08:00")
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
