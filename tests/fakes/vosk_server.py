"""The Vosk server's websocket protocol as its documentation and source describe it, over any engine of ours."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from asr.engine import Engine, Utterance


def answer(utterance: Utterance | None) -> str:
    words = utterance.words if utterance else ()
    result = [
        {"conf": word.confidence, "end": word.end_ms / 1000, "start": word.start_ms / 1000, "word": word.text}
        for word in words
    ]
    text = {"text": " ".join(word.text for word in words)}
    return json.dumps({"result": result, **text} if result else text, ensure_ascii=False)


class FakeVoskServer:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.connections = 0
        self.silent = False

    def handle(self, connection: ServerConnection) -> None:
        self.connections += 1
        rate = 8000
        recognizer = None
        try:
            for message in connection:
                if isinstance(message, str) and "config" in message:
                    rate = msgspec.json.decode(message)["config"]["sample_rate"]
                    continue
                recognizer = recognizer or self._engine.recognizer(rate)
                if self.silent:
                    continue
                if message in ('{"eof" : 1}', '{"reset" : 1}'):
                    connection.send(answer(recognizer.finish()))
                else:
                    assert isinstance(message, bytes)
                    ended = recognizer.accept(message)
                    partial = json.dumps({"partial": recognizer.hypothesis()}, ensure_ascii=False)
                    connection.send(answer(ended) if ended else partial)
        except ConnectionClosed:
            return

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Its address, while it serves in a thread of its own."""
        server: Server = serve(self.handle, "127.0.0.1", 0, compression=None)
        thread = threading.Thread(target=server.serve_forever, name="vosk-server")
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()
