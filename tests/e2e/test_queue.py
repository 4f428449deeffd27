"""Waiting on the real line: place and wait are spoken, and everybody's figures of it agree."""

import wave

import httpx
import pytest

from ivr.calls.events import PlaybackFinished, QueueMoved, Recorded
from ivr.calls.roster import Seat
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.demo.sip.received import Answer
from tests.e2e.stage import Stage
from tests.e2e.test_line import connected
from tests.until import until

pytestmark = pytest.mark.e2e


class Heard:
    """The events of all calls, as they are recorded."""

    def __init__(self) -> None:
        self.records: list[Recorded] = []

    def recorded(self, record: Recorded) -> None:
        self.records.append(record)

    def call_changed(self, call: CallSeen) -> None:
        pass

    def agent_changed(self, seat: Seat) -> None:
        pass

    def queue_changed(self, queue: QueueSeen) -> None:
        pass

    def link_changed(self, *, up: bool) -> None:
        pass


def length_ms(stage: Stage, *names: str) -> float:
    """How long the rendered sounds last."""
    total = 0.0
    for name in names:
        path = stage.home.layout.recorded / f"{name}.wav"
        with wave.open(str(path if path.exists() else stage.home.layout.rendered / f"{name}.wav")) as file:
            total += 1000 * file.getnframes() / file.getframerate()
    return total


async def test_a_waiting_citizen_is_told_the_place_and_how_long_it_takes(stage: Stage) -> None:
    heard = Heard()
    stage.hotline.switchboard.watchers.add(heard)
    await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    first = await stage.dial(await stage.citizen("13800000001"))
    await hand.until(connected, "the first caller talking")
    second = await stage.dial(await stage.citizen("13800000002"))

    def told() -> tuple[Recorded, Recorded] | None:
        moved = next((one for one in heard.records if isinstance(one.event, QueueMoved)), None)
        if moved is None:
            return None
        later = (one for one in heard.records if one.call == moved.call and one.seq > moved.seq)
        ended = next((one for one in later if isinstance(one.event, PlaybackFinished)), None)
        return None if ended is None else (moved, ended)

    await until(told, "the announcement was spoken to its end", 25)
    found = told()
    assert found is not None
    moved, ended = found
    assert isinstance(moved.event, QueueMoved)
    assert (moved.event.ahead, moved.event.skill) == (0, "general")
    assert moved.event.wait_ms is not None
    minutes = -(-moved.event.wait_ms // 60_000)
    sounds = stage.hotline.instance.book.sounds_for("estimated_wait", minutes=minutes)
    expected = length_ms(stage, *stage.hotline.instance.book.sounds_for("queue_next"), *sounds)
    assert ended.offset_ms - moved.offset_ms == pytest.approx(expected, rel=0.2)
    async with httpx.AsyncClient(trust_env=False) as http:
        port = stage.home.environment["HOTLINE_METRICS_PORT"]
        figures = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
    assert 'hotline_waiting{skill="general"} 1.0' in figures
    assert 'hotline_calls{state="connected"} 1.0' in figures
    await second.hang_up()
    await first.hang_up()
    await stage.free(hand)
    stage.hotline.switchboard.watchers.remove(heard)
