"""Fixtures every test may use."""

from tests.databases import backend, database, database_url, empty_url, postgres, sqlite_template
from tests.exchanges import asterisk, exchange

__all__ = ["asterisk", "backend", "database", "database_url", "empty_url", "exchange", "postgres", "sqlite_template"]
