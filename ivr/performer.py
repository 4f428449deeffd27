"""Does what a call wants done with Asterisk and the ear, and turns every failure into an event or into patience.

| verb fails with | then |
|---|---|
| LegGone | the hang-up not yet heard of: `LegHungUp`, unless the true one comes first |
| RequestRefused | an announcement counts as played, a phone as unreachable, a tap is replaced by the recording; otherwise the session's timer decides |
| AsteriskUnavailable, or no reply in time | tried again when the link is up, as long as the call still wants it; an announcement is given up, an offer is taken back |
| RecogniserUnavailable | the conversation goes on unheard |
"""  # noqa: E501 -- a table's row is one line

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ivr.calls import effects as do
from ivr.calls import events as ev
from ivr.calls.effects import AnyEffect
from ivr.calls.events import AnyEvent
from ivr.calls.session import CallSession
from ivr.calls.standing import wanted
from ivr.calls.vocabulary import HangupCause, LegId, Party
from ivr.ports import (
    AsteriskUnavailable,
    Clock,
    Ear,
    HotlineError,
    LegGone,
    RecogniserUnavailable,
    RequestRefused,
    Telephony,
)

_log = logging.getLogger(__name__)

VERB_MS = 5_000
EAR_MS = 2_000
GONE_MS = 250
"""How long the true hang-up, which knows its cause, may take to overtake a LegGone."""
RETRIES_MS = (250, 500, 1_000, 2_000)


class Performer:
    """One call's hands. `hears` takes the events that come of it; nothing is begun while `linked` is not set."""

    def __init__(
        self,
        session: CallSession,
        telephony: Telephony,
        ear: Ear,
        clock: Clock,
        linked: asyncio.Event,
        hears: Callable[[AnyEvent], None],
        offset_ms: Callable[[], int],
    ) -> None:
        self._session = session
        self._call = session.call
        self._telephony = telephony
        self._ear = ear
        self._clock = clock
        self._linked = linked
        self._hears = hears
        self._offset_ms = offset_ms
        self.hearing: set[Party] = set()

    async def perform(self, effect: AnyEffect) -> None:
        """Do it, if it is still wanted; returns when it is done, given up, or told otherwise."""
        for pause_ms in (*RETRIES_MS, None):
            await self._linked.wait()
            if not wanted(self._session, effect):
                self._overtaken(effect)
                return
            try:
                async with asyncio.timeout(VERB_MS / 1000):
                    await self._act(effect)
            except (AsteriskUnavailable, TimeoutError):
                if pause_ms is None or isinstance(effect, do.Play | do.OfferTo):
                    await self._give_up(effect)
                    return
                await self._clock.sleep(pause_ms)
            except LegGone as gone:
                await self._gone(effect, gone.leg)
                return
            except RequestRefused as refused:
                _log.warning("call %s: %s refused: %s", self._call, type(effect).__name__, refused)
                await self._refused(effect)
                return
            else:
                return

    async def finish(self) -> None:
        """The call is over: no ear, bridge or tap of it may remain."""
        for party in Party:
            await self._close_ear(party)
        for pause_ms in (*RETRIES_MS, None):
            await self._linked.wait()
            if await self.attempt(self._telephony.clear(self._call), "clear") or pause_ms is None:
                return
            await self._clock.sleep(pause_ms)

    async def close_ears(self) -> None:
        """Let what was heard be finished to segments."""
        for party in sorted(self.hearing):
            await self._close_ear(party)

    async def give_back(self) -> None:
        """The call's logic failed: the citizen to the dialplan's fallback, everything else away; as far as possible."""
        session = self._session
        await self.close_ears()
        if session.citizen is not None and not session.citizen_gone:
            await self.attempt(self._telephony.give_back(self._call, session.citizen), "give back")
        for leg in sorted({leg for leg in (session.agent_leg, *session.leaving) if leg not in (None, session.citizen)}):
            await self.attempt(self._telephony.hang_up(self._call, leg, HangupCause.FAILURE), "hang up")
        await self.attempt(self._telephony.clear(self._call), "clear")

    async def attempt(self, verb: Awaitable[None], what: str) -> bool:
        """Try something once, where a failure needs no answer but a word in the log."""
        try:
            async with asyncio.timeout(VERB_MS / 1000):
                await verb
        except TimeoutError:
            _log.warning("call %s: %s: no reply in time", self._call, what)
            return False
        except HotlineError as error:
            _log.warning("call %s: %s: %s", self._call, what, error)
            return False
        return True

    async def _act(self, effect: AnyEffect) -> None:
        call, telephony = self._call, self._telephony
        match effect:
            case do.PickUp(leg=leg):
                await telephony.pick_up(call, leg)
            case do.Play(leg=leg, playback=playback, sounds=sounds):
                await telephony.play(call, leg, playback, sounds)
            case do.StopPlaying(playback=playback):
                await telephony.stop_playing(playback)
            case do.PlaceInQueue(leg=leg):
                await telephony.place_in_queue(call, leg)
            case do.OfferTo(leg=leg, endpoint=endpoint, ring_ms=ring_ms):
                await telephony.ring(call, leg, endpoint, self._session.caller_number, ring_ms)
            case do.Connect(citizen_leg=citizen_leg, agent_leg=agent_leg):
                await telephony.connect(call, citizen_leg, agent_leg)
            case do.ForkMedia(leg=leg, party=party):
                await self._fork(leg, party)
            case do.StopFork(party=party):
                await self._close_ear(party)
                await telephony.stop_fork(call, party)
            case do.HangUp(leg=leg, cause=cause):
                await telephony.hang_up(call, leg, cause)
            case do.GiveBack(leg=leg):
                await telephony.give_back(call, leg)
                self._hears(ev.GivenBack(leg=leg))
            case _:
                raise TypeError(f"{type(effect).__name__} is not Asterisk's business")

    def _overtaken(self, effect: AnyEffect) -> None:
        if isinstance(effect, do.OfferTo) and effect.leg in self._session.leaving:
            self._hears(ev.LegHungUp(leg=effect.leg, cause=HangupCause.NORMAL))  # it never began to ring

    async def _gone(self, effect: AnyEffect, leg: LegId | None) -> None:
        match effect:
            case do.PickUp() | do.Play() | do.PlaceInQueue() | do.GiveBack() | do.HangUp():
                await self._has_ended(effect.leg)
            case do.Connect():
                if leg is not None:
                    await self._has_ended(leg)
            case do.OfferTo():
                if self._session.citizen is not None:
                    await self._has_ended(self._session.citizen)
                self._hears(ev.LegHungUp(leg=effect.leg, cause=HangupCause.FAILURE))
            case _:
                pass  # a tap's or an announcement's end is no news

    async def _has_ended(self, leg: LegId) -> None:
        await self._clock.sleep(GONE_MS)
        self._hears(ev.LegHungUp(leg=leg, cause=HangupCause.LOST))

    async def _refused(self, effect: AnyEffect) -> None:
        match effect:
            case do.Play(playback=playback):
                self._hears(ev.PlaybackFinished(playback=playback))
            case do.OfferTo(leg=leg):
                self._hears(ev.LegHungUp(leg=leg, cause=HangupCause.UNREACHABLE))
            case do.GiveBack(leg=leg):
                await self.attempt(self._telephony.hang_up(self._call, leg, HangupCause.FAILURE), "hang up")
                self._hears(ev.LegHungUp(leg=leg, cause=HangupCause.FAILURE))
            case _:
                pass  # the session's timer for the missing answer decides

    async def _give_up(self, effect: AnyEffect) -> None:
        _log.warning("call %s: %s given up: asterisk does not reply", self._call, type(effect).__name__)
        match effect:
            case do.OfferTo(leg=leg):
                await self._clock.sleep(RETRIES_MS[0])
                if self._linked.is_set():  # else the next snapshot says whether it rings
                    await self.attempt(self._telephony.hang_up(self._call, leg, HangupCause.NORMAL), "take back a ring")
                    self._hears(ev.LegHungUp(leg=leg, cause=HangupCause.FAILURE))
            case _:
                await self._refused(effect)

    async def _fork(self, leg: LegId, party: Party) -> None:
        source_port = await self._tap(leg, party) if self._ear.taps(self._session.skill) else None
        began_ms = self._offset_ms()
        try:
            async with asyncio.timeout(EAR_MS / 1000):
                await self._ear.open(self._call, party, source_port, began_ms)
        except (RecogniserUnavailable, TimeoutError):
            _log.info("call %s: the %s is not listened to", self._call, party.value)
            self.hearing.discard(party)
            if source_port is not None:
                await self._telephony.stop_fork(self._call, party)
            return
        self.hearing.add(party)
        self._hears(ev.MediaForked(leg=leg, party=party))

    async def _tap(self, leg: LegId, party: Party) -> int | None:
        """The port a new tap sends from; None where there can be none, and the recording has to do."""
        try:
            fork = await self._telephony.fork_media(self._call, leg, party, self._ear.address)
        except RequestRefused as refused:
            _log.warning("call %s: no tap of the %s: %s", self._call, party.value, refused)
            return None
        return fork.source_port

    async def _close_ear(self, party: Party) -> None:
        self.hearing.discard(party)
        try:
            async with asyncio.timeout(EAR_MS / 1000):
                await self._ear.close(self._call, party)
        except (RecogniserUnavailable, TimeoutError):
            _log.warning("call %s: the ear of the %s did not close", self._call, party.value)
