"""Recognition on other machines: a client of the Vosk server's websocket protocol.

Each stream is one connection. Configuration first, then audio; every binary message is answered by exactly one text
message. Servers take turns; one that failed is left alone for a while. A stream whose server dies is opened again on
another by whoever holds it, as with any recogniser that raises.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from asr.engine import Utterance
from asr.errors import ServerUnavailable
from asr.vosk_json import Answer, read

logger = logging.getLogger(__name__)

_RESET: Final = '{"reset" : 1}'
"""The server compares the whole string, spaces included."""


class ServerRecognizer:
    """One stream on one server. Raises `ServerUnavailable` when it does not answer in time or hangs up."""

    def __init__(self, url: str, timeout_s: float, sample_rate: int) -> None:
        self._timeout_s = timeout_s
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

    def _ask(self, message: bytes | str) -> Answer:
        try:
            self._connection.send(message)
            return read(self._connection.recv(self._timeout_s))
        except (WebSocketException, TimeoutError, ValueError) as error:
            raise ServerUnavailable(f"the speech server failed: {type(error).__name__}") from error

    def _heard(self, answer: Answer) -> Utterance | None:
        self._hypothesis = answer.partial or ""
        return answer.utterance()


class VoskServers:
    """An engine over one or more servers (`ws://host:2700`). Blocking; give the pipeline several workers a core."""

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
        self._urls = tuple(urls)
        self._timeout_s = timeout_s
        self._rest_s = rest_s
        self._clock = clock
        self._lock = threading.Lock()
        self._turn = 0
        self._resting: dict[str, float] = {}

    def recognizer(self, sample_rate: int) -> ServerRecognizer:
        """See `Engine.recognizer`. Tries every server once, those that rest last; raises `ServerUnavailable`."""
        faults: list[str] = []
        for url in self._order():
            try:
                recognizer = ServerRecognizer(url, self._timeout_s, sample_rate)
            except (OSError, WebSocketException, TimeoutError) as error:
                faults.append(f"{url}: {type(error).__name__}")
                self._rest(url)
            else:
                with self._lock:
                    self._resting.pop(url, None)
                return recognizer
        raise ServerUnavailable("no speech server answers: " + "; ".join(faults))

    def _order(self) -> list[str]:
        now = self._clock()
        with self._lock:
            self._turn += 1
            turn = self._turn % len(self._urls)
            resting = {url for url, until in self._resting.items() if until > now}
        in_turn = [*self._urls[turn:], *self._urls[:turn]]
        return sorted(in_turn, key=lambda url: url in resting)

    def _rest(self, url: str) -> None:
        logger.warning("speech server %s does not answer; left alone for %.0f s", url, self._rest_s)
        with self._lock:
            self._resting[url] = self._clock() + self._rest_s
