import socket
from collections.abc import Iterator

import pytest

from asr.ear import Ear
from asr.errors import ServerUnavailable
from asr.transcript import Speaker
from asr.vosk_server import VoskServers
from tests.fakes.recognizer import FakeEngine, say
from tests.fakes.vosk_server import FakeVoskServer


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"ws://127.0.0.1:{sock.getsockname()[1]}"


def test_streams_are_spread_over_the_servers() -> None:
    one, two = FakeVoskServer(FakeEngine()), FakeVoskServer(FakeEngine())
    with one.listening() as first, two.listening() as second:
        engine = VoskServers([first, second])
        opened = [engine.recognizer(16000) for _ in range(4)]
        for each in opened:
            assert each.accept(say(["您好"])) is None
            each.close()
    assert (one.connections, two.connections) == (2, 2)


def test_a_server_that_does_not_answer_is_passed_over_and_left_alone(
    nobody: str, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    server = FakeVoskServer(FakeEngine())
    with server.listening() as url:
        engine = VoskServers([nobody, url], rest_s=10, clock=lambda: now)
        for _ in range(4):
            engine.recognizer(16000).close()
        assert caplog.text.count("does not answer") == 1
        now = 11.0
        for _ in range(2):
            engine.recognizer(16000).close()
    assert caplog.text.count("does not answer") == 2
    assert server.connections == 6


def test_when_no_server_answers_all_are_named(nobody: str) -> None:
    with pytest.raises(ServerUnavailable, match=f"no speech server answers: {nobody}: ConnectionRefusedError"):
        VoskServers([nobody]).recognizer(16000)


def test_a_server_must_be_named() -> None:
    with pytest.raises(ValueError, match="at least one"):
        VoskServers([])


def test_a_server_that_falls_silent_is_given_up() -> None:
    server = FakeVoskServer(FakeEngine())
    with server.listening() as url:
        recognizer = VoskServers([url], timeout_s=0.2).recognizer(16000)
        server.silent = True
        with pytest.raises(ServerUnavailable, match="TimeoutError"):
            recognizer.accept(say(["您好"]))
        recognizer.close()


def test_a_stream_goes_on_with_another_server_when_its_own_died() -> None:
    one, two = FakeVoskServer(FakeEngine()), FakeVoskServer(FakeEngine())
    with two.listening() as second:
        with one.listening() as first:
            ear = Ear(VoskServers([second, first]), Speaker.CITIZEN)
            assert ear.hear(say(["您好"])) == []
        assert ear.hear(say(["暖气不热"])) == []
        [lost] = ear.hear(say(["谢谢"]))
        [said] = ear.close()
    assert (lost.lost, lost.start_ms, lost.end_ms) == (True, 0, 440)
    assert (said.text, said.start_ms) == ("谢谢", 440)
    assert ear.restarts == 1
