"""The instance's records at hand, without a telephone: its site, its database, and who acts on them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn
from zoneinfo import ZoneInfo

import msgspec
import typer

from ivr.commands.common import note, say_json, settings_of
from ivr.instance import pack_of
from ivr.settings import Settings
from ticketing.callbacks import Callbacks
from ticketing.casework import Casework
from ticketing.database import Database, open_database
from ticketing.errors import AccessRefused, ChangedMeanwhile, StepRefused, UnknownId
from ticketing.lifecycle.steps import STEPS
from ticketing.lifecycle.table import STATE_NAMES, TABLE, Actor
from ticketing.privacy import Privacy
from ticketing.records import TicketRecord
from ticketing.schema import check_schema
from ticketing.service import TicketService
from ticketing.site import Site, load_site
from ticketing.unit_of_work import UnitOfWork
from ticketing.vault import Vault

REFUSED = 3
"""Exit status when the rules, not a fault, forbid what was asked."""

As = Annotated[str, typer.Option("--as", envvar="HOTLINE_AS", metavar="ID", help="Number of the account that acts.")]
Why = Annotated[str, typer.Option("--why", help="The reason; kept.")]


@dataclass(frozen=True)
class Books:
    """Everything a command works on tickets with."""

    settings: Settings
    site: Site
    database: Database
    service: TicketService
    casework: Casework
    callbacks: Callbacks
    privacy: Privacy

    async def actor(self, account_id: str) -> Actor:
        """Who acts. Raises `UnknownId` for nobody, or an account that is shut."""
        async with UnitOfWork(self.database, reads=True) as unit:
            accounts = {one.id: one for one in await unit.accounts.all() if one.active}
        if account_id not in accounts:
            asked = f"no account {account_id[:20]!r} is open" if account_id else "nobody acts"
            raise UnknownId(f"{asked}; name one with --as: {', '.join(accounts) or 'none yet, run `hotline setup`'}")
        account = accounts[account_id]
        return Actor(id=account.id, role=account.role, agency_id=account.agency_id)

    def plain(self, value: object) -> Any:
        """Anything as plain JSON values, times in the site's zone."""
        return _local(msgspec.to_builtins(value, builtin_types=(datetime,), str_keys=True), self.site.zone)

    def ticket(self, ticket: TicketRecord, open_steps: tuple[str, ...] = ()) -> dict[str, Any]:
        """A ticket as it is printed; the caller has masked it."""
        shown: dict[str, Any] = self.plain(ticket)
        shown["state_name"] = STATE_NAMES[ticket.state]
        shown["open_steps"] = steps_shown(open_steps)
        return shown


def steps_shown(kinds: tuple[str, ...]) -> list[dict[str, str]]:
    """Steps with the names people know them by."""
    return [{"kind": kind, "name": TABLE[STEPS[kind]].name} for kind in kinds]


@asynccontextmanager
async def open_books(home: Path) -> AsyncIterator[Books]:
    """The records of the instance at `home`. Raises `SettingsError`, `SitePackBroken`, `DatabaseUnready`."""
    settings = settings_of(home)
    site = load_site(pack_of(settings))
    async with open_database(settings.database_url, Vault.opened(settings.keys_file)) as database:
        await check_schema(database)
        casework = Casework(site)
        yield Books(
            settings=settings,
            site=site,
            database=database,
            service=TicketService(site),
            casework=casework,
            callbacks=Callbacks(site, casework),
            privacy=Privacy(site),
        )


def refused(error: StepRefused | AccessRefused | ChangedMeanwhile, *, as_json: bool) -> NoReturn:
    """End the command because the rules do not allow it; what is allowed is named."""
    told: dict[str, Any] = {"ok": False}
    if isinstance(error, ChangedMeanwhile):
        told |= {"reason": "工单已被他人更改", "changed": error.changed}
        note(f"hotline: {error}; look at it again")
    else:
        told["reason"] = error.reason
        note(f"hotline: {error.reason}")
    if isinstance(error, StepRefused):
        told["open_steps"] = steps_shown(error.open_steps)
        names = "、".join(f"{one['name']}({one['kind']})" for one in told["open_steps"])
        note(f"hotline: 现在可以: {names or '没有'}")
    if as_json:
        say_json(told)
    raise typer.Exit(REFUSED)


def _local(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    if isinstance(value, dict):
        return {key: _local(one, zone) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_local(one, zone) for one in value]
    return value
