"""Time that jumps: a loop that, when it has nothing to do, is at once where its next timer is due.

A night of calls takes milliseconds and comes out the same every time. For code without threads or sockets.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from tests.leaks import tasks_left

_P = ParamSpec("_P")
_T = TypeVar("_T")


class _JumpingSelector(selectors.DefaultSelector):
    """Reports what is ready without waiting; where nothing is, the wait is added to the time."""

    now = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing is ready and no timer runs: this test would wait for ever")
        ready = super().select(0)
        if not ready:
            self.now += max(timeout, 0)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time."""

    def __init__(self) -> None:
        self._virtual = _JumpingSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Seconds of virtual time."""
        return self._virtual.now


def run(main: Coroutine[Any, Any, _T]) -> _T:
    """Run `main` on virtual time, asyncio's debug mode on; a task it leaves behind fails it."""
    with asyncio.Runner(debug=True, loop_factory=VirtualTimeLoop) as runner:
        result = runner.run(main)
        left = runner.run(tasks_left())
        assert left == [], f"tasks left behind: {left}"
        return result


def virtual(test: Callable[_P, Coroutine[Any, Any, None]]) -> Callable[_P, None]:
    """Make a coroutine test run on virtual time."""

    @functools.wraps(test)
    def on_virtual_time(*args: _P.args, **kwargs: _P.kwargs) -> None:
        run(test(*args, **kwargs))

    return on_virtual_time
