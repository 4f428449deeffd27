"""An agency's webhook: answers as it is told, and remembers what it got."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec

SILENCE = 0
"""Read the request and never answer."""

HANG_UP = -1
"""Read the request and close the connection."""


class Received(msgspec.Struct, frozen=True):
    """One request."""

    headers: dict[str, str]
    body: bytes


class AgencyEndpoint:
    """Answers with `script` one by one, then with 204. `got` holds every request."""

    def __init__(self, script: list[int]) -> None:
        self.script = script
        self.got: list[Received] = []
        self.url = ""
        self.at_once = 0
        self.most_at_once = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, which some tests make it do
        finally:
            writer.close()

    async def close(self) -> None:
        """End what is still connected."""
        for writer in self._open:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head) if name}
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            body = await reader.readexactly(int(headers["content-length"]))
            self.got.append(Received(headers, body))
            status = self.script.pop(0) if self.script else 204
            if status == HANG_UP:
                return False
            if status == SILENCE:
                await reader.read()  # until the client gives up
                return False
            writer.write(f"HTTP/1.1 {status} Told\r\ncontent-length: 0\r\n\r\n".encode())
            await writer.drain()
        finally:
            self.at_once -= 1
        return True


@asynccontextmanager
async def agency_endpoint(*script: int) -> AsyncIterator[AgencyEndpoint]:
    """A webhook on loopback."""
    endpoint = AgencyEndpoint(list(script))
    server = await asyncio.start_server(endpoint._serve, "127.0.0.1", 0)
    endpoint.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/dispatch"
    try:
        yield endpoint
    finally:
        server.close()
        await server.wait_closed()
        await endpoint.close()
