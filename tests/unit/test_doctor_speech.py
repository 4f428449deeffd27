"""What the doctor says of speech recognition."""

from pathlib import Path

from ivr.commands.instance import _examine_speech
from ivr.settings import load_settings
from tests.asterisk_prefix import free_tcp_ports
from tests.fakes.recognizer import FakeEngine
from tests.fakes.vosk_server import FakeVoskServer


def test_a_server_that_does_not_recognise_is_named(tmp_path: Path) -> None:
    with FakeVoskServer(FakeEngine()).listening() as url:
        nobody = f"ws://127.0.0.1:{free_tcp_ports(1)[0]}"
        findings = _examine_speech(load_settings(tmp_path, {"HOTLINE_SPEECH_SERVERS": f"{url},{nobody}"}))
    assert [finding.ok for finding in findings] == [True, False]
    assert findings[1].problem is not None
    assert nobody in findings[1].problem


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert _examine_speech(load_settings(tmp_path, {}))[0].ok
    [finding] = _examine_speech(load_settings(tmp_path, {"HOTLINE_SPEECH_MODEL": "gone"}))
    assert not finding.ok
    assert "gone" in str(finding.problem)
