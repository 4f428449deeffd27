"""One unit of work: everything in it is kept together when it ends well, and nothing of it otherwise.

    async with UnitOfWork(database) as unit:
        await unit.contacts.open(...)

Nobody else commits. Errors of the database leave it in this room's words, without the rows' values.
"""

import asyncio
import logging
import re
from types import TracebackType
from typing import Self

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.database import BUSY_S, Database
from ticketing.errors import Conflict, DatabaseUnavailable, TicketingError
from ticketing.repositories.accounts import AccountRepository
from ticketing.repositories.articles import ArticleRepository
from ticketing.repositories.audits import AuditRepository
from ticketing.repositories.call_events import CallEventRepository
from ticketing.repositories.callbacks import CallbackRepository
from ticketing.repositories.contacts import ContactRepository
from ticketing.repositories.drafts import DraftRepository
from ticketing.repositories.keeping import KeepingRepository
from ticketing.repositories.outbox import OutboxRepository
from ticketing.repositories.precedents import PrecedentRepository
from ticketing.repositories.sealing import VAULT
from ticketing.repositories.statistics import StatisticsRepository
from ticketing.repositories.tickets import TicketRepository
from ticketing.repositories.transcripts import TranscriptRepository

_log = logging.getLogger(__name__)


class UnitOfWork:
    """A transaction and the repositories in it. `reads=True` may not write and waits for no writer.

    Raises `Conflict` when a row breaks a constraint, `DatabaseUnavailable` when the database does not answer or
    another writer holds it for too long. Never open one inside another.
    """

    contacts: ContactRepository
    call_events: CallEventRepository
    transcripts: TranscriptRepository
    drafts: DraftRepository
    tickets: TicketRepository
    outbox: OutboxRepository
    precedents: PrecedentRepository
    callbacks: CallbackRepository
    keeping: KeepingRepository
    accounts: AccountRepository
    audits: AuditRepository
    articles: ArticleRepository
    statistics: StatisticsRepository

    def __init__(self, database: Database, *, reads: bool = False) -> None:
        self._database = database
        self._reads = reads
        self._turn = None if reads else database.writing
        self._session: AsyncSession

    async def __aenter__(self) -> Self:
        await self._take_turn()
        engine = self._database.reading_engine if self._reads else self._database.engine
        session = AsyncSession(engine, expire_on_commit=False, info={VAULT: self._database.vault})
        try:
            await session.connection()  # begins here, so that a failure to connect is met here
        except BaseException as error:
            await session.close()
            self._end_turn()
            if isinstance(error, OSError):
                raise DatabaseUnavailable(f"no connection to the database: {type(error).__name__}") from None
            raise (_translated(error) or error) from None
        self._session = session
        self.contacts = ContactRepository(session)
        self.call_events = CallEventRepository(session)
        self.transcripts = TranscriptRepository(session)
        self.drafts = DraftRepository(session)
        self.tickets = TicketRepository(session)
        self.outbox = OutboxRepository(session)
        self.precedents = PrecedentRepository(session)
        self.callbacks = CallbackRepository(session)
        self.keeping = KeepingRepository(session)
        self.accounts = AccountRepository(session)
        self.audits = AuditRepository(session)
        self.articles = ArticleRepository(session)
        self.statistics = StatisticsRepository(session)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            async with self._session:
                if error is None and not self._reads:
                    await self._session.commit()
        except Exception as failure:
            if error is None:
                raise (_translated(failure) or failure) from None
            _log.warning("closing a failed unit of work failed too: %s", type(failure).__name__)
        finally:
            self._end_turn()
        if error is not None and (translated := _translated(error)) is not None:
            raise translated from None

    async def _take_turn(self) -> None:
        if self._turn is None:
            return
        try:
            async with asyncio.timeout(BUSY_S):
                await self._turn.acquire()
        except TimeoutError:
            raise DatabaseUnavailable(f"another unit of work has held the database for {BUSY_S:.0f} s") from None

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn.release()


def _translated(error: BaseException) -> TicketingError | None:
    """The database's error in our words, None for any other. Its own text may quote rows: only names are taken."""
    if isinstance(error, IntegrityError):
        return Conflict(_constraint(error))
    if isinstance(error, PoolTimeout):
        return DatabaseUnavailable("every connection to the database is in use")
    if isinstance(error, DBAPIError):
        return DatabaseUnavailable(f"the database failed: {type(error.orig or error).__name__}")
    if isinstance(error, ConnectionError):
        return DatabaseUnavailable(f"no connection to the database: {type(error).__name__}")
    return None


def _constraint(error: IntegrityError) -> str:
    cause = getattr(error.orig, "__cause__", None)
    named = getattr(cause, "constraint_name", None)
    if named:
        return str(named)
    found = re.search(r"constraint failed: (\S+)", str(error.orig))
    return found.group(1) if found else "foreign key"
