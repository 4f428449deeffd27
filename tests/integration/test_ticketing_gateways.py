import hashlib
import hmac
import os
import socket
import time
from base64 import b64encode
from pathlib import Path

import msgspec
import pytest

from tests.fakes.agency_endpoint import HANG_UP, SILENCE, agency_endpoint
from tests.unit.ticketing.test_payload import message
from ticketing.errors import GatewayFailed
from ticketing.gateways import DirectoryGateway, WebhookGateway
from ticketing.payload import Dispatch

SECRET = "shared"


async def test_a_directory_gets_one_whole_file_a_key(tmp_path: Path) -> None:
    gateway = DirectoryGateway(tmp_path / "out")
    await gateway.send(message())
    await gateway.send(message(title="改过的标题"))
    files = [file for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert [file.relative_to(tmp_path / "out").as_posix() for file in files] == ["d-sthj-zf/2611020001-d-sthj-zf.json"]
    assert msgspec.json.decode(files[0].read_bytes(), type=Dispatch) == message(title="改过的标题")


async def test_a_directory_that_cannot_be_written_fails_clearly_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    with pytest.raises(GatewayFailed, match="check space and rights") as failed:
        await DirectoryGateway(tmp_path / "out").send(message())
    assert not failed.value.final
    assert not failed.value.may_have_arrived
    assert os.listdir(tmp_path) == ["out"]  # noqa: PTH208 - iterdir would be refused in a coroutine


async def test_a_webhook_is_signed_so_that_the_agency_can_trust_it() -> None:
    async with agency_endpoint() as agency, WebhookGateway(agency.url, SECRET) as gateway:
        await gateway.send(message())
    (request,) = agency.got
    assert msgspec.json.decode(request.body, type=Dispatch) == message()
    assert request.headers["webhook-id"] == "2611020001-d-sthj-zf"
    stamp = request.headers["webhook-timestamp"]
    assert abs(time.time() - int(stamp)) < 60
    signed = f"2611020001-d-sthj-zf.{stamp}.".encode() + request.body
    expected = b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"


@pytest.mark.parametrize(
    ("answer", "final", "may_have_arrived"),
    [
        (400, True, False),
        (401, True, False),
        (404, True, False),
        (408, False, False),
        (429, False, False),
        (302, False, False),
        (500, False, True),
        (503, False, True),
        (HANG_UP, False, True),
        (SILENCE, False, True),
    ],
)
async def test_what_an_answer_means(answer: int, final: bool, may_have_arrived: bool) -> None:
    async with agency_endpoint(answer) as agency, WebhookGateway(agency.url, SECRET, deadline_s=0.3) as gateway:
        with pytest.raises(GatewayFailed) as failed:
            await gateway.send(message())
    assert (failed.value.final, failed.value.may_have_arrived) == (final, may_have_arrived)
    assert "申先生" not in str(failed.value)


async def test_an_agency_that_is_away_surely_got_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with WebhookGateway(f"http://127.0.0.1:{port}/", SECRET) as gateway:
        with pytest.raises(GatewayFailed, match="no connection") as failed:
            await gateway.send(message())
    assert not failed.value.may_have_arrived


def test_only_http_addresses_are_webhooks() -> None:
    with pytest.raises(ValueError, match="http://"):
        WebhookGateway("ftp://somewhere/", SECRET)
