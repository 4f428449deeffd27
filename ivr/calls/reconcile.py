"""What a call has missed: its session against the legs that stand in Asterisk, as the events that went unheard."""

from collections.abc import Callable, Sequence

import msgspec

from ivr.calls import events as ev
from ivr.calls.events import AnyEvent
from ivr.calls.guests import Guest
from ivr.calls.session import CallSession
from ivr.calls.vocabulary import BEFORE_QUEUE, WAITING, AgentId, CallId, CallState, HangupCause, LegId, Party
from ivr.calls.work import Timer


class LegSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One leg as Asterisk reports it in a snapshot. `talking` is true where it stands in the call's talk bridge.

    `endpoint` is the phone an agent's leg was made to (`PJSIP/1001`), None where Asterisk does not say.
    """

    call: CallId
    leg: LegId
    party: Party
    up: bool
    talking: bool
    caller_number: str | None
    dialled: str
    endpoint: str | None = None


def reconcile(
    session: CallSession,
    legs: Sequence[LegSeen],
    agent_of: Callable[[str], AgentId | None],
    gone: HangupCause = HangupCause.LOST,
) -> list[AnyEvent]:
    """The events that bring `session` to what `legs`, all of this call, show; none where both agree.

    A fresh session is brought to life: a citizen's leg that is up goes straight to the queue, or into the conversation
    it is in. `agent_of` names the agent a phone belongs to. A prompt that was playing counts as heard. `gone` is why
    legs that do not stand any more have ended.
    """
    standing = {leg.leg: leg for leg in legs}
    begun = session.citizen is not None or session.agent is not None
    strays = [leg for leg in legs if leg.party is Party.CITIZEN and begun and leg.leg != session.citizen]
    citizen = next((leg for leg in legs if leg.party is Party.CITIZEN and leg not in strays), None)
    events = _lost(session, standing, gone)
    events += [ev.LegRinging(leg=leg.leg) for leg in strays]  # dialled by a server that could not say so any more
    if session.citizen is None and citizen is not None:
        number, dialled = citizen.caller_number, citizen.dialled
        events.append(ev.CallArrived(leg=citizen.leg, caller_number=number, dialled=dialled))
    talking = _unknown_talker(session, citizen, legs)
    if talking is not None:
        agent = agent_of(talking.endpoint) if talking.endpoint is not None else None
        events.append(ev.FoundStanding(agent=agent, agent_leg=talking.leg))
    elif citizen is not None and citizen.up:
        events += _citizen_stands(session, citizen)
    for leg in legs:
        if leg.party is Party.CITIZEN or leg is talking:
            continue
        if leg.leg == session.agent_leg:
            events += _agent_stands(session, citizen, leg)
        elif (guest := session.guests.get(leg.leg)) is not None:
            events += _guest_stands(guest, leg)
        else:
            events.append(ev.LegRinging(leg=leg.leg))  # nobody's: the session hangs it up
    return events


def _lost(session: CallSession, standing: dict[LegId, LegSeen], gone: HangupCause) -> list[AnyEvent]:
    """The citizen's leg first: a conversation that lost both has ended, not broken off."""
    mine: list[LegId] = []
    if session.citizen is not None and not session.citizen_gone:
        mine.append(session.citizen)
    if session.agent_leg is not None:
        mine.append(session.agent_leg)
    mine += session.guests
    mine += sorted(session.leaving - set(mine))
    return [ev.LegHungUp(leg=leg, cause=gone) for leg in mine if leg not in standing]


def _unknown_talker(session: CallSession, citizen: LegSeen | None, legs: Sequence[LegSeen]) -> LegSeen | None:
    if citizen is None or not citizen.talking or session.citizen_gone:
        return None
    if session.state is CallState.CONNECTED and any(leg.leg == session.agent_leg for leg in legs):
        return None
    known = {session.agent_leg, *session.guests, *session.leaving, *session.gone}
    others = (leg for leg in legs if leg.party is Party.AGENT and leg.talking and leg.leg not in known)
    return next(others, None)


def _citizen_stands(session: CallSession, citizen: LegSeen) -> list[AnyEvent]:
    if session.citizen is None:
        return [ev.FoundStanding()]
    if session.state is CallState.ARRIVED:
        return [ev.PickedUp(leg=citizen.leg)]
    if session.state is CallState.DIALLING:
        waits = citizen.leg == session.citizen and not citizen.talking
        return [ev.LegAnswered(leg=citizen.leg)] if waits else []
    if session.state in BEFORE_QUEUE and session.playback is not None:
        return [ev.TimerFired(timer=Timer.PROMPT)]
    return []


def _guest_stands(guest: Guest, leg: LegSeen) -> list[AnyEvent]:
    if leg.talking and not guest.joined:
        return [ev.LegJoined(leg=leg.leg)]
    return [ev.LegAnswered(leg=leg.leg)] if leg.up and not guest.joined else []


def _agent_stands(session: CallSession, citizen: LegSeen | None, leg: LegSeen) -> list[AnyEvent]:
    if leg.up and session.citizen_gone and session.state in (CallState.OFFERED, CallState.DIALLING):
        return [ev.LegAnswered(leg=leg.leg)]
    if session.state is CallState.DIALLING and citizen is not None and citizen.talking:
        if leg.talking:
            return [ev.LegsJoined(citizen_leg=citizen.leg, agent_leg=leg.leg)]
        return [ev.LegAnswered(leg=citizen.leg)]
    if citizen is None or not leg.up or session.state not in (*WAITING, CallState.CONNECTED):
        return []
    together = leg.talking and (citizen.talking or session.held)
    if session.state is CallState.CONNECTED:
        return [] if together else [ev.LegAnswered(leg=leg.leg)]
    if together:
        return [ev.LegsJoined(citizen_leg=citizen.leg, agent_leg=leg.leg)]
    return [ev.LegAnswered(leg=leg.leg)]
