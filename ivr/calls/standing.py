"""What a session's effects mean later on: whether one given out is still wanted, and what must stand in its state."""

from ivr.calls import effects as do
from ivr.calls.effects import AnyEffect
from ivr.calls.session import WAITING, CallSession
from ivr.calls.vocabulary import AgentState, CallState, Party

BINDS = {
    CallState.OFFERED: AgentState.RESERVED,
    CallState.CONNECTED: AgentState.ON_CALL,
    CallState.WRAP_UP: AgentState.WRAP_UP,
}
"""What a call's agent is doing, by the call's state; in other states it has none."""


def wanted(session: CallSession, effect: AnyEffect) -> bool:
    """Whether an effect should still be performed; a slow one before it may have let the call move on."""
    match effect:
        case do.PickUp():
            return session.state is CallState.ARRIVED and not session.citizen_gone
        case do.Play(playback=playback):
            return session.playback == playback
        case do.PlaceInQueue():
            return session.state in WAITING
        case do.OfferTo(leg=leg):
            return session.state is CallState.OFFERED and session.agent_leg == leg and not session.agent_answered
        case do.Connect(agent_leg=leg):
            return session.state in (CallState.OFFERED, CallState.CONNECTED) and session.agent_leg == leg
        case do.ForkMedia(leg=leg):
            return session.state is CallState.CONNECTED and leg in (session.citizen, session.agent_leg)
        case do.GiveBack():
            return not session.citizen_gone
        case _:
            return True


def orders(session: CallSession) -> list[AnyEffect]:
    """What a server that takes the call over must see to; doing it where it stands already does no harm."""
    orders: list[AnyEffect] = [do.HangUp(leg=leg) for leg in sorted(session.leaving)]
    if session.citizen is None or session.citizen_gone or session.over:
        return orders
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
    return orders


def forks(session: CallSession) -> list[do.ForkMedia]:
    """The taps of a conversation."""
    if session.state is not CallState.CONNECTED or session.citizen is None or session.agent_leg is None:
        return []
    return [
        do.ForkMedia(leg=session.citizen, party=Party.CITIZEN),
        do.ForkMedia(leg=session.agent_leg, party=Party.AGENT),
    ]
