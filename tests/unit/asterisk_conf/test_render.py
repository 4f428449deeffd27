import dataclasses
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_conf import render as rendering
from asterisk_conf.errors import RenderFailed, ValueRefused
from asterisk_conf.layout import Layout
from asterisk_conf.program import Program
from asterisk_conf.render import Secrets, escape, in_force, load_secrets, render, render_texts
from asterisk_conf.settings import AgentEndpoint, AsteriskSettings

GOLDEN = Path(__file__).parent / "golden"
HOME = Path("/srv/hotline")
SECRETS = Secrets(ari="ari-secret", ami="ami-secret", agents={"1001": "phone-secret", "1002": "other;secret"})
PROGRAM = Program(
    command=("/usr/sbin/asterisk",),
    modules=Path("/m"),
    data=Path("/usr/share/asterisk"),
    version=(22, 10, 1),
    prefix=None,
)
SETTINGS = AsteriskSettings(
    prefix=HOME / "asterisk",
    instance=HOME / "instance",
    recordings=HOME / "recordings",
    agents=(AgentEndpoint(extension="1001", name="张晓; 一席"), AgentEndpoint(extension="1002", name='李"二"')),
)
CARRIER = dataclasses.replace(
    SETTINGS,
    sip_host="2001:db8::5",
    also_dialled=("035912345",),
    trunk_hosts=("192.0.2.7", "2001:db8:1::/64"),
    trunk_contact="192.0.2.7:5080",
    rtp_timeout_s=45,
)


def at(home: Path, **changes: Any) -> AsteriskSettings:
    return dataclasses.replace(
        SETTINGS, **({"instance": home / "instance", "recordings": home / "recordings"} | changes)
    )


def compare(folder: str, name: str, text: str) -> None:
    path = GOLDEN / folder / name
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path} differs: look, then run with UPDATE_GOLDEN=1"


def test_every_file_of_a_demonstration_is_as_reviewed() -> None:
    texts = render_texts(SETTINGS, PROGRAM, SECRETS)
    for name, text in texts.items():
        compare("loopback", name, text)
    assert {path.name for path in (GOLDEN / "loopback").iterdir()} == texts.keys()


@pytest.mark.parametrize("name", ["pjsip.conf", "extensions.conf"])
def test_a_carriers_trunk_is_as_reviewed(name: str) -> None:
    compare("carrier", name, render_texts(CARRIER, PROGRAM, SECRETS)[name])


def test_only_the_hotlines_number_leads_anywhere_from_the_trunk() -> None:
    dialplan = render_texts(SETTINGS, PROGRAM, SECRETS)["extensions.conf"]
    section = dialplan.split("[from-trunk]")[1].split("\n[")[0]
    assert [line for line in section.splitlines() if line and not line.startswith(";")] == [
        "exten => 12345,1,Goto(hotline,s,1)"
    ]
    assert "\ninclude" not in dialplan
    assert "\n#" not in dialplan
    assert "exten => _" not in dialplan


def test_no_caller_is_taken_without_credentials_but_from_the_trunks_addresses() -> None:
    for settings in (SETTINGS, CARRIER):
        texts = render_texts(settings, PROGRAM, SECRETS)
        assert "anonymous" not in texts["pjsip.conf"] + texts["modules.conf"]
        assert texts["pjsip.conf"].count("match = ") == len(settings.trunk_hosts)


def test_without_trunk_hosts_nobody_is_let_in() -> None:
    text = render_texts(dataclasses.replace(SETTINGS, trunk_hosts=()), PROGRAM, SECRETS)["pjsip.conf"]
    assert "type = identify" not in text


def test_on_loopback_a_phones_name_is_asked_for_its_secret_before_the_address_counts() -> None:
    assert "endpoint_identifier_order = username,ip\n" in render_texts(SETTINGS, PROGRAM, SECRETS)["pjsip.conf"]
    assert "endpoint_identifier_order = ip,username\n" in render_texts(CARRIER, PROGRAM, SECRETS)["pjsip.conf"]


@given(st.text())
def test_no_value_can_begin_a_comment_or_a_line(text: str) -> None:
    try:
        escaped = escape(text)
    except ValueRefused:
        assert text != text.strip() or any(ord(character) < 32 or ord(character) == 127 for character in text)
        return
    assert "\n" not in escaped
    assert ";" not in escaped.replace("\\;", "")
    assert escaped.replace("\\;", ";") == text


@pytest.mark.parametrize("text", ["a\nb", "a\r", "\x00", "\x7f", "a\tb", " a", "a "])
def test_a_line_break_is_refused_with_the_mend(text: str) -> None:
    with pytest.raises(ValueRefused, match="remove it"):
        escape(text)


def test_a_name_with_a_line_break_leaves_the_former_configuration_in_force(tmp_path: Path) -> None:
    render(at(tmp_path), PROGRAM)
    before = (tmp_path / "instance" / "etc" / "pjsip.conf").read_text()
    with pytest.raises(ValueRefused, match="line break"):
        render(at(tmp_path, agents=(AgentEndpoint(extension="1003", name="x\ntype=endpoint"),)), PROGRAM)
    assert (tmp_path / "instance" / "etc" / "pjsip.conf").read_text() == before


def test_an_undefined_variable_in_a_template_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "templates"
    package.mkdir()
    (package / "http.conf.j2").write_text("bindport = {{ settings.no_such_port }}\n")
    monkeypatch.setattr(rendering, "_TEMPLATES", package)
    with pytest.raises(RenderFailed, match=r"http\.conf\.j2.*no_such_port"):
        render(at(tmp_path), PROGRAM)
    assert not (tmp_path / "instance" / "etc").exists()


def test_what_is_written_is_for_the_owner_alone(tmp_path: Path) -> None:
    home = render(at(tmp_path), PROGRAM).layout.home
    for path in (home, *home.rglob("*")):
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE((tmp_path / "recordings").stat().st_mode) == 0o700


def test_generated_secrets_differ_and_outlive_rendering(tmp_path: Path) -> None:
    first = render(at(tmp_path), PROGRAM).secrets
    assert len({first.ari, first.ami, *first.agents.values()}) == 4
    assert min(map(len, (first.ari, first.ami, *first.agents.values()))) >= 32
    assert render(at(tmp_path, http_port=9000), PROGRAM).secrets == first
    assert load_secrets(tmp_path / "instance") == first


def test_a_given_secret_wins_and_a_departed_phone_is_forgotten(tmp_path: Path) -> None:
    first = render(at(tmp_path), PROGRAM).secrets
    agents = (AgentEndpoint(extension="1001", name="x", secret="given"),)
    second = render(at(tmp_path, ari_secret="mine", agents=agents), PROGRAM).secrets
    assert (second.ari, second.ami, second.agents) == ("mine", first.ami, {"1001": "given"})


def test_spoilt_secrets_are_not_silently_replaced(tmp_path: Path) -> None:
    render(at(tmp_path), PROGRAM)
    (tmp_path / "instance" / "secrets.json").write_text("{")
    with pytest.raises(RenderFailed, match="restore it, or remove it"):
        render(at(tmp_path), PROGRAM)


def test_secrets_do_not_show(tmp_path: Path) -> None:
    done = render(at(tmp_path), PROGRAM)
    assert done.secrets.ari not in repr(done) + repr(done.secrets)


def test_a_failure_in_the_middle_leaves_the_former_configuration_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render(at(tmp_path), PROGRAM)
    etc = tmp_path / "instance" / "etc"
    before = {path.name: path.read_text() for path in etc.iterdir()}
    write = rendering._write_private

    def fail_late(path: Path, text: str) -> None:
        if path.name == "rtp.conf":
            raise OSError(28, "No space left on device")
        write(path, text)

    monkeypatch.setattr(rendering, "_write_private", fail_late)
    with pytest.raises(RenderFailed, match="No space left"):
        render(at(tmp_path, http_port=9000), PROGRAM)
    assert {path.name: path.read_text() for path in etc.iterdir()} == before
    assert len(list((tmp_path / "instance" / "etc.d").iterdir())) == 1


def test_only_one_configuration_is_kept(tmp_path: Path) -> None:
    for port in (9000, 9001, 9000, 9000):
        render(at(tmp_path, http_port=port), PROGRAM)
    assert len(list((tmp_path / "instance" / "etc.d").iterdir())) == 1
    assert "bindport = 9000\n" in (tmp_path / "instance" / "etc" / "http.conf").read_text()


def test_a_changed_setting_or_file_is_noticed(tmp_path: Path) -> None:
    render(at(tmp_path), PROGRAM)
    assert in_force(at(tmp_path), PROGRAM)
    assert not in_force(at(tmp_path, http_port=9000), PROGRAM)
    assert not in_force(at(tmp_path, ari_secret="new"), PROGRAM)
    (tmp_path / "instance" / "etc" / "rtp.conf").write_text("[general]\n")
    assert not in_force(at(tmp_path), PROGRAM)


def test_where_sounds_and_documentation_are_looked_for(tmp_path: Path) -> None:
    layout: Layout = render(at(tmp_path), PROGRAM).layout
    assert layout.sounds.resolve() == layout.rendered
    assert (layout.data / "rest-api").readlink() == Path("/usr/share/asterisk/rest-api")
