"""Recordings by HTTP: ranges, and nothing without a link that is good now."""

from datetime import timedelta
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from ivr.calls.vocabulary import AgentId
from ivr.desk.recordings_web import RecordingsWeb
from tests.fakes.clock import LoopClock

SOUND = bytes(range(200))
NOBODY: ServerConnection = None  # type: ignore[assignment]  # not looked at


@pytest.fixture
def web(tmp_path: Path) -> RecordingsWeb:
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "c1.wav").write_bytes(SOUND)
    (tmp_path / "secret.wav").write_bytes(b"no")
    return RecordingsWeb("s3cret", folder, LoopClock())


async def get(web: RecordingsWeb, path: str, span: str | None = None) -> Response | None:
    return await web.respond(NOBODY, Request(path, Headers({} if span is None else {"Range": span})))


def link(web: RecordingsWeb, name: str = "c1.wav", minutes: int = 5) -> str:
    return web.link(AgentId("2004"), name, LoopClock().now() + timedelta(minutes=minutes))


async def test_a_desk_is_no_recording(web: RecordingsWeb) -> None:
    assert await get(web, "/") is None


@pytest.mark.parametrize(
    ("span", "status", "start", "end"),
    [
        (None, 200, 0, 200),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=10-19", 206, 10, 20),
        ("bytes=150-", 206, 150, 200),
        ("bytes=-20", 206, 180, 200),
        ("bytes=-900", 206, 0, 200),
        ("bytes=190-900", 206, 190, 200),
        ("bytes=1-2,5-6", 200, 0, 200),  # several ranges may be answered with all of it (RFC 9110 14.2)
        ("seconds=1-2", 200, 0, 200),
    ],
)
async def test_ranges(web: RecordingsWeb, span: str | None, status: int, start: int, end: int) -> None:
    reply = await get(web, link(web), span)
    assert reply is not None
    assert (reply.status_code, reply.body) == (status, SOUND[start:end])
    assert reply.headers["Content-Length"] == str(end - start)
    if status == 206:
        assert reply.headers["Content-Range"] == f"bytes {start}-{end - 1}/200"


@pytest.mark.parametrize("span", ["bytes=200-", "bytes=20-10", "bytes=-0"])
async def test_a_range_outside_the_file(web: RecordingsWeb, span: str) -> None:
    reply = await get(web, link(web), span)
    assert reply is not None
    assert (reply.status_code, reply.headers["Content-Range"]) == (416, "bytes */200")


@pytest.mark.parametrize("name", ["../secret.wav", "/etc/passwd", "sub/c1.wav", "none.wav"])
async def test_only_files_of_the_folder(web: RecordingsWeb, name: str) -> None:
    reply = await get(web, link(web, name))
    assert reply is not None
    assert (reply.status_code, reply.body) == (404, b"")


async def test_a_link_that_is_not_ours_or_old(web: RecordingsWeb) -> None:
    good = link(web)
    other = RecordingsWeb("other", Path(), LoopClock()).link(AgentId("2004"), "c1.wav", LoopClock().now())
    for path in (good[:-2], good + "A", good.replace("/recordings/", "/recordings/x"), other, link(web, minutes=-1)):
        reply = await get(web, path)
        assert reply is not None
        assert reply.status_code == 403
    for path in ("/recordings/", "/recordings/.", "/recordings/é.é", "/recordings/a.b.c"):
        reply = await get(web, path)
        assert reply is not None
        assert reply.status_code == 403
