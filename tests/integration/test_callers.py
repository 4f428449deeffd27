"""Who called before, as the database remembers."""

from datetime import timedelta
from pathlib import Path

import pytest

from ivr.callers import known_callers
from ivr.calls.vocabulary import CallerClass
from ivr.clock import SystemClock
from ivr.settings import QueueSettings, SettingsError
from tests.unit.test_queueing import arrived
from ticketing.database import Database
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, Medium

pytestmark = pytest.mark.database


async def test_the_database_knows_who_called_before(database: Database, tmp_path: Path) -> None:
    clock = SystemClock()
    listed = tmp_path / "enterprises.txt"
    listed.write_text("# 企业\n03591234567  # 一厂\n\n", encoding="utf-8")
    async with UnitOfWork(database) as unit:
        at = clock.now() - timedelta(hours=1)
        await unit.contacts.open(
            ContactId("c"), arrived_at=at, caller_number="138", dialled="12345", medium=Medium.PHONE
        )
        await unit.contacts.answered(ContactId("c"), agent_id="1001", at=at)
    callers = await known_callers(database, QueueSettings(enterprise_file=str(listed)), clock)
    assert callers.of(arrived("138")).preferred == "1001"
    assert callers.of(arrived("03591234567")).kind is CallerClass.ENTERPRISE
    with pytest.raises(SettingsError, match="a number a line"):
        await known_callers(database, QueueSettings(enterprise_file=str(tmp_path / "none")), clock)
