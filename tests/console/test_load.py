"""A long day and a fast talker: every line in time, nothing that grows."""

import gc
import time
from collections import Counter

import msgspec

from agent_console.edits import Edit
from agent_console.said import Said as Spoken
from agent_console.tones import Piece
from agent_console.widgets.transcript import Transcript
from asr.transcript import Hypothesis, Segment, Speaker
from ivr.desk.views import CallCard, Notice
from ivr.desk.wire import AnyUpdate, CallChanged, CallCleared, DraftChanged, Heard, Noticed, Said, Suggested
from tests.console.scenes import CALL, DRAFT, IDLE, IN_CALL, SUGGESTED, segment
from tests.console.stage import Stage, desk_at, server_with
from tests.fakes.desk_server import DeskServer
from ticketing.views import DraftField, DraftView
from ticketing.vocabulary import FieldName

change = msgspec.structs.replace
LINE_BUDGET = 0.1
"""Seconds from a line received to a line shown, on a quiet machine; measured in this process's own time."""


def a_call(number: int, lines: int) -> list[AnyUpdate]:
    """One call as the server tells it: ring, lines with their hypotheses, drafts, and its end."""
    call = change(CALL, id=f"c-{number}")
    told: list[AnyUpdate] = [CallChanged(seq=0, call=call)]
    for line in range(lines):
        speaker = Speaker.CITIZEN if line % 2 else Speaker.AGENT
        text = f"第{number}通第{line}句，说的是暖气一点都不热"
        for end in range(2, len(text), 2):
            hypothesis = Hypothesis(speaker=speaker, start_ms=line * 1000, text=text[:end])
            told.append(Heard(seq=0, hypothesis=hypothesis))
        told.append(Said(seq=0, segment=change(segment(line, speaker, line, text), id=f"{number}-{line}")))
        fields = DRAFT.fields | {FieldName.TITLE: DraftField(value=f"标题{line}", confidence=0.8)}
        draft = change(DRAFT, id=f"d-{number}", call=call.id, revision=line, fields=fields)
        told.append(DraftChanged(seq=0, draft=draft))
    told.append(Suggested(seq=0, hits=SUGGESTED[line % 2 :]))
    told.append(Noticed(seq=0, notice=Notice(code="notice.caller_hung_up")))
    return told


async def flood(server: DeskServer, stage: Stage, told: list[AnyUpdate]) -> None:
    await server.tell(*told)
    await stage.until(lambda: stage.app.desk.reception.view == server.view, "all of it to be received")
    await stage.settle()


async def test_two_thousand_updates_end_in_the_right_screen() -> None:
    async with server_with(IDLE) as server, desk_at(server) as stage:
        told = a_call(1, 200)
        assert len(told) > 2000
        await flood(server, stage, told)
        await stage.sees("第1通第199句", "标题199")
        transcript = stage.main.query_one(Transcript)
        assert len(transcript._said) == 200
        assert len(transcript._wrapped) == 200


async def test_a_live_line_is_shown_in_its_time_late_in_a_long_call() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await flood(server, stage, a_call(1, 300)[:-2])
        taken: list[float] = []
        for number in range(20):
            words = f"刚刚说到的第{number}句"
            begun = time.process_time()
            await server.tell(Heard(seq=0, hypothesis=Hypothesis(speaker=Speaker.CITIZEN, start_ms=1, text=words)))
            await stage.sees(words)
            taken.append(time.process_time() - begun)
        assert sorted(taken)[len(taken) // 2] < LINE_BUDGET


async def test_a_key_is_on_the_screen_in_its_time() -> None:
    async with server_with(IN_CALL) as server, desk_at(server) as stage:
        await flood(server, stage, a_call(1, 100)[:-2])
        await stage.focus("content")
        taken: list[float] = []
        for _ in range(20):
            begun = time.process_time()
            await stage.press("x")
            taken.append(time.process_time() - begun)
        assert sorted(taken)[len(taken) // 2] < LINE_BUDGET


async def test_a_shift_of_calls_leaves_nothing_behind() -> None:
    async with server_with(IDLE) as server, desk_at(server) as stage:

        async def calls(numbers: range) -> Counter[str]:
            """How many objects there are after these calls, by type."""
            for number in numbers:
                await flood(server, stage, a_call(number, 6))
                await flood(server, stage, [CallCleared(seq=0, call=f"c-{number}")])
            await stage.sees("示闲，等待来电")
            gc.collect()
            return Counter(type(kept).__qualname__ for kept in gc.get_objects())

        await server.tell(*(Noticed(seq=0, notice=Notice(code="notice.caller_hung_up")) for _ in range(20)))
        await calls(range(4))
        widgets = len(stage.main.query("*"))
        before = await calls(range(4, 8))
        after = await calls(range(8, 16))
        assert len(stage.main.query("*")) == widgets
        for kind in (Said, Segment, Hypothesis, DraftView, DraftField, CallCard, Edit, Spoken, Piece):
            assert after[kind.__qualname__] <= before[kind.__qualname__], kind
        assert after.total() - before.total() < 1000, (after - before).most_common(10)
