"""Desks by wss: with the instance's own certificate, and with nothing less."""

import ssl
from pathlib import Path

import pytest
from websockets.exceptions import InvalidMessage

from ivr.certificates import make_certificates, server_context
from ivr.settings import SettingsError, load_settings
from tests.unit.desk.test_fuzz import dial, served, sign_in


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    make_certificates(tmp_path / "tls", ["127.0.0.1"])
    return server_context(load_settings(tmp_path, {"HOTLINE_SECURITY_TLS": "true"}))


async def test_a_desk_that_trusts_the_authority_is_let_in(
    context: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls" / "ca.pem"))
    async with served(context) as (address, _), dial(address.replace("ws://", "wss://")) as socket:
        await sign_in(socket)


async def test_without_tls_or_trust_nothing_is_said(context: ssl.SSLContext) -> None:
    async with served(context) as (address, desk):
        with pytest.raises(InvalidMessage):
            async with dial(address):
                pass
        with pytest.raises(ssl.SSLCertVerificationError):
            async with dial(address.replace("ws://", "wss://")):
                pass
        assert desk.asked == []


def test_certificates_are_private_and_last_and_follow_the_addresses(tmp_path: Path) -> None:
    make_certificates(tmp_path, ["127.0.0.1"])
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    make_certificates(tmp_path, ["127.0.0.1"])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first
    make_certificates(tmp_path, ["192.0.2.7"])
    second = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert second["ca.pem"] == first["ca.pem"], "people need install nothing anew"
    assert second["server.pem"] != first["server.pem"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("environment", "mend"),
    [
        ({"HOTLINE_SECURITY_SRTP": "true"}, "needs tls"),
        ({"HOTLINE_SECURITY_TLS": "true", "HOTLINE_SECURITY_CERTIFICATE": "/x.pem"}, "go together"),
    ],
)
def test_half_a_setting_is_refused(tmp_path: Path, environment: dict[str, str], mend: str) -> None:
    with pytest.raises(SettingsError, match=mend):
        load_settings(tmp_path, environment)


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"server\.pem"):
        server_context(load_settings(tmp_path, {"HOTLINE_SECURITY_TLS": "true"}))
