"""The words of a call: identities, states and reasons every other file of `ivr` shares. Pure."""

from enum import StrEnum
from typing import NewType

CallId = NewType("CallId", str)
"""One citizen's call; the CALL_UUID the dialplan chose, also the stem of its recordings and of every id we choose."""

LegId = NewType("LegId", str)
"""One party's connection to Asterisk: Asterisk's channel id. The citizen's is Asterisk's choice, an agent's is ours."""

PlaybackId = NewType("PlaybackId", str)
AgentId = NewType("AgentId", str)
"""A person of the roster, by the number they sign in with (话务员工号)."""

Skill = NewType("Skill", str)
"""What a call needs and an agent has (技能组), an id of the site pack's `skills`."""


class Party(StrEnum):
    """Who speaks on a leg."""

    CITIZEN = "citizen"
    AGENT = "agent"


class CallState(StrEnum):
    """Where a call stands. `answered` means by a person; Asterisk's answer at the greeting is *picked up*."""

    ARRIVED = "arrived"
    GREETING = "greeting"
    MENU = "menu"
    QUEUED = "queued"
    OFFERED = "offered"
    CONNECTED = "connected"
    WRAP_UP = "wrap_up"
    ENDED = "ended"
    ABANDONED = "abandoned"


class CallerClass(StrEnum):
    """Who calls, as far as it decides their turn (来电类别)."""

    ORDINARY = "ordinary"
    REPEAT = "repeat"  # called a short while ago: to the same agent, when free
    ENTERPRISE = "enterprise"  # 企业
    EMERGENCY = "emergency"  # before everybody


class AgentState(StrEnum):
    """What an agent is doing. Only `available` agents are offered calls."""

    LOGGED_OUT = "logged_out"
    AVAILABLE = "available"
    RESERVED = "reserved"
    ON_CALL = "on_call"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"


class PauseReason(StrEnum):
    """Why an agent takes no calls (示忙原因). `NO_ANSWER` and `UNREACHABLE` are set by the machine.

    Paused without a reason: signed in and not yet ready.
    """

    BREAK = "break"
    MEAL = "meal"
    MEETING = "meeting"
    TRAINING = "training"
    BACK_OFFICE = "back_office"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"


class OfferOutcome(StrEnum):
    """How an offer to an agent ended without a conversation."""

    NO_ANSWER = "no_answer"  # RONA: rang to the end of its time
    REFUSED = "refused"  # the agent's phone declined or was busy
    UNREACHABLE = "unreachable"  # the phone is not registered, does not reply, or broke off in a conversation
    WITHDRAWN = "withdrawn"  # taken back: the citizen hung up while it rang, or Asterisk could not ring; no one's fault


class HangupCause(StrEnum):
    """Why a leg ended, as far as it decides anything; Asterisk's Q.850 numbers are translated in `ivr.ari.events`."""

    NORMAL = "normal"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    LOST = "lost"  # its media stopped, or Asterisk ended under it
    FAILURE = "failure"


BROKEN_OFF = (HangupCause.LOST, HangupCause.FAILURE, HangupCause.UNREACHABLE)
"""Ends of an agent's leg that nobody meant: the citizen goes on to the next agent."""
