"""The ear of calls on the real pipeline: which stretches it says nobody heard, and how recordings are followed."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from asr.media_server import MediaServer
from asr.pipeline import Pipeline
from asr.transcript import Hypothesis, Segment
from ivr.calls.vocabulary import CallId, Party, Skill
from ivr.ports import RecogniserUnavailable
from ivr.speech import PipelineEar
from tests.fakes.recognizer import FakeEngine, say, silence
from tests.unit.asr.packets import packets
from tests.unit.asr.test_transcribe import header
from tests.unit.asr.until import until

CALL, CITIZEN = CallId("a-call"), Party.CITIZEN
PORT = 4000


class World:
    def __init__(self, folder: Path, *, most: int = 8, from_recording: tuple[str, ...] = ()) -> None:
        self.engine = FakeEngine()
        self.media = MediaServer()
        self.folder = folder
        self.words: list[Segment] = []
        self.begun: list[tuple[Party, int]] = []
        self.gaps: list[tuple[Party, int, int]] = []
        self.ear = PipelineEar(self.media, self.heard, self, folder, from_recording)
        self.pipeline = Pipeline(self.engine, self.media, self.ear.report, max_streams=most)

    def heard(self, call: CallId, what: Hypothesis | Segment) -> None:
        assert call == CALL
        if isinstance(what, Segment):
            self.words.append(what)

    def begins(self, call: CallId, party: Party, began_ms: int) -> None:
        self.begun.append((party, began_ms))

    def missed(self, call: CallId, party: Party, start_ms: int, end_ms: int) -> None:
        self.gaps.append((party, start_ms, end_ms))

    def receive(self, pcm: bytes, port: int = PORT, first: int = 0) -> None:
        for datagram in packets(pcm, first=first):
            self.media._sinks[port](datagram)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["World"]:
        async with self.media, self.pipeline:
            self.ear.pipeline = self.pipeline
            yield self


async def test_a_tap_heard_to_its_end_leaves_no_gap(tmp_path: Path) -> None:
    async with World(tmp_path).open() as world:
        await world.ear.open(CALL, CITIZEN, PORT, 2000)
        world.receive(say(["您好"]))
        assert world.ear.silent_for_ms(CALL, CITIZEN) == 0
        await world.ear.close(CALL, CITIZEN)
        assert [(each.text, each.start_ms) for each in world.words] == [("您好", 2000)]
        assert (world.begun, world.gaps) == ([(CITIZEN, 2000)], [])
        assert world.ear.silent_for_ms(CALL, CITIZEN) is None
        await world.ear.close(CALL, CITIZEN)


async def test_a_tap_made_anew_tells_what_was_missed_between(tmp_path: Path) -> None:
    async with World(tmp_path).open() as world:
        await world.ear.open(CALL, CITIZEN, PORT, 2000)
        world.receive(say(["您好"]))
        await world.ear.open(CALL, CITIZEN, PORT + 1, 9000)
        world.receive(say(["谢谢"]), PORT + 1)
        await world.ear.close(CALL, CITIZEN)
        await until(lambda: len(world.words) == 2)
        assert [each.start_ms for each in world.words] == [2000, 9000]
        assert (world.begun, world.gaps) == ([(CITIZEN, 2000)], [(CITIZEN, 2220, 9000)])


async def test_a_tap_that_lagged_when_it_ended_tells_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with World(tmp_path).open() as world:
        await world.ear.open(CALL, CITIZEN, PORT, 2000)
        world.receive(silence(200))
        hearing = world.ear._hearing[CALL, CITIZEN]
        monkeypatch.setattr(type(hearing.began), "now_ms", lambda moment: moment.ms + 4000)
        await world.ear.close(CALL, CITIZEN)
        assert world.gaps == [(CITIZEN, 2200, 6000)]


async def test_what_a_full_pipeline_did_not_hear_is_told_when_there_is_room(tmp_path: Path) -> None:
    async with World(tmp_path, most=1).open() as world:
        await world.ear.open(CALL, Party.AGENT, PORT, 0)
        with pytest.raises(RecogniserUnavailable, match="PipelineFull"):
            await world.ear.open(CALL, CITIZEN, PORT + 1, 1000)
        await world.ear.close(CALL, Party.AGENT)
        await world.ear.open(CALL, CITIZEN, PORT + 2, 7000)
        assert world.gaps == [(CITIZEN, 1000, 7000)]


async def test_what_was_never_heard_is_told_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with World(tmp_path, most=0).open() as world:
        with pytest.raises(RecogniserUnavailable):
            await world.ear.open(CALL, CITIZEN, PORT, 1000)
        _, since = world.ear._deaf[CALL, CITIZEN]
        monkeypatch.setattr(type(since), "now_ms", lambda moment: moment.ms + 60_000)
        await world.ear.close(CALL, CITIZEN)
        assert world.gaps == [(CITIZEN, 1000, 61_000)]


async def test_a_stream_a_fault_ended_is_missed_from_its_last_words_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with World(tmp_path).open() as world:
        await world.ear.open(CALL, CITIZEN, PORT, 0)
        world.receive(say(["您好"]) + silence(600))
        await until(lambda: bool(world.words))
        stream = next(iter(world.pipeline._streams.values()))
        stream.work = None  # type: ignore[assignment]
        world.receive(silence(600), first=41)
        await until(lambda: world.ear.silent_for_ms(CALL, CITIZEN) is None)
        await world.ear.open(CALL, CITIZEN, PORT + 1, 5000)
        assert world.gaps == [(CITIZEN, 200, 5000)]
        assert "a fault of ours" in caplog.text


async def test_a_recording_is_followed_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / f"{CALL}-citizen.wav"
    async with World(tmp_path, from_recording=("heating",)).open() as world:
        assert (world.ear.taps(Skill("general")), world.ear.taps(Skill("heating"))) == (True, False)
        with ThreadPoolExecutor(1) as executor:
            following = asyncio.create_task(world.ear.follow(executor), name="follow")
            await world.ear.open(CALL, CITIZEN, None, 1000)
            pcm = silence(1000) + say(["您好"]) + silence(700)
            path.write_bytes(header(0) + pcm)
            await until(lambda: [each.text for each in world.words] == ["您好"])
            assert world.ear.silent_for_ms(CALL, CITIZEN) == 0
            path.write_bytes(header(0) + pcm + say(["谢谢"]) + silence(700))
            await until(lambda: [each.text for each in world.words] == ["您好", "谢谢"])
            assert [each.start_ms for each in world.words] == [1000, 1920]
            following.cancel()
        await asyncio.wait([following])
        await world.ear.close(CALL, CITIZEN)


def test_every_queue_can_be_heard_from_recordings(tmp_path: Path) -> None:
    assert not World(tmp_path, from_recording=("*",)).ear.taps(Skill("general"))
