from pathlib import Path

import pytest

from ivr.settings import SettingsError, load_settings


def test_without_a_file_everything_has_a_default_on_loopback(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    assert settings.asterisk.sip_host == settings.desk.host == settings.speech.media_host == "127.0.0.1"
    assert settings.database_url.startswith("sqlite+aiosqlite:////")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "hotline.toml").write_text("[asterisk]\nsip_port = 5070\n[desk]\nport = 9000\n")
    settings = load_settings(
        tmp_path,
        {"HOTLINE_ASTERISK_SIP_PORT": "5080", "HOTLINE_ASTERISK_TRUNK_HOSTS": "127.0.0.1,127.0.0.2", "PATH": "/bin"},
    )
    assert (settings.asterisk.sip_port, settings.desk.port) == (5080, 9000)
    assert settings.asterisk.trunk_hosts == ("127.0.0.1", "127.0.0.2")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[asterisk]\nsip_prot = 1\n", "sip_prot"),
        ('[asterisk]\nsip_port = "x"\n', "asterisk.sip_port"),
        ("[asterisk]\nsip_port = 99999\n", "sip_port is 99999"),
        ("[asterisk]\nsip_port = 8088\n", "both 8088"),
        ("[asterisk]\nrtp_start = 200\n", "rtp_start"),
        ("[queue]\nring_s = 0\n", "ring_s"),
        ("[nonsense]\n", "nonsense"),
        ("asterisk = ", "hotline.toml"),
        ("[home]\n", "home"),
    ],
)
def test_a_bad_file_is_named_with_its_key(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "hotline.toml").write_text(text)
    with pytest.raises(SettingsError, match=named):
        load_settings(tmp_path, {})


@pytest.mark.parametrize(
    ("name", "text"), [("HOTLINE_DESK_PORT", "many"), ("HOTLINE_DESK_PROT", "1"), ("HOTLINE_SPEECH_ENABLED", "perhaps")]
)
def test_a_bad_variable_is_named(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings(tmp_path, {name: text})
