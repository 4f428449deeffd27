"""Fixtures every test may use."""

from tests.databases import backend, database, database_url, empty_url, postgres, sqlite_template

__all__ = ["backend", "database", "database_url", "empty_url", "postgres", "sqlite_template"]
