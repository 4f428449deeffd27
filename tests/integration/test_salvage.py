"""What the fallback took reaches the callback queue exactly once, wherever the taking in is interrupted."""

import wave
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asterisk_conf.layout import Layout
from ivr.calls.events import CallArrived, GivenBack, LegHungUp, Recorded
from ivr.calls.measures import ClockStart, Tally, measure
from ivr.calls.vocabulary import CallId, HangupCause, LegId
from ivr.clock import SystemClock
from ivr.event_log import DatabaseEventLog, recorded_of
from ivr.salvage import Salvage
from ivr.spool import Left, Spool
from tests.fakes.tickets import SITE
from ticketing.callbacks import Callbacks
from ticketing.casework import Casework
from ticketing.database import Database
from ticketing.records import CallbackRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import CallbackState, ContactId, ContactState

pytestmark = pytest.mark.database

AT = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
CALL = CallId("5e0c2a52-64b7-4f6e-9f0e-000000000001")
OWN, OTHER = "13800000001", "051288880000"


class Killed(BaseException):
    """What a kill looks like from inside."""


class Home:
    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.layout = Layout(folder / "asterisk")
        self.layout.fallback_spool.mkdir(parents=True)
        self.recordings = folder / "recordings"
        self.recordings.mkdir()
        self.spool = Spool(self.layout.fallback_spool)
        clock = SystemClock()
        self.callbacks = Callbacks(SITE, Casework(SITE, clock.now), clock.now)
        self.salvage = Salvage(
            database, self.callbacks, clock, self.layout, self.recordings, "12345", first=self._nothing
        )

    async def _nothing(self) -> None:
        return

    def left(self, number: str | None = OWN, call: CallId = CALL) -> None:
        self.spool.leave(Left(call=call, at=AT, caller_number=OWN, number=number, settled=True))

    def message(self) -> None:
        with wave.open(str(self.layout.fallback_spool / f"{CALL}.wav"), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(8000)
            sound.writeframes(bytes(16000))

    async def queue(self) -> list[CallbackRecord]:
        async with UnitOfWork(self.database, reads=True) as unit:
            return list(await unit.callbacks.waiting())

    async def events(self) -> list[Recorded]:
        async with UnitOfWork(self.database, reads=True) as unit:
            return [recorded_of(record) for record in await unit.call_events.of_contact(ContactId(CALL))]


@pytest.fixture
def home(database: Database, tmp_path: Path) -> Home:
    return Home(database, tmp_path)


async def test_the_number_that_was_left_is_called(home: Home) -> None:
    home.left(OTHER)
    assert await home.salvage.take_in() == 1
    (owed,) = await home.queue()
    assert (owed.number, owed.contact, owed.entered_at) == (OTHER, ContactId(CALL), AT)
    assert list(home.layout.fallback_spool.iterdir()) == []


async def test_it_counts_as_a_call_nobody_answered(home: Home) -> None:
    home.left()
    await home.salvage.take_in()
    tally = Tally()
    for record in await home.events():
        tally.add(record)
    figures = measure(tally.calls, ClockStart.ARRIVAL, within_ms=15_000)
    assert (figures.offered, figures.answered, figures.given_back) == (1, 0, 1)
    async with UnitOfWork(home.database, reads=True) as unit:
        assert (await unit.contacts.get(ContactId(CALL))).state is ContactState.ABANDONED


async def test_a_message_is_a_recording_of_the_call(home: Home) -> None:
    home.left()
    home.message()
    await home.salvage.take_in()
    async with UnitOfWork(home.database, reads=True) as unit:
        (recording,) = await unit.transcripts.recordings(ContactId(CALL))
    assert (recording.ms, recording.path) == (1000, f"{CALL}-message.wav")
    assert (home.recordings / recording.path).stat().st_size == recording.bytes


@pytest.mark.parametrize("step", ["before the commit", "after the commit", "after the move", "after some files"])
async def test_a_kill_between_any_two_steps_neither_loses_nor_doubles(
    home: Home, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    home.left(OTHER)
    home.message()
    (home.layout.fallback_spool / f"{CALL}.over").touch()

    def killed(*_: object) -> None:
        raise Killed

    def killed_in_the_middle(call: CallId) -> None:
        (home.layout.fallback_spool / f"{call}.json").unlink()
        raise Killed

    with monkeypatch.context() as patch:
        if step == "before the commit":
            patch.setattr(home.callbacks, "left", killed)
        elif step == "after the commit":
            patch.setattr(Path, "replace", killed)
        elif step == "after the move":
            patch.setattr(Spool, "remove", killed)
        else:
            patch.setattr(Spool, "remove", lambda _, call: killed_in_the_middle(call))
        with pytest.raises(Killed):
            await home.salvage.take_in()
    owed = await home.queue()
    assert len(owed) == (0 if step == "before the commit" else 1)
    for one in owed:  # called meanwhile: it must not be owed a second time
        async with UnitOfWork(home.database) as unit:
            now = datetime.now(UTC)
            taken = await unit.callbacks.lease("me", now=now, until=now, kinds=(one.kind,))
            assert taken is not None
            await unit.callbacks.settle(taken.id, "me", outcome="reached", state=CallbackState.DONE, now=now)
    for _ in range(2):
        await home.salvage.take_in()
    assert [one.number for one in await home.queue()] == ([] if owed else [OTHER])
    assert list(home.layout.fallback_spool.iterdir()) == []
    assert [path.name for path in home.recordings.iterdir()] == [f"{CALL}-message.wav"]
    assert [type(record.event) for record in await home.events()] == [CallArrived, GivenBack]


async def test_what_the_server_itself_gave_back_is_owed_where_the_citizen_said(home: Home) -> None:
    log = DatabaseEventLog(home.database, SystemClock())
    arrived = CallArrived(leg=LegId("a"), caller_number=OWN, dialled="12345")
    gone = LegHungUp(leg=LegId("a"), cause=HangupCause.NORMAL)
    await log.append(
        [
            Recorded(call=CALL, seq=seq, at=AT, offset_ms=0, event=event)  # type: ignore[arg-type]  # a row of two kinds
            for seq, event in enumerate((arrived, gone))
        ]
    )
    async with UnitOfWork(home.database) as unit:
        assert await home.callbacks.missed(unit, ContactId(CALL), anew=True, after_s=300)
    home.left(OTHER)
    await home.salvage.take_in()
    assert [one.number for one in await home.queue()] == [OTHER]
    assert [record.event for record in await home.events()] == [
        CallArrived(leg=LegId("a"), caller_number=None, dialled="12345"),
        gone,
    ], "its log stays as it was, without the number"


async def test_one_number_waits_once(home: Home) -> None:
    home.left(OTHER)
    home.left(OTHER, CallId("5e0c2a52-64b7-4f6e-9f0e-000000000002"))
    assert await home.salvage.take_in() == 2
    assert [one.number for one in await home.queue()] == [OTHER]


async def test_without_a_number_nobody_can_be_called_but_the_call_is_known(home: Home) -> None:
    home.left(None)
    await home.salvage.take_in()
    assert await home.queue() == []
    assert len(await home.events()) == 2
