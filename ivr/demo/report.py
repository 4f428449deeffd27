"""What the demonstration says: a line a step while it goes, and the whole at the end, as text or as JSON."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from ivr.ports import HotlineError


class StepFailed(HotlineError):
    """A step of the demonstration did not really happen; the text names it."""


class Report:
    """Steps with their time since the beginning, in ms; `print_line` gets every line."""

    def __init__(self, print_line: Callable[[str], None], *, as_json: bool) -> None:
        self._print = print_line
        self._as_json = as_json
        self._began = time.monotonic()
        self._held: list[str] | None = None

    def hold(self) -> None:
        """Keep lines back: the terminal belongs to the desk now."""
        self._held = []

    def release(self) -> None:
        """Print what was kept back, and print at once from now on."""
        held, self._held = self._held or [], None
        for line in held:
            self._print(line)

    def step(self, name: str, **facts: Any) -> None:
        """One step happened."""
        ms = round((time.monotonic() - self._began) * 1000)
        if self._as_json:
            line = msgspec.json.encode({"step": name, "ms": ms, **facts}).decode()
        else:
            told = "  ".join(f"{key}={value}" for key, value in facts.items())
            line = f"{ms / 1000:7.2f} s  {name.replace('_', ' '):28} {told}".rstrip()
        if self._held is not None:
            self._held.append(line)
        else:
            self._print(line)

    def whole(self, result: dict[str, Any]) -> None:
        """The last object."""
        if self._as_json:
            self._print(msgspec.json.encode(result).decode())
            return
        call, ticket, recording = result["call"], result["ticket"], result["recording"]
        self._print("")
        for segment in result["transcript"]:
            who = "市民" if segment["speaker"] == "citizen" else "话务"
            self._print(f"  {segment['start_ms'] / 1000:6.1f} s  {who}  {segment['text']}")
        self._print("")
        self._print(f"  call       {call['id']}, waited {call['wait_ms']} ms, talked {call['talk_ms'] / 1000:.1f} s")
        self._print(f"  work order {ticket['reference']}  {ticket['title']}")
        self._print(
            f"  agency     {ticket['lead_agency']}, due {ticket['due_at']}, dispatched {ticket['dispatched_at']}"
        )
        self._print(f"  recording  {recording['seconds']:.1f} s in {', '.join(recording['paths'].values())}")


def ensure(happened: object, what: str) -> None:
    """Raise `StepFailed` unless it happened."""
    if not happened:
        raise StepFailed(what)
