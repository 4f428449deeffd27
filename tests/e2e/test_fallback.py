"""Nobody is there: what a caller meets while the server is away, and that they are called back, once."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ivr import understudy
from ivr.demo.sip.dialled import DialledCall
from ivr.demo.sip.voice import Samples
from ivr.demo.sip_party import SipParty
from tests.e2e.stage import HOTLINE, Home, running_stage, until_empty
from tests.tones import tone
from tests.until import until, until_async
from ticketing.unit_of_work import UnitOfWork

pytestmark = pytest.mark.e2e

SPEECH: Samples = tone(1000, 1500)


@pytest.fixture
async def fallback(home: Home) -> AsyncIterator[int]:
    """The fallback process, as a server left it; its process id."""
    settings = home.settings()
    await understudy.ensure(settings)
    found = understudy.running(settings)
    assert found is not None
    yield found[0]
    await understudy.stop(settings)
    await until_empty(home)


def spooled(home: Home, pattern: str) -> list[Path]:
    return sorted(home.layout.fallback_spool.glob(pattern))


async def numbers_owed(home: Home) -> list[str]:
    """Whom the next server finds in its callback queue; everything spooled has been taken in by then."""
    async with running_stage(home) as stage:
        await until(lambda: not list(home.layout.fallback_spool.iterdir()), "the spool taken in", 10)
        async with UnitOfWork(stage.hotline.database) as unit:
            owed = [one for one in await unit.callbacks.waiting() if one.number.startswith("139")]
            for one in owed:
                assert one.contact is not None
                await unit.callbacks.withdraw(one.contact, one.entered_at)
        return sorted(one.number for one in owed)


async def dial(citizen: SipParty) -> DialledCall:
    call = await citizen.dial(HOTLINE)
    await call.answered()
    return call


async def test_while_the_server_is_away_callers_leave_a_number_and_are_called_back_once(
    home: Home, fallback: int
) -> None:
    sip = ("127.0.0.1", home.settings().asterisk.sip_port)
    async with (
        SipParty(sip, "13900000001") as own,
        SipParty(sip, "13900000002") as other,
        SipParty(sip, None) as withheld,
        SipParty(sip, "13900000004") as leaves,
    ):
        calls = [await dial(citizen) for citizen in (own, other, withheld, leaves)]
        await until(lambda: len(spooled(home, "*.json")) == 4, "four callers at the fallback", 15)
        await calls[3].hang_up()
        await asyncio.gather(calls[0].press("1"), calls[1].press("213900000005#"), calls[2].press("13900000003#"))
        for call in calls[:3]:
            await call.ended(30_000)
    os.kill(fallback, 0)
    assert await numbers_owed(home) == ["13900000001", "13900000003", "13900000004", "13900000005"]
    assert await numbers_owed(home) == []


async def test_without_server_and_fallback_a_message_is_kept_and_its_caller_called_back(home: Home) -> None:
    sip = ("127.0.0.1", home.settings().asterisk.sip_port)
    assert understudy.running(home.settings()) is None
    async with SipParty(sip, "13900000006") as citizen:
        call = await dial(citizen)
        await until(lambda: spooled(home, "*.wav"), "the message begun", 15)
        await call.say(SPEECH)
        await call.hang_up()
    await until(lambda: spooled(home, "*.over"), "the call over")
    (message,) = spooled(home, "*.wav")
    assert await numbers_owed(home) == ["13900000006"]
    kept = home.settings().recordings / f"{message.stem}-message.wav"
    assert kept.stat().st_size > 8000


async def test_a_fallback_that_dies_is_started_again_and_its_caller_called_back(home: Home) -> None:
    async with running_stage(home):
        settings = home.settings()
        first = await until(lambda: understudy.running(settings), "the server starts the fallback", 20)
        os.kill(first[0], signal.SIGKILL)

        async def another() -> bool:
            found = understudy.running(settings)
            return found is not None and found != first

        await until_async(another, "another fallback", 20)
    assert understudy.running(settings) is not None, "it outlives the server"
