"""What the call logic needs of the world, and how the world may fail it.

HotlineError
├── AsteriskUnavailable   Asterisk did not reply in time, or there is no connection to it (retryable)
├── LegGone               the leg, bridge or playback acted on no longer exists: a hang-up not yet heard of
├── RequestRefused        Asterisk refused a request for a reason that repeating will not change
└── RecogniserUnavailable speech recognition cannot take another stream
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

import msgspec

from ivr.calls.events import LineEvent
from ivr.calls.vocabulary import CallId, HangupCause, LegId, Party, PlaybackId


class HotlineError(Exception):
    """Root of what the server's own parts raise."""


class AsteriskUnavailable(HotlineError):
    """Asterisk did not reply within the deadline, or the connection to it is down. Worth trying again."""


class LegGone(HotlineError):
    """Acting on something that has ended. The conductor turns it into `LegHungUp`."""


class RequestRefused(HotlineError):
    """Asterisk refused; the text carries its status and reason, never a citizen's data."""


class RecogniserUnavailable(HotlineError):
    """Recognition cannot take this stream; the call goes on without words."""


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


class LegSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One leg as Asterisk reports it in a snapshot. `talking` is true where it stands in the call's talk bridge.

    `endpoint` is the phone an agent's leg was made to (`PJSIP/1001`), None where Asterisk does not say.
    """

    call: CallId
    leg: LegId
    party: Party
    up: bool
    talking: bool
    caller_number: str | None
    dialled: str
    endpoint: str | None = None


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
        """Call `endpoint` as leg `leg`; Asterisk itself gives up after `ring_ms`."""
        ...

    async def connect(self, call: CallId, citizen_leg: LegId, agent_leg: LegId) -> None:
        """Both legs into this call's talk bridge; heard as `LegsJoined`."""
        ...

    async def fork_media(self, call: CallId, leg: LegId, party: Party, send_to: tuple[str, int]) -> Fork:
        """Tap what that party says and send it as RTP to `send_to`. A standing tap of that party is replaced."""
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
