"""How long what is kept (留存): by kind, with legal holds and a dry run; a citizen's erasure; new keys.

What is counted (which matter, where, when, who handled it, how it went) is never removed: only who the citizen was, and
what was said.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from ticketing.database import Database
from ticketing.errors import AccessRefused
from ticketing.lifecycle.table import ROLE_NAMES, STATE_NAMES, Actor
from ticketing.records import AuditRecord
from ticketing.repositories.keeping import ENDED
from ticketing.retention import Retention
from ticketing.service import utc_now
from ticketing.unit_of_work import UnitOfWork
from ticketing.vault import Keys, read_keys, write_keys
from ticketing.vocabulary import Reference, Role

ERASED = "（已按来电人要求删除）"
"""Stands where an erased citizen's words stood."""


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep removed, or would: rows by kind, and the holds that stood."""

    rows: dict[str, int]
    held: tuple[Reference, ...]
    dry_run: bool


class Keeping:
    """Everything an administrator does to what is kept. `recordings` is the folder of the sound files."""

    def __init__(self, database: Database, recordings: Path, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._recordings = recordings
        self._now = now

    async def hold(self, reference: str, actor: Actor, why: str) -> None:
        """Keep a ticket whatever its age. Raises `AccessRefused`, `UnknownId`."""
        _may(actor, "设置留存", why)
        async with UnitOfWork(self._database) as unit:
            await unit.keeping.hold(reference, why=why, by=actor.id, at=self._now())
            await self._note(unit, actor, "hold", reference, why)

    async def lift(self, reference: str, actor: Actor, why: str) -> None:
        """The hold is over. Raises `AccessRefused`, `UnknownId`."""
        _may(actor, "解除留存", why)
        async with UnitOfWork(self._database) as unit:
            await unit.keeping.lift(reference, by=actor.id, at=self._now())
            await self._note(unit, actor, "lift", reference, why)

    async def sweep(self, rules: Retention, actor: Actor, *, dry_run: bool) -> Swept:
        """Remove what is over, but what is held; `dry_run` only counts it. Raises `AccessRefused`.

        Sound files go first: a crash in between leaves a row without a file, which the next sweep removes.
        """
        _may(actor, "清理到期数据", "到期")
        now, rows = self._now(), dict[str, int]()
        async with UnitOfWork(self._database, reads=True) as unit:
            held = tuple(one.reference for one in await unit.keeping.holds())
        if rules.recordings:
            rows["recordings"] = await self._sweep_recordings(now - timedelta(days=rules.recordings), dry_run=dry_run)
        for kind in ("transcripts", "drafts", "identities", "callers", "callbacks", "audits"):
            days = getattr(rules, "identities" if kind == "callers" else kind)
            if days:
                before = now - timedelta(days=days)
                async with UnitOfWork(self._database, reads=dry_run) as unit:
                    counted = unit.keeping.count if dry_run else unit.keeping.remove
                    rows[kind] = await counted(kind, before)
        if not dry_run:
            async with UnitOfWork(self._database) as unit:
                why = ", ".join(f"{kind} {number}" for kind, number in rows.items() if number)
                await self._note(unit, actor, "sweep", "", why or "nothing")
        return Swept(rows=rows, held=held, dry_run=dry_run)

    async def erase(self, number: str, actor: Actor, why: str) -> tuple[Reference, ...]:
        """Erase the citizen of a number: identity, words and recordings; the statistics stay. Returns their tickets.

        Raises `AccessRefused` while a ticket of theirs is open, or held.
        """
        _may(actor, "删除来电人信息", why)
        async with UnitOfWork(self._database, reads=True) as unit:
            tickets = await unit.keeping.tickets_of_number(number)
            references = [reference for reference, _ in tickets]
            held = await unit.keeping.held(references)
            recordings = await unit.keeping.recordings_of_number(number)
        if still := [f"{reference}（{STATE_NAMES[state]}）" for reference, state in tickets if state not in ENDED]:
            raise AccessRefused(f"来电人还有未办结的工单：{'、'.join(still)}")
        if held:
            raise AccessRefused(f"工单依法留存，不能删除：{'、'.join(held)}")
        for _, path in recordings:
            (self._recordings / path).unlink(missing_ok=True)
        async with UnitOfWork(self._database) as unit:
            await unit.keeping.forget_recordings([row for row, _ in recordings])
            await unit.keeping.erase(number, references, ERASED)
            for reference in references:
                await self._note(unit, actor, "erase", reference, why)
            if not references:
                await self._note(unit, actor, "erase", "", why)
        return tuple(references)

    async def rotate(self, file: Path, actor: Actor) -> int:
        """A new key seals from now on, and seals again what is there; returns how many numbers and names.

        Whoever has the database open follows the key file by itself. The key before this one stays in the file until
        the next rotation, for what was sealed at this very moment. Raises `AccessRefused`, `KeysUnusable`.
        """
        _may(actor, "更换密钥", "轮换")
        await self._reseal()  # by the key of the last rotation, so that no older one is needed
        keys: Keys = read_keys(file)
        write_keys(file, keys.rotated())
        done = await self._reseal()
        async with UnitOfWork(self._database) as unit:
            await self._note(unit, actor, "rotate", "", "")
        return done

    async def _reseal(self) -> int:
        done = 0
        while True:
            async with UnitOfWork(self._database) as unit:
                number = await unit.keeping.reseal()
            done += number
            if number == 0:
                break
        last: str | None = ""
        while last is not None:
            async with UnitOfWork(self._database) as unit:
                last = await unit.keeping.reseal_drafts(last)
        last = ""
        while last is not None:
            async with UnitOfWork(self._database) as unit:
                last = await unit.keeping.reseal_arrivals(last)
        return done

    async def _sweep_recordings(self, before: datetime, *, dry_run: bool) -> int:
        done = 0
        if dry_run:
            async with UnitOfWork(self._database, reads=True) as unit:
                return len(await unit.keeping.recordings_before(before, limit=1_000_000))
        while True:
            async with UnitOfWork(self._database, reads=True) as unit:
                found = await unit.keeping.recordings_before(before)
            if not found:
                return done
            for _, path in found:
                (self._recordings / path).unlink(missing_ok=True)
            async with UnitOfWork(self._database) as unit:
                await unit.keeping.forget_recordings([row for row, _ in found])
            done += len(found)

    async def _note(self, unit: UnitOfWork, actor: Actor, action: str, reference: str, why: str) -> None:
        kind = "ticket" if reference else "keeping"
        await unit.audits.add(
            AuditRecord(at=self._now(), actor=actor.id, action=action, subject_kind=kind, subject_id=reference, why=why)
        )


def _may(actor: Actor, what: str, why: str) -> None:
    if actor.role is not Role.ADMIN:
        raise AccessRefused(f"{ROLE_NAMES[actor.role]}无权{what}")
    if not why.strip():
        raise AccessRefused(f"{what}必须说明理由")
