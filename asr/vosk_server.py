"""Recognition on other machines: a client of the Vosk server's websocket protocol.

Each stream is one connection. Configuration first, then audio; every binary message is answered by exactly one text
message. A new stream goes to the server with the fewest; one that failed is left alone until a check, or a pause, has
passed. A stream whose server dies is opened again on another by whoever holds it, as with any recogniser that raises.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final

import msgspec
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from asr.engine import Utterance
from asr.errors import ServerUnavailable
from asr.vosk_json import Answer, read

logger = logging.getLogger(__name__)

_RESET: Final = '{"reset" : 1}'
"""The server compares the whole string, spaces included."""


_CHECK_RATE: Final = 16000


class ServerRecognizer:
    """One stream on one server. Raises `ServerUnavailable` when it does not answer in time or hangs up."""

    def __init__(
        self, url: str, timeout_s: float, sample_rate: int, *, ended: Callable[[bool], None] = lambda well: None
    ) -> None:
        self.url = url
        self._timeout_s = timeout_s
        self._ended = ended
        self._well = True
        self._hypothesis = ""
        self._fed = False
        with ExitStack() as opened:
            dialled = connect(url, open_timeout=timeout_s, close_timeout=1.0, compression=None)
            self._connection: ClientConnection = opened.enter_context(dialled)
            self._connection.send(json.dumps({"config": {"sample_rate": sample_rate, "words": True}}))
            self._opened = opened.pop_all()

    def accept(self, pcm: bytes) -> Utterance | None:
        """See `Recognizer.accept`."""
        self._fed = True
        return self._heard(self._ask(pcm))

    def hypothesis(self) -> str:
        """See `Recognizer.hypothesis`."""
        return self._hypothesis

    def finish(self) -> Utterance | None:
        """See `Recognizer.finish`. Nothing is asked of a server that has heard nothing: it would not know the model."""
        return self._heard(self._ask(_RESET)) if self._fed else None

    def close(self) -> None:
        """Hang up."""
        self._opened.close()
        ended, self._ended = self._ended, lambda well: None
        ended(self._well)

    def _ask(self, message: bytes | str) -> Answer:
        try:
            self._connection.send(message)
            return read(self._connection.recv(self._timeout_s))
        except (WebSocketException, TimeoutError, ValueError) as error:
            self._well = False
            raise ServerUnavailable(f"the speech server failed: {type(error).__name__}") from error

    def _heard(self, answer: Answer) -> Utterance | None:
        self._hypothesis = answer.partial or ""
        return answer.utterance()


class ServerHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One server: how many of our streams it has, and what is wrong with it; empty when it recognises."""

    url: str
    streams: int
    fault: str


class VoskServers:
    """An engine over one or more servers (`ws://host:2700`). Blocking; give the pipeline several workers a core.

    A server that did not answer rests for `rest_s`, or until `check` finds it well again.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        timeout_s: float = 5.0,
        rest_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not urls:
            raise ValueError("name at least one speech server")
        self._urls = tuple(dict.fromkeys(urls))
        self._timeout_s = timeout_s
        self._rest_s = rest_s
        self._clock = clock
        self._lock = threading.Lock()
        self._turn = 0
        self._streams = dict.fromkeys(self._urls, 0)
        self._resting: dict[str, tuple[float, str]] = {}

    def recognizer(self, sample_rate: int) -> ServerRecognizer:
        """See `Engine.recognizer`. Tries every server that does not rest; raises `ServerUnavailable`, at once where
        all rest.
        """
        faults: list[str] = []
        for url in self._order():
            try:
                recognizer = self._open(url, sample_rate)
            except (OSError, WebSocketException, TimeoutError) as error:
                faults.append(f"{url}: {type(error).__name__}")
                self._rest(url, type(error).__name__)
            else:
                self._well(url)
                return recognizer
        with self._lock:
            faults = faults or [f"{url}: {fault}" for url, (_, fault) in self._resting.items()]
        raise ServerUnavailable("no speech server answers: " + "; ".join(faults))

    def check(self) -> tuple[ServerHealth, ...]:
        """Let every server recognise a tenth of a second of silence, all at once; the well ones get streams again."""
        with ThreadPoolExecutor(len(self._urls), thread_name_prefix="vosk-server-check") as pool:
            return tuple(pool.map(self._check, self._urls))

    def _check(self, url: str) -> ServerHealth:
        fault = ""
        try:
            recognizer = ServerRecognizer(url, self._timeout_s, _CHECK_RATE)
            try:
                recognizer.accept(bytes(_CHECK_RATE // 5))
            finally:
                recognizer.close()
        except (OSError, WebSocketException, TimeoutError, ServerUnavailable) as error:
            fault = type(error.__cause__ or error).__name__
            self._rest(url, fault)
        else:
            self._well(url)
        with self._lock:
            return ServerHealth(url=url, streams=self._streams[url], fault=fault)

    def _open(self, url: str, sample_rate: int) -> ServerRecognizer:
        with self._lock:
            self._streams[url] += 1
        try:
            return ServerRecognizer(
                url, self._timeout_s, sample_rate, ended=lambda well: self._stream_ended(url, well=well)
            )
        except BaseException:
            self._stream_ended(url, well=True)
            raise

    def _stream_ended(self, url: str, *, well: bool) -> None:
        with self._lock:
            self._streams[url] -= 1
        if not well:
            self._rest(url, "fell silent")

    def _order(self) -> list[str]:
        now = self._clock()
        with self._lock:
            self._turn += 1
            turn = self._turn % len(self._urls)
            streams = dict(self._streams)
            resting = {url for url, (until, _) in self._resting.items() if until > now}
        in_turn = [*self._urls[turn:], *self._urls[:turn]]
        return sorted((url for url in in_turn if url not in resting), key=lambda url: streams[url])

    def _rest(self, url: str, fault: str) -> None:
        with self._lock:
            before = url in self._resting
            self._resting[url] = (self._clock() + self._rest_s, fault)
        if not before:
            logger.warning("speech server %s does not answer (%s); left alone", url, fault)

    def _well(self, url: str) -> None:
        with self._lock:
            rested = self._resting.pop(url, None)
        if rested is not None:
            logger.info("speech server %s answers again", url)
