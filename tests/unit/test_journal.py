import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ivr.calls import events as ev
from ivr.calls.events import Recorded
from ivr.calls.vocabulary import CallId
from ivr.journal import PATIENCE_MS, WRITE_MS, Journal
from tests.fakes.clock import BEGAN, LoopClock
from tests.fakes.event_log import MemoryEventLog
from tests.virtual_time import virtual

A, B = CallId("a"), CallId("b")


def line(call: CallId, seq: int) -> Recorded:
    return Recorded(call=call, seq=seq, at=BEGAN, offset_ms=seq, event=ev.QueueMoved(ahead=seq))


@asynccontextmanager
async def journal(log: MemoryEventLog, bound: int = 1_000) -> AsyncIterator[Journal]:
    journal = Journal(log, LoopClock(), bound)
    writer = asyncio.create_task(journal.run(), name="journal")
    try:
        yield journal
    finally:
        writer.cancel()
        await asyncio.wait([writer])


def now_ms() -> float:
    return asyncio.get_running_loop().time() * 1_000


@virtual
async def test_an_event_is_kept_when_append_returns() -> None:
    log = MemoryEventLog()
    async with journal(log) as book:
        for seq in range(3):
            await book.append(line(A, seq))
            assert len(log.calls[A]) == seq + 1
        book.close(A)
        assert await book.flush(1_000)
    assert log.closed == {A}


@virtual
async def test_a_stalled_log_costs_a_moment_once_and_loses_nothing() -> None:
    log = MemoryEventLog()
    async with journal(log) as book:
        log.stalled_ms = 60_000
        began = now_ms()
        for seq in range(100):
            await book.append(line(A, seq))
        assert now_ms() - began == PATIENCE_MS
        log.stalled_ms = 0
        assert await book.flush(2 * WRITE_MS)
        assert [record.seq for record in log.calls[A]] == list(range(100))
        await book.append(line(A, 100))
        assert len(log.calls[A]) == 101, "it is waited for again"
        assert log.appends < 10, "what has piled up is kept in one piece"


@virtual
async def test_a_log_that_is_down_is_tried_until_it_is_back() -> None:
    log = MemoryEventLog()
    log.down = True
    async with journal(log) as book:
        await book.append(line(A, 0))
        await book.append(line(B, 0))
        book.close(A)
        assert not await book.flush(30_000)
        assert len(book) == 3
        log.down = False
        assert await book.flush(6_000)
    assert (len(log.lines), log.closed, book.lost) == (2, {A}, 0)


@virtual
async def test_past_the_bound_a_calls_log_is_its_beginning_without_a_hole() -> None:
    log = MemoryEventLog()
    log.down = True
    async with journal(log, bound=3) as book:
        for seq in range(3):
            await book.append(line(A, seq))
        await book.append(line(A, 3))
        await book.append(line(B, 0))
        log.down = False
        assert await book.flush(6_000)
        await book.append(line(A, 4))
        await book.append(line(B, 1))
        await book.append(line(CallId("c"), 0))
    assert {call: len(lines) for call, lines in log.calls.items()} == {"a": 3, "c": 1}
    assert book.lost == 4


@virtual
async def test_an_event_that_can_never_be_kept_stops_only_its_call() -> None:
    log = MemoryEventLog()
    log.down = True
    async with journal(log) as book:
        for seq in range(3):
            await book.append(line(A, seq))
            await book.append(line(B, seq))
        log.refused.add(A)
        log.down = False
        assert await book.flush(6_000)
    assert {call: len(lines) for call, lines in log.calls.items()} == {"b": 3}
    assert book.lost == 3
