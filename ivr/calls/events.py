"""What happened to a call: past tense, frozen, JSON-serialisable. The only input of `CallSession`.

`Recorded` is the envelope in which an event is appended to the event log before its effects are performed.
"""

from datetime import datetime
from typing import TypeAlias

import msgspec

from ivr.calls.vocabulary import AgentId, CallId, HangupCause, LegId, Party, PlaybackId, Skill


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """Root of the call events."""


class CallArrived(Event, frozen=True, kw_only=True):
    """A citizen's call entered the hotline. `caller_number` is None when withheld."""

    leg: LegId
    caller_number: str | None
    dialled: str


class PickedUp(Event, frozen=True, kw_only=True):
    """Asterisk confirmed that it answered the citizen's leg: the greeting can be heard."""

    leg: LegId


class PlaybackFinished(Event, frozen=True, kw_only=True):
    """An announcement ended, by itself or because it was stopped."""

    playback: PlaybackId


class DigitPressed(Event, frozen=True, kw_only=True):
    """A DTMF digit (RFC 4733 or SIP INFO) on any leg of the call."""

    leg: LegId
    digit: str


class AgentReserved(Event, frozen=True, kw_only=True):
    """The ACD matched this call with an agent; `endpoint` is the agent's phone in Asterisk's words (`PJSIP/1001`)."""

    agent: AgentId
    endpoint: str


class LegRinging(Event, frozen=True, kw_only=True):
    """A leg we called is ringing."""

    leg: LegId


class LegAnswered(Event, frozen=True, kw_only=True):
    """A leg we called was answered by its person and is under our control."""

    leg: LegId


class LegHungUp(Event, frozen=True, kw_only=True):
    """A leg is gone, whoever ended it. Also stands for a 404 met while acting on it: the hang-up not yet heard of."""

    leg: LegId
    cause: HangupCause


class LegsJoined(Event, frozen=True, kw_only=True):
    """Citizen and agent hear each other: the conversation begins."""

    citizen_leg: LegId
    agent_leg: LegId


class MediaForked(Event, frozen=True, kw_only=True):
    """A party's audio began to be tapped; segment times of that fork count from here."""

    leg: LegId
    party: Party


class TimerFired(Event, frozen=True, kw_only=True):
    """A timer the session had started ran out."""

    timer: str


class HangUpRequested(Event, frozen=True, kw_only=True):
    """The agent pressed the hang-up key at the desk."""

    agent: AgentId


class WrapUpFinished(Event, frozen=True, kw_only=True):
    """The agent finished after-call work (话后处理) at the desk, or the server ended it."""

    agent: AgentId


class AgentLost(Event, frozen=True, kw_only=True):
    """The agent signed out or was forced out while bound to this call."""

    agent: AgentId


class QueueMoved(Event, frozen=True, kw_only=True):
    """The ACD says where the waiting citizen stands: `ahead` callers before this one.

    `wait_ms` is how much longer they will wait at most, most likely; None where that cannot be said. `skill` is what
    they wait for.
    """

    ahead: int
    wait_ms: int | None = None
    skill: Skill | None = None


class FoundStanding(Event, frozen=True, kw_only=True):
    """After a gap the call stands further on than its log knows: picked up and, with an `agent_leg`, talking.

    `agent` is None where the leg's phone belongs to nobody of the roster.
    """

    agent: AgentId | None = None
    agent_leg: LegId | None = None


class GivenBack(Event, frozen=True, kw_only=True):
    """The citizen's leg went back to the dialplan's fallback; what becomes of it there is not this call's."""

    leg: LegId


AnyEvent: TypeAlias = (
    CallArrived
    | PickedUp
    | PlaybackFinished
    | DigitPressed
    | AgentReserved
    | LegRinging
    | LegAnswered
    | LegHungUp
    | LegsJoined
    | MediaForked
    | TimerFired
    | HangUpRequested
    | WrapUpFinished
    | AgentLost
    | QueueMoved
    | FoundStanding
    | GivenBack
)


class LineEvent(msgspec.Struct, frozen=True):
    """An event as telephony hears it, addressed to its call."""

    call: CallId
    event: AnyEvent


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the event log. `at` is UTC; `offset_ms` counts from arrival; `seq` from 0 without a gap."""

    call: CallId
    seq: int
    at: datetime
    offset_ms: int
    event: AnyEvent
