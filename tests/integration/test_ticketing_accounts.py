import asyncio
from datetime import timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher

from tests.fakes.tickets import TestClock
from ticketing.accounts import Accounts, LockPolicy, Seed
from ticketing.database import Database
from ticketing.errors import SignInRefused, UnknownId
from ticketing.records import AccountRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import Role

pytestmark = pytest.mark.database

JIA = AccountRecord(id="1001", name="话务员甲", extension="1001", role=Role.AGENT, skills=("general", "heating"))
BAN = AccountRecord(id="1901", name="值班长", extension="1901", role=Role.SUPERVISOR)
ROSTER = [Seed(account=JIA, first_password="first"), Seed(account=BAN, first_password="other")]


class CountingHasher(PasswordHasher):
    """A cheap argon2 that counts its work."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - the library's name
        self.verified += 1
        return super().verify(hash, password)


async def accounts_of(database: Database, clock: TestClock | None = None) -> tuple[Accounts, CountingHasher]:
    hasher = CountingHasher()
    accounts = Accounts(database, now=clock or TestClock(), hasher=hasher, policy=LockPolicy(failures=3, minutes=15))
    await accounts.seed(ROSTER)
    return accounts, hasher


async def test_who_knows_number_and_password_is_let_in(database: Database) -> None:
    accounts, _ = await accounts_of(database)
    assert await accounts.sign_in("1001", "first") == JIA
    assert await accounts.sign_in("1901", "other") == BAN


@pytest.mark.parametrize(
    ("number", "password"), [("1001", "wrong"), ("1001", ""), ("9999", "first"), ("1001", "other")]
)
async def test_wrong_words_cost_the_same_work_and_say_the_same(database: Database, number: str, password: str) -> None:
    accounts, hasher = await accounts_of(database)
    with pytest.raises(SignInRefused) as refused:
        await accounts.sign_in(number, password)
    assert str(refused.value) == "sign-in refused"
    assert hasher.verified == 1


async def test_repeated_failures_shut_the_account_for_a_while(database: Database) -> None:
    clock = TestClock()
    accounts, _ = await accounts_of(database, clock)
    for _ in range(3):
        with pytest.raises(SignInRefused):
            await accounts.sign_in("1001", "wrong")
    with pytest.raises(SignInRefused) as refused:
        await accounts.sign_in("1001", "first")
    assert refused.value.locked_until == clock.at + timedelta(minutes=15)
    assert await accounts.sign_in("1901", "other") == BAN
    clock.forward(minutes=15)
    assert await accounts.sign_in("1001", "first") == JIA


async def test_a_success_forgets_the_failures_before_it(database: Database) -> None:
    accounts, _ = await accounts_of(database)
    for _ in range(3):
        for _ in range(2):
            with pytest.raises(SignInRefused):
                await accounts.sign_in("1001", "wrong")
        await accounts.sign_in("1001", "first")


async def test_failures_at_once_are_all_counted(database: Database) -> None:
    accounts, _ = await accounts_of(database)
    results = await asyncio.gather(*(accounts.sign_in("1001", "wrong") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, SignInRefused) for result in results)
    with pytest.raises(SignInRefused) as refused:
        await accounts.sign_in("1001", "first")
    assert refused.value.locked_until is not None


async def test_a_new_roster_changes_people_but_not_their_passwords(database: Database) -> None:
    accounts, _ = await accounts_of(database)
    await accounts.change_password("1001", "changed")
    renamed = AccountRecord(id="1001", name="改名", extension="1009", role=Role.SUPERVISOR)
    await accounts.seed([Seed(account=renamed, first_password="first")])
    assert await accounts.sign_in("1001", "changed") == renamed
    with pytest.raises(SignInRefused):
        await accounts.sign_in("1001", "first")
    with pytest.raises(SignInRefused):  # no longer on the roster
        await accounts.sign_in("1901", "other")
    async with UnitOfWork(database, reads=True) as unit:
        assert (await unit.accounts.get("1901")).active is False
        assert (await unit.accounts.get("1901")).name == "值班长"
    await accounts.seed(ROSTER)
    assert await accounts.sign_in("1901", "other") == BAN


async def test_the_password_of_nobody_cannot_be_changed(database: Database) -> None:
    accounts, _ = await accounts_of(database)
    with pytest.raises(UnknownId):
        await accounts.change_password("9999", "x")


async def test_extensions_may_change_hands(database: Database) -> None:
    accounts, _ = await accounts_of(database)
    swapped = [  # they change places, and somebody new gets what a retired person had
        Seed(account=AccountRecord(id="1001", name="甲", extension="1901", role=Role.AGENT), first_password="first"),
        Seed(account=AccountRecord(id="1901", name="班", extension="1001", role=Role.SUPERVISOR), first_password="x"),
    ]
    await accounts.seed(swapped)
    assert (await accounts.sign_in("1001", "first")).extension == "1901"


def test_a_seed_does_not_show_its_password() -> None:
    assert "first" not in repr(ROSTER[0])
