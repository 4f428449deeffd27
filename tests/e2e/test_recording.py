"""Which file holds which voice, where on the call's axis, and that the call knows its files."""

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ivr.calls.events import LegsJoined
from ivr.demo.sip.received import Answer
from ivr.event_log import recorded_of
from tests.e2e.stage import Stage
from tests.e2e.test_line import AGENT_HZ, CITIZEN_HZ, connected
from tests.tones import tone
from tests.until import until_async
from ticketing.records import RecordingRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import ContactId, RecordingKind

pytestmark = pytest.mark.e2e

SAID_MS = 1200
AXIS_MS = 400
"""How far the beginning of the recording may lie from the call's arrival."""


def read(path: Path) -> tuple[NDArray[np.int16], int]:
    with wave.open(str(path), "rb") as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.int16)
        return samples, sound.getframerate()


def heard_at(samples: NDArray[np.int16], rate: int, hz: float) -> float | None:
    """When a tone begins, in ms; None where it is nowhere."""
    step = rate // 50
    for start in range(0, len(samples) - 4 * step, step):
        part = samples[start : start + 4 * step].astype(np.float64)
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 4 * rate))
        if np.abs(part).max() > 2000 and abs(float(np.argmax(spectrum)) / 4 - hz) < 25:
            return start * 1000 / rate
    return None


async def test_each_file_holds_its_voice_on_the_calls_axis(stage: Stage) -> None:
    phone = await stage.phone("1001", Answer())
    hand = await stage.agent("1001")
    call = await stage.dial(await stage.citizen())
    view = await hand.until(connected, "talking", 20)
    assert view.call is not None
    ringing = await phone.next_call()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await call.say(tone(CITIZEN_HZ, SAID_MS))
    await ringing.say(tone(AGENT_HZ, SAID_MS))
    spoke_after_dialling_ms = (began - call.began_at) * 1000
    await call.hang_up()
    await stage.free(hand)
    contact = ContactId(view.call.id)

    async def tied() -> tuple[RecordingRecord, ...]:
        async with UnitOfWork(stage.hotline.database, reads=True) as unit:
            return await unit.transcripts.recordings(contact)

    recordings = await until_async(tied, "the recordings tied to the call", 10)
    folder = stage.hotline.instance.settings.recordings
    found = {each.kind: folder / each.path for each in recordings}
    assert found.keys() == {RecordingKind.MIX, RecordingKind.CITIZEN, RecordingKind.AGENT}
    places = {(kind, hz): heard_at(*read(path), hz) for kind, path in found.items() for hz in (CITIZEN_HZ, AGENT_HZ)}
    assert places[RecordingKind.CITIZEN, AGENT_HZ] is None
    assert places[RecordingKind.AGENT, CITIZEN_HZ] is None
    for kind in (RecordingKind.CITIZEN, RecordingKind.MIX):
        place = places[kind, CITIZEN_HZ]
        assert place is not None
        assert abs(place - spoke_after_dialling_ms) < AXIS_MS
    for kind in (RecordingKind.AGENT, RecordingKind.MIX):
        place = places[kind, AGENT_HZ]
        assert place is not None
        assert abs(place - spoke_after_dialling_ms - SAID_MS) < AXIS_MS
    async with UnitOfWork(stage.hotline.database, reads=True) as unit:
        log = [recorded_of(record) for record in await unit.call_events.of_contact(contact)]
    joined = next(recorded for recorded in log if isinstance(recorded.event, LegsJoined))
    assert all(each.ms > joined.offset_ms for each in recordings)
