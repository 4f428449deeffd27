"""What a supervisor asks of the floor: states forced, calls listened to, joined, taken over. All of it is audited."""

import logging
from dataclasses import dataclass
from typing import assert_never

from ivr.calls import events as ev
from ivr.calls.errors import AgentUnknown, MoveRefused
from ivr.calls.events import Recorded
from ivr.calls.roster import Seat
from ivr.calls.seen import CallSeen, QueueSeen
from ivr.calls.session import CallSession
from ivr.calls.vocabulary import AgentId, AgentState, CallId, CallState, Invitation, LegId, PauseReason
from ivr.desk.envelope import Done, FromDesk, FromServer
from ivr.desk.office import Office
from ivr.desk.refusal import Refusal
from ivr.desk.staff import Staff
from ivr.desk.views import Notice
from ivr.desk.wire_floor import FloorRequest, Forced, ForceState, Monitor, MonitorMode, StopMonitoring
from ivr.keeper import Keeper
from ivr.lines import Lines
from ivr.ports import Clock, HotlineError, Telephony
from ivr.switchboard import Switchboard
from ivr.tasks import Tasks
from ticketing.records import AuditRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.vocabulary import Role

_log = logging.getLogger(__name__)

MAY: dict[type[FromDesk], frozenset[Role]] = {
    ForceState: frozenset({Role.SUPERVISOR, Role.ADMIN}),
    Monitor: frozenset({Role.SUPERVISOR}),
    StopMonitoring: frozenset({Role.SUPERVISOR}),
}


@dataclass(frozen=True)
class _Listening:
    agent: AgentId
    call: CallId
    leg: LegId


class FloorDesk:
    """Answers supervisors. A watcher of the switchboard: who listens stops when the agent is out of the call."""

    requests: tuple[type[FromDesk], ...] = (ForceState, Monitor, StopMonitoring)

    def __init__(
        self,
        switchboard: Switchboard,
        telephony: Telephony,
        lines: Lines,
        office: Office,
        keeper: Keeper,
        clock: Clock,
        tasks: Tasks,
    ) -> None:
        self._switchboard = switchboard
        self._floor = switchboard.floor
        self._telephony = telephony
        self._lines = lines
        self._office = office
        self._keeper = keeper
        self._clock = clock
        self._tasks = tasks
        self._listening: dict[AgentId, _Listening] = {}

    async def carry_out(self, staff: Staff, message: FloorRequest) -> FromServer:
        """The answer. Raises `Refusal`."""
        if staff.role not in MAY[type(message)]:
            raise Refusal("refused.not_allowed")
        match message:
            case ForceState(agent=agent):
                self._force(staff, AgentId(agent), message)
            case Monitor(agent=agent, mode=mode):
                await self._monitor(staff, AgentId(agent), mode)
            case StopMonitoring():
                await self._stop(staff.id)
            case _:
                assert_never(message)
        return Done(request=message.request)

    def _force(self, staff: Staff, agent: AgentId, message: ForceState) -> None:
        try:
            match message.state:
                case Forced.READY:
                    self._floor.ready(agent)
                case Forced.PAUSED:
                    self._floor.pause(agent, message.reason or PauseReason.BACK_OFFICE)
                case Forced.SIGNED_OUT:
                    self._floor.sign_out(agent, forced=True)
                case _:
                    assert_never(message.state)
        except AgentUnknown:
            raise Refusal("refused.unknown_person") from None
        except MoveRefused:
            raise Refusal("refused.not_allowed") from None
        self._audit(staff, "force_state", "agent", agent, message.state.value)
        self._office.notice(agent, Notice(code=f"notice.forced_{message.state.value}", alarm=True))

    # ---- taking part in a call

    async def _monitor(self, staff: Staff, agent: AgentId, mode: MonitorMode) -> None:
        if staff.extension is None:
            raise Refusal("refused.no_phone")
        if agent == staff.id:
            raise Refusal("refused.not_allowed")
        call, session = self._talk_of(agent)
        self._audit(staff, f"monitor_{mode.value}", "contact", call, agent)
        match mode:
            case MonitorMode.LISTEN | MonitorMode.WHISPER:
                await self._listen(staff.id, agent, call, whisper=mode is MonitorMode.WHISPER)
            case MonitorMode.BARGE:
                await self._come_in(staff, agent, call, session, Invitation.THREE_WAY)
            case MonitorMode.TAKE_OVER:
                await self._come_in(staff, agent, call, session, Invitation.TAKE_OVER)
            case _:
                assert_never(mode)

    def _talk_of(self, agent: AgentId) -> tuple[CallId, CallSession]:
        try:
            seat = self._floor.seat(agent)
        except AgentUnknown:
            raise Refusal("refused.unknown_person") from None
        session = self._switchboard.session(seat.call) if seat.call is not None else None
        if seat.call is None or session is None or session.agent != agent or session.state is not CallState.CONNECTED:
            raise Refusal("refused.not_talking")
        return seat.call, session

    async def _listen(self, listener: AgentId, agent: AgentId, call: CallId, *, whisper: bool) -> None:
        line = await self._lines.open(listener)
        again, session = self._talk_of(agent)  # the phone may have rung for a while
        if again != call or session.agent_leg is None:
            await self._lines.close(listener)
            raise Refusal("refused.not_talking")
        try:
            await self._telephony.listen_in(line.id, line.leg, session.agent_leg, whisper=whisper)
        except HotlineError as why:
            _log.warning("%s does not hear: %s", line.id, why)
            await self._lines.close(listener)
            raise Refusal("refused.telephony_unavailable") from None
        self._listening[listener] = _Listening(agent, call, session.agent_leg)

    async def _come_in(
        self, staff: Staff, agent: AgentId, call: CallId, session: CallSession, invitation: Invitation
    ) -> None:
        """As a guest of the agent's, on one's own phone, which is put down first where it listens."""
        if any(not guest.joined for guest in session.guests.values()):
            raise Refusal("refused.guest_already")
        await self._stop(staff.id)
        try:
            seat = self._floor.lend_self(staff.id, call)
        except (MoveRefused, AgentUnknown):
            raise Refusal("refused.on_call") from None
        invited = ev.GuestInvited(
            agent=agent, name=staff.name, endpoint=seat.agent.endpoint, invitation=invitation, guest=staff.id
        )
        if not self._switchboard.tell(call, invited):
            self._floor.forget(call)
            raise Refusal("refused.not_talking")

    async def _stop(self, listener: AgentId) -> None:
        if self._listening.pop(listener, None) is not None:
            await self._lines.close(listener)

    def _audit(self, staff: Staff, action: str, kind: str, subject: str, why: str) -> None:
        record = AuditRecord(
            at=self._clock.now(), actor=staff.id, action=action, subject_kind=kind, subject_id=subject, why=why
        )

        async def keep(unit: UnitOfWork) -> None:
            await unit.audits.add(record)

        self._keeper.keep("audit", keep)

    # ---- told by the switchboard

    def call_changed(self, call: CallSeen) -> None:
        """See `watchers.Watcher`."""
        for listener, listening in list(self._listening.items()):
            if listening.call != call.call:
                continue
            session = self._switchboard.session(call.call)
            if call.over or session is None or session.agent_leg != listening.leg:
                self._tasks.start(f"end listening of {listener}", self._stop(listener))

    def agent_changed(self, seat: Seat) -> None:
        """See `watchers.Watcher`: who put the phone down listens no more."""
        if seat.agent.id in self._listening and seat.state is not AgentState.ON_CALL:
            del self._listening[seat.agent.id]

    def queue_changed(self, queue: QueueSeen) -> None:
        """See `watchers.Watcher`; no concern of listening."""

    def recorded(self, record: Recorded) -> None:
        """See `watchers.Watcher`; no concern of listening."""

    def link_changed(self, *, up: bool) -> None:
        """See `watchers.Watcher`; no concern of listening."""
