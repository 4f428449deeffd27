"""The door: who may come in, by password or by the token of a desk that lost its connection."""

from ivr.calls.vocabulary import AgentId
from ivr.desk.refusal import Refusal
from ivr.desk.staff import Staff
from ticketing.accounts import Accounts
from ticketing.errors import DatabaseUnavailable, SignInRefused, UnknownId
from ticketing.records import AccountRecord


class Door:
    """Lets people in by the accounts of the database."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def sign_in(self, person: str, password: str) -> Staff:
        """The person whose number and password these are. Raises `Refusal`, the same for any wrong word."""
        try:
            return _staff(await self._accounts.sign_in(person, password))
        except SignInRefused:
            raise Refusal("refused.bad_credentials") from None
        except DatabaseUnavailable:
            raise Refusal("refused.unavailable") from None

    async def known(self, person: AgentId) -> Staff:
        """The person with a valid token, as the accounts have them now. Raises `Refusal` where they are shut."""
        try:
            account = await self._accounts.get(person)
        except UnknownId:
            raise Refusal("refused.token_unknown") from None
        except DatabaseUnavailable:
            raise Refusal("refused.unavailable") from None
        if not account.active:
            raise Refusal("refused.token_unknown")
        return _staff(account)


def _staff(account: AccountRecord) -> Staff:
    return Staff(
        id=AgentId(account.id),
        name=account.name,
        role=account.role,
        extension=account.extension,
        agency_id=account.agency_id,
    )
