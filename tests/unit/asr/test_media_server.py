import socket
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from asr import media_server
from asr.media_server import EARLY_PACKETS, EARLY_PORTS, MediaServer
from tests.unit.asr.until import until


@pytest.fixture
async def media() -> AsyncIterator[MediaServer]:
    async with MediaServer() as server:
        yield server


class Tap:
    """A sender with a port of its own."""

    def __init__(self, media: MediaServer, host: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._to = media.address
        self.port: int = self._socket.getsockname()[1]

    def send(self, *datagrams: bytes) -> None:
        for datagram in datagrams:
            self._socket.sendto(datagram, self._to)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def tap(media: MediaServer) -> Iterator[Callable[..., Tap]]:
    taps: list[Tap] = []

    def make(host: str = "127.0.0.1") -> Tap:
        taps.append(Tap(media, host))
        return taps[-1]

    yield make
    for each in taps:
        each.close()


async def test_streams_are_told_apart_by_source_port(media: MediaServer, tap: Callable[..., Tap]) -> None:
    one, two = tap(), tap()
    heard: dict[str, list[bytes]] = {"one": [], "two": []}
    media.register(one.port, heard["one"].append)
    media.register(two.port, heard["two"].append)
    one.send(b"1")
    two.send(b"2")
    one.send(b"3")
    await until(lambda: media.counts.received == 3)
    assert heard == {"one": [b"1", b"3"], "two": [b"2"]}
    assert media.counts.unknown == 0


async def test_packets_before_the_registration_are_not_lost(media: MediaServer, tap: Callable[..., Tap]) -> None:
    early = tap()
    early.send(b"1", b"2")
    await until(lambda: media.counts.received == 2)
    heard: list[bytes] = []
    media.register(early.port, heard.append)
    early.send(b"3")
    await until(lambda: len(heard) == 3)
    assert heard == [b"1", b"2", b"3"]


async def test_only_so_many_early_packets_are_kept_and_the_rest_counted(
    media: MediaServer, tap: Callable[..., Tap]
) -> None:
    early = tap()
    for n in range(EARLY_PACKETS + 3):
        early.send(bytes([n]))
    await until(lambda: media.counts.received == EARLY_PACKETS + 3)
    heard: list[bytes] = []
    media.register(early.port, heard.append)
    assert heard == [bytes([n]) for n in range(3, EARLY_PACKETS + 3)]
    assert media.counts.unknown == 3


async def test_only_so_many_unknown_ports_are_kept_for(
    media: MediaServer, tap: Callable[..., Tap], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert EARLY_PORTS >= 100
    monkeypatch.setattr(media_server, "EARLY_PORTS", 2)
    for each in (tap(), tap(), tap()):
        each.send(b"x")
    await until(lambda: media.counts.received == 3)
    assert media.counts.unknown == 1


async def test_old_packets_are_never_given_to_a_new_call(
    media: MediaServer, tap: Callable[..., Tap], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tap()
    old.send(b"an earlier call's words")
    await until(lambda: media.counts.received == 1)
    monkeypatch.setattr(media_server, "EARLY_MS", -1)
    heard: list[bytes] = []
    media.register(old.port, heard.append)
    assert heard == []


async def test_what_comes_after_a_stream_ended_is_dropped(media: MediaServer, tap: Callable[..., Tap]) -> None:
    ended = tap()
    heard: list[bytes] = []
    media.register(ended.port, heard.append)
    media.unregister(ended.port)
    ended.send(b"late")
    await until(lambda: media.counts.unknown == 1)
    media.register(ended.port, heard.append)
    assert heard == []
    ended.send(b"new")
    await until(lambda: heard == [b"new"])


async def test_what_arrived_before_the_end_is_still_given(media: MediaServer, tap: Callable[..., Tap]) -> None:
    ending = tap()
    heard: list[bytes] = []
    media.register(ending.port, heard.append)
    ending.send(b"1", b"2")
    media.unregister(ending.port)
    assert heard == [b"1", b"2"]


async def test_one_port_belongs_to_one_stream(media: MediaServer) -> None:
    media.register(4000, lambda _: None)
    with pytest.raises(ValueError, match="4000 is registered already"):
        media.register(4000, lambda _: None)
    media.unregister(4000)
    media.unregister(4000)
    media.register(4000, lambda _: None)


async def test_another_host_is_not_heard(media: MediaServer, tap: Callable[..., Tap]) -> None:
    stranger = tap("127.0.0.2")
    heard: list[bytes] = []
    media.register(stranger.port, heard.append)
    stranger.send(b"x")
    await until(lambda: media.counts.unknown == 1)
    assert heard == []


async def test_the_address_is_known_only_while_open(media: MediaServer) -> None:
    assert media.address[0] == "127.0.0.1"
    closed = MediaServer()
    with pytest.raises(RuntimeError, match="not open"):
        _ = closed.address


async def test_an_address_in_use_is_refused(media: MediaServer) -> None:
    with pytest.raises(OSError, match="in use"):
        async with MediaServer(*media.address):
            pass
