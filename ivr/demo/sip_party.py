"""A SIP party on 127.0.0.1 for demonstrations and tests: a citizen's telephone, or an agent's.

UDP, G.711 µ-law, no proxies between (no route set), one call at a time. Errors: see `ivr.demo.sip.call`.
"""

import asyncio
import secrets
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from ivr.demo.sip.call import CallEnded, Ended
from ivr.demo.sip.dialled import Credentials, DialledCall
from ivr.demo.sip.message import SipMessage, SipSyntaxError, reply_to
from ivr.demo.sip.received import Answer, Behaviour, Ignore, ReceivedCall
from ivr.demo.sip.transactions import Address, SipTimeout, SipTimers, SipTransactions, new_branch

_GOODBYE_MS = 1000


class SipParty:
    """One telephone. `number` is what it shows as caller and registers as; None withholds it (RFC 3323 4.1).

    Use as an async context manager: leaving it hangs up, unregisters, ends every task and frees every port. What it
    does with calls is `behaviour`, which may be changed at any time; while it is in a call, others get 486. `port` 0
    takes any free one.
    """

    def __init__(
        self,
        server: Address,
        number: str | None,
        *,
        password: str | None = None,
        behaviour: Behaviour | None = None,
        timers: SipTimers | None = None,
        port: int = 0,
    ) -> None:
        self.server = server
        self._port = port
        self.number = number
        self.behaviour: Behaviour = behaviour or Answer()
        self.transactions = SipTransactions(self._on_request, self._on_stray_ok, timers or SipTimers())
        self._credentials = Credentials(number, password) if number and password else None
        self._calls: dict[str, DialledCall | ReceivedCall] = {}
        self._received: asyncio.Queue[ReceivedCall] = asyncio.Queue(
            64
        )  # full: the oldest nobody asked for is forgotten
        self._stack = AsyncExitStack()
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._registered = False
        self._vanished = False
        self._registration = (secrets.token_hex(10), secrets.token_hex(4))
        self._registrations = 0

    async def __aenter__(self) -> Self:
        """Bind the port."""
        await self._stack.enter_async_context(self._group)
        self._stack.callback(self._cancel_tasks)
        await self.transactions.open(self._port)
        self._stack.callback(self.transactions.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no call, registration, task or port behind."""
        try:
            if kind is None and not self._vanished:
                await self._say_goodbye()
        finally:
            for call in list(self._calls.values()):
                call.finish(Ended.LOST)
            await self._stack.__aexit__(None, None, None)  # the body's own error stays bare, not one of a group

    @property
    def port(self) -> int:
        """The UDP port it is reached at."""
        return self.transactions.port

    @property
    def contact(self) -> str:
        """The URI it is reached at."""
        return f"sip:{self.number or 'anonymous'}@127.0.0.1:{self.port}"

    async def register(self, expires_s: int = 300, timeout_ms: int = 5000) -> None:
        """Register at the server and keep it fresh; raises SipTimeout, or CallEnded with the status that refused it."""
        await self._register(expires_s, timeout_ms)
        if not self._registered:
            self._registered = True
            self.own(f"sip registration {self.number}", self._keep_registered(expires_s, timeout_ms))

    async def dial(self, number: str) -> DialledCall:
        """Place a call; returns at once, the call tells how it goes."""
        tag = secrets.token_hex(4)
        name = f"<sip:{self.number}@127.0.0.1>" if self.number else '"Anonymous" <sip:anonymous@anonymous.invalid>'
        call = DialledCall(self, self.server, f"{name};tag={tag}", number, self._credentials)
        self._adopt(call)
        self.own(f"sip call {call.dialog.call_id}", call.run())
        return call

    async def next_call(self, timeout_ms: int = 5000) -> ReceivedCall:
        """The next call received and not yet asked for, ringing; raises SipTimeout."""
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                call = await self._received.get()
        except TimeoutError:
            raise SipTimeout(f"no call within {timeout_ms} ms") from None
        await call.ringing(timeout_ms)
        return call

    def vanish(self) -> None:
        """Fall silent without a word, as a telephone that lost its network: no BYE, no media, no reply ever again."""
        self._vanished = True
        self.transactions.vanish()
        for call in self._calls.values():
            call.voice.vanish()

    def own(self, name: str, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run `work` until it ends or this party does."""
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _cancel_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _say_goodbye(self) -> None:
        try:
            async with asyncio.timeout(_GOODBYE_MS / 1000):
                for call in list(self._calls.values()):
                    await call.hang_up()
                    await call.ended(_GOODBYE_MS)
                if self._registered:
                    await self._register(0, _GOODBYE_MS)
        except (TimeoutError, SipTimeout, CallEnded):
            return  # the server is gone too; nothing of ours remains after this

    def _adopt(self, call: DialledCall | ReceivedCall) -> None:
        self._calls = {key: each for key, each in self._calls.items() if not each.over}
        self._calls[call.dialog.call_id] = call

    async def _register(self, expires_s: int, timeout_ms: int) -> None:
        request = self._registration_request(expires_s)
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                response = await self.transactions.request(request, self.server)
                if response.status in {401, 407} and self._credentials is not None:
                    again = self._credentials.authorise(self._registration_request(expires_s), response)
                    response = await self.transactions.request(again, self.server)
        except TimeoutError:
            raise SipTimeout(f"no reply to REGISTER within {timeout_ms} ms") from None
        if response.status != 200:
            raise CallEnded("registration refused", response.status)

    def _registration_request(self, expires_s: int) -> SipMessage:
        self._registrations += 1
        call_id, tag = self._registration
        who = f"<sip:{self.number}@{self.server[0]}>"
        headers = (
            self.transactions.via(new_branch()),
            ("max-forwards", "70"),
            ("from", f"{who};tag={tag}"),
            ("to", who),
            ("call-id", call_id),
            ("cseq", f"{self._registrations} REGISTER"),
            ("contact", f"<{self.contact}>"),
            ("expires", str(expires_s)),
        )
        return SipMessage(headers=headers, method="REGISTER", uri=f"sip:{self.server[0]}:{self.server[1]}")

    async def _keep_registered(self, expires_s: int, timeout_ms: int) -> None:
        while True:
            await asyncio.sleep(expires_s / 2)
            try:
                await self._register(expires_s, timeout_ms)
            except SipTimeout:
                continue  # the server may be restarting; the next half-life tries again

    def _on_request(self, request: SipMessage, peer: Address) -> None:
        if self._vanished:
            return
        call = self._calls.get(request.one("call-id"))
        if request.method == "ACK":
            if call is not None:
                call.take_ack()
        elif call is not None and not (call.over and request.method == "INVITE"):
            call.take_request(request, peer)
        elif request.method == "INVITE":
            self._on_invite(request, peer)
        else:
            self._refuse(request, peer, 200 if request.method in {"OPTIONS", "NOTIFY"} else 481)

    def _on_invite(self, invite: SipMessage, peer: Address) -> None:
        behaviour = self.behaviour
        if isinstance(behaviour, Ignore):
            return
        if any(not call.over for call in self._calls.values()):
            self._refuse(invite, peer, 486)
            return
        call = ReceivedCall(self, invite, peer)
        self._adopt(call)
        if self._received.full():
            self._received.get_nowait()
        self._received.put_nowait(call)
        self.own(f"sip call {call.dialog.call_id}", call.run(behaviour))

    def _refuse(self, request: SipMessage, peer: Address, status: int) -> None:
        reply = reply_to(request, status, tag=secrets.token_hex(4), contact=self.contact)
        self.transactions.respond(request, reply, peer)

    def _on_stray_ok(self, response: SipMessage) -> None:
        call = self._calls.get(response.one("call-id"))
        if isinstance(call, DialledCall):
            call.acknowledge_again(response)


__all__ = ["CallEnded", "SipParty", "SipSyntaxError", "SipTimeout", "replace"]
