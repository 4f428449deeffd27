"""What a call wants done: imperative, frozen. The only output of `CallSession`; performed by the conductor."""

from typing import TypeAlias

import msgspec

from ivr.calls.caller import Caller
from ivr.calls.vocabulary import AgentId, HangupCause, LegId, OfferOutcome, Party, PlaybackId, Skill


class Effect(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """Root of the effects."""


class PickUp(Effect, frozen=True, kw_only=True):
    """Answer the citizen's leg. Completes with `PickedUp`."""

    leg: LegId


class Play(Effect, frozen=True, kw_only=True):
    """Play sounds one after the other; `sounds` are names from the site pack. Completes with `PlaybackFinished`."""

    leg: LegId
    playback: PlaybackId
    sounds: tuple[str, ...]


class StopPlaying(Effect, frozen=True, kw_only=True):
    """Stop an announcement; harmless when it has ended."""

    playback: PlaybackId


class JoinQueue(Effect, frozen=True, kw_only=True):
    """Ask the ACD for a person. `entered_ms` (since arrival) is kept over re-offers: nobody loses their place."""

    skill: Skill
    entered_ms: int
    caller: Caller = Caller()


class LeaveQueue(Effect, frozen=True, kw_only=True):
    """Withdraw from the ACD."""


class PlaceInQueue(Effect, frozen=True, kw_only=True):
    """Put the citizen's leg into the holding bridge, with music."""

    leg: LegId


class OfferTo(Effect, frozen=True, kw_only=True):
    """Ring an agent's phone as `leg` for at most `ring_ms`; the desk pops. Completes with LegAnswered or LegHungUp."""

    agent: AgentId
    leg: LegId
    endpoint: str
    ring_ms: int


class Connect(Effect, frozen=True, kw_only=True):
    """Join the two legs. Completes with `LegsJoined`."""

    citizen_leg: LegId
    agent_leg: LegId


class ForkMedia(Effect, frozen=True, kw_only=True):
    """Tap one party's audio for recognition. Completes with `MediaForked`; a failure never touches the call."""

    leg: LegId
    party: Party


class StopFork(Effect, frozen=True, kw_only=True):
    """End a tap; what was heard is finished to final segments."""

    party: Party


class HangUp(Effect, frozen=True, kw_only=True):
    """End a leg; harmless when it is gone."""

    leg: LegId
    cause: HangupCause = HangupCause.NORMAL


class AgentConnected(Effect, frozen=True, kw_only=True):
    """Tell the ACD that its reserved agent is now on the call."""

    agent: AgentId


class ReleaseAgent(Effect, frozen=True, kw_only=True):
    """Tell the ACD that an offer ended without a conversation, or that the agent's phone broke off in one."""

    agent: AgentId
    outcome: OfferOutcome


class BeginWrapUp(Effect, frozen=True, kw_only=True):
    """Tell the ACD that the agent's after-call work began."""

    agent: AgentId


class EndWrapUp(Effect, frozen=True, kw_only=True):
    """Tell the ACD that the agent's after-call work is over."""

    agent: AgentId


class StartTimer(Effect, frozen=True, kw_only=True):
    """Wake the session with `TimerFired(timer)` after `after_ms`; restarts a timer of the same name."""

    timer: str
    after_ms: int


class CancelTimer(Effect, frozen=True, kw_only=True):
    """Forget a timer; harmless when it is not running."""

    timer: str


class GiveBack(Effect, frozen=True, kw_only=True):
    """Return the citizen's leg to the dialplan's fallback. Completes with `GivenBack`."""

    leg: LegId


class EndCall(Effect, frozen=True, kw_only=True):
    """Nothing of this call may remain: bridges, taps, timers, its task. Always the last effect of a call."""


AnyEffect: TypeAlias = (
    PickUp
    | Play
    | StopPlaying
    | JoinQueue
    | LeaveQueue
    | PlaceInQueue
    | OfferTo
    | Connect
    | ForkMedia
    | StopFork
    | HangUp
    | AgentConnected
    | ReleaseAgent
    | BeginWrapUp
    | EndWrapUp
    | StartTimer
    | CancelTimer
    | GiveBack
    | EndCall
)
