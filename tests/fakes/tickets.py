"""Contacts, drafts and a clock for tests of tickets; and a way to break a unit of work at any statement."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from sqlalchemy import event

from ticketing.database import Database
from ticketing.site import Site, default_site_dir, load_site
from ticketing.unit_of_work import UnitOfWork
from ticketing.views import DraftField, DraftView
from ticketing.vocabulary import ContactId, FieldName, Medium

SITE: Site = load_site(default_site_dir())
MONDAY = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)  # 09:00 in Yuncheng, a working day
NUMBER = "13800005678"

FILLED = {
    FieldName.REQUEST_TYPE: "投诉",
    FieldName.CATEGORY: "010101",
    FieldName.LEAD_AGENCY: "d-cgj-zf",
    FieldName.URGENCY: "一般",
    FieldName.CITIZEN_NAME: "申先生",
    FieldName.ADDRESS: "汽贸城对面人行道",
    FieldName.TITLE: "汽贸城对面人行道被占用",
    FieldName.CONTENT: "来电人反映汽贸城对面人行道停满待售新车。",
}


class TestClock:
    """A clock that moves only when told."""

    __test__ = False

    def __init__(self, at: datetime = MONDAY) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **length: float) -> None:
        """Let time pass."""
        self.at += timedelta(**length)


def draft_of(
    call: str, fields: dict[FieldName, str] | None = None, *, draft_id: str = "", revision: int = 1
) -> DraftView:
    """A filled draft; `fields` replace or add values."""
    values = {**FILLED, **(fields or {})}
    return DraftView(
        id=draft_id or f"draft-{call}",
        call=call,
        revision=revision,
        fields={name: DraftField(value=values.get(name, "")) for name in FieldName},
    )


async def a_contact(
    database: Database, call: str, *, number: str | None = NUMBER, arrived_at: datetime = MONDAY
) -> ContactId:
    """A phone call that has arrived."""
    contact = ContactId(call)
    async with UnitOfWork(database) as unit:
        await unit.contacts.open(
            contact, arrived_at=arrived_at, caller_number=number, dialled="12345", medium=Medium.PHONE
        )
    return contact


class Killed(BaseException):
    """The process ended here: nothing after this statement happened."""


@contextmanager
def killed_before_statement(database: Database, number: int) -> Iterator[None]:
    """Raise `Killed` instead of running the `number`th statement (from 0) of the block, COMMIT included."""
    counted = itertools.count()

    def strike() -> None:
        if next(counted) == number:
            raise Killed

    def before_statement(*_: Any) -> None:
        strike()

    engine = database.engine.sync_engine
    commit = engine.dialect.do_commit

    def do_commit(connection: Any) -> None:
        strike()
        commit(connection)

    event.listen(engine, "before_cursor_execute", before_statement)
    try:
        with patch.object(engine.dialect, "do_commit", do_commit):
            yield
    finally:
        event.remove(engine, "before_cursor_execute", before_statement)
