"""Brings old tickets in: every row is judged before anything is written, and one transaction writes them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from ticketing.casework import Casework
from ticketing.database import Database
from ticketing.entries import event_of
from ticketing.errors import AccessRefused
from ticketing.lifecycle import steps as s
from ticketing.lifecycle.table import ROLE_NAMES, SYSTEM, Actor
from ticketing.old_tickets import NUMBER, Fault, OldTicket, Reader
from ticketing.records import AuditRecord, TicketEventRecord, TicketRecord
from ticketing.service import category_path, utc_now
from ticketing.sheets import read_sheet
from ticketing.site import Site
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, Reference, Role

IMPORTERS = frozenset({Role.ADMIN, Role.ANALYST})
"""Who may bring tickets in."""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a sheet. With faults and without `skip` nothing was written, nor in a dry run."""

    rows: int
    written: int
    known: int
    faults: tuple[Fault, ...]
    first: Reference | None = None
    last: Reference | None = None


class TicketImport:
    """For one site and database."""

    def __init__(self, database: Database, site: Site, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._site = site
        self._casework = Casework(site, now)
        self._now = now

    async def bring_in(self, file: Path, actor: Actor, *, dry_run: bool = False, skip: bool = False) -> Imported:
        """Write the tickets of a sheet, all or, with `skip`, those without a fault; one brought in before is passed.

        Raises `AccessRefused`, `SheetUnreadable`.
        """
        if actor.role not in IMPORTERS:
            raise AccessRefused(f"{ROLE_NAMES[actor.role]}无权导入")
        headings, rows = read_sheet(file)
        reader = Reader(self._site, self._now())
        faults = reader.missing(headings)
        tickets: list[OldTicket] = []
        if not faults:
            seen: dict[str, int] = {}
            for row in rows:
                read = reader.read(row)
                if isinstance(read, list):
                    faults += read
                elif (other := seen.setdefault(read.number, row.number)) != row.number:
                    why = f"与第 {other} 行编号相同"
                    faults.append(Fault(row=row.number, column=NUMBER, why=why, mend="删去重复的行"))
                else:
                    tickets.append(read)
        known, taken = await self._known(tickets)
        faults += [
            Fault(row=one.row, column=NUMBER, why="编号已被系统中的工单使用", mend="改编号，加前缀即可")
            for one in tickets
            if one.number not in known and one.reference in taken
        ]
        refused = {one.row for one in faults}
        fresh = [one for one in tickets if one.number not in known and one.row not in refused]
        result = Imported(rows=len(rows), written=0, known=len(known), faults=tuple(sorted(faults, key=_place)))
        headless = any(row == 1 for row in refused)
        if dry_run or not fresh or (faults and (headless or not skip)):
            return result
        references = await self._write(fresh, actor, file.name)
        return msgspec.structs.replace(result, written=len(references), first=min(references), last=max(references))

    async def _known(self, tickets: list[OldTicket]) -> tuple[set[str], set[str]]:
        """The numbers brought in before, and the references that are given out."""
        async with UnitOfWork(self._database, reads=True) as unit:
            known = await unit.tickets.keys_known([_key(one.number) for one in tickets])
            taken = await unit.tickets.references_known([one.reference for one in tickets if one.reference])
        return {one.number for one in tickets if _key(one.number) in known}, set(taken)

    async def _write(self, tickets: list[OldTicket], actor: Actor, file: str) -> list[Reference]:
        written: list[Reference] = []
        async with UnitOfWork(self._database) as unit:
            records: list[tuple[TicketRecord, list[TicketEventRecord]]] = []
            for one in tickets:
                reference = one.reference
                if reference is not None:
                    await unit.tickets.claim_reference(reference)
                else:
                    day = one.created_at.astimezone(self._site.zone).strftime("%y%m%d")
                    reference = await unit.tickets.next_reference(day)
                contact = ContactId(_key(one.number))
                await unit.contacts.open(
                    contact,
                    arrived_at=one.created_at,
                    caller_number=one.phone or None,
                    dialled="",
                    medium=one.medium,
                )
                await unit.contacts.ended(contact, at=one.created_at)
                records.append(self._record(one, reference, contact))
                written.append(reference)
            await unit.tickets.add_many(records)
            why = f"{file}: {len(written)}"
            await unit.audits.add(
                AuditRecord(
                    at=self._now(), actor=actor.id, action="import", subject_kind="tickets", subject_id="", why=why
                )
            )
        return written

    def _record(
        self, one: OldTicket, reference: Reference, contact: ContactId
    ) -> tuple[TicketRecord, list[TicketEventRecord]]:
        lives = one.lives()
        events = [
            event_of(before, then, at, step, SYSTEM, "原系统导入")
            for (at, step), before, then in zip(one.steps, lives, lives[1:], strict=False)
        ]
        life = lives[-1]
        helpers = next((step.co_agency_ids for _, step in one.steps if isinstance(step, s.Submitted)), ())
        ticket = TicketRecord(
            reference=reference,
            revision=len(events) - 1,
            state=life.state,
            contact=contact,
            draft_id=None,
            submit_key=_key(one.number),
            medium=one.medium,
            request_type=one.request_type,
            category_code=one.category.code,
            category=category_path(one.category),
            place_id=one.place_id,
            address=one.address,
            citizen_name=one.name,
            callback_phone=one.phone,
            confidential=one.confidential,
            sensitive=one.category.sensitive,
            lead_agency_id=one.lead.id,
            lead_agency=one.lead.name,
            co_agency_ids=helpers,
            urgency=one.urgency,
            deadline_rule_id=one.rule_id,
            due_at=life.due_at,
            title=one.title,
            content=one.content,
            created_by=SYSTEM.id,
            created_at=one.created_at,
        )
        row: dict[str, Any] = self._casework.row_of(ticket, life)
        return msgspec.structs.replace(ticket, **row), events


def _key(number: str) -> str:
    return f"import-{number}"


def _place(fault: Fault) -> tuple[int, str]:
    return fault.row, fault.column
