"""ARI's events in the hotline's words: the one file where the translation is made.

Nothing of an event is logged but its type: it may hold a caller's number.
"""

import logging
from collections import Counter
from collections.abc import Iterator

import msgspec

from ivr.ari import models as ari
from ivr.ari.names import CALL_UUID, HOTLINE_CALL, HOTLINE_PARTY, talk, tap_of
from ivr.ari.registry import Leg, Registry
from ivr.calls import events as ev
from ivr.calls.events import AnyEvent, LineEvent
from ivr.calls.vocabulary import CallId, HangupCause, LegId, Party, PlaybackId
from ivr.ports import PhoneSeen

_log = logging.getLogger(__name__)

_Q850 = {
    1: HangupCause.UNREACHABLE,  # unallocated number
    2: HangupCause.UNREACHABLE,  # no route to transit network
    3: HangupCause.UNREACHABLE,  # no route to destination
    16: HangupCause.NORMAL,
    17: HangupCause.BUSY,
    18: HangupCause.UNREACHABLE,  # no user responding
    19: HangupCause.NO_ANSWER,
    20: HangupCause.UNREACHABLE,  # subscriber absent
    21: HangupCause.REJECTED,
    22: HangupCause.UNREACHABLE,  # number changed
    26: HangupCause.NORMAL,  # answered elsewhere
    27: HangupCause.UNREACHABLE,  # destination out of order
    28: HangupCause.UNREACHABLE,  # invalid number format
    31: HangupCause.NORMAL,  # normal, unspecified
    44: HangupCause.LOST,  # requested channel not available: what RTP time-outs set
}
"""ITU-T Q.850 table 1; the numbers not named are failures of the network or of Asterisk. 0 is "not said"."""

_TO_Q850 = {
    HangupCause.NORMAL: 16,
    HangupCause.BUSY: 17,
    HangupCause.NO_ANSWER: 19,
    HangupCause.REJECTED: 21,
    HangupCause.UNREACHABLE: 20,
    HangupCause.LOST: 27,
    HangupCause.FAILURE: 38,
}

_SIP = {
    408: HangupCause.UNREACHABLE,  # request timeout
    480: HangupCause.UNREACHABLE,  # temporarily unavailable; its Q.850 number would say "no answer"
    487: HangupCause.NORMAL,  # request terminated: the caller gave up
}
"""SIP statuses that say more than the Q.850 number made of them."""

_SOFT_BY_ITSELF = 0b10101
"""Flags of a soft hang-up nobody asked for (include/asterisk/channel.h): device, shutdown, application unloaded."""

_REACHABLE = {"Reachable": True, "NonQualified": True, "Unreachable": False, "Removed": False}
"""What a contact's status says of the phone (include/asterisk/res_pjsip.h); "Created" says nothing yet."""

_WITHHELD = frozenset({"", "anonymous", "unknown", "unavailable", "restricted"})


def q850(cause: HangupCause) -> int:
    """The Q.850 number a leg is ended with."""
    return _TO_Q850[cause]


def announced(request: ari.ChannelHangupRequest) -> HangupCause | None:
    """Why a leg is about to end, as far as the request for it says."""
    if request.soft:
        return HangupCause.LOST if request.cause & _SOFT_BY_ITSELF else None
    return _SIP.get(request.tech_cause) or (_of_q850(request.cause) if request.cause else None)


def _of_q850(cause: int) -> HangupCause:
    return _Q850.get(cause, HangupCause.FAILURE)


def _ended(leg: Leg, cause: int) -> HangupCause:
    """Why a leg has ended: as it was announced, else as we asked, else as its end says."""
    if leg.heard is not None:
        return leg.heard
    if leg.asked is not None:
        return leg.asked
    if not cause:
        return HangupCause.NORMAL
    ended = _of_q850(cause)
    if ended is HangupCause.NO_ANSWER and not leg.rang:
        return HangupCause.UNREACHABLE  # Asterisk gave up on a phone from which nothing was heard
    return ended


def caller_number(channel: ari.Channel) -> str | None:
    """The calling number, None when withheld (RFC 3323 4.1.1.3)."""
    number = channel.caller.number
    return None if number.lower() in _WITHHELD else number


def dialled(channel: ari.Channel) -> str:
    """The number the citizen dialled: the second argument of Stasis, else the extension it was called from."""
    _, _, arguments = channel.dialplan.app_data.partition(",")
    _, _, number = arguments.partition(",")
    return number or channel.dialplan.exten


class Stray(msgspec.Struct, frozen=True):
    """A channel in our application that belongs to nobody: hung up where `made_by_us`, else given back."""

    channel: str
    made_by_us: bool


class ToRecord(msgspec.Struct, frozen=True):
    """A leg that is to go through the dialplan, where its recording begins, and comes back by itself."""

    channel: str


class Translator:
    """Turns frames into events, and into what the registry knows. Every event is a step of something registered."""

    def __init__(self, registry: Registry) -> None:
        self.counts: Counter[str] = Counter()
        self._registry = registry
        self._decoder = msgspec.json.Decoder(ari.AriEvent)
        self._known = frozenset(kind.__name__ for kind in ari.AriEvent.__args__)

    def decode(self, frame: bytes) -> ari.AriEvent | None:
        """An event we use, None for any other and for one that cannot be read, both counted."""
        try:
            event: ari.AriEvent = self._decoder.decode(frame)
        except msgspec.ValidationError:
            kind = _type_of(frame)
            if kind in self._known:
                self.counts["malformed"] += 1
                _log.error("ari event not understood: %s", kind)
            else:
                self.counts[f"ignored {kind}"] += 1
        except msgspec.DecodeError:
            self.counts["malformed"] += 1
        else:
            return event
        return None

    def translate(self, event: ari.AriEvent) -> Iterator[LineEvent | PhoneSeen | Stray | ToRecord]:
        """What the hotline hears in it; mostly nothing or one thing."""
        match event:
            case ari.StasisStart(channel=channel):
                yield from self._entered(channel)
            case ari.StasisEnd(channel=channel) if (gone := self._leg(channel)) is not None and gone.away:
                pass  # in the dialplan, to come back
            case ari.StasisEnd(channel=channel):
                self._registry.departed(channel.id)
                yield from self._left(channel)
            case ari.ChannelDestroyed(channel=channel, cause=cause):
                self._registry.departed(channel.id)
                yield from self._gone(channel, cause)
            case ari.ChannelHangupRequest(channel=channel):
                if (leg := self._leg(channel)) is not None and leg.heard is None:
                    leg.heard = announced(event)
            case ari.ChannelStateChange(channel=channel):
                yield from self._changed(channel)
            case ari.ChannelDtmfReceived(channel=channel, digit=digit):
                if (leg := self._leg(channel)) is not None:
                    yield LineEvent(leg.call, ev.DigitPressed(leg=leg.leg, digit=digit))
            case ari.PlaybackFinished(playback=playback):
                yield from self._played(playback)
            case ari.ContactStatusChange(endpoint=phone, contact_info=info):
                if (reachable := _REACHABLE.get(info.contact_status)) is not None:
                    yield PhoneSeen(endpoint=f"{phone.technology}/{phone.resource}", reachable=reachable)
            case ari.ChannelEnteredBridge(channel=ari.Channel() as channel, bridge=bridge):
                yield from self._joined(channel, bridge)
            case ari.ChannelLeftBridge(channel=channel, bridge=bridge):
                if (leg := self._leg(channel)) is not None and bridge.id == talk(leg.call):
                    leg.talking = False

    def _leg(self, channel: ari.Channel) -> Leg | None:
        return self._registry.of_channel(channel.id)

    def _entered(self, channel: ari.Channel) -> Iterator[LineEvent | Stray | ToRecord]:
        leg = self._leg(channel)
        if leg is not None and leg.to_record is not None:
            leg.to_record, leg.away = None, True
            yield ToRecord(channel.id)
            return
        expected = self._registry.arrived(channel.id)
        if leg is not None:
            leg.away = False
            if not leg.in_stasis:
                leg.in_stasis = leg.up = True
                yield LineEvent(leg.call, ev.LegAnswered(leg=leg.leg))
            return
        if expected or tap_of(channel.id) is not None:
            return
        call, made_by_us = citizens_call(channel), bool(channel.channelvars.get(HOTLINE_PARTY))
        if call is None:
            self.counts["stray"] += 1
            if not made_by_us:
                _log.error("a call without %s: it must be set before Stasis and stand in channelvars", CALL_UUID)
            yield Stray(channel.id, made_by_us)
            return
        leg = self._registry.add(citizens_leg(channel, call))
        arrived = ev.CallArrived(leg=leg.leg, caller_number=caller_number(channel), dialled=dialled(channel))
        yield LineEvent(call, arrived)

    def _left(self, channel: ari.Channel) -> Iterator[LineEvent]:
        """Out of Stasis: hung up, or moved elsewhere; for a citizen nothing more will be heard."""
        while (leg := self._leg(channel)) is not None and leg.in_stasis:
            yield from self._hung_up(leg, 0)

    def _gone(self, channel: ari.Channel, cause: int) -> Iterator[LineEvent]:
        while (leg := self._leg(channel)) is not None:
            yield from self._hung_up(leg, cause)

    def _hung_up(self, leg: Leg, cause: int) -> Iterator[LineEvent]:
        self._registry.drop(leg)
        if not leg.given_back:
            yield LineEvent(leg.call, ev.LegHungUp(leg=leg.leg, cause=_ended(leg, cause)))

    def _changed(self, channel: ari.Channel) -> Iterator[LineEvent]:
        leg = self._leg(channel)
        if leg is None:
            return
        if channel.state == "Ringing" and leg.ours and not leg.rang:
            leg.rang = True
            yield LineEvent(leg.call, ev.LegRinging(leg=leg.leg))
        elif channel.state == "Up" and not leg.ours and not leg.up:
            leg.up = True
            yield LineEvent(leg.call, ev.PickedUp(leg=leg.leg))

    def _played(self, playback: ari.Playback) -> Iterator[LineEvent]:
        call = self._registry.playbacks.pop(PlaybackId(playback.id), None)
        if playback.state == "failed":
            self.counts["playback failed"] += 1  # broken sound files, and every playback that a hang-up cut short
        if call is not None:
            yield LineEvent(call, ev.PlaybackFinished(playback=PlaybackId(playback.id)))

    def _joined(self, channel: ari.Channel, bridge: ari.Bridge) -> Iterator[LineEvent]:
        leg = self._leg(channel)
        if leg is None or bridge.id != talk(leg.call):
            return
        leg.talking = True
        if leg.leg in self._registry.entering:
            self._registry.entering.discard(leg.leg)
            yield LineEvent(leg.call, ev.LegJoined(leg=leg.leg))
        pair = self._registry.joining.get(leg.call, ())
        if pair and all(one in self._registry.legs and self._registry.legs[one].talking for one in pair):
            citizen, agent = self._registry.joining.pop(leg.call)
            joined: AnyEvent = ev.LegsJoined(citizen_leg=citizen, agent_leg=agent)
            yield LineEvent(leg.call, joined)


def citizens_call(channel: ari.Channel) -> CallId | None:
    """The call of a citizen's channel, None for a channel that is none."""
    if channel.channelvars.get(HOTLINE_PARTY) or channel.channelvars.get(HOTLINE_CALL):
        return None
    call = channel.channelvars.get(CALL_UUID)
    return CallId(call) if call else None


def citizens_leg(channel: ari.Channel, call: CallId) -> Leg:
    """A citizen's leg as its channel shows it, in Stasis."""
    up = channel.state == "Up"
    return Leg(call=call, leg=LegId(channel.id), party=Party.CITIZEN, up=up, in_stasis=True)


class _Typed(msgspec.Struct):
    type: str = "?"


def _type_of(frame: bytes) -> str:
    try:
        return msgspec.json.decode(frame, type=_Typed).type
    except msgspec.MsgspecError:
        return "?"
