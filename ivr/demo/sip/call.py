"""One call of a SIP party: its dialog (RFC 3261 section 12), its voice, and how it went.

HotlineError
├── SipTimeout     (transactions) the other side did not reply in time, or a deadline of the caller's passed
└── CallEnded      the call is over; `status` is the SIP response that refused it, None after a hang-up
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from ivr.demo.sip.message import SipMessage, reply_to
from ivr.demo.sip.transactions import Address, SipTimeout, SipTransactions
from ivr.demo.sip.voice import Samples, Voice, read_wav
from ivr.ports import HotlineError


class CallEnded(HotlineError):
    """The call is over, or never came about. `status` is the response that refused it, None after a hang-up."""

    def __init__(self, what: str, status: int | None = None) -> None:
        super().__init__(f"{what} (SIP {status})" if status else what)
        self.status = status


class Ended(StrEnum):
    """Who ended a call, and in which way."""

    HUNG_UP = "hung_up"  # we sent BYE
    BYE = "bye"  # the other side sent BYE
    CANCELLED = "cancelled"  # we took our INVITE back
    WITHDRAWN = "withdrawn"  # the other side took its INVITE back
    REFUSED = "refused"  # a final response of 300 or more, theirs or ours
    LOST = "lost"  # no reply, or this party vanished


class DigitsBy(StrEnum):
    """How a key press travels."""

    RTP = "rtp"  # RFC 4733 telephone-event
    INFO = "info"  # SIP INFO, application/dtmf-relay


@dataclass(frozen=True)
class Dialog:
    """What every request within the call repeats: its id, our and their From or To value, and where requests go."""

    call_id: str
    ours: str
    theirs: str
    target: str


class Owner(Protocol):
    """What a call needs of its party."""

    transactions: SipTransactions

    @property
    def contact(self) -> str:
        """The URI the other side reaches this party at."""
        ...

    def own(self, name: str, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run `work` until it ends or the party does."""
        ...


class SipCall:
    """A call. Times are seconds of the event loop's clock, None until they happen.

    `other` is the number dialled, or the number shown by the caller.
    """

    def __init__(self, owner: Owner, dialog: Dialog, peer: Address, other: str) -> None:
        self.other = other
        self.voice = Voice()
        self.dialog = dialog
        self.began_at = asyncio.get_running_loop().time()
        self.rang_at: float | None = None
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.how: Ended | None = None
        self.status: int | None = None
        self._owner = owner
        self._peer = peer
        self._cseq = 0
        self._ringing_or_over = asyncio.Event()
        self._up_or_over = asyncio.Event()
        self._over = asyncio.Event()
        self._speaking: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """Answered and not ended."""
        return self.answered_at is not None and not self.over

    @property
    def over(self) -> bool:
        """Ended, in whatever way."""
        return self._over.is_set()

    async def ringing(self, timeout_ms: int = 5000) -> None:
        """Wait until it rings; raises CallEnded or SipTimeout."""
        await self._wait(self._ringing_or_over, "ringing", timeout_ms)
        if self.rang_at is None:
            raise CallEnded(f"the call ended before it rang: {self.how}", self.status)

    async def answered(self, timeout_ms: int = 5000) -> None:
        """Wait until both sides may speak; raises CallEnded or SipTimeout."""
        await self._wait(self._up_or_over, "answered", timeout_ms)
        if self.answered_at is None:
            raise CallEnded(f"the call ended before it was answered: {self.how}", self.status)

    async def ended(self, timeout_ms: int = 5000) -> Ended:
        """Wait for the end and say how; raises SipTimeout."""
        await self._wait(self._over, "ended", timeout_ms)
        assert self.how is not None
        return self.how

    async def say(self, sound: Path | Samples) -> None:
        """Speak a wav or 8000 Hz samples to the last packet; raises CallEnded when the call ends first."""
        samples = await asyncio.to_thread(read_wav, sound) if isinstance(sound, Path) else sound
        if not await self.voice.say(samples):
            raise CallEnded("the call ended before everything was said")

    async def press(self, keys: str, by: DigitsBy = DigitsBy.RTP) -> None:
        """Press keys one after the other; raises CallEnded, SipTimeout, or ValueError for a key no telephone has."""
        for key in keys:
            if by is DigitsBy.INFO:
                await self.request("INFO", f"Signal={key}\r\nDuration=160\r\n", "application/dtmf-relay")
            elif not await self.voice.press(key):
                raise CallEnded("the call ended before every key was pressed")

    async def hang_up(self) -> None:
        """End the call, in whatever state it is; quiet when it is over. Raises SipTimeout when nobody replies."""
        if self.up:
            self.finish(Ended.HUNG_UP)
            await self.request("BYE")

    async def request(self, method: str, body: str = "", content_type: str = "") -> SipMessage:
        """Send a request within the call and return its final response; raises SipTimeout."""
        message = self.compose(method, self.next_cseq(), body, content_type)
        return await self._owner.transactions.request(message, self._peer)

    def compose(
        self, method: str, cseq: int, body: str = "", content_type: str = "", *, branch: str | None = None
    ) -> SipMessage:
        """A request of this dialog."""
        headers = [
            self._owner.transactions.via(branch),
            ("max-forwards", "70"),
            ("from", self.dialog.ours),
            ("to", self.dialog.theirs),
            ("call-id", self.dialog.call_id),
            ("cseq", f"{cseq} {method}"),
            ("contact", f"<{self._owner.contact}>"),
        ]
        if content_type:
            headers.append(("content-type", content_type))
        return SipMessage(headers=tuple(headers), body=body, method=method, uri=self.dialog.target)

    def next_cseq(self) -> int:
        """The next sequence number of our side."""
        self._cseq += 1
        return self._cseq

    def mark_ringing(self) -> None:
        """It rings, here or there."""
        if self.rang_at is None:
            self.rang_at = asyncio.get_running_loop().time()
            self._ringing_or_over.set()

    def establish(self) -> None:
        """The call is answered; the voice begins."""
        if self.answered_at is not None or self.over:
            return
        self.mark_ringing()
        self.answered_at = asyncio.get_running_loop().time()
        self._speaking = self._owner.own(f"sip voice {self.dialog.call_id}", self.voice.speak())
        self._up_or_over.set()

    def finish(self, how: Ended, status: int | None = None) -> None:
        """The call is over; the first reason given stands."""
        if self.over:
            return
        self.how, self.status = how, status
        self.ended_at = asyncio.get_running_loop().time()
        if self._speaking is not None:
            self._speaking.cancel()
        self.voice.close()
        for event in (self._ringing_or_over, self._up_or_over, self._over):
            event.set()

    def take_ack(self) -> None:
        """The other side acknowledged our final response."""

    def take_request(self, request: SipMessage, peer: Address) -> None:
        """A request of the other side within this call."""
        match request.method:
            case "BYE":
                self._reply(request, peer, 200)
                self.finish(Ended.BYE)
            case "INVITE" | "UPDATE":
                self.voice.meet(request.body)
                wants_sdp = request.method == "INVITE" or bool(request.body)
                self._reply(request, peer, 200, self.voice.sdp() if wants_sdp else "")
            case "OPTIONS" | "INFO" | "NOTIFY" | "MESSAGE":
                self._reply(request, peer, 200)
            case _:
                self._reply(request, peer, 405)

    def _reply(self, request: SipMessage, peer: Address, status: int, sdp: str = "") -> None:
        reply = reply_to(request, status, tag="", contact=self._owner.contact, sdp=sdp)
        self._owner.transactions.respond(request, reply, peer)

    async def _wait(self, event: asyncio.Event, what: str, timeout_ms: int) -> None:
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                await event.wait()
        except TimeoutError:
            raise SipTimeout(f"not {what} within {timeout_ms} ms") from None
