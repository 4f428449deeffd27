"""A load whose figures agree, to the call: our event log, Asterisk's CDR and CEL, and the callers' own logs."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from ivr.calls.figures import CallFigures, ClockStart, fold
from ivr.calls.measures import measure
from ivr.calls.report import Terms
from ivr.calls.vocabulary import CallId, CallState
from ivr.demo.sip.call import CallEnded
from ivr.demo.sip.received import Answer, Behaviour, Ring
from ivr.demo.sip_party import SipParty
from ivr.event_log import recorded_of
from ivr.figures_store import read_report
from tests.asterisk_records import from_cdr, from_cel
from tests.e2e.stage import HOTLINE, Home, Stage, running_stage
from tests.tones import SPEAKING, tone
from tests.until import until
from ticketing.unit_of_work import UnitOfWork

pytestmark = pytest.mark.e2e

PERSON_HZ = 1400.0
IMPATIENT, HASTY, PATIENT = 3, 3, 14
EVERY_S = 0.5
NEAR_MS = 1_000
"""How far apart the clocks of three witnesses may be about one moment, on a busy machine."""


CHANGES = {"HOTLINE_QUEUE_WRAP_UP_S": "0.2", "HOTLINE_SPEECH_ENABLED": "false"}
"""Recognition costs what the callers, who live in this process too, need to keep time."""


@dataclass
class Said:
    """What a caller noted down: seconds of the loop's clock since they dialled."""

    number: str
    answered: float | None = None
    left: float = 0.0


def is_person(heard: NDArray[np.int16]) -> bool:
    """Whether most of what was heard is the agents' tone: one correlation, for two dozen callers listen at once."""
    sound = heard.astype(np.float64)
    if sound.size < 400 or (power := float(sound @ sound)) < sound.size * SPEAKING**2:
        return False
    wave = np.exp(2j * np.pi * PERSON_HZ * np.arange(sound.size) / 8000)
    return bool(2 * abs(sound @ wave) ** 2 / sound.size > 0.5 * power)


async def speak_to_everyone(phone: SipParty) -> None:
    """An agent at their phone: whoever comes through hears a tone until they have hung up."""
    while True:
        call = await phone.next_call(timeout_ms=600_000)
        try:
            await call.answered(timeout_ms=60_000)
            while call.up:
                await call.say(tone(PERSON_HZ, 400))
        except CallEnded:
            continue


async def call_and_note(stage: Stage, number: str, leaves: Callable[[CallId | None], bool], talk_s: float) -> Said:
    """A citizen: waits for a person until they have had enough, talks, hangs up, and writes down what they saw."""
    now = asyncio.get_running_loop().time
    said = Said(number)
    async with SipParty(stage.sip, number) as citizen:
        began = now()
        call = await citizen.dial(HOTLINE)
        await call.answered()
        while said.answered is None and not leaves(of_number(stage, number)):
            assert call.up, "nobody hangs up on a citizen"
            await asyncio.sleep(0.1)
            if is_person(call.voice.heard.samples(now() - 0.2)):
                said.answered = now() - began
        if said.answered is not None:
            await asyncio.sleep(talk_s)
        said.left = now() - began
        await call.hang_up()
    return said


def of_number(stage: Stage, number: str) -> CallId | None:
    return next((seen.call for seen in stage.hotline.switchboard.calls() if seen.caller_number == number), None)


async def all_calls(stage: Stage, ready: Callable[[], Awaitable[None]]) -> list[Said]:
    """Some give up in the queue before any agent is there, some in the greeting, all others wait for a person."""

    def queued(call: CallId | None) -> bool:
        seen = None if call is None else stage.hotline.switchboard.call(call)
        long_enough = seen is not None and datetime.now(UTC) - seen.arrived_at > timedelta(seconds=3)
        return seen is not None and seen.state is CallState.QUEUED and long_enough

    kinds = [queued] * IMPATIENT + [lambda call: True] * HASTY + [lambda call: False] * PATIENT
    tasks: list[asyncio.Task[Said]] = []
    async with asyncio.TaskGroup() as group:
        for n, leaves in enumerate(kinds):
            if n == IMPATIENT:
                await asyncio.wait(tasks)
                await ready()
            caller = call_and_note(stage, f"1380000{n:04}", leaves, 0.6 + 0.1 * (n % 5))
            tasks.append(group.create_task(caller, name=f"caller {n}"))
            await asyncio.sleep(EVERY_S)
    return [task.result() for task in tasks]


async def test_the_figures_agree_to_the_call(home: Home) -> None:
    begin = datetime.now(UTC)
    async with running_stage(home, **CHANGES) as stage, AsyncExitStack() as stack:
        behaviours: list[tuple[str, Behaviour]] = [("1001", Answer(100)), ("1002", Answer(300)), ("1003", Ring())]
        group = await stack.enter_async_context(asyncio.TaskGroup())
        speaking = []

        async def ready() -> None:
            for extension, behaviour in behaviours:
                phone = await stage.phone(extension, behaviour)
                await stage.agent(extension)
                speaking.append(group.create_task(speak_to_everyone(phone), name=f"agent {extension}"))

        said = {one.number: one for one in await all_calls(stage, ready)}
        for task in speaking:
            task.cancel()
        await stage.empty()
        await until(kept(stage), "everything kept", 10)
        end = datetime.now(UTC)
        report = await read_report(stage.hotline.database, Terms(start=ClockStart.ARRIVAL), begin, end, 4)
        found = {call.call: call for call in await ours(stage, begin, end)}
    cel = {call: one for call, one in from_cel(home.layout.log / "cel-custom" / "hotline.csv").items() if call in found}
    cdr = {call: one for call, one in from_cdr(home.layout.log / "cdr-custom" / "hotline.csv").items() if call in found}

    assert sorted(str(call.caller) for call in found.values()) == sorted(said), "every caller is one call"
    assert found.keys() == cel.keys() == cdr.keys()
    for call, one in found.items():
        caller, asterisk, record = said[str(one.caller)], cel[call], cdr[call]
        assert (one.answered_ms is None) == (asterisk.answered_ms is None) == (caller.answered is None), call
        assert record.outcome == "ANSWERED", "every one was picked up by the greeting"
        if one.answered_ms is not None and asterisk.answered_ms is not None and caller.answered is not None:
            assert one.answered_ms == pytest.approx(asterisk.answered_ms, abs=NEAR_MS)
            assert one.answered_ms == pytest.approx(1000 * caller.answered, abs=2 * NEAR_MS)
            assert one.talk_ms == pytest.approx(asterisk.talk_ms, abs=NEAR_MS)
        elif one.left_ms is not None and asterisk.left_ms is not None:
            assert one.left_ms == pytest.approx(asterisk.left_ms, abs=NEAR_MS)
            assert one.left_ms == pytest.approx(1000 * caller.left, abs=NEAR_MS)
        assert record.end - record.start == pytest.approx(caller.left, abs=2 * NEAR_MS / 1000)

    theirs, lost = measure(cel.values(), ClockStart.ARRIVAL), IMPATIENT + HASTY
    assert (report.offered, report.answered, report.abandoned) == (lost + PATIENT, PATIENT, lost)
    assert (theirs.offered, theirs.answered, theirs.abandoned) == (lost + PATIENT, PATIENT, lost)
    assert report.answer_rate.value == theirs.answer_rate.value
    assert report.asa.value == pytest.approx((theirs.speed_of_answer.value_ms or 0) / 1000, abs=NEAR_MS / 1000)
    assert report.missed_offers >= 1, "one phone rang for nothing"
    ours_queued, theirs_queued = (measure(one.values(), ClockStart.QUEUE_ENTRY) for one in (found, cel))
    assert (ours_queued.offered, ours_queued.never_queued) == (theirs_queued.offered, theirs_queued.never_queued)


async def ours(stage: Stage, begin: datetime, end: datetime) -> list[CallFigures]:
    """The calls as the hotline's own event log has them."""
    async with UnitOfWork(stage.hotline.database, reads=True) as unit:
        return fold(recorded_of(record) for record in await unit.call_events.of_arrivals(begin, end))


def kept(stage: Stage) -> Callable[[], bool]:
    return lambda: len(stage.hotline.switchboard.journal) == 0 and stage.hotline.keeper.backlog == 0
