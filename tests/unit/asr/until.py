"""Wait for what other threads and sockets bring about."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Poll with a deadline; TimeoutError when it never holds."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 the condition lives in threads and sockets that set no event
            await asyncio.sleep(0.001)
