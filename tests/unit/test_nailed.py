"""Phones that stay off the hook, and phones of others, in memory."""

import pytest

from ivr.calls.errors import MoveRefused, PhoneTaken, PhoneUnknown
from ivr.calls.vocabulary import AgentId, AgentState, CallState, PauseReason
from ivr.nailed import NailedPhones
from ivr.tasks import Tasks
from tests.fakes.telephony import NOTHING
from tests.hotline import Hotline, until
from tests.virtual_time import virtual

A, B = AgentId("1001"), AgentId("1002")


@virtual
async def test_calls_beep_in_until_the_person_signs_out() -> None:
    line = Hotline()
    lost: list[AgentId] = []
    async with line.running() as board, Tasks() as tasks:
        nailed = NailedPhones(board, line.telephony, tasks, lost.append)
        board.watchers.add(nailed)
        phone = line.ready()
        phone.will_answer(after_ms=2_000)
        nailed.seated(A, nailed_up=True)
        nailed.seated(A, nailed_up=True)
        await until(lambda: "open_line" in line.telephony.verbs, "the line is open")
        assert nailed.stands(A)
        for _ in range(2):
            began = line.clock.monotonic_ms()
            citizen = line.telephony.citizen_arrives()
            await line.reaches(citizen.call, CallState.CONNECTED)
            assert line.clock.monotonic_ms() - began < 300
            nailed.seated(A, nailed_up=False)
            assert citizen.talks_to == "PJSIP/1001"
            citizen.hang_up()
            await line.agent_is(AgentState.WRAP_UP)
            board.floor.finish_wrap_up(A)
            await line.reaches(citizen.call, None)
        assert len(phone.rung) == 1
        board.floor.sign_out(A)
        await until(lambda: line.telephony.census() == NOTHING, "the phone is down")
        assert lost == []


@virtual
async def test_a_line_that_is_lost_pauses_its_person() -> None:
    line = Hotline()
    lost: list[AgentId] = []
    async with line.running() as board, Tasks() as tasks:
        nailed = NailedPhones(board, line.telephony, tasks, lost.append)
        board.watchers.add(nailed)
        line.ready().will_answer()
        nailed.seated(A, nailed_up=True)
        await until(lambda: nailed.stands(A), "the line is open")
        line.telephony.phone("PJSIP/1001").die()
        await until(lambda: lost == [A], "told")
        assert board.floor.seat(A).pause_reason is PauseReason.UNREACHABLE
        line.telephony.phone("PJSIP/1001").will_ring()
        board.floor.ready(A)
        nailed.seated(A, nailed_up=True)
        await until(lambda: lost == [A, A], "not answered", 60)
        await until(lambda: line.telephony.census() == NOTHING, "nothing rings")


@virtual
async def test_a_person_sits_at_another_phone() -> None:
    line = Hotline()
    async with line.running() as board:
        floor = board.floor
        floor.sit_at(A, "1002")
        line.ready()
        line.telephony.phone("PJSIP/1002").will_answer()
        citizen = line.telephony.citizen_arrives()
        await line.reaches(citizen.call, CallState.CONNECTED)
        assert citizen.talks_to == "PJSIP/1002"
        with pytest.raises(PhoneTaken):
            floor.sit_at(B, None)
        with pytest.raises(PhoneUnknown):
            floor.sit_at(B, "9999")
        with pytest.raises(MoveRefused):
            floor.sit_at(A, None)
        citizen.hang_up()
        await line.agent_is(AgentState.WRAP_UP)
        floor.finish_wrap_up(A)
        await line.reaches(citizen.call, None)
        floor.sit_at(A, None)
        floor.sit_at(B, None)
        floor.sign_in(B)
        with pytest.raises(PhoneTaken):
            floor.sit_at(A, "1002")
        assert floor.agent_at("PJSIP/1001") == A


@virtual
async def test_a_phone_that_goes_is_noticed_before_it_is_called() -> None:
    line = Hotline()
    async with line.running() as board:
        line.ready()
        line.telephony.phone_goes("PJSIP/1001")
        await line.agent_is(AgentState.PAUSED)
        assert board.floor.seat(A).pause_reason is PauseReason.UNREACHABLE
        line.telephony.phone("PJSIP/1002")
        line.telephony.phone_goes("PJSIP/1002")
        await line.passes(500)
        assert line.agent("1002") is AgentState.LOGGED_OUT
