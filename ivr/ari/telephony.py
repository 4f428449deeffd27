"""The Telephony port over Asterisk's REST interface."""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from ivr.ari.account import AriAccount, LinkTimes
from ivr.ari.caller_id import Shown, caller_id
from ivr.ari.client import AriClient
from ivr.ari.events import q850
from ivr.ari.link import Link
from ivr.ari.names import CALL_UUID, HOTLINE_CALL, HOTLINE_PARTY, HOTLINE_RECORDING, hold, talk
from ivr.ari.open_lines import OpenLines
from ivr.ari.outbox import Heard, Outbox
from ivr.ari.receiver import Receiver
from ivr.ari.reconcile import Swept, sweep
from ivr.ari.registry import Leg, Registry
from ivr.ari.rest import Rest
from ivr.ari.sounds import Sounds
from ivr.ari.tape import Tape
from ivr.ari.taps import Taps, most_streams
from ivr.ari.verdicts import BridgeMissing, BridgeStands, PhoneUnreachable
from ivr.calls import events as ev
from ivr.calls.events import LineEvent
from ivr.calls.vocabulary import CallId, HangupCause, LegId, Party, PlaybackId
from ivr.ports import AsteriskUnavailable, Fork, HotlineError, LegGone, RequestRefused
from ivr.tasks import Tasks

_log = logging.getLogger(__name__)
_OUTBOX = 10_000
TALK = "mixing,dtmf_events"
_ARRIVE_MS = 3000
_TAKE_BACK_S = (0.0, 1.0, 3.0)


class AriTelephony:
    """Asterisk as the hotline sees it; see `ivr.ports.Telephony` for what each verb means.

    Use as an async context manager; it opens and closes the tape it is given. `hotline_number` is shown on agents'
    phones where the citizen's is not. `rtp_ports` is how many UDP ports Asterisk has for media: taps are refused before
    they run out. `counts` tells what was ignored, malformed, overdue, reconnected, forgotten, stray and swept.
    """

    def __init__(
        self,
        account: AriAccount,
        sounds: Sounds,
        hotline_number: str,
        *,
        rtp_ports: int,
        shown: Shown = Shown.MASKED,
        times: LinkTimes | None = None,
        tape: Tape | None = None,
        bound: int = _OUTBOX,
    ) -> None:
        times = times or LinkTimes()
        self._sounds = sounds
        self._hotline_number = hotline_number
        self._shown = shown
        self._tape = tape
        self._link = Link(account, times, tape)
        self._rest = Rest(account, times, self._link, tape)
        self._client = AriClient(self._rest, account.app)
        self._registry = Registry()
        self._taps = Taps(self._client, self._registry, _ARRIVE_MS, most_streams(rtp_ports))
        self._outbox = Outbox(bound)
        self._tasks = Tasks()
        self._receiver = Receiver(self._link, self._client, self._registry, self._outbox, self._tasks)
        self._lines = OpenLines(self._client, self._registry, self._receiver.tell, sounds)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Begin to connect; `stream` says when the link is up."""
        async with AsyncExitStack() as stack:
            if self._tape is not None:
                await stack.enter_async_context(self._tape)
            await stack.enter_async_context(self._rest)
            await stack.enter_async_context(self._tasks)
            self._tasks.start("ari link", self._keep_link())
            self._tasks.start("ari events", self._receiver.listen())
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect; calls go on inside Asterisk."""
        self._outbox.end()
        await self._stack.__aexit__(kind, error, trace)

    @property
    def counts(self) -> Counter[str]:
        """What happened beside the way, since the beginning."""
        return self._link.counts + self._receiver.counts

    async def stream(self) -> AsyncIterator[Heard]:
        """Everything heard, in order, for one listener. Raises RequestRefused for what only a person can mend."""
        while (heard := await self._outbox.get()) is not None:
            yield heard

    async def _keep_link(self) -> None:
        try:
            await self._link.run()
        except RequestRefused as refused:
            self._outbox.end(refused)

    async def pick_up(self, call: CallId, leg: LegId) -> None:
        """Answer the citizen's leg; one the dialplan had answered already is heard as `PickedUp` all the same."""
        known = self._registry.leg(leg)
        up_before = known.up
        await self._client.answer(leg)
        if up_before:
            self._receiver.tell(LineEvent(call, ev.PickedUp(leg=leg)))

    async def play(self, call: CallId, leg: LegId, playback: PlaybackId, sounds: tuple[str, ...]) -> None:
        """Play the named sounds in order as one playback; RequestRefused for a sound that does not exist."""
        await self._play(call, leg, playback, self._sounds.media(sounds))

    async def _play(
        self, call: CallId, leg: LegId, playback: PlaybackId, media: tuple[str, ...], from_ms: int = 0
    ) -> None:
        channel = self._registry.leg(leg).channel
        if playback in self._registry.playbacks:
            raise RequestRefused(f"playback {playback} exists")  # Asterisk would play both under one id
        self._registry.playbacks[playback] = call
        try:
            await self._client.play(channel, playback, media, from_ms)
        except HotlineError:
            self._registry.playbacks.pop(playback, None)
            raise

    async def stop_playing(self, playback: PlaybackId) -> None:
        """Stop it; returns quietly when it has ended."""
        if playback in self._registry.playbacks:
            await _quietly(self._client.stop_playback(playback))

    async def place_in_queue(self, call: CallId, leg: LegId) -> None:
        """Into this call's holding bridge, with music."""
        self._registry.leg(leg)
        await self._enter(call, hold(call), "holding", leg)
        await self._client.start_music(hold(call))

    async def ring(self, call: CallId, leg: LegId, endpoint: str, caller_number: str | None, ring_ms: int) -> None:
        """Call `endpoint`; Asterisk gives up after `ring_ms`, rounded up to seconds.

        A phone that is not registered is heard as `LegHungUp` (unreachable), like one that does not reply. LegGone
        means that the citizen is: nobody is left to ring for.
        """
        citizen = self._registry.citizen_of(call)
        if citizen is None:
            raise LegGone("the citizen of this call has ended")
        shown = caller_id(self._shown, caller_number, self._hotline_number)
        await self._call(Leg(call=call, leg=leg, party=Party.AGENT, ours=True), endpoint, shown, ring_ms, citizen)

    async def call_in(
        self,
        call: CallId,
        leg: LegId,
        party: Party,
        endpoint: str,
        caller_number: str | None,
        ring_ms: int,
        *,
        record: str | None = None,
    ) -> None:
        """Call anybody, whether or not a citizen stands; see the port."""
        seen = caller_number if party is Party.AGENT else None
        shown = caller_id(self._shown, seen, self._hotline_number)
        called = Leg(call=call, leg=leg, party=party, ours=True, to_record=record)
        await self._call(called, endpoint, shown, ring_ms, None)

    async def _call(self, leg: Leg, endpoint: str, shown: str, ring_ms: int, citizen: LegId | None) -> None:
        name = leg.leg
        if name in self._registry.legs:
            raise RequestRefused(f"leg {name} exists")
        if leg.party is Party.AGENT and (line := self._registry.open_line(endpoint)) is not None:
            await self._lines.lend(line, leg)
            return
        variables = {HOTLINE_CALL: str(leg.call), HOTLINE_PARTY: str(leg.party)}
        if leg.to_record is not None:
            variables |= {CALL_UUID: leg.call, HOTLINE_RECORDING: leg.to_record}
        self._registry.add(leg)
        try:
            await self._client.originate(
                name,
                endpoint,
                caller_id=shown,
                timeout_s=math.ceil(ring_ms / 1000),
                originator=citizen,
                variables=variables,
            )
        except PhoneUnreachable:
            if self._registry.legs.pop(name, None) is not None:
                self._receiver.tell(LineEvent(leg.call, ev.LegHungUp(leg=name, cause=HangupCause.UNREACHABLE)))
        except BaseException as error:
            self._registry.legs.pop(name, None)
            if isinstance(error, LegGone):
                raise LegGone(str(error), leg=citizen) from None
            if not isinstance(error, RequestRefused):
                self._take_back(name)  # Asterisk may be ringing all the same
            raise
        if name not in self._registry.legs:
            self._take_back(name)  # ended, or taken for lost by a reconnection just before it began

    async def join(self, call: CallId, leg: LegId) -> None:
        """One answered leg into this call's talk bridge; heard as `LegJoined`."""
        await self._until_ours(leg)
        self._registry.entering.add(leg)
        try:
            await self._enter(call, talk(call), TALK, leg)
        except BaseException:
            self._registry.entering.discard(leg)
            raise
        if self._registry.leg(leg).party is Party.CITIZEN and hold(call) in self._registry.bridges[call]:
            self._receiver.errand("stop music", self._client.stop_music(hold(call)))

    async def mute(self, call: CallId, leg: LegId, muted: bool) -> None:
        """Whether what that leg says is heard by anybody."""
        channel = self._registry.leg(leg).channel
        await (self._client.mute(channel) if muted else self._client.unmute(channel))

    async def listen_in(self, line: CallId, leg: LegId, target: LegId, *, whisper: bool) -> None:
        """Let `leg` of `line` hear both sides of `target`; with `whisper`, be heard by that person alone."""
        await self._until_ours(leg)
        await self._taps.listen_in(line, leg, target, whisper=whisper)

    async def open_line(self, line: CallId, leg: LegId, endpoint: str) -> None:
        """Whoever is called at `endpoint` is there at once, on this leg, after a beep."""
        await self._until_ours(leg)
        self._registry.open_lines[endpoint] = leg

    async def play_file(self, line: CallId, leg: LegId, playback: PlaybackId, path: str, from_ms: int) -> None:
        """Play a sound file, by its absolute path without suffix, from a place on."""
        await self._play(line, leg, playback, (f"sound:{path}",), from_ms)

    async def pause_playing(self, playback: PlaybackId, paused: bool) -> None:
        """Stop and go on; quiet when it has ended."""
        if playback in self._registry.playbacks:
            await _quietly(self._client.control_playback(playback, "pause" if paused else "unpause"))

    async def connect(self, call: CallId, citizen_leg: LegId, agent_leg: LegId) -> None:
        """Both legs into this call's talk bridge; heard as `LegsJoined`.

        The agent first: where the phone is gone, the citizen has not been taken out of the music.
        """
        await self._until_ours(citizen_leg, agent_leg)
        self._registry.joining[call] = (citizen_leg, agent_leg)
        try:
            for leg in (agent_leg, citizen_leg):
                await _naming(leg, self._enter(call, talk(call), TALK, leg))
        except BaseException:
            self._registry.joining.pop(call, None)
            raise
        if hold(call) in self._registry.bridges[call]:
            self._receiver.errand("stop music", self._client.stop_music(hold(call)))

    async def fork_media(self, call: CallId, leg: LegId, party: Party, send_to: tuple[str, int]) -> Fork:
        """Tap what that party says and send it as RTP to `send_to`. A standing tap of that party is replaced."""
        return await self._taps.fork(call, leg, party, send_to)

    async def stop_fork(self, call: CallId, party: Party) -> None:
        """Remove the tap; quiet when there is none."""
        await self._taps.stop(call, party)

    async def hang_up(self, call: CallId, leg: LegId, cause: HangupCause) -> None:
        """End the leg; returns quietly when it is gone."""
        known = self._registry.legs.get(leg)
        if known is not None and known.channel != leg:
            await self._lines.take_back(known)
            return
        if known is not None:
            known.asked = cause
        await _quietly(self._client.hang_up(leg, q850(cause)))

    async def give_back(self, call: CallId, leg: LegId) -> None:
        """Return the citizen's leg to the dialplan's fallback; no event of it is heard afterwards."""
        known = self._registry.leg(leg)
        known.given_back = True
        try:
            await self._client.send_to_fallback(leg)
        except HotlineError:
            known.given_back = False
            raise

    async def clear(self, call: CallId) -> None:
        """Remove every bridge and tap of the call; what one failure leaves, the next `clear` or `sweep` removes."""
        failures = []
        bridges = [self._destroy(call, bridge) for bridge in self._registry.bridges.get(call, ())]
        for removal in (self._taps.stop(call), *bridges):
            try:
                await removal
            except HotlineError as error:
                failures.append(error)
        self._registry.forget(call)
        if failures:
            raise failures[0]

    async def sweep(self, keep: Iterable[CallId]) -> Swept:
        """Remove the taps and empty bridges of calls not in `keep` that stood when the link last came up."""
        if self._receiver.sight is None:
            return Swept(0, 0)
        swept = await sweep(self._client, self._registry, self._receiver.sight, keep)
        self._link.counts["swept"] += swept.channels + swept.bridges
        return swept

    async def _until_ours(self, *legs: LegId) -> None:
        """Wait until legs are in Stasis: bridges refuse what is not (422). Raises LegGone, AsteriskUnavailable."""
        late = [leg for leg in legs if not self._registry.leg(leg).in_stasis]
        with self._registry.expecting(*late) as arrivals:
            try:
                async with asyncio.timeout(_ARRIVE_MS / 1000):
                    for arrival in arrivals:
                        await arrival
            except TimeoutError:
                raise AsteriskUnavailable(f"a leg was not answered within {_ARRIVE_MS} ms") from None

    def _take_back(self, leg: LegId) -> None:
        """End a leg that nobody waits for; should it be answered before, it is a stray."""
        self._receiver.errand("take back a ring", self._end_soon(leg))

    async def _end_soon(self, leg: LegId) -> None:
        """End a leg Asterisk may only be about to make: the request for it was given up, not taken back."""
        for pause_s in _TAKE_BACK_S:
            await asyncio.sleep(pause_s)
            try:
                await self._client.hang_up(leg, q850(HangupCause.NORMAL))
            except LegGone:
                continue
            return

    async def _enter(self, call: CallId, bridge: str, kind: str, leg: LegId) -> None:
        """Into a bridge, which is made where there is none. It stays until the call is cleared.

        A bridge we know may be missing all the same: its making was not replied to, or somebody removed it.
        """
        if bridge in self._registry.bridges[call]:
            try:
                await self._client.add_to_bridge(bridge, self._channel(leg))
            except BridgeMissing:
                _log.warning("a bridge is missing and made again")
            else:
                return
        self._registry.bridges[call].add(bridge)
        try:
            await self._client.create_bridge(bridge, kind)
        except BridgeStands:
            _log.info("a bridge stands already")
        await self._client.add_to_bridge(bridge, self._channel(leg))

    def _channel(self, leg: LegId) -> str:
        known = self._registry.legs.get(leg)
        return leg if known is None else known.channel

    async def _destroy(self, call: CallId, bridge: str) -> None:
        await _quietly(self._client.destroy_bridge(bridge))
        self._registry.drop_bridge(call, bridge)


async def _naming(leg: LegId, request: Coroutine[Any, Any, None]) -> None:
    """Let a LegGone say which of two legs it means."""
    try:
        await request
    except LegGone as gone:
        raise LegGone(str(gone), leg=leg) from None


async def _quietly(removal: Coroutine[Any, Any, None]) -> None:
    """Removing what is gone already is what was wanted."""
    try:
        await removal
    except LegGone:
        return
