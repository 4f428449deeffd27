"""Gaps are shown as lost, read when their recording is there, and filled in their place."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asr.ear import AS_SPOKEN
from asr.transcript import Segment, Speaker
from ivr import gaps
from ivr.calls.seen import CallSeen
from ivr.calls.vocabulary import CallId, CallState, Party, Skill
from ivr.gaps import GapReader, Past, Unread
from ivr.tasks import Tasks
from tests.fakes.recognizer import FakeEngine, say, silence
from tests.unit.asr.test_transcribe import header
from tests.unit.asr.until import until
from ticketing.errors import DatabaseUnavailable

CALL = CallId("a-call")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(gaps, "QUIET_EVERY_S", 0.01)
    monkeypatch.setattr(gaps, "STILL_S", 0.1)
    monkeypatch.setattr(gaps, "RETRY_S", (0.01, 0.01))
    monkeypatch.setattr(gaps, "DATABASE_S", 0.01)


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = FakeEngine()
        self.past = Past(joined_ms=None, segments=())
        self.unread: tuple[Unread, ...] = ()
        self.away = 0
        self.live = True
        self.busy = False
        self.transcript: dict[str, Segment] = {}
        self.shown: list[Segment] = []
        self.reader: GapReader

    def said(self, call: CallId, segment: Segment) -> None:
        self.shown.append(segment)
        self.transcript[segment.id] = segment

    def filled(self, call: CallId, gap: Segment, found: tuple[Segment, ...]) -> None:
        assert gap.lost
        self.transcript.pop(gap.id, None)
        self.transcript.update((segment.id, segment) for segment in found)

    async def ask_past(self, call: CallId) -> Past:
        self.away -= 1
        if self.away >= 0:
            raise DatabaseUnavailable("away")
        return self.past

    async def ask_unread(self) -> tuple[Unread, ...]:
        return self.unread

    def record(self, pcm: bytes, party: Party = Party.CITIZEN) -> None:
        (self.folder / f"{CALL}-{party.value}.wav").write_bytes(header(0) + pcm)

    def words(self) -> list[tuple[str, int]]:
        ordered = sorted(self.transcript.values(), key=lambda segment: segment.start_ms)
        return [("…" if segment.lost else segment.text, segment.start_ms) for segment in ordered]

    @asynccontextmanager
    async def open(self) -> AsyncIterator["World"]:
        with ThreadPoolExecutor(1) as executor:
            async with Tasks() as tasks:
                self.reader = GapReader(
                    engine=self.engine,
                    write=AS_SPOKEN,
                    recordings=self.folder,
                    said=self.said,
                    filled=self.filled,
                    past=self.ask_past,
                    unread=self.ask_unread,
                    live=lambda _: self.live,
                    busy=lambda: self.busy,
                    executor=executor,
                    tasks=tasks,
                )
                yield self


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path).open() as opened:
        yield opened


def segment(start_ms: int, end_ms: int, *, text: str = "", speaker: Speaker = Speaker.CITIZEN) -> Segment:
    return Segment(
        id=f"{speaker}-{start_ms}",
        speaker=speaker,
        start_ms=start_ms,
        end_ms=end_ms,
        text=text,
        spoken=text,
        lost=not text,
    )


SPOKEN = silence(1000) + say(["您好"]) + silence(780) + say(["谢谢"]) + silence(780)
"""您好 at 1000 ms, 谢谢 at 2000 ms."""


async def test_a_gap_is_shown_as_lost_until_the_recording_reaches_it(world: World) -> None:
    world.record(SPOKEN[: 32 * 1500])
    world.reader.missed(CALL, Party.CITIZEN, 1900, 2700)
    assert world.words() == [("…", 1900)]
    await asyncio.sleep(0.05)
    assert world.words() == [("…", 1900)]
    world.record(SPOKEN)
    await until(lambda: world.words() == [("谢谢", 2000)])
    assert world.shown[0].id == "citizen-gap-1900"
    await until(lambda: world.reader.unfilled == 0)


async def test_what_the_pipeline_lost_is_read_again(world: World) -> None:
    world.record(SPOKEN)
    lost = segment(900, 1600)
    world.said(CALL, lost)
    world.reader.lost(CALL, lost)
    await until(lambda: world.words() == [("您好", 1000)])


async def test_nothing_may_be_found(world: World) -> None:
    world.record(silence(3000))
    world.reader.missed(CALL, Party.CITIZEN, 0, 3000)
    await until(lambda: world.words() == [])


async def test_a_new_conversation_has_no_gap_before_it(world: World) -> None:
    world.past = Past(joined_ms=900, segments=())
    world.reader.begins(CALL, Party.CITIZEN, 1000)
    await until(lambda: world.reader.unfilled == 0)
    assert world.shown == []


async def test_what_a_dead_server_had_not_kept_is_found_by_the_next(world: World) -> None:
    world.record(SPOKEN)
    world.away = 3
    agent = segment(2500, 2600, text="在", speaker=Speaker.AGENT)
    world.past = Past(joined_ms=500, segments=(segment(1000, 1200, text="您好"), agent))
    world.reader.begins(CALL, Party.CITIZEN, 2900)
    await until(lambda: world.words() == [("谢谢", 2000)])
    assert (world.shown[0].start_ms, world.shown[0].end_ms) == (1200, 2900)
    world.reader.begins(CALL, Party.CITIZEN, 60_000)
    await asyncio.sleep(0)
    assert world.reader.unfilled == 0


def seen(*, over: bool) -> CallSeen:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return CallSeen(
        call=CALL,
        state=CallState.WRAP_UP,
        caller_number=None,
        dialled="",
        skill=Skill("x"),
        arrived_at=at,
        answered_at=at + timedelta(milliseconds=500),
        ended_at=at + timedelta(seconds=30),
        over=over,
    )


async def test_a_conversation_that_ended_while_no_server_lived_is_read_to_its_end(world: World) -> None:
    world.record(SPOKEN)
    world.record(silence(3000), Party.AGENT)
    world.live = False
    world.past = Past(joined_ms=500, segments=())
    world.reader.call_changed(seen(over=False))
    world.reader.call_changed(seen(over=True))
    await until(lambda: world.words() == [("您好", 1000), ("谢谢", 2000)])


async def test_what_an_earlier_server_left_is_read(world: World) -> None:
    world.record(SPOKEN)
    lost = segment(900, 1600)
    world.transcript[lost.id] = lost
    world.unread = (Unread(call=CALL, gap=lost),)
    await world.reader.run()
    await until(lambda: world.words() == [("您好", 1000)])


async def test_a_gap_without_a_recording_stays_lost_and_is_said(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.live = False
    world.reader.missed(CALL, Party.CITIZEN, 0, 2000)
    await until(lambda: world.reader.unfilled == 0)
    assert world.words() == [("…", 0)]
    assert "no recording holds what was lost of the citizen" in caplog.text


async def test_recognition_that_fails_is_tried_again(world: World) -> None:
    world.record(SPOKEN)
    failures = iter([True])

    def sometimes() -> None:
        if next(failures, False):
            raise RuntimeError("not now")

    world.engine.before = sometimes
    world.reader.missed(CALL, Party.CITIZEN, 900, 3000)
    await until(lambda: world.words() == [("您好", 1000), ("谢谢", 2000)])


async def test_recognition_that_keeps_failing_leaves_the_gap_lost(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.record(SPOKEN)
    world.engine.refuses = True
    world.reader.missed(CALL, Party.CITIZEN, 900, 3000)
    await until(lambda: world.reader.unfilled == 0)
    assert world.words() == [("…", 900)]
    assert "cannot be recognised" in caplog.text


async def test_the_living_are_heard_first(world: World) -> None:
    world.record(SPOKEN)
    world.busy = True
    world.reader.missed(CALL, Party.CITIZEN, 1900, 2700)
    await asyncio.sleep(0.05)
    assert world.words() == [("…", 1900)]
    world.busy = False
    await until(lambda: world.words() == [("谢谢", 2000)])


async def test_gaps_beyond_the_bound_stay_lost(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gaps, "MOST", 1)
    world.record(SPOKEN)
    world.reader.missed(CALL, Party.CITIZEN, 0, 1500)
    world.reader.missed(CALL, Party.CITIZEN, 1900, 2700)
    await until(lambda: world.words() == [("您好", 1000), ("…", 1900)])
    assert "stays lost" in caplog.text
