"""A process that dies at a chosen SQL statement: forked, and gone without a word as after `kill -9`."""

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import event

from tests.databases import VAULT
from ticketing.database import Database, open_database

DIED = 9
FAILED = 1


def dies_at(url: str, statement: int, work: Callable[[Database], Awaitable[object]]) -> bool:
    """Do the work in a process of its own that dies instead of its `statement`th statement (from 0), COMMIT included.

    Whether it died: one that did all of its work before that did not. What the work raises fails the test.
    """
    child = os.fork()
    if child == 0:
        code = FAILED
        try:
            code = asyncio.run(_work(url, statement, work))
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, DIED), f"the work itself failed in the process that was to die at statement {statement}"
    return code == DIED


async def _work(url: str, statement: int, work: Callable[[Database], Awaitable[object]]) -> int:
    counted = itertools.count()

    def strike(*_: Any) -> None:
        if next(counted) == statement:
            os._exit(DIED)

    async with open_database(url, VAULT) as database:
        engine = database.engine.sync_engine
        commit = engine.dialect.do_commit

        def do_commit(connection: Any) -> None:
            strike()
            commit(connection)

        event.listen(engine, "before_cursor_execute", strike)
        engine.dialect.do_commit = do_commit  # type: ignore[method-assign, assignment]
        await work(database)
    return 0


def alive(url: str, *work: Callable[[Database], Awaitable[object]]) -> None:
    """Do the work, one after the other, as the next process does it."""

    async def main() -> None:
        async with open_database(url, VAULT) as database:
            for one in work:
                await one(database)

    asyncio.run(main())
