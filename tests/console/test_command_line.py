"""`python -m agent_console` as a person starts it: in a terminal, in one too small, in none, with a password file."""

import asyncio
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent_console.__main__ import FAULT, REFUSED, TERMINAL, USAGE, main
from agent_console.app import DeskApp, Fault, Seat
from ivr.desk.catalogue import Language, load
from ivr.desk.wire import SignIn, SignOut
from tests.console.scenes import IDLE, IN_CALL
from tests.console.stage import DEADLINE, HeldClock, desk_at, server_with


@contextmanager
def terminal(columns: int, rows: int) -> Iterator[tuple[int, int]]:
    """A pseudo-terminal of that size: our end and the desk's."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


def start(theirs: int, *arguments: str) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return subprocess.Popen(
        [sys.executable, "-m", "agent_console", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment | {"TERM": "xterm-256color"},
    )


async def ended(desk: "subprocess.Popen[bytes]", ours: int) -> tuple[int, str]:
    """Its exit code and what stands on the terminal once it has left its screen."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE * 3
    drawn = b""
    while desk.poll() is None:
        if loop.time() > deadline:
            desk.kill()
        drawn += drain(ours)
        await asyncio.sleep(0.02)
    drawn += drain(ours)
    left = drawn.decode().rpartition("\x1b[?1049l")[2]
    return desk.returncode, re.sub(r"\x1b\[[0-9;?<>=]*[a-zA-Z]", "", left).strip()


def drain(ours: int) -> bytes:
    """What the desk has drawn so far."""
    os.set_blocking(ours, False)
    drawn = b""
    try:
        while part := os.read(ours, 65536):
            drawn += part
    except BlockingIOError:
        pass
    return drawn


async def test_a_desk_signs_in_with_a_password_file_and_out_by_a_key(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("open sesame\n", encoding="utf-8")
    log = tmp_path / "desk.log"
    async with server_with(IDLE) as server:
        with terminal(120, 40) as (ours, theirs):
            arguments = ("--server", server.url, "--agent", "1001", "--password-file", str(secret), "--log", str(log))
            desk = start(theirs, *arguments)
            loop = asyncio.get_running_loop()
            deadline = loop.time() + DEADLINE * 3
            while not server.heard(SignIn) and desk.poll() is None and loop.time() < deadline:
                drain(ours)
                await asyncio.sleep(0.02)
            while not server.heard(SignOut) and desk.poll() is None and loop.time() < deadline:
                os.write(ours, b"\x1b[24~")  # F12; a press before the screen stands goes nowhere
                drain(ours)
                await asyncio.sleep(0.1)
            code, said = await ended(desk, ours)
    assert (code, said) == (0, "")
    assert "signed in" in log.read_text(encoding="utf-8")
    assert "sesame" not in log.read_text(encoding="utf-8")


async def test_a_refused_password_file_ends_the_desk_with_the_reason(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("wrong\n", encoding="utf-8")
    async with server_with(IDLE) as server:
        with terminal(120, 40) as (ours, theirs):
            desk = start(theirs, "--server", server.url, "--agent", "1001", "--password-file", str(secret))
            code, said = await ended(desk, ours)
    assert (code, said) == (REFUSED, "服务器拒绝签入：工号或密码不对")


async def test_a_terminal_too_small_is_told_with_its_size() -> None:
    with terminal(70, 20) as (ours, theirs):
        code, said = await ended(start(theirs, "--lang", "en"), ours)
    assert (code, said) == (TERMINAL, "the terminal is too small: 70×20, it needs 80×24")


def test_no_terminal_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == TERMINAL
    assert capsys.readouterr().err.strip() == "话务席要在终端里运行"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--server", "http://127.0.0.1:1"], "服务器地址应以 ws:// 或 wss:// 开头：http://127.0.0.1:1"),
        (["--password-file", "x"], "用密码文件签入时要同时给出 --agent"),
        (["--agent", "1", "--password-file", "/no/such"], "读不到密码文件 /no/such：No such file or directory"),
        (["--log", "/no/such/log"], "写不了日志文件 /no/such/log：No such file or directory"),
    ],
)
def test_wrong_arguments_are_told(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == USAGE
    assert capsys.readouterr().err.strip() == said


def test_an_empty_password_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "password"
    empty.touch()
    assert main(["--agent", "1", "--password-file", str(empty), "--lang", "en"]) == USAGE
    assert capsys.readouterr().err.strip() == f"cannot read the password file {empty}: it is empty"


async def test_a_fault_in_the_program_leaves_one_line_and_nothing_of_the_citizen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with server_with(IN_CALL) as server:
        with pytest.raises(ZeroDivisionError):
            async with desk_at(server) as stage:
                stage.app.call_later(lambda: 1 // 0)
                while stage.app.fault is None:  # noqa: ASYNC110 polled up to the test's own deadline
                    await asyncio.sleep(0.005)
        fault = stage.app.fault
        assert fault is not None
        assert fault.kind == "ZeroDivisionError"
        assert fault.place.startswith("test_command_line.py:")
    capsys.readouterr()

    def fail(app: DeskApp) -> None:
        app.fault = Fault(kind="ZeroDivisionError", place="said.py:12")

    monkeypatch.setattr(DeskApp, "run", fail)
    monkeypatch.setattr("agent_console.__main__._look_at_terminal", lambda words: None)
    assert main(["--server", server.url]) == FAULT
    assert "ZeroDivisionError，said.py:12" in capsys.readouterr().err


def test_a_password_to_another_machine_warns_where_it_is_not_encrypted() -> None:
    words = load(Language.CHINESE)
    safe = {
        server: DeskApp(Seat(server=server), words, HeldClock())._sign_in_screen(again=False)._safe
        for server in ("ws://127.0.0.1:1", "ws://localhost:1", "wss://10.0.0.2:1", "ws://10.0.0.2:1")
    }
    assert list(safe.values()) == [True, True, True, False]
