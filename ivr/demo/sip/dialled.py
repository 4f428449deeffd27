"""A call this party places: the INVITE client side (RFC 3261 sections 9, 13, 17.1.1, 22)."""

import secrets
from contextlib import aclosing
from dataclasses import dataclass, replace

from ivr.demo.sip.call import Dialog, Ended, Owner, SipCall
from ivr.demo.sip.message import SipMessage, SipSyntaxError, digest_answer
from ivr.demo.sip.transactions import Address, SipTimeout, new_branch


@dataclass(frozen=True)
class Credentials:
    """What a registrar or a challenging server asks for."""

    user: str
    password: str

    def authorise(self, request: SipMessage, challenged: SipMessage) -> SipMessage:
        """The request again, with the answer to the challenge of a 401 or 407. Raises SipSyntaxError."""
        by_proxy = challenged.status == 407
        challenge = challenged.one("proxy-authenticate" if by_proxy else "www-authenticate")
        answer = digest_answer(
            challenge,
            method=request.method,
            uri=request.uri,
            user=self.user,
            password=self.password,
            nonce=secrets.token_hex(8),
        )
        name = "proxy-authorization" if by_proxy else "authorization"
        return replace(request, headers=(*request.headers, (name, answer)))


class DialledCall(SipCall):
    """A call to `number`. Its owner runs `run` once."""

    def __init__(self, owner: Owner, peer: Address, ours: str, number: str, credentials: Credentials | None) -> None:
        uri = f"sip:{number}@{peer[0]}:{peer[1]}"
        dialog = Dialog(call_id=secrets.token_hex(10), ours=ours, theirs=f"<{uri}>", target=uri)
        super().__init__(owner, dialog, peer, number)
        self._credentials = credentials
        self._invite: SipMessage | None = None
        self._proceeding = False
        self._taken_back = False

    async def run(self) -> None:
        """Dial and follow the INVITE to its final response."""
        await self.voice.open()
        challenged: SipMessage | None = None
        try:
            while not self.over:
                challenged = await self._attempt(challenged)
                if challenged is None:
                    return
        except (SipTimeout, SipSyntaxError):
            self.finish(Ended.LOST)

    async def hang_up(self) -> None:
        """BYE when answered, CANCEL before; the end of a cancelled call arrives when the other side confirms it."""
        if self.up or self.over:
            await super().hang_up()
            return
        self._taken_back = True
        if self._proceeding:
            await self._cancel()

    async def _attempt(self, challenged: SipMessage | None) -> SipMessage | None:
        """One INVITE; returns a challenge worth answering, None when the call's fate is known."""
        cseq = self.next_cseq()
        invite = self.compose("INVITE", cseq, self.voice.sdp(), "application/sdp", branch=new_branch())
        if challenged is not None and self._credentials is not None:
            invite = self._credentials.authorise(invite, challenged)
        self._invite, self._proceeding = invite, False
        async with aclosing(self._owner.transactions.responses(invite, self._peer)) as responses:
            async for response in responses:
                if response.status < 200:
                    await self._provisional(response)
                elif response.status < 300:
                    await self._accepted(response, cseq)
                else:
                    self._acknowledge(response, cseq, branch=invite.branch)
                    if response.status in {401, 407} and challenged is None and self._credentials is not None:
                        return response
                    self.finish(Ended.CANCELLED if self._taken_back else Ended.REFUSED, response.status)
        return None

    async def _provisional(self, response: SipMessage) -> None:
        self._proceeding = True
        if response.status > 100:
            self.mark_ringing()
            self.voice.meet(response.body)
        if self._taken_back:
            await self._cancel()

    async def _accepted(self, response: SipMessage, cseq: int) -> None:
        self.dialog = replace(self.dialog, theirs=response.one("to"), target=response.contact)
        self.voice.meet(response.body)
        self._acknowledge(response, cseq)
        self.establish()
        if self._taken_back:
            await super().hang_up()

    def acknowledge_again(self, response: SipMessage) -> None:
        """The 2xx was repeated: our ACK was lost."""
        self._acknowledge(response, response.cseq[0])

    def _acknowledge(self, response: SipMessage, cseq: int, *, branch: str | None = None) -> None:
        ack = self.compose("ACK", cseq, branch=branch)
        headers = tuple((name, response.one("to") if name == "to" else value) for name, value in ack.headers)
        self._owner.transactions.send(replace(ack, headers=headers), self._peer)

    async def _cancel(self) -> None:
        """Take the INVITE back: same branch and number (RFC 3261 9.1)."""
        assert self._invite is not None
        invite, self._proceeding = self._invite, False
        cancel = self.compose("CANCEL", invite.cseq[0], branch=invite.branch)
        await self._owner.transactions.request(cancel, self._peer)
