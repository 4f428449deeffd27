"""The line to a PostgreSQL, which can be cut and mended: what a network does, and a database that restarts."""

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

_SOCKET = ".s.PGSQL.5432"


class DatabaseLine:
    """Forwards connections from `folder` to a server's own folder of sockets."""

    def __init__(self, server_folder: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="line"))
        self._to = Path(server_folder) / _SOCKET
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._forwarding: set[asyncio.Task[None]] = set()
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()
        await self._group.__aexit__(None, None, None)
        shutil.rmtree(self.folder)

    async def cut(self) -> None:
        """Nobody gets through, and whoever was through is not any more."""
        if self._server is not None:
            self._server.close()
            (self.folder / _SOCKET).unlink(missing_ok=True)
            self._server = None
        for writer in tuple(self._writers):
            writer.transport.abort()
        for task in tuple(self._forwarding):
            task.cancel()
        if self._forwarding:
            await asyncio.wait(self._forwarding)

    async def mend(self) -> None:
        """As before."""
        self._server = await asyncio.start_unix_server(self._accept, self.folder / _SOCKET)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._group.create_task(self._forward(reader, writer), name="database line")
        self._forwarding.add(task)
        task.add_done_callback(self._forwarding.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._to)
        self._writers |= {writer, back}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, back), name="to the database")
                group.create_task(_pump(there, writer), name="from the database")
        finally:
            for each in (writer, back):
                self._writers.discard(each)
                each.close()
                with contextlib.suppress(ConnectionError):
                    await each.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
