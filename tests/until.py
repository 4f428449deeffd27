"""Waiting in tests: a condition is polled, with a deadline; nothing is slept for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

_T = TypeVar("_T")


async def until(probe: Callable[[], _T | None], what: str, timeout_s: float = 5.0) -> _T:
    """The first truthy value of `probe`; fails the test when there is none in time."""

    async def asked() -> _T | None:
        return probe()

    return await until_async(asked, what, timeout_s)


async def until_async(probe: Callable[[], Awaitable[_T | None]], what: str, timeout_s: float = 5.0) -> _T:
    """As `until`, for a probe that must be awaited."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        if value := await probe():
            return value
        assert asyncio.get_running_loop().time() < deadline, f"not within {timeout_s:g} s: {what}"
        await asyncio.sleep(0.01)
