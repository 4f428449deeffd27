"""What a test leaves behind: a task or a socket that outlives it fails it."""

import asyncio
import contextlib
import gc
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

_SOCKETS = pytest.StashKey[set[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Note what stands when a test's fixtures do; those of the session may have begun with them."""
    item.stash[_SOCKETS] = open_sockets()


async def tasks_left() -> list[str]:
    """The names of the running tasks, all but this one."""
    return sorted(task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task())


def open_sockets() -> set[str]:
    """The sockets this process holds, by the kernel's name."""
    names = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the folder's own descriptor is gone again
            names.add(str(descriptor.readlink()))
    return {name for name in names if name.startswith("socket:")}


@pytest.fixture(autouse=True)
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every coroutine test ends with no more tasks and sockets than it began with."""
    if not inspect.iscoroutinefunction(getattr(request, "function", None)):
        yield
        return
    request.getfixturevalue("no_tasks_left")
    yield
    before = request.node.stash.get(_SOCKETS, None)
    if before is None:
        return
    if open_sockets() - before:
        gc.collect()
    assert open_sockets() - before == set(), "sockets left behind"


@pytest.fixture
async def no_tasks_left() -> AsyncIterator[None]:
    """Set up before a test's own fixtures, so that those have ended when it looks."""
    before = await tasks_left()
    yield
    left = [name for name in await tasks_left() if name not in before]
    assert left == [], f"tasks left behind: {left}"
