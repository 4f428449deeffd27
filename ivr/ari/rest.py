"""One request to Asterisk: over the events websocket, or over HTTP where it is slow or the websocket unusable."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

import httpx
import msgspec

from ivr.ari.account import AriAccount, LinkTimes
from ivr.ari.link import Link, RestCall, RestReply
from ivr.ari.tape import Tape
from ivr.ari.verdicts import refusal
from ivr.ports import AsteriskUnavailable, HotlineError, RequestRefused

_T = TypeVar("_T")
Meaning: TypeAlias = Mapping[int, type[HotlineError]]
NOTHING: Meaning = {}


class _Fault(msgspec.Struct):
    """The body of an error response; originate says `error` where others say `message`."""

    message: str = ""
    error: str = ""


class Rest:
    """Carries requests. The websocket is 3 to 5 times as fast but serves one after the other.

    So what may be slow goes by HTTP, and so does everything while a request is overdue on the websocket or there is
    none. A request is sent once: the answer to a lost one is for its sender to decide.
    """

    def __init__(self, account: AriAccount, times: LinkTimes, link: Link, tape: Tape | None = None) -> None:
        self._times = times
        self._link = link
        self._tape = tape
        self._http = httpx.AsyncClient(
            base_url=account.url,
            auth=(account.user, account.password),
            timeout=times.slow_request_ms / 1000,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        """Open the HTTP channel."""
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the HTTP channel."""
        await self._http.__aexit__(kind, error, trace)

    async def send(self, call: RestCall, meaning: Meaning = NOTHING, *, slow: bool = False) -> bytes:
        """The body of a successful response.

        Raises what `meaning` says of a status, AsteriskUnavailable, RequestRefused.
        """
        if slow:
            reply = await self._by_http(call, self._times.slow_request_ms)
        elif self._link.usable:
            reply = await self._link.request(call, self._times.request_ms)
        else:
            reply = await self._by_http(call, self._times.request_ms)
        error = refusal(reply.status, _reason(reply), call.what, meaning)
        if error is not None:
            raise error
        return reply.body

    async def ask(self, call: RestCall, kind: type[_T], meaning: Meaning = NOTHING, *, slow: bool = False) -> _T:
        """The body of a successful response as `kind`; raises as `send`."""
        body = await self.send(call, meaning, slow=slow)
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.MsgspecError:
            raise RequestRefused(f"{call.what}: the reply is not what this version of ARI should say") from None

    async def _by_http(self, call: RestCall, deadline_ms: int) -> RestReply:
        content = None if call.body is None else msgspec.json.encode(call.body)
        headers = {} if content is None else {"Content-Type": "application/json"}
        if self._tape is not None:
            self._tape.note("out", msgspec.json.encode(call).decode(), via="http")
        try:
            async with asyncio.timeout(deadline_ms / 1000):
                response = await self._http.request(
                    call.method, call.path, params=call.query, content=content, headers=headers
                )
        except TimeoutError:
            raise AsteriskUnavailable(f"{call.what}: no reply within {deadline_ms} ms") from None
        except httpx.HTTPError as error:
            raise AsteriskUnavailable(f"{call.what}: {type(error).__name__}") from None
        if self._tape is not None:
            self._tape.note("in", f"{response.status_code} {response.text}", via="http")
        return RestReply(response.status_code, response.reason_phrase, response.content)


def _reason(reply: RestReply) -> str:
    """Asterisk's own words for an error; they name a kind of thing, never a person."""
    if reply.status < httpx.codes.BAD_REQUEST:
        return reply.reason
    try:
        fault = msgspec.json.decode(reply.body, type=_Fault)
    except msgspec.MsgspecError:
        return reply.reason
    return fault.message or fault.error or reply.reason
