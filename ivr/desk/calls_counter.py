"""What agents ask of their calls and of the telephone. Who asks may act on the call they talk in, and on no other."""

from collections.abc import Callable
from typing import assert_never

from ivr.calls import events as ev
from ivr.calls.errors import AgentUnknown, MoveRefused
from ivr.calls.session import CallSession
from ivr.calls.vocabulary import AgentId, AgentState, CallId, Direction, GuestState, Invitation, LegId, Skill
from ivr.desk.envelope import Done, FromDesk, FromServer
from ivr.desk.refusal import Refusal
from ivr.desk.staff import Staff
from ivr.desk.wire_calls import (
    AnyDestination,
    CallBegun,
    CallColleague,
    CallOut,
    CallsRequest,
    Conference,
    Consult,
    DestinationCard,
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
from ivr.directory import Directory, is_number
from ivr.switchboard import Switchboard
from ticketing.masking import mask_number
from ticketing.vocabulary import Role

AT_THE_PHONES = frozenset({Role.AGENT, Role.SUPERVISOR, Role.VISITOR})
MOST_FOUND = 200


class CallDesk:
    """Answers for calls. `skills` are the site's groups by id, with their names."""

    requests: tuple[type[FromDesk], ...] = (
        HoldCall,
        ResumeCall,
        MuteSelf,
        TransferCall,
        Consult,
        ThreeWay,
        Conference,
        HandOver,
        DropGuest,
        CallColleague,
        CallOut,
        FindDestinations,
    )

    def __init__(
        self, switchboard: Switchboard, dialler: Dialler, directory: Directory, skills: dict[Skill, str]
    ) -> None:
        self._switchboard = switchboard
        self._floor = switchboard.floor
        self._dialler = dialler
        self._directory = directory
        self._skills = skills

    async def carry_out(self, staff: Staff, message: CallsRequest) -> FromServer:
        """The answer. Raises `Refusal`."""
        if staff.role not in AT_THE_PHONES:
            raise Refusal("refused.not_allowed")
        if staff.extension is None:
            raise Refusal("refused.no_phone")
        request, agent = message.request, staff.id
        match message:
            case FindDestinations(query=query):
                return Destinations(request=request, found=self._find(agent, query))
            case CallColleague(agent=callee):
                return CallBegun(request=request, call=self._dialler.call_colleague(agent, AgentId(callee)))
            case CallOut(number=number):
                return CallBegun(request=request, call=self._dialler.call_out(agent, number))
            case _:
                self._in_the_call(agent, message)
        return Done(request=request)

    def _in_the_call(self, agent: AgentId, message: CallsRequest) -> None:
        match message:
            case HoldCall(call=call):
                self._without_aside(self._own(agent, call))
                self._tell(call, ev.HoldAsked(agent=agent, held=True))
            case ResumeCall(call=call):
                session = self._own(agent, call)
                self._without_aside(session)
                if not session.held:
                    raise Refusal("refused.not_held")
                self._tell(call, ev.HoldAsked(agent=agent, held=False))
            case MuteSelf(call=call, muted=muted):
                self._own(agent, call)
                self._tell(call, ev.MuteAsked(agent=agent, muted=muted))
            case TransferCall(call=call, to=ToSkill(skill=skill)):
                if self._own(agent, call).direction is Direction.INTERNAL:
                    raise Refusal("refused.not_allowed")
                self._tell(call, ev.PassedToSkill(agent=agent, skill=self._skill(skill)))
            case TransferCall(call=call, to=to):
                self._invite(agent, call, to, Invitation.TRANSFER)
            case Consult(call=call, to=to):
                self._invite(agent, call, to, Invitation.CONSULT)
            case ThreeWay(call=call, to=to):
                self._invite(agent, call, to, Invitation.THREE_WAY)
            case Conference(call=call):
                self._with_guest(self._own(agent, call), lambda state: state is GuestState.ASIDE)
                self._tell(call, ev.GuestAdmitted(agent=agent))
            case HandOver(call=call):
                self._with_guest(self._own(agent, call), lambda state: state is not GuestState.RINGING)
                self._tell(call, ev.HandedOver(agent=agent))
            case DropGuest(call=call, guest=guest):
                session = self._own(agent, call)
                self._with_guest(session, lambda state: True)
                if guest is not None and LegId(guest) not in session.guests:
                    raise Refusal("refused.no_guest")
                self._tell(call, ev.GuestDropped(agent=agent, leg=None if guest is None else LegId(guest)))
            case FindDestinations() | CallColleague() | CallOut():
                raise TypeError("not about a call that stands")
            case _:
                assert_never(message)

    def _own(self, agent: AgentId, call: str) -> CallSession:
        try:
            seat = self._floor.seat(agent)
        except AgentUnknown:
            raise Refusal("refused.no_phone") from None
        session = self._switchboard.session(CallId(call))
        mine = seat.state is AgentState.ON_CALL and seat.call == call
        if session is None or not mine or session.agent != agent or session.citizen_gone:
            raise Refusal("refused.call_gone")
        return session

    def _tell(self, call: str, event: ev.AnyEvent) -> None:
        if not self._switchboard.tell(CallId(call), event):
            raise Refusal("refused.call_gone")

    @staticmethod
    def _without_aside(session: CallSession) -> None:
        if any(guest.state is not GuestState.TOGETHER for guest in session.guests.values()):
            raise Refusal("refused.guest_already")

    @staticmethod
    def _with_guest(session: CallSession, fits: Callable[[GuestState], bool]) -> None:
        if not any(fits(guest.state) for guest in session.guests.values()):
            raise Refusal("refused.no_guest")

    # ---- destinations

    def _invite(self, agent: AgentId, call: str, to: AnyDestination, invitation: Invitation) -> None:
        self._without_aside(self._own(agent, call))
        self._tell(call, self._resolve(CallId(call), to, agent, invitation))

    def _resolve(self, call: CallId, to: AnyDestination, agent: AgentId, invitation: Invitation) -> ev.GuestInvited:
        """Who is invited; one of ours is lent to the call. Raises `Refusal`."""
        match to:
            case ToAgent(agent=name):
                return self._lend(AgentId(name), call, agent, invitation)
            case ToSkill(skill=skill):
                free = self._floor.available(self._skill(skill))
                if not free:
                    raise Refusal("refused.nobody_free")
                return self._lend(free[0], call, agent, invitation)
            case ToNumber(number=number):
                if not is_number(number):
                    raise Refusal("refused.bad_number")
                shown = mask_number(number) if len(number) > 6 else number
                return self._outside(shown, number, agent, invitation)
            case ToService(service=service):
                line = self._directory.line(service)
                if line is None:
                    raise Refusal("refused.unknown_destination")
                return self._outside(line.name, line.number, agent, invitation)
            case _:
                assert_never(to)

    def _lend(self, guest: AgentId, call: CallId, agent: AgentId, invitation: Invitation) -> ev.GuestInvited:
        try:
            seat = self._floor.lend(guest, call)
        except AgentUnknown:
            raise Refusal("refused.unknown_destination") from None
        except MoveRefused:
            raise Refusal("refused.agent_busy") from None
        return ev.GuestInvited(
            agent=agent, name=seat.agent.name, endpoint=seat.agent.endpoint, invitation=invitation, guest=guest
        )

    def _outside(self, name: str, number: str, agent: AgentId, invitation: Invitation) -> ev.GuestInvited:
        if (endpoint := self._directory.outside) is None:
            raise Refusal("refused.no_trunk")
        return ev.GuestInvited(agent=agent, name=name, endpoint=endpoint, invitation=invitation, caller_number=number)

    def _skill(self, name: str) -> Skill:
        if Skill(name) not in self._skills:
            raise Refusal("refused.unknown_destination")
        return Skill(name)

    def _find(self, agent: AgentId, query: str) -> tuple[DestinationCard, ...]:
        lines = self._directory.lines if self._directory.outside is not None else ()
        urgent = [DestinationCard(to=ToService(service=e.id), name=e.name, urgent=True) for e in lines if e.urgent]
        skills = [
            DestinationCard(to=ToSkill(skill=skill), name=name, free=len(self._floor.available(skill)))
            for skill, name in self._skills.items()
        ]
        people = [
            DestinationCard(
                to=ToAgent(agent=seat.agent.id),
                name=f"{seat.agent.id} {seat.agent.name}",
                free=int(seat.state is AgentState.AVAILABLE),
            )
            for seat in self._floor.seats()
            if seat.agent.id != agent and seat.state is not AgentState.LOGGED_OUT
        ]
        others = [DestinationCard(to=ToService(service=e.id), name=e.name) for e in lines if not e.urgent]
        words = query.strip().lower()
        found = [card for card in (*urgent, *skills, *people, *others) if words in card.name.lower() or not words]
        return tuple(found[:MOST_FOUND])
