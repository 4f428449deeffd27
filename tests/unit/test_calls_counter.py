"""Agents at work in their calls, in memory: every verb, who may ask, and nothing left whoever hangs up when."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product

import pytest

from ivr.calls import events as ev
from ivr.calls.events import AnyEvent
from ivr.calls.plan import CallPlan, Survey
from ivr.calls.vocabulary import (
    AgentId,
    AgentState,
    CallId,
    CallState,
    DialOutcome,
    HangupCause,
    Invitation,
    PauseReason,
)
from ivr.desk.calls_counter import CallDesk
from ivr.desk.envelope import Done, FromDesk
from ivr.desk.refusal import Refusal
from ivr.desk.staff import Staff
from ivr.desk.wire_calls import (
    AnyDestination,
    CallBegun,
    CallColleague,
    CallOut,
    Conference,
    Consult,
    Destinations,
    DropGuest,
    FindDestinations,
    HandOver,
    HoldCall,
    MuteSelf,
    ResumeCall,
    ThreeWay,
    ToAgent,
    ToNumber,
    ToService,
    ToSkill,
    TransferCall,
)
from ivr.dialler import Dialler
from ivr.directory import Directory, Line
from ivr.tasks import Tasks
from tests.fakes.telephony import FakeCitizen
from tests.hotline import DIRECT, GENERAL, HEATING, Hotline, until
from tests.virtual_time import virtual
from ticketing.database import Database
from ticketing.vocabulary import Role

FIRE = Line(id="em-119", name="火警", number="119", urgent=True)
OUTSIDE = "PJSIP/119@trunk"
FULL = CallPlan(
    menu=DIRECT.menu,
    queue=DIRECT.queue,
    ring_ms=5_000,
    dial_ms=8_000,
    wrap_up_ms=30_000,
    survey=Survey(ask=("rate",), thanks=("thanks",)),
    keep_key="1",
    place_kept=("kept",),
    outside="PJSIP/{number}@trunk",
)
ALONE: Database = None  # type: ignore[assignment]  # only callbacks ask it


class Room:
    """A hotline with its call desk."""

    def __init__(self, line: Hotline, desk: CallDesk) -> None:
        self.line = line
        self.desk = desk

    async def ask(self, message: FromDesk, agent: str = "1001", role: Role = Role.AGENT) -> object:
        staff = Staff(id=AgentId(agent), name=agent, role=role, extension=agent)
        return await self.desk.carry_out(staff, message)  # type: ignore[arg-type]

    async def refused(self, message: FromDesk, code: str, agent: str = "1001") -> None:
        with pytest.raises(Refusal) as why:
            await self.ask(message, agent)
        assert why.value.code == f"refused.{code}"

    async def talk(self) -> FakeCitizen:
        """A citizen talks with 1001; 1002 is ready."""
        self.line.ready("1001").will_answer()
        citizen = self.line.telephony.citizen_arrives()
        await self.line.reaches(citizen.call, CallState.CONNECTED)
        self.line.ready("1002").will_answer()
        return citizen

    async def ends_well(self) -> None:
        """Everybody hangs up, and nothing is left."""
        for _ in range(4):
            self.line.telephony.hang_everybody_up()
            await self.line.passes(2_000)
        for seat in self.line.board.floor.seats():
            if seat.state is AgentState.WRAP_UP:
                self.line.board.floor.finish_wrap_up(seat.agent.id)
        await until(self.line.nothing_is_left, "nothing is left", 60)

    def noted(self, kind: type[AnyEvent]) -> list[AnyEvent]:
        return [record.event for record in self.line.observer.records if isinstance(record.event, kind)]


@asynccontextmanager
async def room(plan: CallPlan = FULL, *, trunk: bool = True) -> AsyncIterator[Room]:
    line = Hotline(plan)
    directory = Directory((FIRE,), trunk=trunk)
    async with line.running() as board, Tasks() as tasks:
        dialler = Dialler(board, directory, ALONE, line.clock, tasks)
        yield Room(line, CallDesk(board, dialler, directory, {GENERAL: "综合", HEATING: "供热"}))


@virtual
async def test_hold_music_and_back() -> None:
    async with room() as it:
        citizen = await it.talk()
        assert await it.ask(HoldCall(request=7, call=citizen.call)) == Done(request=7)
        await until(lambda: citizen.hears_music, "music")
        await it.ask(HoldCall(request=8, call=citizen.call))
        await it.ask(ResumeCall(request=9, call=citizen.call))
        await until(lambda: citizen.talks_to == "PJSIP/1001", "back")
        await it.line.passes(100)
        await it.refused(ResumeCall(request=10, call=citizen.call), "not_held")
        await it.ends_well()


@virtual
async def test_a_muted_agent_is_not_heard() -> None:
    async with room() as it:
        citizen = await it.talk()
        await it.ask(MuteSelf(request=1, call=citizen.call, muted=True))
        await until(lambda: citizen.hears == set(), "not heard")
        await it.ask(MuteSelf(request=2, call=citizen.call, muted=False))
        await until(lambda: citizen.hears == {"PJSIP/1001"}, "heard")
        await it.ends_well()


@virtual
async def test_a_consulted_colleague_may_join_leave_or_take_over() -> None:
    async with room() as it:
        citizen = await it.talk()
        await it.ask(Consult(request=1, call=citizen.call, to=ToAgent(agent="1002")))
        await until(lambda: it.line.agent("1002") is AgentState.ON_CALL, "consulting")
        assert citizen.hears_music
        await it.refused(HoldCall(request=2, call=citizen.call), "guest_already")
        await it.refused(ThreeWay(request=2, call=citizen.call, to=ToService(service="em-119")), "guest_already")
        await it.ask(DropGuest(request=3, call=citizen.call))
        await until(lambda: it.line.agent("1002") is AgentState.AVAILABLE, "let go")
        assert citizen.hears == {"PJSIP/1001"}
        await it.ask(Consult(request=4, call=citizen.call, to=ToSkill(skill="heating")))
        await until(lambda: it.line.agent("1002") is AgentState.ON_CALL, "again")
        await it.ask(Conference(request=5, call=citizen.call))
        await until(lambda: citizen.hears == {"PJSIP/1001", "PJSIP/1002"}, "together")
        await it.ask(HandOver(request=6, call=citizen.call))
        await until(lambda: citizen.hears == {"PJSIP/1002"}, "handed over")
        assert it.line.agent("1001") is AgentState.AVAILABLE
        seen = it.line.board.call(citizen.call)
        assert seen is not None
        assert (seen.agent, seen.guests, seen.state) == ("1002", (), CallState.CONNECTED)
        await it.refused(HoldCall(request=7, call=citizen.call), "call_gone")
        await it.ask(HoldCall(request=8, call=citizen.call), "1002")
        await it.ends_well()


@virtual
async def test_three_with_one_key_and_the_agent_leaves_them() -> None:
    async with room() as it:
        it.line.telephony.phone(OUTSIDE).will_answer()
        citizen = await it.talk()
        await it.ask(ThreeWay(request=1, call=citizen.call, to=ToService(service="em-119")))
        assert citizen.hears == {"PJSIP/1001"}, "nobody hears music in an emergency"
        await until(lambda: citizen.hears == {"PJSIP/1001", OUTSIDE}, "all three")
        it.line.board.floor.hang_up(AgentId("1001"))
        await until(lambda: citizen.hears == {OUTSIDE}, "the two of them")
        assert it.line.agent() is AgentState.WRAP_UP
        out = it.noted(ev.TransferredOut)
        agent = AgentId("1001")
        assert out == [
            ev.TransferredOut(agent=agent, name="火警", left=False),
            ev.TransferredOut(agent=agent, name="火警", left=True),
        ]
        it.line.telephony.phone(OUTSIDE).hang_up()
        await until(lambda: not citizen.connected, "the citizen is not left alone")
        await it.ends_well()


@virtual
async def test_a_blind_transfer_that_fails_gives_the_citizen_back() -> None:
    async with room() as it:
        it.line.telephony.phone("PJSIP/03590001111@trunk").will_end(HangupCause.BUSY)
        citizen = await it.talk()
        await it.ask(TransferCall(request=1, call=citizen.call, to=ToNumber(number="03590001111")))
        await until(lambda: bool(it.noted(ev.GuestMissed)), "told")
        await until(lambda: citizen.hears == {"PJSIP/1001"}, "back")
        await it.ends_well()


@virtual
async def test_an_agent_who_hangs_up_a_ringing_transfer_loses_nobody() -> None:
    async with room() as it:
        it.line.telephony.phone("PJSIP/03590001111@trunk").will_end(HangupCause.NO_ANSWER, after_ms=6_000)
        citizen = await it.talk()
        it.line.board.floor.pause(AgentId("1002"), PauseReason.MEAL)
        await it.ask(TransferCall(request=1, call=citizen.call, to=ToNumber(number="03590001111")))
        await it.line.passes(1_000)
        it.line.telephony.phone("PJSIP/1001").hang_up()
        await it.line.agent_is(AgentState.WRAP_UP)
        it.line.board.floor.pause(AgentId("1001"), PauseReason.MEAL)
        assert citizen.hears_music
        await it.line.reaches(citizen.call, CallState.QUEUED)
        assert citizen.told[-1] == ("sorry",)
        it.line.ready("1002")
        await until(lambda: citizen.hears == {"PJSIP/1002"}, "heard by the next", 60)
        await it.ends_well()


@virtual
async def test_a_transfer_to_a_skill_keeps_the_place_and_frees_the_agent() -> None:
    async with room() as it:
        citizen = await it.talk()
        it.line.board.floor.pause(AgentId("1002"), PauseReason.MEAL)
        it.line.board.floor.pause(AgentId("1001"), PauseReason.MEAL)
        await it.ask(TransferCall(request=1, call=citizen.call, to=ToSkill(skill="heating")))
        await it.line.reaches(citizen.call, CallState.QUEUED)
        await it.line.agent_is(AgentState.PAUSED)
        assert citizen.hears_music
        it.line.ready("1002")
        await until(lambda: citizen.hears == {"PJSIP/1002"}, "heard there", 60)
        await it.ends_well()


@virtual
async def test_calling_out() -> None:
    async with room() as it:
        phone = it.line.ready("1001")
        phone.will_answer()
        outside = it.line.telephony.phone("PJSIP/13900001111@trunk")
        outside.will_answer(after_ms=3_000)
        begun = await it.ask(CallOut(request=1, number="13900001111"))
        assert isinstance(begun, CallBegun)
        await it.line.reaches(CallId(begun.call), CallState.DIALLING)
        await it.refused(CallOut(request=2, number="13900001111"), "on_call")
        await it.line.reaches(CallId(begun.call), CallState.CONNECTED)
        assert [leg for leg in it.line.telephony.recorded if leg in it.line.telephony.legs]
        outside.hang_up()
        await it.line.agent_is(AgentState.WRAP_UP)
        await it.ends_well()


@virtual
async def test_whoever_is_paused_may_call_out_and_is_paused_after_it() -> None:
    async with room() as it:
        it.line.ready("1001").will_answer()
        it.line.board.floor.pause(AgentId("1001"), PauseReason.BACK_OFFICE)
        it.line.telephony.phone("PJSIP/13900001111@trunk").will_end(HangupCause.NO_ANSWER)
        await it.ask(CallOut(request=1, number="13900001111"))
        await until(lambda: bool(it.noted(ev.Dialled)), "nobody came")
        await it.line.agent_is(AgentState.PAUSED)
        assert it.line.board.floor.seat(AgentId("1001")).pause_reason is PauseReason.BACK_OFFICE
        await it.ends_well()


@virtual
async def test_a_colleague_is_called_and_both_are_free_after_it() -> None:
    async with room() as it:
        for name in ("1001", "1002"):
            it.line.ready(name).will_answer()
        await it.refused(CallColleague(request=1, agent="1001"), "unknown_destination")
        await it.refused(CallColleague(request=1, agent="9"), "unknown_destination")
        await it.ask(CallColleague(request=1, agent="1002"))
        await it.line.agent_is(AgentState.ON_CALL, "1002")
        it.line.telephony.phone("PJSIP/1002").hang_up()
        for name in ("1001", "1002"):
            await it.line.agent_is(AgentState.AVAILABLE, name)
        assert it.line.telephony.recorded == []
        await it.ends_well()


@virtual
async def test_what_cannot_be_called() -> None:
    async with room(trunk=False) as it:
        citizen = await it.talk()
        to_service: AnyDestination = ToService(service="em-119")
        await it.refused(ThreeWay(request=1, call=citizen.call, to=to_service), "no_trunk")
        await it.refused(ThreeWay(request=1, call=citizen.call, to=ToService(service="x")), "unknown_destination")
        await it.refused(ThreeWay(request=1, call=citizen.call, to=ToNumber(number="12a")), "bad_number")
        await it.refused(TransferCall(request=1, call=citizen.call, to=ToSkill(skill="x")), "unknown_destination")
        await it.refused(Consult(request=1, call=citizen.call, to=ToAgent(agent="1001")), "agent_busy")
        await it.refused(Conference(request=1, call=citizen.call), "no_guest")
        await it.refused(HandOver(request=1, call=citizen.call), "no_guest")
        await it.refused(HoldCall(request=1, call=citizen.call), "call_gone", agent="1002")
        await it.refused(CallOut(request=1, number="119"), "no_trunk")
        with pytest.raises(Refusal):
            await it.ask(HoldCall(request=1, call=citizen.call), role=Role.ANALYST)
        found = await it.ask(FindDestinations(request=1))
        assert isinstance(found, Destinations)
        assert [card.name for card in found.found] == ["综合", "供热", "1002 "]
        await it.ends_well()


@virtual
async def test_the_citizen_rates_whoever_hung_up() -> None:
    async with room() as it:
        citizen = await it.talk()
        it.line.board.floor.hang_up(AgentId("1001"))
        await until(lambda: ("rate",) in citizen.told, "asked")
        citizen.press("9")
        citizen.press("4")
        await until(lambda: ("thanks",) in citizen.told, "thanked")
        await until(lambda: not citizen.connected, "and let go", 60)
        assert it.noted(ev.CitizenRated) == [ev.CitizenRated(agent=AgentId("1001"), score=4)]
        await it.ends_well()


@virtual
async def test_who_says_nothing_to_the_survey_is_let_go() -> None:
    async with room() as it:
        citizen = await it.talk()
        it.line.board.floor.hang_up(AgentId("1001"))
        await until(lambda: not citizen.connected, "let go", 60)
        assert it.noted(ev.CitizenRated) == []
        await it.ends_well()


# ---- a place kept


async def kept(it: Room) -> FakeCitizen:
    citizen = it.line.telephony.citizen_arrives("13900001111")
    await it.line.reaches(citizen.call, CallState.QUEUED)
    citizen.press("1")
    await until(lambda: not citizen.connected, "they may hang up", 60)
    assert it.line.state(citizen.call) is CallState.QUEUED
    return citizen


@virtual
async def test_who_keeps_the_place_is_called_when_the_turn_comes() -> None:
    async with room() as it:
        citizen = await kept(it)
        later = it.line.telephony.citizen_arrives("13900002222")
        await it.line.reaches(later.call, CallState.QUEUED)
        outside = it.line.telephony.phone("PJSIP/13900001111@trunk")
        outside.will_answer()
        it.line.ready("1001").will_answer()
        await it.line.reaches(citizen.call, CallState.CONNECTED)
        assert it.line.state(later.call) is CallState.QUEUED, "their place was before"
        assert it.noted(ev.Dialled)[-1:] == [ev.Dialled(outcome=DialOutcome.REACHED)]
        outside.hang_up()
        await it.line.agent_is(AgentState.WRAP_UP)
        await it.ends_well()


@virtual
async def test_who_does_not_answer_is_called_once_and_the_agent_is_free() -> None:
    async with room() as it:
        citizen = await kept(it)
        outside = it.line.telephony.phone("PJSIP/13900001111@trunk")
        it.line.ready("1001").will_answer()
        await it.line.reaches(citizen.call, None)
        assert len(outside.rung) == 1
        assert it.noted(ev.Dialled) == [ev.Dialled(outcome=DialOutcome.NO_ANSWER)]
        await it.line.agent_is(AgentState.AVAILABLE)
        await it.ends_well()


@virtual
async def test_who_calls_in_first_is_not_called() -> None:
    async with room() as it:
        citizen = await kept(it)
        again = it.line.telephony.citizen_arrives("13900001111")
        await it.line.reaches(citizen.call, None)
        await it.line.reaches(again.call, CallState.QUEUED)
        await it.ends_well()


@virtual
async def test_a_place_is_kept_over_a_restart() -> None:
    line = Hotline(FULL)
    async with line.running():
        citizen = line.telephony.citizen_arrives("13900001111")
        await line.reaches(citizen.call, CallState.QUEUED)
        citizen.press("1")
        await until(lambda: not citizen.connected, "they may hang up", 60)
    async with line.running():
        await line.reaches(citizen.call, CallState.QUEUED)
        line.telephony.phone("PJSIP/13900001111@trunk").will_answer()
        line.ready("1001").will_answer()
        await line.reaches(citizen.call, CallState.CONNECTED)
        line.telephony.hang_everybody_up()
        await line.agent_is(AgentState.WRAP_UP)
        line.board.floor.finish_wrap_up(AgentId("1001"))
        await until(line.nothing_is_left, "nothing is left", 60)


# ---- whoever hangs up when


WHO = ("citizen", "agent", "guest", "desk")


@pytest.mark.parametrize(("invitation", "inside", "after_ms"), [*product(Invitation, (True, False), (50, 700, 2_500))])
@virtual
async def test_whoever_hangs_up_at_any_moment_leaves_nothing_behind(
    invitation: Invitation, inside: bool, after_ms: int
) -> None:
    for who in WHO:
        async with room() as it:
            it.line.telephony.phone(OUTSIDE).will_answer()
            citizen = await it.talk()
            guest = AgentId("1002") if inside else None
            endpoint = "PJSIP/1002" if inside else OUTSIDE
            if guest is not None:
                it.line.board.floor.lend(guest, citizen.call)
            it.line.board.tell(
                citizen.call,
                ev.GuestInvited(agent=AgentId("1001"), name="x", endpoint=endpoint, invitation=invitation, guest=guest),
            )
            await it.line.passes(after_ms)
            phones = {"agent": it.line.telephony.phone("PJSIP/1001"), "guest": it.line.telephony.phone(endpoint)}
            if who == "citizen":
                citizen.hang_up()
            elif who in phones and phones[who].rung:
                phones[who].hang_up()
            elif it.line.agent() is AgentState.ON_CALL:
                it.line.board.floor.hang_up(AgentId("1001"))
            await it.line.passes(1_000)
            if who != "citizen" and citizen.connected and it.line.state(citizen.call) is CallState.CONNECTED:
                assert citizen.hears or citizen.hears_music, "nobody is left in silence"
            await it.ends_well()
