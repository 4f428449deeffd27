"""Downloading an official model, from a server on loopback that can break off, lie and be away."""

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from asr.errors import FetchFailed
from asr.model import fetch, store

NAME = fetch.OFFICIAL["small-cn"]


class Vendor(BaseHTTPRequestHandler):
    archive: ClassVar[bytes] = b""
    md5: ClassVar[str] = ""
    breaks_after: ClassVar[int | None] = None
    ranges: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        if self.path.endswith("model-list.json"):
            url = f"http://127.0.0.1:{self.server.server_port}/{NAME}.zip"  # type: ignore[attr-defined]
            offer = {"name": NAME, "md5": self.md5, "size": len(self.archive), "url": url, "lang": "cn"}
            self.answer(200, json.dumps([{"name": "other"}, offer]).encode())
            return
        asked = self.headers.get("Range", "")
        self.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        self.answer(206 if asked else 200, self.archive[start:])

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.breaks_after is None else body[: self.breaks_after])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        return


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model as its maker packs it: one folder of its name."""
    folder = tmp_path_factory.mktemp("packed")
    shutil.copytree(store.EMBEDDED, folder / NAME)
    (folder / NAME / store.MANIFEST).unlink()
    return Path(shutil.make_archive(str(folder / "it"), "zip", folder, NAME)).read_bytes()


@pytest.fixture
def vendor(archive: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Vendor, "archive", archive)
    monkeypatch.setattr(Vendor, "md5", hashlib.md5(archive, usedforsecurity=False).hexdigest())
    monkeypatch.setattr(Vendor, "ranges", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), Vendor) as server:
        thread = threading.Thread(target=server.serve_forever, name="vendor")
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_a_model_is_downloaded_checked_and_unpacked(vendor: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    info = fetch.fetch("small-cn", tmp_path, index=vendor, progress=lambda have, whole: seen.append((have, whole)))
    assert (info.name, info.look_ahead) == (NAME, True)
    assert seen[-1] == (len(Vendor.archive), len(Vendor.archive))
    assert [each.name for each in tmp_path.iterdir()] == [NAME]
    fetch.fetch("small-cn", tmp_path, index="http://127.0.0.1:1/")  # there already: nobody is asked


def test_a_download_that_broke_off_goes_on(vendor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Vendor, "breaks_after", 1_000_000)
    with pytest.raises(FetchFailed, match="cannot be downloaded"):
        fetch.fetch("small-cn", tmp_path, index=vendor)
    monkeypatch.setattr(Vendor, "breaks_after", None)
    assert fetch.fetch("small-cn", tmp_path, index=vendor).name == NAME
    assert Vendor.ranges[0] == ""
    assert 0 < int(Vendor.ranges[1].removeprefix("bytes=").removesuffix("-")) <= 1_000_000


def test_what_is_not_what_the_maker_says_is_removed(
    vendor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Vendor, "md5", "0" * 32)
    with pytest.raises(FetchFailed, match=r"not 0+, and was removed"):
        fetch.fetch("small-cn", tmp_path, index=vendor)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_without_a_model_is_refused(vendor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Vendor, "archive", b"<html>sorry</html>")
    monkeypatch.setattr(Vendor, "md5", hashlib.md5(b"<html>sorry</html>", usedforsecurity=False).hexdigest())
    with pytest.raises(FetchFailed, match="no whole model"):
        fetch.fetch("small-cn", tmp_path, index=vendor)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match=f"on a machine with a network download .*{NAME}.zip.* select {NAME}"):
        fetch.fetch("small-cn", tmp_path, index="http://127.0.0.1:1/")


def test_an_unknown_model_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="big-cn: no such official model; there is small-cn"):
        fetch.fetch("big-cn", tmp_path)
