"""What happened to a call: past tense, frozen, JSON-serialisable. The only input of `CallSession`.

`Recorded` is the envelope in which an event is appended to the event log before its effects are performed.
"""

from datetime import datetime
from typing import TypeAlias

import msgspec

from ivr.calls.vocabulary import (
    AgentId,
    CallId,
    DialOutcome,
    Direction,
    HangupCause,
    Invitation,
    LegId,
    Party,
    PlaybackId,
    Skill,
)


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
    """The ACD matched this call with an agent; `endpoint` is the agent's phone in Asterisk's words (`PJSIP/1001`).

    `skill` is what the citizen had asked for.
    """

    agent: AgentId
    endpoint: str
    skill: Skill | None = None


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


# ---- calls of our own


class CallPlaced(Event, frozen=True, kw_only=True):
    """A person of ours calls somebody: their phone `agent_endpoint` first, then `endpoint`.

    `number` is a citizen's, None within the house; `callee` is the colleague called, reserved for it already.
    """

    agent: AgentId
    agent_endpoint: str
    endpoint: str
    number: str | None
    direction: Direction
    callee: AgentId | None = None


class Dialled(Event, frozen=True, kw_only=True):
    """How calling the other party of a call of our own, or of a kept place, ended. Recorded once a dialling."""

    outcome: DialOutcome


class PlaceKept(Event, frozen=True, kw_only=True):
    """The citizen hung up and keeps their place in the queue: they are called when their turn comes (保号)."""


class CameAgain(Event, frozen=True, kw_only=True):
    """The citizen who keeps a place has called in first: nobody is to call them any more."""


class LookedUp(Event, frozen=True, kw_only=True):
    """What is to be told of a work order somebody asked for by its number; no `sounds`, no such work order."""

    reference: str
    sounds: tuple[str, ...]


# ---- within a conversation


class HoldAsked(Event, frozen=True, kw_only=True):
    """The agent put the citizen on hold, or took them back."""

    agent: AgentId
    held: bool


class MuteAsked(Event, frozen=True, kw_only=True):
    """The agent muted or unmuted themselves."""

    agent: AgentId
    muted: bool


class GuestInvited(Event, frozen=True, kw_only=True):
    """Somebody is called into the conversation. `guest` is a person of ours, reserved for it already, or None."""

    agent: AgentId
    name: str
    endpoint: str
    invitation: Invitation
    guest: AgentId | None = None


class GuestDropped(Event, frozen=True, kw_only=True):
    """The agent ends a guest's part; None means the newest."""

    agent: AgentId
    leg: LegId | None = None


class GuestMissed(Event, frozen=True, kw_only=True):
    """A guest did not come: the citizen is back with the agent."""

    name: str
    outcome: DialOutcome


class GuestAdmitted(Event, frozen=True, kw_only=True):
    """After a consultation, the agent brings everybody together (会议)."""

    agent: AgentId


class HandedOver(Event, frozen=True, kw_only=True):
    """The agent leaves the citizen with the guest."""

    agent: AgentId


class PassedToSkill(Event, frozen=True, kw_only=True):
    """The agent gives the citizen to a queue (盲转技能组)."""

    agent: AgentId
    skill: Skill


class TransferredOut(Event, frozen=True, kw_only=True):
    """The citizen talks with somebody outside the hotline (一键互转): 110, 119, 120, an agency, a number.

    `left` says whether the agent is out of it.
    """

    agent: AgentId | None
    name: str
    left: bool


class LegJoined(Event, frozen=True, kw_only=True):
    """One more leg is in the conversation."""

    leg: LegId


class CitizenRated(Event, frozen=True, kw_only=True):
    """满意度: the citizen rated the service by a key, 1 to 5; `agent` is whose."""

    agent: AgentId | None
    score: int


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
    | CallPlaced
    | Dialled
    | PlaceKept
    | CameAgain
    | LookedUp
    | HoldAsked
    | MuteAsked
    | GuestInvited
    | GuestDropped
    | GuestMissed
    | GuestAdmitted
    | HandedOver
    | PassedToSkill
    | TransferredOut
    | LegJoined
    | CitizenRated
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
