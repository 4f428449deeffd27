"""The `Ear` port on the speech pipeline: taps of a call's legs become its words, handed to the intake."""

import logging
from collections.abc import Callable
from pathlib import Path

from asr.errors import ModelBroken, PipelineFull, StreamUnknown
from asr.media_server import MediaServer
from asr.model import store
from asr.pipeline import Pipeline
from asr.transcript import Hypothesis, Segment, Speaker
from ivr.calls.vocabulary import CallId, Party
from ivr.ports import RecogniserUnavailable
from ivr.settings import Settings

_log = logging.getLogger(__name__)

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
