"""The leak check catches what it is for."""

from pathlib import Path

import pytest

pytest_plugins = ("pytester",)
LEAK = """
import asyncio, socket
kept = []

async def test_task():
    kept.append(asyncio.create_task(asyncio.sleep(3600), name="forgotten"))

async def test_socket():
    kept.append(socket.socket())

async def test_clean():
    with socket.socket():
        await asyncio.sleep(0)
"""


def test_a_task_or_socket_left_behind_fails_its_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile(conftest="from tests.leaks import no_leaks, no_tasks_left, pytest_runtest_call", test_it=LEAK)
    result = pytester.runpytest_subprocess("-q")
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(["*tasks left behind*forgotten*", "*sockets left behind*"])
