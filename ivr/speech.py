"""The `Ear` port on the speech pipeline: taps of a call's legs become its words, handed to the intake."""

import logging
from collections.abc import Callable

from asr.errors import PipelineFull, StreamUnknown
from asr.media_server import MediaServer
from asr.pipeline import Pipeline
from asr.transcript import Hypothesis, Segment, Speaker
from ivr.calls.vocabulary import CallId, Party
from ivr.ports import RecogniserUnavailable

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
