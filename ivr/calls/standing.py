"""What a session's effects mean later on: whether one given out is still wanted, and what must stand in its state."""

from ivr.calls import effects as do
from ivr.calls.effects import AnyEffect
from ivr.calls.session import CallSession
from ivr.calls.vocabulary import WAITING, AgentId, AgentState, CallState, Direction, LegId, Party

BINDS = {
    CallState.OFFERED: AgentState.RESERVED,
    CallState.DIALLING: AgentState.RESERVED,
    CallState.CONNECTED: AgentState.ON_CALL,
    CallState.WRAP_UP: AgentState.WRAP_UP,
}
"""What a call's agent is doing, by the call's state; in other states it has none."""


def bound(session: CallSession) -> list[tuple[AgentId, AgentState]]:
    """Everybody of ours a call has, and what they are doing for it."""
    found: list[tuple[AgentId, AgentState]] = []
    if session.agent is not None and session.state in BINDS:
        found.append((session.agent, BINDS[session.state]))
    talks = session.state is CallState.CONNECTED
    if session.callee is not None:
        found.append((session.callee, AgentState.ON_CALL if talks else AgentState.RESERVED))
    return found + [
        (guest.agent, AgentState.ON_CALL if guest.joined else AgentState.RESERVED)
        for guest in session.guests.values()
        if guest.agent is not None
    ]


def wanted(session: CallSession, effect: AnyEffect) -> bool:
    """Whether an effect should still be performed; a slow one before it may have let the call move on."""
    match effect:
        case do.PickUp():
            return session.state is CallState.ARRIVED and not session.citizen_gone
        case do.Play(playback=playback):
            return session.playback == playback
        case do.PlaceInQueue():
            return session.state in WAITING and not session.citizen_gone
        case do.OfferTo(leg=leg):
            return session.state is CallState.OFFERED and session.agent_leg == leg and not session.agent_answered
        case do.CallIn(leg=leg):
            return _called(session, leg)
        case do.Hold():
            return session.held and not session.citizen_gone and session.state not in WAITING
        case do.Join(leg=leg):
            if leg == session.citizen:
                return not session.held and not session.citizen_gone and session.state not in WAITING
            return leg in session.guests
        case do.Mute(leg=leg, muted=muted):
            return session.agent_leg == leg and session.muted is muted
        case do.Connect(agent_leg=leg):
            joins = (CallState.OFFERED, CallState.DIALLING, CallState.CONNECTED)
            return session.state in joins and session.agent_leg == leg
        case do.ForkMedia(leg=leg):
            return session.state is CallState.CONNECTED and leg in (session.citizen, session.agent_leg)
        case do.GiveBack():
            return not session.citizen_gone
        case _:
            return True


def _called(session: CallSession, leg: LegId) -> bool:
    """Whether somebody who is not there yet should still be called."""
    if (guest := session.guests.get(leg)) is not None:
        return not guest.up
    if leg == session.agent_leg:
        return session.state in (CallState.OFFERED, CallState.DIALLING) and not session.agent_answered
    return leg == session.citizen and session.state is CallState.DIALLING and not session.citizen_gone


def orders(session: CallSession) -> list[AnyEffect]:
    """What a server that takes the call over must see to; doing it where it stands already does no harm."""
    orders: list[AnyEffect] = [do.HangUp(leg=leg) for leg in sorted(session.leaving)]
    if session.state is CallState.QUEUED and session.keeping and session.citizen_gone and not session.over:
        assert session.entered_ms is not None
        orders.append(do.JoinQueue(skill=session.skill, entered_ms=session.entered_ms, caller=session.plan.caller))
    if session.citizen is None or session.citizen_gone or session.over:
        return orders
    orders += [do.Join(leg=guest.leg) for guest in session.guests.values() if guest.up and not guest.joined]
    if session.giving_back:
        orders.append(do.GiveBack(leg=session.citizen))
    elif session.state is CallState.ARRIVED:
        orders.append(do.PickUp(leg=session.citizen))
    elif session.state is CallState.QUEUED:
        assert session.entered_ms is not None
        orders.append(do.JoinQueue(skill=session.skill, entered_ms=session.entered_ms, caller=session.plan.caller))
        orders.append(do.PlaceInQueue(leg=session.citizen))
    elif session.state is CallState.CONNECTED:
        orders += forks(session)
        if session.held:
            orders.append(do.Hold(leg=session.citizen))
    return orders


def forks(session: CallSession) -> list[do.ForkMedia]:
    """The taps of a conversation."""
    if session.state is not CallState.CONNECTED or session.citizen is None or session.agent_leg is None:
        return []
    if session.direction is Direction.INTERNAL:
        return []
    return [
        do.ForkMedia(leg=session.citizen, party=Party.CITIZEN),
        do.ForkMedia(leg=session.agent_leg, party=Party.AGENT),
    ]
