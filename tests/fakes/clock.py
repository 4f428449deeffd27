"""A clock that follows the running loop: on a virtual loop it jumps with it."""

import asyncio
from datetime import UTC, datetime, timedelta

BEGAN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


class LoopClock:
    """The Clock port. `now` begins at 09:00 in Yuncheng on a Monday, when the loop's time is 0."""

    def now(self) -> datetime:
        return BEGAN + timedelta(milliseconds=self.monotonic_ms())

    def monotonic_ms(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)

    async def sleep(self, ms: int) -> None:
        await asyncio.sleep(ms / 1000)
