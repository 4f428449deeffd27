"""A call this party receives: the INVITE server side (RFC 3261 sections 8.2, 9.2, 13.3, 17.2.1), and how it behaves."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import TypeAlias

from ivr.demo.sip.call import Dialog, Ended, Owner, SipCall
from ivr.demo.sip.message import SipMessage, reply_to, user_of
from ivr.demo.sip.transactions import Address, SipTimeout


@dataclass(frozen=True)
class Answer:
    """Ring, and pick up after `after_ms`."""

    after_ms: int = 0


@dataclass(frozen=True)
class Decline:
    """Ring, and refuse after `after_ms`: 486 busy, 603 declined, 480 temporarily unavailable."""

    status: int = 486
    after_ms: int = 0


@dataclass(frozen=True)
class Ring:
    """Ring for ever, unless told to `answer()` or `decline()`."""


@dataclass(frozen=True)
class Ignore:
    """Say nothing at all: registered, but not there."""


Behaviour: TypeAlias = Answer | Decline | Ring | Ignore


class ReceivedCall(SipCall):
    """A call from someone. Its owner runs `run` once; `offered_headers` are those of the INVITE."""

    def __init__(self, owner: Owner, invite: SipMessage, peer: Address) -> None:
        self._tag = secrets.token_hex(4)
        dialog = Dialog(
            call_id=invite.one("call-id"),
            ours=f"{invite.one('to')};tag={self._tag}",
            theirs=invite.one("from"),
            target=invite.contact,
        )
        super().__init__(owner, dialog, peer, user_of(invite.one("from")))
        self.invite = invite
        self._decision: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._acked = asyncio.Event()

    async def run(self, behaviour: Answer | Decline | Ring) -> None:
        """Ring, decide, and repeat the decision until it is acknowledged."""
        await self.voice.open()
        self.voice.meet(self.invite.body)
        self._respond(180)
        self.mark_ringing()
        status = await self._decide(behaviour)
        if status == 200:
            self.establish()
        else:
            self.finish(Ended.WITHDRAWN if status == 487 else Ended.REFUSED, status)
        await self._repeat_until_acknowledged(status)

    def answer(self) -> None:
        """Pick up now; quiet when something else was decided before."""
        self._settle(200)

    def decline(self, status: int = 603) -> None:
        """Refuse now; quiet when something else was decided before."""
        self._settle(status)

    async def hang_up(self) -> None:
        """BYE when answered, 603 before."""
        if self.up:
            await super().hang_up()
        else:
            self.decline()

    def take_ack(self) -> None:
        """The decision arrived."""
        self._acked.set()

    def take_request(self, request: SipMessage, peer: Address) -> None:
        """As any call, and CANCEL while it rings."""
        if request.method == "CANCEL":
            self._reply(request, peer, 200)
            self._settle(487)
        else:
            super().take_request(request, peer)

    def _settle(self, status: int) -> None:
        if not self._decision.done():
            self._decision.set_result(status)

    async def _decide(self, behaviour: Answer | Decline | Ring) -> int:
        if not isinstance(behaviour, Ring):
            await asyncio.wait({self._decision}, timeout=behaviour.after_ms / 1000)
            self._settle(200 if isinstance(behaviour, Answer) else behaviour.status)
        return await self._decision

    def _respond(self, status: int) -> None:
        sdp = self.voice.sdp() if status == 200 else ""
        reply = reply_to(self.invite, status, tag=self._tag, contact=self._owner.contact, sdp=sdp)
        self._owner.transactions.respond(self.invite, reply, self._peer)

    async def _repeat_until_acknowledged(self, status: int) -> None:
        timers, loop = self._owner.transactions.timers, asyncio.get_running_loop()
        gives_up_at, wait_s = loop.time() + timers.give_up_s, timers.t1_ms / 1000
        while loop.time() < gives_up_at:
            if status == 200 and self.over:
                return  # whoever sent BYE had heard the answer
            self._respond(status)
            try:
                async with asyncio.timeout(wait_s):
                    await self._acked.wait()
            except TimeoutError:
                wait_s = timers.next_wait(wait_s)
            else:
                return
        if self.up:
            self.finish(Ended.LOST)
            try:
                await self.request("BYE")
            except SipTimeout:
                return  # who did not acknowledge need not confirm the end either (RFC 3261 13.3.1.4)
