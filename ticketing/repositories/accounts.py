"""The people who may sign in."""

from datetime import datetime

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.errors import UnknownId
from ticketing.models import Account
from ticketing.records import AccountRecord
from ticketing.repositories.upsert import insert


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in is checked against."""

    account: AccountRecord
    password_hash: str
    failures: int
    locked_until: datetime | None


class AccountRepository:
    """Accounts, by the number people sign in with."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def seed(self, account: AccountRecord, password_hash: str) -> None:
        """Create the account, or bring name, extension, role, skills and agency up to date; a password stays."""
        values = {name: getattr(account, name) for name in AccountRecord.__struct_fields__ if name != "id"}
        seeded = insert(self._session, Account).values(
            id=account.id, password_hash=password_hash, failures=0, locked_until=None, **values
        )
        await self._session.execute(seeded.on_conflict_do_update(index_elements=[Account.id], set_=values))

    async def retire_all(self) -> None:
        """Shut every account and free its extension, before a roster opens those on it; names stay for the history."""
        await self._session.execute(update(Account).values(active=False, extension=None))

    async def credentials(self, account_id: str, *, hold: bool) -> Credentials | None:
        """What to check a sign-in against; None where there is no such account, or it is shut.

        `hold` keeps others from it until the unit of work ends.
        """
        query = select(Account).where(Account.id == account_id, Account.active)
        if hold:
            query = query.with_for_update()
        row = (await self._session.execute(query)).scalar_one_or_none()
        if row is None:
            return None
        return Credentials(
            account=_record(row),
            password_hash=row.password_hash,
            failures=row.failures,
            locked_until=row.locked_until,
        )

    async def note(
        self, account_id: str, *, failures: int, locked_until: datetime | None, password_hash: str | None = None
    ) -> None:
        """Keep how a sign-in went; a hash is given when it is to be replaced."""
        values: dict[str, object] = {"failures": failures, "locked_until": locked_until}
        if password_hash is not None:
            values["password_hash"] = password_hash
        await self._session.execute(update(Account).where(Account.id == account_id).values(**values))

    async def get(self, account_id: str) -> AccountRecord:
        """The person, active or not. Raises `UnknownId`."""
        row = (await self._session.execute(select(Account).where(Account.id == account_id))).scalar_one_or_none()
        if row is None:
            raise UnknownId(f"no account {account_id[:20]!r}")
        return _record(row)

    async def all(self) -> tuple[AccountRecord, ...]:
        """Everybody, by number."""
        rows = await self._session.execute(select(Account).order_by(Account.id))
        return tuple(_record(row) for row in rows.scalars())


def _record(row: Account) -> AccountRecord:
    return AccountRecord(
        id=row.id,
        name=row.name,
        extension=row.extension,
        role=row.role,
        skills=row.skills,
        agency_id=row.agency_id,
        active=row.active,
    )
