"""Who may sign in: argon2id hashes (RFC 9106), the same work for every attempt, and a lock after repeated failures."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ticketing.database import Database
from ticketing.errors import SignInRefused
from ticketing.records import AccountRecord
from ticketing.service import utc_now
from ticketing.unit_of_work import UnitOfWork


class Seed(msgspec.Struct, frozen=True, kw_only=True):
    """A person of the roster and their first password; a password that was changed since stays."""

    account: AccountRecord
    first_password: str

    def __repr__(self) -> str:
        """Without the password."""
        return f"Seed({self.account.id})"


class LockPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """After `failures` in a row the account is shut for `minutes`, whatever the password."""

    failures: int = 5
    minutes: float = 15.0


class Accounts:
    """The accounts of one database. Hashing runs in a thread: it takes as long as it is meant to."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime] = utc_now,
        hasher: PasswordHasher | None = None,
        policy: LockPolicy | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._hasher = hasher or PasswordHasher()
        self._policy = policy or LockPolicy()
        self._nobodys_hash = self._hasher.hash("nobody signs in with this")

    async def seed(self, people: Sequence[Seed]) -> None:
        """Make the accounts the roster's: new ones are created, changed ones follow, missing ones are shut."""
        async with UnitOfWork(self._database, reads=True) as unit:
            known = {account.id for account in await unit.accounts.all()}
        hashes = {
            one.account.id: await asyncio.to_thread(self._hasher.hash, one.first_password)
            for one in people
            if one.account.id not in known
        }
        async with UnitOfWork(self._database) as unit:
            await unit.accounts.retire_all()
            for one in people:
                await unit.accounts.seed(one.account, hashes.get(one.account.id, ""))

    async def sign_in(self, account_id: str, password: str) -> AccountRecord:
        """The person whose number and password these are. Raises `SignInRefused`, the same for any wrong word."""
        async with UnitOfWork(self._database, reads=True) as unit:
            before = await unit.accounts.credentials(account_id, hold=False)
        stored = before.password_hash if before else self._nobodys_hash
        right = await asyncio.to_thread(self._verify, stored, password)
        async with UnitOfWork(self._database) as unit:
            found = await unit.accounts.credentials(account_id, hold=True)
            if found is None:
                raise SignInRefused
            now = self._now()
            if found.locked_until is not None and found.locked_until > now:
                raise SignInRefused(found.locked_until)
            if right and found.password_hash == stored:
                await unit.accounts.note(account_id, failures=0, locked_until=None)
                return found.account
            failures = found.failures + 1
            locked_until = None
            if failures >= self._policy.failures:
                failures, locked_until = 0, now + timedelta(minutes=self._policy.minutes)
            await unit.accounts.note(account_id, failures=failures, locked_until=locked_until)
        raise SignInRefused(locked_until)

    async def get(self, account_id: str) -> AccountRecord:
        """The person, active or not. Raises `UnknownId`."""
        async with UnitOfWork(self._database, reads=True) as unit:
            return await unit.accounts.get(account_id)

    async def change_password(self, account_id: str, password: str) -> None:
        """Replace the password and lift a lock. The caller has made sure who asks. Raises `UnknownId`."""
        hashed = await asyncio.to_thread(self._hasher.hash, password)
        async with UnitOfWork(self._database) as unit:
            await unit.accounts.get(account_id)
            await unit.accounts.note(account_id, failures=0, locked_until=None, password_hash=hashed)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
