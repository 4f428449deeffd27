"""What the call logic needs of the world, and how the world may fail it.

HotlineError
├── AsteriskUnavailable   Asterisk did not reply in time, or there is no connection to it (retryable)
├── LegGone               the leg, bridge or playback acted on no longer exists: a hang-up not yet heard of
├── RequestRefused        Asterisk refused a request for a reason that repeating will not change
├── RecogniserUnavailable speech recognition cannot take another stream
├── EventLogUnavailable   the event log cannot be written or read now (retryable)
├── AgentUnknown          nobody of that number is in the roster
└── MoveRefused           an agent may not do that now
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from ivr.calls.errors import AgentUnknown, HotlineError, MoveRefused
from ivr.calls.events import LineEvent, Recorded
from ivr.calls.reconcile import LegSeen
from ivr.calls.vocabulary import CallId, HangupCause, LegId, Party, PlaybackId, Skill

__all__ = [
    "AgentUnknown",
    "AsteriskUnavailable",
    "Clock",
    "Ear",
    "EventLog",
    "EventLogUnavailable",
    "Fork",
    "HotlineError",
    "LegGone",
    "LegSeen",
    "LinkDown",
    "LinkUp",
    "MoveRefused",
    "RecogniserUnavailable",
    "RequestRefused",
    "Snapshot",
    "Telephony",
]


class AsteriskUnavailable(HotlineError):
    """Asterisk did not reply within the deadline, or the connection to it is down. Worth trying again."""


class LegGone(HotlineError):
    """Acting on something that has ended. The conductor turns it into `LegHungUp` of `leg`.

    `leg` names the one that is gone where a verb acts on two; None means the one leg acted on.
    """

    def __init__(self, text: str, *, leg: LegId | None = None) -> None:
        super().__init__(text)
        self.leg = leg


class RequestRefused(HotlineError):
    """Asterisk refused; the text carries its status and reason, never a citizen's data."""


class RecogniserUnavailable(HotlineError):
    """Recognition cannot take this stream; the call goes on without words."""


class EventLogUnavailable(HotlineError):
    """The event log cannot be written or read now. Worth trying again."""


class Clock(Protocol):
    """Time, so that tests can jump it."""

    def now(self) -> datetime:
        """UTC, aware."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds that never go back, for offsets and timers."""
        ...

    async def sleep(self, ms: int) -> None:
        """Return after `ms` milliseconds of this clock."""
        ...


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The truth at one (re)connection: every leg of ours that stands."""

    legs: tuple[LegSeen, ...]


class LinkUp(msgspec.Struct, frozen=True, kw_only=True):
    """The event stream is connected (again). Events of the gap are lost; `snapshot` is what must be believed."""

    snapshot: Snapshot


class LinkDown(msgspec.Struct, frozen=True, kw_only=True):
    """The event stream broke; calls go on inside Asterisk."""


class Fork(msgspec.Struct, frozen=True, kw_only=True):
    """A tap that stands: RTP (L16, 16000 Hz, mono, big-endian, 20 ms) comes from `source_port` of Asterisk's host."""

    call: CallId
    party: Party
    source_port: int


class Telephony(Protocol):
    """Asterisk in the hotline's words. Verbs return when Asterisk accepted them; outcomes arrive as events.

    Every verb raises `LegGone`, `AsteriskUnavailable` or `RequestRefused`, and nothing else. Ids are ours (call id +
    role) and registered before the request, so an event can never overtake its own id.
    """

    def stream(self) -> AsyncIterator[LineEvent | LinkUp | LinkDown]:
        """Everything heard, in order; ends only with the telephony itself. Begins with `LinkUp`."""
        ...

    async def pick_up(self, call: CallId, leg: LegId) -> None:
        """Answer the citizen's leg."""
        ...

    async def play(self, call: CallId, leg: LegId, playback: PlaybackId, sounds: tuple[str, ...]) -> None:
        """Play the named sounds in order as one playback."""
        ...

    async def stop_playing(self, playback: PlaybackId) -> None:
        """Stop it; returns quietly when it has ended."""
        ...

    async def place_in_queue(self, call: CallId, leg: LegId) -> None:
        """Into this call's holding bridge, with music."""
        ...

    async def ring(self, call: CallId, leg: LegId, endpoint: str, caller_number: str | None, ring_ms: int) -> None:
        """Call `endpoint` as leg `leg`; Asterisk itself gives up after `ring_ms`.

        LegGone means the citizen's leg: nobody is left to ring for.
        """
        ...

    async def connect(self, call: CallId, citizen_leg: LegId, agent_leg: LegId) -> None:
        """Both legs into this call's talk bridge; heard as `LegsJoined`."""
        ...

    async def fork_media(self, call: CallId, leg: LegId, party: Party, send_to: tuple[str, int]) -> Fork:
        """Tap what that party says and send it as RTP to `send_to`. A standing tap of that party is replaced.

        Completes with its reply: the conductor itself notes `MediaForked`, at the time its segments count from.
        """
        ...

    async def stop_fork(self, call: CallId, party: Party) -> None:
        """Remove the tap; quiet when there is none."""
        ...

    async def hang_up(self, call: CallId, leg: LegId, cause: HangupCause) -> None:
        """End the leg; returns quietly when it is gone."""
        ...

    async def give_back(self, call: CallId, leg: LegId) -> None:
        """Return the citizen's leg to the dialplan's fallback: the guard's last resort when a call's logic fails."""
        ...

    async def clear(self, call: CallId) -> None:
        """Remove every bridge and tap of the call; the legs are the caller's business."""
        ...

    async def sweep(self, keep: Iterable[CallId]) -> object:
        """Remove the taps and empty bridges of calls not in `keep` that stood when the link last came up."""
        ...


class Ear(Protocol):
    """Speech recognition as a call sees it: one ear a party. Losing it never touches the call."""

    @property
    def address(self) -> tuple[str, int]:
        """Where taps send their RTP: host and UDP port."""
        ...

    def taps(self, skill: Skill) -> bool:
        """Whether conversations of this queue are heard by taps; the others are heard from their recordings alone."""
        ...

    async def open(self, call: CallId, party: Party, source_port: int | None, began_ms: int) -> None:
        """Listen to what comes from `source_port`, or where there is none to the recording as it grows; segments count
        from `began_ms` of the call.

        Opening an ear that is open moves it to the new source. Raises `RecogniserUnavailable`, and then nothing is
        listened to.
        """
        ...

    async def close(self, call: CallId, party: Party) -> None:
        """Finish what was heard to final segments; quiet when it is not open."""
        ...


class EventLog(Protocol):
    """Where the events of all calls are kept, append-only. Raises `EventLogUnavailable`, and nothing else."""

    async def append(self, records: Sequence[Recorded]) -> None:
        """Keep `records`, all or none, in order. One kept already (same call and `seq`) is left as it is."""
        ...

    async def close(self, call: CallId) -> None:
        """Nothing more will come of this call: `open_calls` need not return it. Closing twice does no harm."""
        ...

    async def open_calls(self) -> list[list[Recorded]]:
        """The events of each call not closed, in order of `seq`."""
        ...
