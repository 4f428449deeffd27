"""The `Ear` port on the speech pipeline: taps of a call's legs become its words, handed to the intake."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asr.errors import ModelBroken, PipelineFull, StreamUnknown
from asr.media_server import MediaServer
from asr.model import store
from asr.pipeline import Pipeline
from asr.transcript import Hypothesis, Segment, Speaker
from ivr.calls.seen import CallSeen
from ivr.calls.vocabulary import CallId, CallState, Party
from ivr.ports import Clock, RecogniserUnavailable
from ivr.settings import Settings

_log = logging.getLogger(__name__)

LOOK_EVERY_MS = 1_000
SILENT_MS = 5_000
"""Without a packet for so long a tap counts as broken: Asterisk sends silence too."""
RENEW_EVERY_MS = 60_000
FAILED_FOR_S = 10.0
HEARD_AFTER = timedelta(seconds=8)
BEHIND_MS = 10_000

Heard = Callable[[CallId, Hypothesis | Segment], None]


class PipelineEar:
    """Opens and closes the streams of calls. `report` is the pipeline's listener."""

    def __init__(self, media: MediaServer, heard: Heard) -> None:
        self._media = media
        self._heard = heard
        self.pipeline: Pipeline | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where taps are to send their RTP."""
        return self._media.address

    async def open(self, call: CallId, party: Party, source_port: int, began_ms: int) -> None:
        """Hear a party's tap; what an earlier tap of it still had to say is finished first.

        Raises `RecogniserUnavailable` when recognition cannot take another stream.
        """
        assert self.pipeline is not None
        await self.close(call, party)
        try:
            self.pipeline.open_stream(
                _stream(call, party), speaker=Speaker(party), source_port=source_port, began_ms=began_ms
            )
        except (PipelineFull, ValueError) as why:
            raise RecogniserUnavailable(f"{party} of call {call}: {type(why).__name__}") from why

    async def close(self, call: CallId, party: Party) -> None:
        """The tap ended; its last words have been told when this returns. Quiet when it was not heard."""
        assert self.pipeline is not None
        try:
            await self.pipeline.close_stream(_stream(call, party))
        except StreamUnknown:
            return

    def report(self, stream: str, heard: Hypothesis | Segment) -> None:
        """What the pipeline says of a stream."""
        call, _, _ = stream.rpartition("/")
        self._heard(CallId(call), heard)


class TapWatch:
    """Taps a conversation anew whose tap has fallen silent; the call itself is never touched. `run` is its task.

    A phone that sends nothing while nobody speaks looks the same, so a call's taps are renewed once a minute at most.
    """

    def __init__(self, pipeline: Pipeline, refork: Callable[[CallId], None], clock: Clock) -> None:
        self._pipeline = pipeline
        self._refork = refork
        self._clock = clock
        self._renewed: dict[CallId, int] = {}

    async def run(self) -> None:
        """Watch, for ever."""
        while True:
            await self._clock.sleep(LOOK_EVERY_MS)
            self.look()

    def look(self) -> None:
        """Look once."""
        now = self._clock.monotonic_ms()
        self._renewed = {call: at for call, at in self._renewed.items() if now - at < RENEW_EVERY_MS}
        for stream in self._pipeline.stats().streams:
            call = CallId(stream.stream_id.rpartition("/")[0])
            if stream.idle_ms >= SILENT_MS and call not in self._renewed:
                self._renewed[call] = now
                _log.warning("call %s: a tap has been silent for %d ms, tapped anew", call, stream.idle_ms)
                self._refork(call)


class Deafness:
    """Whether recognition is dead or far behind: a probe of the watchman.

    A recogniser that failed counts for a while after; so does a conversation nobody listens to.
    """

    def __init__(self, pipeline: Pipeline, calls: Callable[[], list[CallSeen]]) -> None:
        self._pipeline = pipeline
        self._calls = calls
        self._restarts = 0
        self._failed_at: float | None = None

    def __call__(self) -> bool:
        """Look."""
        now = time.monotonic()
        stats = self._pipeline.stats()
        if stats.tally.restarts > self._restarts:
            self._failed_at = now
        self._restarts = stats.tally.restarts
        failed = self._failed_at is not None and now - self._failed_at < FAILED_FOR_S
        unheard = any(
            call.state is CallState.CONNECTED
            and not call.hearing
            and call.answered_at is not None
            and datetime.now(UTC) - call.answered_at > HEARD_AFTER
            for call in self._calls()
        )
        return failed or unheard or stats.backlog_ms > BEHIND_MS


def _stream(call: CallId, party: Party) -> str:
    return f"{call}/{party}"


def chosen_model(settings: Settings) -> store.ModelInfo:
    """The model the settings name: the demonstration model, a folder, or a name in the models' folder.

    Raises `ModelBroken`.
    """
    name = settings.speech.model
    if not name:
        return store.check(store.EMBEDDED)
    path = Path(name)
    if path.is_absolute():
        return store.check(path)
    folder = models_folder(settings)
    if folder is None:
        raise ModelBroken(f"[speech] model {name!r}: {settings.home / 'models'} does not exist; unpack the model there")
    return store.select(name, folder)


def _folder(settings: Settings) -> Path | None:
    folder = settings.home / "models"
    return folder if folder.is_dir() else None


def models_folder(settings: Settings) -> Path | None:
    """Where an operator unpacks models; None where there is no such folder."""
    folder = settings.home / "models"
    return folder if folder.is_dir() else None
