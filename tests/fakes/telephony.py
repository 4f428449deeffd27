"""The Telephony port over an Asterisk in memory, with the people on its lines.

    citizen = telephony.citizen_arrives()          citizen.press("1"); citizen.hang_up()
    phone = telephony.phone("PJSIP/1001")          phone.will_answer(after_ms=2000); phone.hang_up(); phone.die()
    telephony.fails("ring", AsteriskUnavailable("…"), times=2); telephony.delays("connect", before_ms=…, after_ms=…)
    telephony.link_breaks(); telephony.link_returns(); telephony.census()

Legs, bridges and taps live on whether anybody listens to `stream` or not; what happens meanwhile is heard by nobody.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from ivr.calls import events as ev
from ivr.calls.events import AnyEvent, LineEvent
from ivr.calls.vocabulary import CallId, HangupCause, LegId, Party, PlaybackId
from ivr.ports import (
    AsteriskUnavailable,
    Fork,
    HotlineError,
    LegGone,
    LegSeen,
    LinkDown,
    LinkUp,
    PhoneSeen,
    RequestRefused,
    Snapshot,
)

Heard = LineEvent | LinkUp | LinkDown | PhoneSeen


@dataclass
class FakeLeg:
    """A channel. `bridge` names the bridge it stands in."""

    call: CallId
    leg: LegId
    party: Party
    number: str | None = None
    dialled: str = ""
    endpoint: str | None = None
    up: bool = False
    muted: bool = False
    bridge: str | None = None
    line: "FakeLeg | None" = None
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in Asterisk."""

    legs: frozenset[LegId] = frozenset()
    bridges: frozenset[str] = frozenset()
    taps: frozenset[tuple[CallId, Party]] = frozenset()
    playbacks: frozenset[PlaybackId] = frozenset()


NOTHING = Census()


class FakeTelephony:
    """See the module. `told` is what each leg was played, `rung` each phone's legs, `given_back` who was."""

    def __init__(self) -> None:
        self.legs: dict[LegId, FakeLeg] = {}
        self.bridges: dict[str, CallId] = {}
        self.taps: dict[tuple[CallId, Party], LegId] = {}
        self.playing: dict[PlaybackId, LegId] = {}
        self.told: dict[LegId, list[tuple[str, ...]]] = {}
        self.given_back: list[LegId] = []
        self.recorded: list[LegId] = []
        self.open_lines: dict[str, LegId] = {}
        self.listening_in: dict[LegId, tuple[LegId, bool]] = {}
        self.verbs: list[str] = []
        self.up = True
        self.announcement_ms = 3_000
        self._phones: dict[str, FakePhone] = {}
        self._faults: dict[str, list[HotlineError]] = {}
        self._delays: dict[str, tuple[int, int]] = {}
        self._listener: asyncio.Queue[Heard | None] | None = None
        self._numbers = 0

    @property
    def listening(self) -> bool:
        """Whether somebody listens to the stream."""
        return self._listener is not None

    # ---- the people

    def citizen_arrives(self, number: str | None = "13900000000", call: str | None = None) -> "FakeCitizen":
        """Somebody phones 12345."""
        self._numbers += 1
        name = CallId(call or f"call{self._numbers}")
        leg = FakeLeg(name, LegId(f"{name}-citizen"), Party.CITIZEN, number=number, dialled="12345")
        self.legs[leg.leg] = leg
        self.tell(name, ev.CallArrived(leg=leg.leg, caller_number=number, dialled="12345"))
        return FakeCitizen(self, leg)

    def phone(self, endpoint: str) -> "FakePhone":
        """The phone at `endpoint`, registered from now on; it rings until told what to do."""
        return self._phones.setdefault(endpoint, FakePhone(self, endpoint))

    # ---- Asterisk's moods

    def fails(self, verb: str, error: HotlineError, times: int = 1) -> None:
        """The next `times` requests for `verb` fail and do nothing."""
        self._faults.setdefault(verb, []).extend([error] * times)

    def delays(self, verb: str, before_ms: int = 0, after_ms: int = 0) -> None:
        """From now on `verb` takes effect after `before_ms` and replies `after_ms` later."""
        self._delays[verb] = (before_ms, after_ms)

    def calms(self) -> None:
        """No more faults and delays."""
        self._faults.clear()
        self._delays.clear()

    def link_breaks(self) -> None:
        """The connection is lost; calls go on."""
        self.up = False
        if self._listener is not None:
            self._listener.put_nowait(LinkDown())

    def link_returns(self) -> None:
        """The connection is back."""
        self.up = True
        if self._listener is not None:
            self._listener.put_nowait(LinkUp(snapshot=self.snapshot()))

    def phone_goes(self, endpoint: str) -> None:
        """A phone is registered no more, and Asterisk says so."""
        del self._phones[endpoint]
        if self.up and self._listener is not None:
            self._listener.put_nowait(PhoneSeen(endpoint=endpoint, reachable=False))

    def closes(self) -> None:
        """The telephony itself ends; Asterisk does not."""
        if self._listener is not None:
            self._listener.put_nowait(None)

    def snapshot(self) -> Snapshot:
        """Every leg of ours that stands."""
        return Snapshot(legs=tuple(self._seen(leg) for leg in self.legs.values()))

    def census(self) -> Census:
        """Everything that stands."""
        return Census(
            legs=frozenset(self.legs),
            bridges=frozenset(self.bridges),
            taps=frozenset(self.taps),
            playbacks=frozenset(self.playing),
        )

    def hang_everybody_up(self) -> None:
        """All lines go dead, one after the other."""
        for leg in list(self.legs.values()):
            self.ends(leg, HangupCause.NORMAL)

    # ---- the port

    async def stream(self) -> AsyncIterator[Heard]:
        listener: asyncio.Queue[Heard | None] = asyncio.Queue(10_000)
        self._listener = listener
        if self.up:
            listener.put_nowait(LinkUp(snapshot=self.snapshot()))
        try:
            while (heard := await listener.get()) is not None:
                yield heard
        finally:
            if self._listener is listener:
                self._listener = None

    async def pick_up(self, call: CallId, leg: LegId) -> None:
        def act() -> None:
            self._leg(leg).up = True
            self.tell(call, ev.PickedUp(leg=leg))

        await self._verb("pick_up", act)

    async def play(self, call: CallId, leg: LegId, playback: PlaybackId, sounds: tuple[str, ...]) -> None:
        def act() -> None:
            standing = self._leg(leg)
            if playback in self.playing:
                raise RequestRefused(f"409: playback {playback} exists")
            self.playing[playback] = leg
            self.told.setdefault(leg, []).append(sounds)
            self._later(standing, self.announcement_ms, lambda: self._played(call, playback))

        await self._verb("play", act)

    async def stop_playing(self, playback: PlaybackId) -> None:
        def act() -> None:
            if playback in self.playing:
                self._played(self.legs[self.playing[playback]].call, playback)

        await self._verb("stop_playing", act)

    async def place_in_queue(self, call: CallId, leg: LegId) -> None:
        def act() -> None:
            self._move(self._leg(leg), f"{call}-hold")

        await self._verb("place_in_queue", act)

    async def ring(self, call: CallId, leg: LegId, endpoint: str, caller_number: str | None, ring_ms: int) -> None:
        def act() -> None:
            if not any(one.call == call and one.party is Party.CITIZEN for one in self.legs.values()):
                raise LegGone(f"the citizen of call {call} is gone")
            self._rings(FakeLeg(call, leg, Party.AGENT, endpoint=endpoint), ring_ms)

        await self._verb("ring", act)

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
        def act() -> None:
            self._rings(FakeLeg(call, leg, party, endpoint=endpoint), ring_ms)
            if record is not None:
                self.recorded.append(leg)

        await self._verb("call_in", act)

    async def join(self, call: CallId, leg: LegId) -> None:
        def act() -> None:
            joining = self._leg(leg)
            if not joining.up:
                raise AsteriskUnavailable(f"leg {leg} is not answered")
            self._move(joining, f"{call}-talk")
            self.tell(call, ev.LegJoined(leg=leg))

        await self._verb("join", act)

    async def mute(self, call: CallId, leg: LegId, muted: bool) -> None:
        def act() -> None:
            self._leg(leg).muted = muted

        await self._verb("mute", act)

    async def listen_in(self, line: CallId, leg: LegId, target: LegId, *, whisper: bool) -> None:
        def act() -> None:
            self._leg(leg)
            self._leg(target)
            self.taps[line, Party.AGENT] = target
            self.listening_in[leg] = (target, whisper)

        await self._verb("listen_in", act)

    async def open_line(self, line: CallId, leg: LegId, endpoint: str) -> None:
        def act() -> None:
            if not self._leg(leg).up:
                raise AsteriskUnavailable(f"leg {leg} is not answered")
            self.open_lines[endpoint] = leg

        await self._verb("open_line", act)

    async def play_file(self, line: CallId, leg: LegId, playback: PlaybackId, path: str, from_ms: int) -> None:
        def act() -> None:
            standing = self._leg(leg)
            if playback in self.playing:
                raise RequestRefused(f"409: playback {playback} exists")
            self.playing[playback] = leg
            self.told.setdefault(leg, []).append((path, str(from_ms)))
            self._later(standing, self.announcement_ms, lambda: self._played(line, playback))

        await self._verb("play_file", act)

    async def pause_playing(self, playback: PlaybackId, paused: bool) -> None:
        await self._verb("pause_playing", lambda: None)

    async def connect(self, call: CallId, citizen_leg: LegId, agent_leg: LegId) -> None:
        def act() -> None:
            citizen, agent = self._leg(citizen_leg), self._leg(agent_leg)
            if not agent.up:
                raise AsteriskUnavailable(f"leg {agent_leg} is not answered")
            self._move(citizen, f"{call}-talk")
            self._move(agent, f"{call}-talk")
            self.bridges.pop(f"{call}-hold", None)
            self.tell(call, ev.LegsJoined(citizen_leg=citizen_leg, agent_leg=agent_leg))

        await self._verb("connect", act)

    async def fork_media(self, call: CallId, leg: LegId, party: Party, send_to: tuple[str, int]) -> Fork:
        port = 10_000 + 2 * len(self.verbs)

        def act() -> None:
            self._leg(leg)
            self.taps[call, party] = leg

        await self._verb("fork_media", act)
        return Fork(call=call, party=party, source_port=port)

    async def stop_fork(self, call: CallId, party: Party) -> None:
        await self._verb("stop_fork", lambda: self._drop_taps(lambda tap: tap == (call, party)))

    async def hang_up(self, call: CallId, leg: LegId, cause: HangupCause) -> None:
        def act() -> None:
            if leg in self.legs:
                self.ends(self.legs[leg], cause)

        await self._verb("hang_up", act)

    async def give_back(self, call: CallId, leg: LegId) -> None:
        def act() -> None:
            self._forget(self._leg(leg))
            self.given_back.append(leg)

        await self._verb("give_back", act)

    async def clear(self, call: CallId) -> None:
        def act() -> None:
            self._drop_taps(lambda tap: tap[0] == call)
            for bridge in [name for name, owner in self.bridges.items() if owner == call]:
                self._drop_bridge(bridge)

        await self._verb("clear", act)

    async def sweep(self, keep: Iterable[CallId]) -> None:
        kept = frozenset(keep)

        def act() -> None:
            self._drop_taps(lambda tap: tap[0] not in kept)
            full = {leg.bridge for leg in self.legs.values()}
            for bridge in [name for name, owner in self.bridges.items() if owner not in kept and name not in full]:
                self._drop_bridge(bridge)

        await self._verb("sweep", act)

    # ---- inside

    def _rings(self, made: FakeLeg, ring_ms: int) -> None:
        if made.leg in self.legs:
            raise RequestRefused(f"409: leg {made.leg} exists")
        self.legs[made.leg] = made
        line = self.legs.get(self.open_lines.get(made.endpoint or "", LegId("")))
        lent = any(leg.line is line for leg in self.legs.values() if leg.line is not None)
        if made.party is Party.AGENT and line is not None and not lent:
            made.line, made.up = line, True
            self.tell(made.call, ev.LegAnswered(leg=made.leg))
            return
        phone = self._phones.get(made.endpoint or "")
        if phone is None:
            self._later(made, 1, lambda: self.ends(made, HangupCause.UNREACHABLE))
            return
        self._later(made, ring_ms, lambda: self.ends(made, HangupCause.NO_ANSWER))
        phone.rings(made)

    def tell(self, call: CallId, event: AnyEvent) -> None:
        """Say it to whoever listens; without a listener or a link nobody ever hears it."""
        if self.up and self._listener is not None:
            self._listener.put_nowait(LineEvent(call, event))

    def ends(self, leg: FakeLeg, cause: HangupCause) -> None:
        """The channel is gone, and with it what was played to it; bridges and taps stay until removed."""
        if leg.leg in self.legs:
            playing = [playback for playback, on in self.playing.items() if on == leg.leg]
            self._forget(leg)
            for playback in playing:
                self.tell(leg.call, ev.PlaybackFinished(playback=playback))
            self.tell(leg.call, ev.LegHungUp(leg=leg.leg, cause=cause))
            self.open_lines = {endpoint: line for endpoint, line in self.open_lines.items() if line != leg.leg}
            for served in [served for served in self.legs.values() if served.line is leg]:
                self.ends(served, cause)

    def answered(self, leg: FakeLeg) -> None:
        """The phone was lifted."""
        if leg.leg in self.legs and not leg.up:
            self._cancel(leg)
            leg.up = True
            self.tell(leg.call, ev.LegAnswered(leg=leg.leg))

    def later(self, leg: FakeLeg, ms: int, act: Callable[[], None]) -> None:
        """Do it to that leg in a while, if it still stands."""
        self._later(leg, ms, act)

    async def _verb(self, name: str, act: Callable[[], None]) -> None:
        self.verbs.append(name)
        before_ms, after_ms = self._delays.get(name, (0, 0))
        await asyncio.sleep(before_ms / 1000)
        if not self.up:
            raise AsteriskUnavailable("there is no connection to Asterisk")
        if self._faults.get(name):
            raise self._faults[name].pop(0)
        act()
        await asyncio.sleep(after_ms / 1000)

    def _leg(self, leg: LegId) -> FakeLeg:
        if leg not in self.legs:
            raise LegGone(f"leg {leg} is gone", leg=leg)
        return self.legs[leg]

    def _seen(self, leg: FakeLeg) -> LegSeen:
        return LegSeen(
            call=leg.call,
            leg=leg.leg,
            party=leg.party,
            up=leg.up,
            talking=leg.bridge == f"{leg.call}-talk",
            caller_number=leg.number,
            dialled=leg.dialled,
            endpoint=leg.endpoint,
        )

    def _move(self, leg: FakeLeg, bridge: str) -> None:
        self.bridges[bridge] = leg.call
        leg.bridge = bridge

    def _played(self, call: CallId, playback: PlaybackId) -> None:
        if self.playing.pop(playback, None) is not None:
            self.tell(call, ev.PlaybackFinished(playback=playback))

    def _forget(self, leg: FakeLeg) -> None:
        self._cancel(leg)
        del self.legs[leg.leg]
        self.playing = {playback: on for playback, on in self.playing.items() if on != leg.leg}

    def _drop_bridge(self, bridge: str) -> None:
        del self.bridges[bridge]
        for leg in self.legs.values():
            if leg.bridge == bridge:
                leg.bridge = None

    def _drop_taps(self, which: Callable[[tuple[CallId, Party]], bool]) -> None:
        self.taps = {tap: leg for tap, leg in self.taps.items() if not which(tap)}

    def _later(self, leg: FakeLeg, ms: int, act: Callable[[], None]) -> None:
        leg.timers.append(asyncio.get_running_loop().call_later(ms / 1000, act))

    @staticmethod
    def _cancel(leg: FakeLeg) -> None:
        for timer in leg.timers:
            timer.cancel()
        leg.timers.clear()


class FakeCitizen:
    """Who phoned."""

    def __init__(self, telephony: FakeTelephony, leg: FakeLeg) -> None:
        self._telephony = telephony
        self._leg = leg
        self.call = leg.call
        self.leg = leg.leg

    @property
    def connected(self) -> bool:
        """Whether the line still stands."""
        return self.leg in self._telephony.legs

    @property
    def hears_music(self) -> bool:
        """Whether they wait in the holding bridge."""
        return self.connected and self._leg.bridge == f"{self.call}-hold"

    @property
    def talks_to(self) -> str | None:
        """The agent's phone in the talk bridge with them."""
        return next((leg.endpoint for leg in self._others() if leg.party is Party.AGENT), None)

    @property
    def hears(self) -> set[str | None]:
        """Everybody in the talk bridge with them who is not muted."""
        return {leg.endpoint for leg in self._others() if not leg.muted}

    def _others(self) -> list[FakeLeg]:
        if not self.connected or self._leg.bridge != f"{self.call}-talk":
            return []
        legs = self._telephony.legs.values()
        return [leg for leg in legs if leg.bridge == self._leg.bridge and leg is not self._leg]

    @property
    def told(self) -> list[tuple[str, ...]]:
        """The announcements they were played."""
        return self._telephony.told.get(self.leg, [])

    def hang_up(self) -> None:
        """Put the phone down; nothing where the line is dead already."""
        self._telephony.ends(self._leg, HangupCause.NORMAL)

    def press(self, digit: str) -> None:
        """Press a key."""
        self._telephony.tell(self.call, ev.DigitPressed(leg=self.leg, digit=digit))


class FakePhone:
    """An agent's phone. Out of the box it rings and nobody comes."""

    def __init__(self, telephony: FakeTelephony, endpoint: str) -> None:
        self._telephony = telephony
        self._leg: FakeLeg | None = None
        self._then: Callable[[FakeLeg], None] = lambda leg: None
        self.endpoint = endpoint
        self.rung: list[LegId] = []

    @property
    def ringing(self) -> bool:
        """Whether it rings now."""
        leg = self._standing
        return leg is not None and not leg.up

    @property
    def talking(self) -> bool:
        """Whether it is off the hook."""
        leg = self._standing
        return leg is not None and leg.up

    @property
    def _standing(self) -> FakeLeg | None:
        if self._leg is None or self._leg.leg not in self._telephony.legs:
            return None
        return self._leg

    def will_ring(self) -> None:
        """Nobody comes to it."""
        self._then = lambda leg: None

    def will_answer(self, after_ms: int = 1_000) -> None:
        """Somebody lifts it."""
        self._then = lambda leg: self._telephony.later(leg, after_ms, lambda: self._telephony.answered(leg))

    def will_end(self, cause: HangupCause, after_ms: int = 500) -> None:
        """It is busy, declines, or does not reply."""
        self._then = lambda leg: self._telephony.later(leg, after_ms, lambda: self._telephony.ends(leg, cause))

    def rings(self, leg: FakeLeg) -> None:
        """Asterisk calls it; a phone in use is busy."""
        if self._standing is not None:
            self._telephony.later(leg, 1, lambda: self._telephony.ends(leg, HangupCause.BUSY))
            return
        self._leg = leg
        self.rung.append(leg.leg)
        self._telephony.tell(leg.call, ev.LegRinging(leg=leg.leg))
        self._then(leg)

    def lift(self) -> None:
        """Answer now."""
        assert self._leg is not None
        self._telephony.answered(self._leg)

    def hang_up(self) -> None:
        """Put it down."""
        assert self._leg is not None
        self._telephony.ends(self._leg, HangupCause.NORMAL)

    def die(self) -> None:
        """Its power or network is gone; Asterisk notices when no media comes."""
        assert self._leg is not None
        self._telephony.ends(self._leg, HangupCause.LOST)
