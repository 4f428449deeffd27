"""The ways to an agency: a directory of JSON files, or its webhook."""

import asyncio
import base64
import hashlib
import hmac
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import httpx
import msgspec

from ticketing.errors import GatewayFailed
from ticketing.payload import Message

_AGAIN = frozenset({408, 425, 429})
"""Refusals (4xx) that are about the moment and not about the message."""


class Gateway(Protocol):
    """A way to an agency. Taking the same key twice must do no harm."""

    async def send(self, message: Message) -> None:
        """Return when the other side has it for good. Raises `GatewayFailed` and nothing else."""
        ...


class DirectoryGateway:
    """Writes `<key>.json` into a folder for each agency: whole or not at all, and safe once `send` has returned."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: Message) -> None:
        """Write the file; a repetition replaces it with the same matter."""
        body = msgspec.json.format(msgspec.json.encode(message), indent=2)
        try:
            await asyncio.to_thread(_write, self._folder / message.agency_id, f"{message.key}.json", body)
        except OSError as error:
            raise GatewayFailed(f"cannot write to {self._folder}: {error.strerror}; check space and rights") from error


class WebhookGateway:
    """Posts the JSON to a URL, signed as Standard Webhooks 1.0 says: HMAC-SHA256 over `id.timestamp.body`.

    Headers `webhook-id` (the message's key), `webhook-timestamp` (Unix seconds), `webhook-signature` (`v1,` and the
    base64 of the signature). 2xx is taken; 4xx but 408, 425 and 429 is refused for good; all else is worth another try.
    Use as an async context manager. Raises `ValueError` for an address that is not one of HTTP.
    """

    def __init__(self, url: str, secret: str, *, deadline_s: float = 10.0) -> None:
        if httpx.URL(url).scheme not in ("http", "https"):
            raise ValueError("a webhook's address begins with http:// or https://")
        self._url = url
        self._secret = secret.encode()
        self._deadline_s = deadline_s
        self._client = httpx.AsyncClient(timeout=deadline_s, trust_env=False, follow_redirects=False)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def send(self, message: Message) -> None:
        """Post it and wait for the answer, at most the deadline in all."""
        body = msgspec.json.encode(message)
        stamp = str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "webhook-id": message.key,
            "webhook-timestamp": stamp,
            "webhook-signature": "v1," + signature(self._secret, message.key, stamp, body),
        }
        try:
            async with asyncio.timeout(self._deadline_s):
                answer = await self._client.post(self._url, content=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise GatewayFailed(f"no connection: {type(error).__name__}") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise GatewayFailed(f"no answer: {type(error).__name__}", may_have_arrived=True) from error
        if answer.is_success:
            return
        final = answer.is_client_error and answer.status_code not in _AGAIN
        raise GatewayFailed(f"answered {answer.status_code}", final=final, may_have_arrived=answer.is_server_error)


def signature(secret: bytes, key: str, stamp: str, body: bytes) -> str:
    """What the receiver computes and compares."""
    signed = f"{key}.{stamp}.".encode() + body
    return base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def _write(folder: Path, name: str, body: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f".{name}.{os.getpid()}"
    try:
        with scratch.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(folder / name)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # the name, too, must survive a power cut
    finally:
        os.close(descriptor)
