from pathlib import Path
from typing import Any

import pytest

from asterisk_conf.errors import SettingsInvalid
from asterisk_conf.settings import AgentEndpoint, AsteriskSettings

HOME = Path("/srv/hotline")


def settings(**changes: Any) -> AsteriskSettings:
    return AsteriskSettings(
        **({"prefix": HOME / "asterisk", "instance": HOME / "instance", "recordings": HOME / "recordings"} | changes)
    )


def test_by_default_everything_is_on_loopback() -> None:
    assert (settings().sip_host, settings().control_host, settings().trunk_hosts) == (
        "127.0.0.1",
        "127.0.0.1",
        ("127.0.0.1",),
    )
    assert settings().trunk_on_loopback
    assert settings().media_host == "127.0.0.1"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"instance": Path("relative")}, "absolute path"),
        ({"recordings": Path("/srv/my recordings")}, "recordings"),
        ({"recordings": Path("/srv/a,b")}, "recordings"),
        ({"instance": Path("/srv") / ("x" * 100)}, "control socket"),
        ({"sip_host": "localhost"}, "sip_host"),
        ({"control_host": "0"}, "control_host"),
        ({"http_port": 0}, "http_port 0"),
        ({"sip_port": 65536}, "sip_port 65536"),
        ({"ami_port": 8088}, "must differ"),
        ({"rtp_first": 20000, "rtp_last": 20005}, "rtp_first"),
        ({"sip_port": 15000}, "lies in the RTP range"),
        ({"rtp_timeout_s": -1}, "rtp_timeout_s"),
        ({"hotline_number": "12 345"}, "hotline number"),
        ({"also_dialled": ("s",)}, "hotline number 's'"),
        ({"app": "hot line"}, "app"),
        ({"ari_user": "a;b"}, "ari_user"),
        ({"trunk_hosts": ("sbc.carrier.invalid",)}, "names can be forged"),
        ({"trunk_contact": "sip:10.0.0.1"}, "trunk_contact"),
        ({"agents": (AgentEndpoint(extension="1001", name="a"), AgentEndpoint(extension="1001", name="b"))}, "1001"),
        ({"agents": (AgentEndpoint(extension="12345", name="a"),)}, "hotline's own number"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsInvalid, match=named):
        settings(**changes)


def test_a_phone_needs_digits_for_a_name() -> None:
    with pytest.raises(SettingsInvalid, match="2 to 20 digits"):
        AgentEndpoint(extension="trunk", name="x")


def test_secrets_do_not_show() -> None:
    agent = AgentEndpoint(extension="1001", name="x", secret="s3cret")
    shown = repr(settings(agents=(agent,), ari_secret="s3cret", ami_secret="s3cret"))
    assert "s3cret" not in shown
