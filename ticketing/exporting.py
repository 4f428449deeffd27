"""Lists that leave the house: masked by role, marked with who took them and when, and kept in the audit."""

import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from ticketing.database import Database
from ticketing.errors import AccessRefused, SheetUnreadable
from ticketing.lifecycle.steps import Replied, Visited, step_of
from ticketing.lifecycle.table import ROLE_NAMES, STATE_NAMES, Actor
from ticketing.old_tickets import CLOSURES, COLUMNS
from ticketing.privacy import Privacy
from ticketing.records import AuditRecord, TicketEventRecord, TicketFilter, TicketRecord
from ticketing.service import utc_now
from ticketing.sheets import write_csv, write_excel
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import Closure, Role, TicketState

EXPORTERS = frozenset(Role) - {Role.AGENT, Role.HANDLER, Role.VISITOR, Role.SYSTEM}
"""Who may take lists out of the house."""

MARK = "水印"
PAGE = 500
FORMATS = (".csv", ".xlsx", ".json")
_CLOSURES = {closure: name for name, closure in CLOSURES.items()}
_STATES = {TicketState.CLOSED: "办结", TicketState.ARCHIVED: "归档", TicketState.WITHDRAWN: "撤单"}


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was written, and the mark it bears."""

    tickets: int
    mark: str
    file: str


class TicketExport:
    """For one site and database."""

    def __init__(self, database: Database, site: Site, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._site = site
        self._privacy = Privacy(site, now)
        self._now = now

    async def take_out(self, file: Path, wanted: TicketFilter, actor: Actor, why: str, limit: int) -> Exported:
        """Write the newest `limit` tickets the person may see. The audit has it before the file is there.

        Every sensitive ticket in it is kept as read. Raises `AccessRefused`, `SheetUnreadable` for an unknown format.
        """
        if actor.role not in EXPORTERS:
            raise AccessRefused(f"{ROLE_NAMES[actor.role]}无权导出")
        if not why.strip():
            raise AccessRefused("导出必须说明用途")
        if file.suffix.lower() not in FORMATS:
            raise SheetUnreadable(f"{file}: write to a file ending in {', '.join(FORMATS)}")
        now = self._now().astimezone(self._site.zone)
        number = secrets.token_hex(4)
        mark = f"{self._site.info.short_name} 导出 {number} {actor.id} {now:%Y-%m-%d %H:%M}"
        tickets, rows = await self._rows(wanted, actor, limit)
        async with UnitOfWork(self._database) as unit:
            for kind, subject, text in (
                ("export", number, f"{why}; {file.name}; {len(rows)}"),
                *(("ticket", one.reference, f"导出 {number}：{why}") for one in tickets if one.sensitive),
            ):
                await unit.audits.add(
                    AuditRecord(
                        at=self._now(),
                        actor=actor.id,
                        action="export",
                        subject_kind=kind,
                        subject_id=subject,
                        why=text,
                    )
                )
        _write(file, rows, mark)
        return Exported(tickets=len(rows), mark=mark, file=str(file))

    async def _rows(
        self, wanted: TicketFilter, actor: Actor, limit: int
    ) -> tuple[list[TicketRecord], list[dict[str, str]]]:
        tickets: list[TicketRecord] = []
        rows: list[dict[str, str]] = []
        while len(tickets) < limit:
            async with UnitOfWork(self._database, reads=True) as unit:
                part = await self._privacy.listing(unit, wanted, actor, min(PAGE, limit - len(tickets)))
                for one in part:
                    events = await unit.tickets.events(one.reference)
                    rows.append(self._row(one, events))
            tickets += part
            if len(part) < PAGE:
                break
            wanted = msgspec.structs.replace(wanted, before=part[-1].reference)
        return tickets, rows

    def _row(self, one: TicketRecord, events: tuple[TicketEventRecord, ...]) -> dict[str, str]:
        steps = [step_of(event.kind, event.body) for event in events]
        replied = next((step for step in reversed(steps) if isinstance(step, Replied)), None)
        visited = next((step for step in reversed(steps) if isinstance(step, Visited) and step.reached), None)
        secret = one.confidential or one.sensitive  # an agency's words may name whom nobody may know
        values = (
            one.reference,
            self._time(one.created_at),
            one.request_type,
            one.category,
            one.title,
            one.content,
            _STATES.get(one.state, STATE_NAMES[one.state]),
            one.lead_agency,
            "|".join(one.co_agency_ids),
            one.citizen_name,
            one.callback_phone,
            one.address,
            one.place_id or "",
            one.urgency,
            one.medium,
            _yes_or_no(one.confidential),
            self._time(one.dispatched_at),
            self._time(one.closed_at),
            _CLOSURES.get(one.closure or Closure.SOLVED, "") if one.closure else "",
            "" if replied is None or secret else replied.result,
            "" if replied is None else replied.public_reply,
            _yes_or_no(visited.solved if visited else None),
            _yes_or_no(visited.satisfied if visited else None),
        )
        return dict(zip(COLUMNS, map(str, values), strict=True))

    def _time(self, at: datetime | None) -> str:
        return "" if at is None else f"{at.astimezone(self._site.zone):%Y-%m-%d %H:%M:%S}"


def _write(file: Path, rows: list[dict[str, str]], mark: str) -> None:
    headings = (*COLUMNS, MARK)
    lines = [(*row.values(), mark) for row in rows]
    scratch = file.with_name(f".{file.name}.part{file.suffix}")
    match file.suffix.lower():
        case ".csv":
            write_csv(scratch, headings, lines)
        case ".xlsx":
            write_excel(scratch, headings, lines, mark=mark)
        case _:
            whole = {MARK: mark, "tickets": [{**row, MARK: mark} for row in rows]}
            scratch.write_bytes(msgspec.json.encode(whole))
    scratch.replace(file)


def _yes_or_no(value: bool | None) -> str:
    return "" if value is None else "是" if value else "否"
