"""What is left while the server is away can be read whatever was being written when something died."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.calls.vocabulary import CallId
from ivr.spool import Left, Spool, dialable

AT = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CALL = CallId("5e0c2a52-64b7-4f6e-9f0e-000000000001")
OWN = "13800000001"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path)


def left(**changes: object) -> Left:
    told: dict[str, object] = {"call": CALL, "at": AT, "caller_number": OWN, "number": OWN} | changes
    return Left(**told)  # type: ignore[arg-type]  # a test's shorthand


def put(spool: Spool, name: str, text: str = "1") -> Path:
    path = spool.folder / name
    path.write_text(text)
    return path


def test_what_was_confirmed_is_ready_at_once(spool: Spool) -> None:
    spool.leave(left(number="051288880000", settled=True))
    assert spool.ready(LONG_AGO) == [left(number="051288880000", settled=True)]
    assert [path.name for path in spool.folder.iterdir()] == [f"{CALL}.json"]


def test_a_call_that_still_talks_with_the_fallback_is_left_alone(spool: Spool) -> None:
    put(spool, f"{CALL}.caller", f"1795243800 {OWN}")
    spool.leave(left())
    assert spool.ready(LONG_AGO) == []
    put(spool, f"{CALL}.over")
    assert spool.ready(LONG_AGO) == [left()]


def test_who_hung_up_on_the_apology_is_called_where_they_called_from(spool: Spool) -> None:
    put(spool, f"{CALL}.caller", f"1795243800 {OWN}\n")
    put(spool, f"{CALL}.over")
    (found,) = spool.ready(LONG_AGO)
    assert (found.number, found.caller_number, found.at) == (OWN, OWN, datetime.fromtimestamp(1795243800, UTC))


def test_a_message_comes_with_its_call(spool: Spool) -> None:
    message = put(spool, f"{CALL}.wav")
    put(spool, f"{CALL}.caller", f"1795243800 {OWN}")
    put(spool, f"{CALL}.over")
    (found,) = spool.ready(LONG_AGO)
    assert found.message == message


def test_an_asterisk_that_died_has_no_call_left_at_the_fallback(spool: Spool) -> None:
    put(spool, f"{CALL}.caller", f"1795243800 {OWN}")
    assert spool.ready(datetime.now(UTC) - timedelta(hours=1)) == []
    assert [found.number for found in spool.ready(datetime.now(UTC) + timedelta(seconds=1))] == [OWN]
    assert [found.number for found in spool.ready(None)] == [OWN]


@pytest.mark.parametrize("text", ["", "12", "1795243800", "1795243800 ", "x 13800000001", "1795243800 anonymous"])
def test_a_note_that_is_not_whole_is_no_number_to_call(spool: Spool, text: str) -> None:
    put(spool, f"{CALL}.caller", text)
    put(spool, f"{CALL}.over")
    (found,) = spool.ready(LONG_AGO)
    assert found.number in (None, OWN if text.startswith("x") else None)


def test_a_broken_word_is_kept_for_a_person_and_the_callers_number_serves(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    put(spool, f"{CALL}.json", '{"call": "')
    put(spool, f"{CALL}.caller", f"1795243800 {OWN}")
    put(spool, f"{CALL}.over")
    assert [found.number for found in spool.ready(LONG_AGO)] == [OWN]
    assert (spool.folder / f"{CALL}.bad").exists()
    assert OWN not in caplog.text


def test_nothing_is_left_of_a_call_taken_in(spool: Spool) -> None:
    for part in (".caller", ".over", ".wav"):
        put(spool, f"{CALL}{part}")
    spool.leave(left())
    spool.remove(CALL)
    spool.remove(CALL)
    assert list(spool.folder.iterdir()) == []


def test_a_crash_while_writing_leaves_what_was_there(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    spool.leave(left())

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        spool.leave(left(number="051288880000", settled=True))
    put(spool, f"{CALL}.over")
    assert spool.ready(LONG_AGO) == [left()]


def test_files_of_others_are_let_be(spool: Spool) -> None:
    for name in ("readme.txt", ".scratch", "x y.caller", "a.b.json"):
        put(spool, name)
    assert spool.ready(None) == []


@given(st.text(max_size=30))
def test_only_digits_can_be_dialled(text: str) -> None:
    assert dialable(text) in (None, text)
    assert dialable(text) is None or text.removeprefix("+").isdecimal()
