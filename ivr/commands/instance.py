"""`hotline setup` and `hotline doctor`."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from asr.errors import AsrError
from asr.vosk_server import VoskServers
from asterisk_conf.doctor import Finding
from asterisk_conf.doctor import check as check_asterisk
from ivr.commands.common import DEFAULT_HOME, AsJson, Home, note, run_async, say, say_json, settings_of, told
from ivr.instance import Instance
from ivr.models import chosen_model
from ivr.settings import Settings, SettingsError, load_settings
from ticketing import schema
from ticketing.accounts import Accounts
from ticketing.database import open_database
from ticketing.errors import TicketingError


@told
def setup(
    home: Home = DEFAULT_HOME,
    telephone: Annotated[
        bool, typer.Option("--telephone/--no-telephone", help="Without: only the records, for work on tickets.")
    ] = True,
) -> None:
    """Make an instance: roster, secrets, database, Asterisk with its configuration and announcements."""
    settings = settings_of(home)
    instance = Instance.made(settings)
    note("database")
    run_async(_prepare_database(instance))
    if telephone:
        instance.prepare_asterisk(note)
        instance.prepare_mind(note)
    say(f"{instance.site.info.name} is set up in {settings.home}")
    say(f"  people      {settings.roster_file}")
    say(f"  passwords   {settings.passwords_file} (hand them out, then remove them from the file)")
    say(f"  next        hotline serve --home {home}")


async def _prepare_database(instance: Instance) -> None:
    url = instance.settings.database_url
    await schema.upgrade(url, vault=instance.vault)
    async with open_database(url, instance.vault) as database:
        await Accounts(database).seed(instance.seeds())


@told
def doctor(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Look at everything an instance needs; each fault is printed with its mend. Changes nothing."""
    findings = run_async(_examine(home))
    if as_json:
        say_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            say(f"ok    {finding.code}" if finding.ok else f"FAULT {finding.code}: {finding.problem}; {finding.mend}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


async def _examine(home: Path) -> list[Finding]:
    try:
        settings = load_settings(home)
        instance = Instance(settings)
    except (SettingsError, TicketingError) as error:
        return [Finding(code="instance", ok=False, problem=str(error), mend="mend it and run `hotline doctor` again")]
    findings = [Finding(code="instance", ok=True)]
    findings += await asyncio.to_thread(_examine_speech, settings)
    try:
        async with open_database(settings.database_url) as database:
            await schema.check_schema(database)
        findings.append(Finding(code="database", ok=True))
    except TicketingError as error:
        findings.append(Finding(code="database", ok=False, problem=str(error), mend="run `hotline setup`"))
    return findings + await check_asterisk(instance.asterisk_settings(), instance.book)


def _examine_speech(settings: Settings) -> list[Finding]:
    """The model, or each speech server: a server that does not recognise is named."""
    if settings.speech.servers:
        return [
            Finding(code="speech server", ok=True)
            if not health.fault
            else Finding(
                code="speech server",
                ok=False,
                problem=f"{health.url} does not recognise ({health.fault})",
                mend="start it, or take it out of [speech] servers",
            )
            for health in VoskServers(settings.speech.servers).check()
        ]
    try:
        chosen_model(settings)
    except AsrError as error:
        return [Finding(code="speech model", ok=False, problem=str(error), mend="see `hotline asr model list`")]
    return [Finding(code="speech model", ok=True)]
