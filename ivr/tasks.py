"""Tasks with a name, an owner and an end."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self


class Tasks:
    """Runs tasks until its context ends, then cancels and awaits them.

    A TaskGroup for owners that are context managers themselves: an error in a task cancels the owner and is raised as
    an ExceptionGroup, as there, but the owner's own error stays bare.
    """

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._running: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        """Take ownership."""
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every task."""
        for task in self._running:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` as a task of this owner."""
        task = self._group.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task
