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


def test_a_new_stream_goes_to_the_server_with_the_fewest() -> None:
    one, two = FakeVoskServer(FakeEngine()), FakeVoskServer(FakeEngine())
    with one.listening() as first, two.listening() as second:
        engine = VoskServers([first, second])
        opened = [engine.recognizer(16000) for _ in range(4)]
        of_one = [each for each in opened if each.url == first]
        for each in of_one:
            each.close()
        opened += [engine.recognizer(16000) for _ in range(2)]
        assert [each.url for each in opened[4:]] == [first, first]
        for each in opened:
            each.close()
        assert [health.streams for health in engine.check()] == [0, 0]


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
    assert server.connections == 6


def test_a_check_takes_a_server_back_and_finds_one_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    server = FakeVoskServer(FakeEngine())
    with server.listening() as url:
        engine = VoskServers([url], timeout_s=0.2, rest_s=3600)
        server.silent = True
        [health] = engine.check()
        assert (health.url, health.fault) == (url, "TimeoutError")
        server.silent = False
        with pytest.raises(ServerUnavailable, match=f"{url}: TimeoutError"):
            engine.recognizer(16000)  # it rests: nobody waits for it
        [health] = engine.check()
        assert health.fault == ""
        engine.recognizer(16000).close()
    assert "answers again" in caplog.text


def test_a_server_that_fails_in_a_stream_gets_no_new_one() -> None:
    one, two = FakeVoskServer(FakeEngine()), FakeVoskServer(FakeEngine())
    with one.listening() as first, two.listening() as second:
        engine = VoskServers([first, second], timeout_s=0.2)
        stream = engine.recognizer(16000)
        {first: one, second: two}[stream.url].silent = True
        with pytest.raises(ServerUnavailable):
            stream.accept(say(["您好"]))
        stream.close()
        others = [engine.recognizer(16000) for _ in range(3)]
        assert stream.url not in {each.url for each in others}
        for each in others:
            each.close()


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
