"""One call's part in the figures: what of its events is counted, folded from the event log. Pure.

Entry into the queue is the first word of the ACD about the call: its place, or its agent. A conversation runs from the
legs' joining to the end of the agent's leg, the citizen's, or the agent's hang-up key; after-call work from there to
the agent's word, the timer's, or the agent's leaving. A call that broke off and was put through again talked twice.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from ivr.calls import events as ev
from ivr.calls.events import Recorded
from ivr.calls.vocabulary import BROKEN_OFF, AgentId, CallId, LegId
from ivr.calls.work import Timer


class ClockStart(StrEnum):
    """When the citizen's wait begins."""

    ARRIVAL = "arrival"
    QUEUE_ENTRY = "queue_entry"


class CallFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One call's part in the figures. Times are milliseconds since arrival; None where it did not happen.

    `given_back` says that the hotline let go of the citizen, not they of it: back to the dialplan, or, in a queue_log,
    out of the queue by its limit, a key or for want of agents; `left_by` is that log's word for it. `caller` only
    groups calls and is never shown.
    `talk_ms` holds the hold. `handled` is true once the conversation and its after-call work are over; `agent` is who
    had it last. `missed_offers` are offers no agent took.
    """

    call: CallId
    arrived_at: datetime
    queued_ms: int | None = None
    answered_ms: int | None = None
    left_ms: int | None = None
    given_back: bool = False
    left_by: str | None = None
    queue: str | None = None
    caller: str | None = None
    agent: AgentId | None = None
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0
    handled: bool = False
    missed_offers: int = 0

    @property
    def decided(self) -> bool:
        """Whether it is known if a person answered."""
        return self.answered_ms is not None or self.left_ms is not None

    def wait_ms(self, start: ClockStart) -> int | None:
        """How long the citizen waited for a person or until they left; None while undecided or never in the queue."""
        end = self.answered_ms if self.answered_ms is not None else self.left_ms
        begin = 0 if start is ClockStart.ARRIVAL else self.queued_ms
        return None if end is None or begin is None else max(0, end - begin)


@dataclass
class _Running:
    """What the fold must remember of a call beside its figures: since when it talks, or is wrapped up.

    `left` says that the agent went out of the roster in the conversation: nobody wraps it up.
    """

    citizen: LegId
    agent_leg: LegId | None = None
    talking_ms: int | None = None
    wrapping_ms: int | None = None
    left: bool = False


class Tally:
    """The fold. Add the records of each call in order of `seq`; calls may interleave.

    `changed` is told what a call counted for before (None: it is new) and what it counts for now.
    """

    def __init__(self, changed: Callable[[CallFigures | None, CallFigures], None] | None = None) -> None:
        self._figures: dict[CallId, CallFigures] = {}
        self._running: dict[CallId, _Running] = {}
        self._changed = changed

    def add(self, recorded: Recorded) -> None:
        """Count one line of the log."""
        call, event = recorded.call, recorded.event
        before = self._figures.get(call)
        if before is None:
            if not isinstance(event, ev.CallArrived):
                return
            self._running[call] = _Running(citizen=event.leg)
            after = CallFigures(call=call, arrived_at=recorded.at, caller=event.caller_number)
        else:
            after = self._moved(before, self._running[call], recorded)
        if after is not before:
            self._figures[call] = after
            if self._changed is not None:
                self._changed(before, after)

    def forget(self, call: CallId) -> None:
        """Remember a call no longer: nothing more of it is counted."""
        self._figures.pop(call, None)
        self._running.pop(call, None)

    @property
    def calls(self) -> list[CallFigures]:
        """Every call seen, in order of arrival."""
        return sorted(self._figures.values(), key=lambda call: (call.arrived_at, call.call))

    def _moved(self, figures: CallFigures, running: _Running, recorded: Recorded) -> CallFigures:
        event, ms = recorded.event, recorded.offset_ms
        if figures.queued_ms is None and isinstance(event, ev.QueueMoved | ev.AgentReserved | ev.FoundStanding):
            figures = msgspec.structs.replace(figures, queued_ms=ms)
        match event:
            case ev.AgentReserved(agent=agent):
                return msgspec.structs.replace(figures, agent=agent)
            case ev.LegsJoined(citizen_leg=citizen, agent_leg=leg) if citizen == running.citizen:
                return _talks(figures, running, leg, ms)
            case ev.FoundStanding(agent_leg=leg, agent=agent) if leg is not None:
                return _talks(msgspec.structs.replace(figures, agent=agent), running, leg, ms)
            case ev.LegHungUp():
                return _leg_ended(figures, running, event, ms)
            case ev.HangUpRequested():
                return _silent(figures, running, ms, wraps_up=True)
            case ev.AgentLost() if running.talking_ms is not None:
                running.left = True
            case ev.WrapUpFinished() | ev.TimerFired(timer=Timer.WRAP_UP) | ev.AgentLost():
                return _wrapped_up(figures, running, ms)
            case ev.GivenBack() if not figures.decided:
                return msgspec.structs.replace(figures, left_ms=ms, given_back=True)
        return figures


def _talks(figures: CallFigures, running: _Running, leg: LegId, ms: int) -> CallFigures:
    if running.talking_ms is not None or running.wrapping_ms is not None or figures.left_ms is not None:
        return figures
    running.agent_leg, running.talking_ms, running.left = leg, ms, False
    return figures if figures.decided else msgspec.structs.replace(figures, answered_ms=ms)


def _leg_ended(figures: CallFigures, running: _Running, event: ev.LegHungUp, ms: int) -> CallFigures:
    if event.leg == running.citizen:
        if running.talking_ms is not None:
            return _silent(figures, running, ms, wraps_up=True)
        if figures.decided:
            return _over(figures, running)
        return msgspec.structs.replace(figures, left_ms=ms)
    if event.leg == running.agent_leg:
        return _silent(figures, running, ms, wraps_up=event.cause not in BROKEN_OFF)
    if not figures.decided:
        return msgspec.structs.replace(figures, missed_offers=figures.missed_offers + 1)
    return figures


def _silent(figures: CallFigures, running: _Running, ms: int, *, wraps_up: bool) -> CallFigures:
    """The conversation ends: in after-call work, or, broken off, with the citizen back in the queue."""
    if running.talking_ms is None:
        return figures
    figures = msgspec.structs.replace(figures, talk_ms=figures.talk_ms + ms - running.talking_ms)
    running.talking_ms = running.agent_leg = None
    if not wraps_up:
        return figures
    if figures.agent is None or running.left:
        return _over(figures, running)
    running.wrapping_ms = ms
    return figures


def _wrapped_up(figures: CallFigures, running: _Running, ms: int) -> CallFigures:
    if running.wrapping_ms is None:
        return figures
    figures = msgspec.structs.replace(figures, wrap_ms=figures.wrap_ms + ms - running.wrapping_ms)
    running.wrapping_ms = None
    return _over(figures, running)


def _over(figures: CallFigures, running: _Running) -> CallFigures:
    if figures.handled or figures.answered_ms is None or running.wrapping_ms is not None:
        return figures
    return msgspec.structs.replace(figures, handled=True)


def fold(log: Iterable[Recorded]) -> list[CallFigures]:
    """The calls of a log."""
    tally = Tally()
    for recorded in log:
        tally.add(recorded)
    return tally.calls
