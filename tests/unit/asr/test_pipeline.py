import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise

import pytest

from asr.ear import Ear
from asr.errors import PipelineFull, StreamUnknown
from asr.media_server import MediaServer
from asr.pipeline import Pipeline
from asr.stream import Stream
from asr.transcript import Hypothesis, Segment, Speaker
from tests.fakes.recognizer import FakeEngine, say, silence
from tests.unit.asr.packets import packets
from tests.unit.asr.until import until

PORT = 4000


class Reports:
    """The listener: what was told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Hypothesis | Segment]] = []

    def __call__(self, stream_id: str, heard: Hypothesis | Segment) -> None:
        self.told.append((stream_id, heard))

    def segments(self, stream_id: str = "a") -> list[Segment]:
        return [heard for each, heard in self.told if each == stream_id and isinstance(heard, Segment)]

    def hypotheses(self, stream_id: str = "a") -> list[Hypothesis]:
        return [heard for each, heard in self.told if each == stream_id and isinstance(heard, Hypothesis)]

    def texts(self, stream_id: str = "a") -> list[str]:
        return ["…" if segment.lost else segment.text for segment in self.segments(stream_id)]


@pytest.fixture
async def media() -> AsyncIterator[MediaServer]:
    async with MediaServer() as server:
        yield server


@pytest.fixture
def reports() -> Reports:
    return Reports()


def feed(media: MediaServer, pcm: bytes, port: int = PORT, first: int = 0) -> None:
    """As if it had come over the socket."""
    for datagram in packets(pcm, first=first):
        media._sinks[port](datagram)


def open_a(pipeline: Pipeline, began_ms: int = 0) -> None:
    pipeline.open_stream("a", speaker=Speaker.CITIZEN, source_port=PORT, began_ms=began_ms)


async def test_what_is_said_is_told_with_its_stream_and_time(media: MediaServer, reports: Reports) -> None:
    async with Pipeline(FakeEngine(), media, reports) as pipeline:
        pipeline.open_stream("a", speaker=Speaker.CITIZEN, source_port=1, began_ms=3000)
        pipeline.open_stream("b", speaker=Speaker.AGENT, source_port=2, began_ms=4000)
        feed(media, say(["您好", "暖气不热"], pause_ms=1000), port=1)
        feed(media, silence(500) + say(["谢谢"], pause_ms=1000), port=2)
        await until(lambda: len(reports.segments("a")) == len(reports.segments("b")) == 1)
        await pipeline.close_stream("a")
        await pipeline.close_stream("b")
    [citizen], [agent] = reports.segments("a"), reports.segments("b")
    assert (citizen.text, citizen.speaker, citizen.start_ms) == ("您好暖气不热", Speaker.CITIZEN, 3000)
    assert (agent.text, agent.speaker, agent.start_ms) == ("谢谢", Speaker.AGENT, 4500)


async def test_a_hypothesis_comes_before_its_segment(media: MediaServer, reports: Reports) -> None:
    async with Pipeline(FakeEngine(), media, reports) as pipeline:
        open_a(pipeline)
        feed(media, say(["您好", "暖气不热"]))
        await until(lambda: bool(reports.hypotheses()))
        assert reports.hypotheses()[-1].text == "您好暖气不热"
        assert reports.segments() == []
        await pipeline.close_stream("a")
    assert reports.texts() == ["您好暖气不热"]


async def test_closing_tells_the_last_words_first(media: MediaServer, reports: Reports) -> None:
    async with Pipeline(FakeEngine(), media, reports) as pipeline:
        open_a(pipeline)
        feed(media, say(["您好"]) + silence(5000) + say(["谢谢"], word_ms=50))
        await pipeline.close_stream("a")
        assert reports.texts() == ["您好", "谢谢"]
        assert pipeline.stats().streams == ()
        with pytest.raises(StreamUnknown, match="no stream a"):
            await pipeline.close_stream("a")


async def test_leaving_the_pipeline_ends_every_stream(media: MediaServer, reports: Reports) -> None:
    engine = FakeEngine()
    async with Pipeline(engine, media, reports) as pipeline:
        open_a(pipeline)
        feed(media, say(["您好"]))
    assert reports.texts() == ["您好"]
    assert all(recognizer.closed for recognizer in engine.opened)
    assert media._sinks == {}


async def test_leaving_by_cancellation_keeps_the_last_words(media: MediaServer, reports: Reports) -> None:
    async def serve() -> None:
        async with Pipeline(FakeEngine(), media, reports) as pipeline:
            open_a(pipeline)
            feed(media, say(["您好"]))
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        serving = group.create_task(serve(), name="serving")
        await until(lambda: PORT in media._sinks)
        serving.cancel()
    assert reports.texts() == ["您好"]


class Brake:
    """Holds recognition up until let go; from then on it takes `work_s` a batch."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.work_s = 0.0
        self._go = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self._go.wait(10)
        time.sleep(self.work_s)

    def release(self) -> None:
        self._go.set()


@pytest.fixture
def brake() -> Iterator[Brake]:
    held = Brake()
    yield held
    held.release()


async def test_when_behind_hypotheses_go_first_and_words_stay(
    media: MediaServer, reports: Reports, brake: Brake
) -> None:
    async with Pipeline(FakeEngine(before=brake), media, reports) as pipeline:
        open_a(pipeline)
        feed(media, say(["您好"]))
        await until(brake.reached.is_set)
        feed(media, say(["暖气不热"] * 40, pause_ms=600) + say(["谢谢"], pause_ms=600), first=11)
        assert pipeline.stats().backlog_ms > 5000
        brake.work_s = 0.02
        brake.release()
        await pipeline.close_stream("a")
        stats = pipeline.stats()
    assert reports.texts() == ["您好" + "暖气不热" * 40, "谢谢"]
    assert stats.tally.dropped_hypotheses > 0
    assert stats.tally.lost_ms == 0


async def test_a_full_backlog_loses_audibly(media: MediaServer, reports: Reports, brake: Brake) -> None:
    async with Pipeline(FakeEngine(before=brake), media, reports, max_backlog_ms=1000) as pipeline:
        open_a(pipeline)
        feed(media, say(["您好"], pause_ms=80))
        await until(brake.reached.is_set)
        await until(lambda: pipeline.stats().backlog_ms < 1000)
        for n in range(100):
            feed(media, say(["暖气不热"], word_ms=180), first=15 + n * 10)
        brake.release()
        await until(lambda: pipeline.stats().backlog_ms == 0)
        feed(media, say(["谢谢"], pause_ms=1000), first=1015)
        await pipeline.close_stream("a")
        stats = pipeline.stats()
    *_, lost, after = reports.segments()
    assert (lost.lost, after.text) == (True, "谢谢")
    assert lost.end_ms == after.start_ms == 300 + 20_000
    assert lost.end_ms - lost.start_ms == stats.tally.lost_ms
    said = sum(word.end_ms - word.start_ms + 20 for each in reports.segments() for word in each.words)
    assert said + stats.tally.lost_ms == pytest.approx(20_300 + 220 - 80, abs=25)


async def test_what_cannot_be_worked_off_in_time_is_lost_audibly(
    media: MediaServer, reports: Reports, brake: Brake
) -> None:
    async with Pipeline(FakeEngine(before=brake), media, reports, drain_ms=50) as pipeline:
        open_a(pipeline)
        feed(media, say(["您好"]))
        await until(brake.reached.is_set)
        feed(media, say(["暖气不热"] * 10), first=11)
        asyncio.get_running_loop().call_later(0.2, brake.release)
    assert reports.texts() == ["您好", "…"]
    assert reports.segments()[1].end_ms == 11 * 220


async def test_a_recogniser_that_dies_takes_nothing_else_down(
    media: MediaServer, reports: Reports, caplog: pytest.LogCaptureFixture
) -> None:
    fails = threading.Event()

    def before() -> None:
        if fails.is_set():
            fails.clear()
            raise RuntimeError("a decoder died on 您好")

    async with Pipeline(FakeEngine(before=before), media, reports, workers=1) as pipeline:
        pipeline.open_stream("a", speaker=Speaker.CITIZEN, source_port=1, began_ms=0)
        pipeline.open_stream("b", speaker=Speaker.AGENT, source_port=2, began_ms=0)
        feed(media, say(["您好"]), port=2)
        fails.set()
        feed(media, say(["您好"], pause_ms=80), port=1)
        await until(lambda: not fails.is_set())
        feed(media, say(["谢谢"]), port=1, first=15)
        await pipeline.close_stream("a")
        await pipeline.close_stream("b")
        assert pipeline.stats().tally.restarts == 1
    assert sorted(reports.texts("a") + reports.texts("b")) == sorted(["…", "谢谢", "您好"])
    assert "您好" not in caplog.text


async def test_a_listener_that_fails_loses_one_report_only(
    media: MediaServer, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    def listener(_stream_id: str, heard: Hypothesis | Segment) -> None:
        if isinstance(heard, Segment):
            told.append(heard.text)
            raise KeyError(heard.text)

    async with Pipeline(FakeEngine(), media, listener) as pipeline:
        open_a(pipeline)
        feed(media, say(["您好"], pause_ms=1000) + say(["谢谢"]))
        await pipeline.close_stream("a")
    assert told == ["您好", "谢谢"]
    assert "the listener failed on stream a: KeyError" in caplog.text
    assert "您好" not in caplog.text


async def test_a_fault_of_ours_ends_one_stream_only(
    media: MediaServer, reports: Reports, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    original = Ear.hear

    def hear(self: Ear, pcm: bytes) -> list[Segment]:
        if self._speaker is Speaker.AGENT:
            raise ZeroDivisionError("something we got wrong")
        return original(self, pcm)

    monkeypatch.setattr(Ear, "hear", hear)
    async with Pipeline(FakeEngine(), media, reports) as pipeline:
        open_a(pipeline)
        pipeline.open_stream("b", speaker=Speaker.AGENT, source_port=2, began_ms=0)
        feed(media, say(["您好"]), port=2)
        await until(lambda: [stream.stream_id for stream in pipeline.stats().streams] == ["a"])
        feed(media, say(["谢谢"]))
    assert reports.texts() == ["谢谢"]
    assert "a fault of ours ended stream b: ZeroDivisionError" in caplog.text


async def test_the_limits_are_told(media: MediaServer, reports: Reports) -> None:
    async with Pipeline(FakeEngine(), media, reports, max_streams=2) as pipeline:
        open_a(pipeline)
        with pytest.raises(ValueError, match="stream a is open already"):
            open_a(pipeline)
        with pytest.raises(ValueError, match="port 4000"):
            pipeline.open_stream("b", speaker=Speaker.AGENT, source_port=PORT, began_ms=0)
        pipeline.open_stream("c", speaker=Speaker.AGENT, source_port=1, began_ms=0)
        with pytest.raises(PipelineFull, match="2 streams are open"):
            pipeline.open_stream("d", speaker=Speaker.AGENT, source_port=2, began_ms=0)
        assert [stream.stream_id for stream in pipeline.stats().streams] == ["a", "c"]


async def test_a_tap_begun_again_goes_on_with_new_ids(media: MediaServer, reports: Reports) -> None:
    async with Pipeline(FakeEngine(), media, reports) as pipeline:
        for began_ms in (0, 9000):
            open_a(pipeline, began_ms)
            feed(media, say(["您好"]))
            await pipeline.close_stream("a")
    assert [segment.id for segment in reports.segments()] == ["citizen-0-1", "citizen-9000-1"]


async def test_loss_on_the_wire_is_counted_bridged_and_told(
    media: MediaServer, reports: Reports, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sent = packets(say(["您好"]) + silence(80) + silence(2000) + say(["谢谢"], pause_ms=80))
    async with Pipeline(FakeEngine(), media, reports) as pipeline:
        open_a(pipeline)
        for number, datagram in enumerate(sent):
            if number != 3 and not 20 <= number < 80:
                media._sinks[PORT](datagram)
        media._sinks[PORT](sent[-1])
        media._sinks[PORT](b"no packet")
        await pipeline.close_stream("a")
        tally = pipeline.stats().tally
    assert reports.texts() == ["您好您好", "…", "谢谢"]
    lost, after = reports.segments()[1:]
    assert (lost.start_ms, lost.end_ms) == (400, 1600)
    assert after.start_ms == 300 + 2000
    assert (tally.packets, tally.packets_lost, tally.packets_duplicate) == (len(sent) - 60, 61, 1)
    assert (tally.packets_malformed, tally.lost_ms) == (1, 1200)


def test_hypotheses_come_at_most_five_a_second() -> None:
    now = 0.0
    stream = Stream(PORT, Ear(FakeEngine(), Speaker.AGENT), backlog_ms=1000, clock=lambda: now)
    shown: list[float] = []
    for step in range(400):
        now = step * 0.02
        if stream.due():
            shown.append(now)
    assert len(shown) == 40
    assert all(round(later - earlier, 3) == 0.2 for earlier, later in pairwise(shown))


async def test_audio_that_is_fed_is_heard_like_a_tap(media: MediaServer, reports: Reports) -> None:
    async with Pipeline(FakeEngine(), media, reports) as pipeline:
        pipeline.open_stream("a", speaker=Speaker.CITIZEN, source_port=None, began_ms=1000)
        pipeline.feed("a", say(["您好"]))
        pipeline.feed("a", silence(600))
        await until(lambda: reports.texts() == ["您好"])
        assert reports.segments()[0].start_ms == 1000
        assert pipeline.idle_ms("a") is not None
        await pipeline.close_stream("a")
        with pytest.raises(StreamUnknown):
            pipeline.feed("a", silence(20))
        assert pipeline.idle_ms("a") is None


async def test_a_stream_that_is_ended_says_how_much_had_come_holes_and_all(
    media: MediaServer, reports: Reports
) -> None:
    async with Pipeline(FakeEngine(), media, reports) as pipeline:
        open_a(pipeline)
        feed(media, say(["您好"]))
        feed(media, silence(100), first=21)
        assert pipeline.end_stream("a") == 220 + 200 + 100
        assert pipeline.idle_ms("a") is None
        await until(lambda: reports.texts() == ["您好"])
        await until(lambda: not pipeline.stats().streams)
        with pytest.raises(StreamUnknown):
            pipeline.end_stream("a")
