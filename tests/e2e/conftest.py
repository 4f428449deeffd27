"""Fixtures of whole calls."""

from collections.abc import AsyncIterator

import pytest

from tests.e2e.stage import Home, Stage, home, running_stage

__all__ = ["home"]


@pytest.fixture
async def stage(home: Home) -> AsyncIterator[Stage]:
    """The hotline at work, as it comes."""
    async with running_stage(home) as running:
        yield running
