"""The fallback's dialogue against an Asterisk of a test's making: what a citizen may do, and what is kept of it."""

import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from ivr.fallback import Dialogue, HungUp
from ivr.spool import Left, Spool

CALL = "5e0c2a52-64b7-4f6e-9f0e-000000000001"
OWN = "13800000001"
GONE = "gone"

Answers = dict[str, list[str]]


class ScriptedAsterisk:
    """The other end of a FastAGI connection. `answers` are keys pressed at each question, in order."""

    def __init__(self, connection: socket.socket, number: str, answers: Answers, *, hang_up_at: str = "") -> None:
        self.played: list[str] = []
        self._connection = connection
        self._number = number
        self._answers = answers
        self._hang_up_at = hang_up_at
        self._thread = threading.Thread(target=self._serve, name="scripted asterisk")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join(5)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        with self._connection, self._connection.makefile("rw", encoding="utf-8", newline="\n") as wire:
            wire.write(f"agi_network: yes\nagi_callerid: {self._number}\nagi_uniqueid: hotline-1.0\n\n")
            wire.flush()
            for line in wire:
                sound = re.findall(r'"([^"]*)"|(\S+)', line)
                answer = self._answer(line, sound[-1][0] or sound[-1][1])
                if answer == GONE:
                    return
                wire.write(answer)
                wire.flush()

    def _answer(self, line: str, last: str) -> str:
        if line.startswith("GET VARIABLE"):
            return f"200 result=1 ({CALL})\n"
        words = line.replace('"', "").split()
        sound = words[2]
        self.played.append(sound)
        if sound == self._hang_up_at:
            return "HANGUP\n"
        if line.startswith("GET DATA"):
            keys = self._answers.get(sound, [])
            return f"200 result={keys.pop(0)}\n" if keys else "200 result= (timeout)\n"
        return "200 result=0 endpos=4000\n"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """pyst2 takes SIGHUP for itself; the process is the test run's."""
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


Holds = Callable[..., tuple[Left | None, list[str]]]


@pytest.fixture
def hold(spool: Spool) -> Holds:
    """A whole dialogue: what is left in the spool, and what was played."""

    def held(answers: Answers, number: str = OWN, hang_up_at: str = "") -> tuple[Left | None, list[str]]:
        ours, theirs = socket.socketpair()
        with ours, ScriptedAsterisk(theirs, number, answers, hang_up_at=hang_up_at) as asterisk:
            ours.settimeout(5)
            dialogue = Dialogue(ours, spool)
            try:
                dialogue.hold()
            except HungUp:
                assert hang_up_at
            finally:
                dialogue.close()
                ours.close()
        return next(iter(spool.ready(None)), None), asterisk.played

    return held


def test_who_presses_nothing_is_called_where_they_called_from(hold: Holds) -> None:
    left, played = hold({})
    assert left is not None
    assert (left.number, left.caller_number, left.settled) == (OWN, OWN, True)
    assert played == ["fallback_offer", "fallback_noted"]


def test_another_number_is_read_back_and_kept(hold: Holds) -> None:
    left, played = hold({"fallback_offer": ["2"], "fallback_number": ["051288880000"], "fallback_right": ["1"]})
    assert left is not None
    assert (left.number, left.caller_number) == ("051288880000", OWN)
    assert played[2:6] == ["fallback_check", "digit.0", "digit.5", "digit.1"]
    assert played[-1] == "fallback_noted"


def test_a_wrong_number_is_typed_again(hold: Holds) -> None:
    answers = {
        "fallback_offer": ["2"],
        "fallback_number": ["12", "88880000", "88880001"],
        "fallback_right": ["2", "1"],
    }
    left, played = hold(answers)
    assert left is not None
    assert left.number == "88880001"
    assert played.count("fallback_again") == 1


def test_who_never_types_a_number_is_called_where_they_called_from(hold: Holds) -> None:
    left, played = hold({"fallback_offer": ["2"]})
    assert left is not None
    assert left.number == OWN
    assert played.count("fallback_number") == 3


@pytest.mark.parametrize("number", ["unknown", "anonymous", "", "Bob <1>"])
def test_a_withheld_number_is_asked_for(hold: Holds, number: str) -> None:
    left, played = hold({"fallback_number": ["88880000"]}, number=number)
    assert left is not None
    assert (left.number, left.caller_number) == ("88880000", None)
    assert played[0] == "fallback_number"


def test_without_any_number_the_citizen_is_told_so(hold: Holds) -> None:
    left, played = hold({}, number="unknown")
    assert left is not None
    assert left.number is None
    assert played[-1] == "fallback_no_number"


@pytest.mark.parametrize("at", ["fallback_offer", "fallback_number", "fallback_check", "digit.5", "fallback_right"])
def test_whoever_hangs_up_on_the_way_is_called_where_they_called_from(hold: Holds, at: str) -> None:
    left, _ = hold({"fallback_offer": ["2"], "fallback_number": ["051288880000"]}, hang_up_at=at)
    assert left is not None
    assert (left.number, left.settled) == (OWN, False)


def test_hanging_up_on_the_goodbye_costs_nothing(hold: Holds) -> None:
    left, _ = hold({}, hang_up_at="fallback_noted")
    assert left is not None
    assert left.settled


def test_nothing_of_the_citizen_is_written_but_to_the_spool(
    hold: Holds, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    hold({"fallback_offer": ["2"], "fallback_number": ["051288880000"]}, hang_up_at="fallback_right")
    said = caplog.text + "".join(capfd.readouterr())
    assert OWN not in said
    assert "051288880000" not in said


def test_a_disk_that_is_full_sends_the_citizen_back_to_the_dialplan(
    hold: Holds, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(left: Left) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool, "leave", full)
    with pytest.raises(OSError, match="No space"):
        hold({})
