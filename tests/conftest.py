"""Fixtures every test may use."""

from hypothesis import settings

from tests.databases import backend, database, database_url, empty_url, postgres, sqlite_template
from tests.exchanges import asterisk, exchange
from tests.leaks import no_leaks, no_tasks_left, pytest_runtest_call

__all__ = [
    "asterisk",
    "backend",
    "database",
    "database_url",
    "empty_url",
    "exchange",
    "no_leaks",
    "no_tasks_left",
    "postgres",
    "pytest_runtest_call",
    "sqlite_template",
]

settings.register_profile("any machine", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("any machine")
