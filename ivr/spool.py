"""What citizens left while the server was away: files in one folder, written by others than the server, read by it.

    <call>.caller   the dialplan: epoch second and calling number, when the fallback began
    <call>.json     the fallback process: where to call back, as far as the citizen has said
    <call>.wav      Asterisk: a message, where there was no fallback process either
    <call>.over     the dialplan: that call is over, nothing more will come of it

A call is ready to be taken in once it is over: it says so, or what was left is older than the Asterisk that runs.
"""

import logging
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ivr.calls.vocabulary import CallId

_log = logging.getLogger(__name__)

NUMBER = re.compile(r"\+?[0-9]{3,20}")
"""What can be dialled; E.164 allows 15 digits, private numbering plans a few more."""

_CALL = re.compile(r"[0-9A-Za-z-]{1,64}")
_PARTS = (".caller", ".json", ".wav", ".over")


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What one citizen left. `at` is UTC; `number` is where to call back, None where there is none.

    `settled` says that the citizen has heard it confirmed; otherwise they hung up before, and it is their own number.
    """

    call: CallId
    at: datetime
    caller_number: str | None
    number: str | None
    settled: bool = False
    message: Path | None = None


class Spool:
    """One folder. Blocking; whoever writes may be killed at any time, whoever reads too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def leave(self, left: Left) -> None:
        """Write it, and return when it is on the disk. Raises OSError."""
        text = msgspec.json.encode(msgspec.structs.replace(left, message=None))
        scratch = self.folder / f".{left.call}.{os.getpid()}"
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self.folder / f"{left.call}.json")
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def ready(self, booted_at: datetime | None) -> list[Left]:
        """What can be taken in, oldest first. `booted_at` is since when Asterisk runs (UTC), None if it does not."""
        calls = {path.stem for path in self.folder.glob("[!.]*") if path.suffix in _PARTS}
        found = [self._read(CallId(call), booted_at) for call in sorted(calls) if _CALL.fullmatch(call)]
        return sorted((left for left in found if left is not None), key=lambda left: left.at)

    def remove(self, call: CallId) -> None:
        """It has been taken in. What says that it is over goes last, so that a crash leaves it ready."""
        for part in _PARTS:
            (self.folder / f"{call}{part}").unlink(missing_ok=True)

    def _read(self, call: CallId, booted_at: datetime | None) -> Left | None:
        parts = [path for part in _PARTS if (path := self.folder / f"{call}{part}").exists()]
        try:
            times = [path.stat().st_mtime for path in parts]
            began, newest = min(times), max(times)
        except (FileNotFoundError, ValueError):
            return None  # taken in just now, by another server
        at = datetime.fromtimestamp(began, UTC)
        told = self._told(call)
        dead = booted_at is None or datetime.fromtimestamp(newest, UTC) < booted_at
        if not (dead or (told is not None and told.settled) or (self.folder / f"{call}.over").exists()):
            return None
        message = self.folder / f"{call}.wav"
        if told is None:
            at, number = self._caller(call, at)
            told = Left(call=call, at=at, caller_number=number, number=number)
        return msgspec.structs.replace(told, message=message if message.exists() else None)

    def _told(self, call: CallId) -> Left | None:
        path = self.folder / f"{call}.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=Left)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError:
            _log.error("%s cannot be read; kept as .bad for a person to look at", path.name)
            path.replace(path.with_suffix(".bad"))
            return None

    def _caller(self, call: CallId, at: datetime) -> tuple[datetime, str | None]:
        """When and from which number, as the dialplan noted them; it cannot promise that they reached the disk."""
        try:
            second, _, number = (self.folder / f"{call}.caller").read_text(errors="replace").strip().partition(" ")
        except FileNotFoundError:
            return at, None
        if second.isdecimal() and len(second) <= 11:
            at = datetime.fromtimestamp(int(second), UTC)
        return at, dialable(number)


def dialable(number: str | None) -> str | None:
    """A number that can be called, or None."""
    return number if number is not None and NUMBER.fullmatch(number) else None
