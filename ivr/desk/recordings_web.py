"""Recordings by HTTP, on the desks' own address: one sound a link, for one person and a short while, with ranges.

GET /recordings/{token}        200, 206 with `Range: bytes=…` (RFC 9110 14), 403, 404, 416
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from ivr.calls.vocabulary import AgentId
from ivr.ports import Clock

PREFIX = "/recordings/"
GOOD_FOR = timedelta(minutes=30)
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class _Grant(msgspec.Struct, frozen=True, array_like=True):
    person: str
    path: str
    until: int


class RecordingsWeb:
    """Makes links and answers them. `secret` signs; only files directly in `folder` are ever given out."""

    def __init__(self, secret: str, folder: Path, clock: Clock) -> None:
        self._secret = secret
        self._folder = folder
        self._clock = clock

    def link(self, person: AgentId, path: str, until: datetime) -> str:
        """A path to fetch a recording at, until then (UTC)."""
        body = msgspec.json.encode(_Grant(person, path, int(until.timestamp())))
        return f"{PREFIX}{_text(body)}.{_text(self._sign(body))}"

    async def respond(self, _: ServerConnection, request: Request) -> Response | None:
        """The answer to a request for a recording; None for anything else, which is a desk's."""
        if not request.path.startswith(PREFIX):
            return None
        grant = self._grant(request.path.removeprefix(PREFIX))
        if grant is None or datetime.fromtimestamp(grant.until, UTC) < self._clock.now():
            return _answer(403, "Forbidden")
        if Path(grant.path).name != grant.path:
            return _answer(404, "Not Found")
        return await asyncio.to_thread(_read, self._folder / grant.path, request.headers.get("Range", ""))

    def _grant(self, token: str) -> _Grant | None:
        body, _, signature = token.partition(".")
        try:
            told = _bytes(body)
            if not hmac.compare_digest(_bytes(signature), self._sign(told)):
                return None
            return msgspec.json.decode(told, type=_Grant)
        except (binascii.Error, ValueError, msgspec.MsgspecError):
            return None

    def _sign(self, body: bytes) -> bytes:
        return hmac.new(self._secret.encode(), b"recording\0" + body, hashlib.sha256).digest()


def _read(path: Path, wanted: str) -> Response:
    try:
        size = path.stat().st_size
        span = _span(wanted, size)
        if span is None:
            return _answer(416, "Range Not Satisfiable", {"Content-Range": f"bytes */{size}"})
        start, end = span
        with path.open("rb") as file:
            file.seek(start)
            body = file.read(end - start)
    except FileNotFoundError:
        return _answer(404, "Not Found")
    if not wanted or not _RANGE.fullmatch(wanted):
        return _answer(200, "OK", {}, body)
    return _answer(206, "Partial Content", {"Content-Range": f"bytes {start}-{end - 1}/{size}"}, body)


def _span(wanted: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; everything where no single range is asked for, None outside the file."""
    found = _RANGE.fullmatch(wanted)
    if found is None or found.groups() == ("", ""):
        return 0, size
    first, last = found.groups()
    if not first:
        return (max(0, size - int(last)), size) if int(last) and size else None
    if int(first) >= size or (last and int(last) < int(first)):
        return None
    return int(first), min(size, int(last) + 1) if last else size


def _answer(status: int, reason: str, more: dict[str, str] | None = None, body: bytes = b"") -> Response:
    headers = Headers(
        {
            "Content-Type": "audio/wav" if status < 300 else "text/plain",
            "Content-Length": str(len(body)),
            "Accept-Ranges": "bytes",
            "Cache-Control": "no-store",
            "Connection": "close",
        }
        | (more or {})
    )
    return Response(status, reason, headers, body)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii", "strict") + b"=" * (-len(text) % 4))
