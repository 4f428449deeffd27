"""Time at the desk, so that tests and pictures can hold it still."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The clock of this machine; the server's is this one plus `Reception.offset`."""

    def now(self) -> datetime:
        """UTC, aware."""
        ...


class WallClock:
    """The real one."""

    def now(self) -> datetime:
        """UTC, aware."""
        return datetime.now(UTC)
