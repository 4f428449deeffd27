"""A crowd does whatever it may to tickets; afterwards the logs are audited. `make bench` does so with 10,000."""

import pytest

from tests.crowd import Audit, Crowd, never
from ticketing.database import Database
from ticketing.lifecycle.steps import STEPS

pytestmark = pytest.mark.database

NOT_BY_THIS_CROWD = {"received", "transferred_out"}


async def test_a_random_crowd_breaks_no_rule_and_loses_nobody(database: Database) -> None:
    crowd = Crowd(database, seed=1, tickets=110, people=3)
    await crowd.work()
    audit = Audit(crowd)
    await audit.check()
    assert crowd.did["refused"] > 0, "it tried what it may not"
    assert len(never(audit.kinds(), set(STEPS) - NOT_BY_THIS_CROWD)) <= 5, "and did nearly everything that it may"
