"""The machine's time behind the Clock port."""

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """Wall clock for what is kept, the running loop's clock for offsets and timers."""

    def now(self) -> datetime:
        """UTC, aware."""
        return datetime.now(UTC)

    def monotonic_ms(self) -> int:
        """Milliseconds that never go back."""
        return round(asyncio.get_running_loop().time() * 1000)

    async def sleep(self, ms: int) -> None:
        """Return after `ms` milliseconds."""
        await asyncio.sleep(ms / 1000)
