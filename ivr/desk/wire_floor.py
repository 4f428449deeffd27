"""What a supervisor asks of the floor: states forced, calls listened to. Pure; part of the console protocol.

Everything here is in the audit: who, on whom, when and what.
"""

from enum import StrEnum
from typing import TypeAlias

from ivr.calls.vocabulary import PauseReason
from ivr.desk.envelope import FromDesk


class Forced(StrEnum):
    """What an agent can be put into (强制状态)."""

    READY = "ready"
    PAUSED = "paused"
    SIGNED_OUT = "signed_out"


class MonitorMode(StrEnum):
    """How a supervisor takes part in an agent's call."""

    LISTEN = "listen"  # 监听: hears both, nobody hears them
    WHISPER = "whisper"  # 耳语: the agent alone hears them
    BARGE = "barge"  # 强插: everybody hears everybody
    TAKE_OVER = "take_over"  # 接管: the agent is out, the supervisor goes on


class ForceState(FromDesk, frozen=True, kw_only=True):
    """强制示闲、示忙、签出. During a call it takes effect when that call lets go of the agent."""

    agent: str
    state: Forced
    reason: PauseReason | None = None


class Monitor(FromDesk, frozen=True, kw_only=True):
    """Take part in the call of `agent` through the asker's own phone, which rings first where it is not up already.

    Asking again changes the mode. Listening and whispering end with the call, with `StopMonitoring`, or when the phone
    is put down. A supervisor who barges in or takes over is in the call as any guest or agent.
    """

    agent: str
    mode: MonitorMode


class StopMonitoring(FromDesk, frozen=True, kw_only=True):
    """End listening or whispering; nothing where there is none."""


FloorRequest: TypeAlias = ForceState | Monitor | StopMonitoring
