"""What we know of each leg, playback, bridge and tap: written before a request is sent, read when its events arrive."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ivr.ari.names import Tap
from ivr.calls.vocabulary import CallId, HangupCause, LegId, Party, PlaybackId
from ivr.ports import AsteriskUnavailable, LegGone


@dataclass(kw_only=True)
class Leg:
    """A leg and how far it has come. `asked` is the cause we ended it with, `heard` the one Asterisk announced.

    `ours` are the legs we called; the others called us. One `to_record` goes through the dialplan, where recordings
    begin, as soon as it is answered; `away` while it is there. `channel` is Asterisk's: the leg's own, or that of a
    phone off the hook.
    """

    call: CallId
    leg: LegId
    party: Party
    ours: bool = False
    to_record: str | None = None
    away: bool = False
    up: bool = False
    in_stasis: bool = False
    rang: bool = False
    talking: bool = False
    given_back: bool = False
    asked: HangupCause | None = None
    heard: HangupCause | None = None
    channel: str = ""

    def __post_init__(self) -> None:
        self.channel = self.channel or self.leg
        self.ours = self.ours or self.party is not Party.CITIZEN


@dataclass
class Registry:
    """Ids and what they stand for. Pairs in `joining` and legs in `entering` are awaited in the talk bridge.

    `open_lines` are phones off the hook by their endpoint; `lent` says which leg such a phone's channel serves now.
    """

    legs: dict[LegId, Leg] = field(default_factory=dict)
    playbacks: dict[PlaybackId, CallId] = field(default_factory=dict)
    joining: dict[CallId, tuple[LegId, LegId]] = field(default_factory=dict)
    entering: set[LegId] = field(default_factory=set)
    open_lines: dict[str, LegId] = field(default_factory=dict)
    lent: dict[str, LegId] = field(default_factory=dict)
    bridges: defaultdict[CallId, set[str]] = field(default_factory=lambda: defaultdict(set))
    taps: defaultdict[CallId, set[Tap]] = field(default_factory=lambda: defaultdict(set))
    _numbers: defaultdict[CallId, int] = field(default_factory=lambda: defaultdict(int))
    _expected: dict[str, asyncio.Future[None]] = field(default_factory=dict)

    def leg(self, leg: LegId) -> Leg:
        """A leg that has not ended. Raises LegGone."""
        known = self.legs.get(leg)
        if known is None or known.given_back:
            raise LegGone("the leg has ended", leg=leg)
        return known

    def of_channel(self, channel: str) -> Leg | None:
        """The leg a channel serves: the one it is lent to before its own."""
        return self.legs.get(self.lent.get(channel, LegId(channel)))

    def open_line(self, endpoint: str) -> Leg | None:
        """The phone that stands off the hook at an endpoint and serves nobody."""
        leg = self.legs.get(self.open_lines.get(endpoint, LegId("")))
        return None if leg is None or leg.channel in self.lent else leg

    def drop(self, leg: Leg) -> None:
        """The leg is no more; an open line's phone is open no more with it."""
        self.legs.pop(leg.leg, None)
        self.entering.discard(leg.leg)
        if self.lent.get(leg.channel) == leg.leg:
            del self.lent[leg.channel]
        self.open_lines = {endpoint: line for endpoint, line in self.open_lines.items() if line != leg.leg}

    def add(self, leg: Leg) -> Leg:
        """Know a leg from now on."""
        self.legs[leg.leg] = leg
        return leg

    def citizen_of(self, call: CallId) -> LegId | None:
        """The citizen's leg of a call, None for a call that has lost it."""
        legs = (leg.leg for leg in self.legs.values() if leg.call == call and leg.party is Party.CITIZEN)
        return next(legs, None)

    @property
    def streams(self) -> int:
        """RTP streams in use as far as we know: one a leg, one a tap."""
        return len(self.legs) + sum(len(taps) for taps in self.taps.values())

    def new_tap(self, call: CallId, party: Party) -> Tap:
        """A tap with names never used before in this call."""
        self._numbers[call] += 1
        tap = Tap(call, party, self._numbers[call])
        self.taps[call].add(tap)
        return tap

    def taps_of(self, call: CallId, party: Party | None = None) -> list[Tap]:
        """Taps that stand or may stand, of one party or of both."""
        return [tap for tap in self.taps.get(call, ()) if party is None or tap.party is party]

    def drop_tap(self, tap: Tap) -> None:
        """The tap is gone."""
        self.taps[tap.call].discard(tap)

    def drop_bridge(self, call: CallId, bridge: str) -> None:
        """The bridge is gone."""
        self.bridges[call].discard(bridge)

    def forget(self, call: CallId) -> None:
        """Nothing of the call stands any more, its legs apart."""
        for kept in (self.bridges, self.taps):
            if not kept.get(call):
                kept.pop(call, None)
        if call not in self.taps:
            self._numbers.pop(call, None)
        self.joining.pop(call, None)
        for playback in [playback for playback, owner in self.playbacks.items() if owner == call]:
            del self.playbacks[playback]

    def believe(self, legs: Iterable[Leg], taps: Iterable[Tap], bridges: Iterable[tuple[CallId, str]]) -> None:
        """Take legs for standing that do, and no others; what only we know of one is kept. Add the taps and bridges.

        A tap or bridge we knew and that is not seen stays known: it may just be in the making, and removing what does
        not exist does no harm.
        """
        standing = {leg.leg: leg for leg in legs}
        for known in self.legs.values():
            if (seen := standing.get(known.leg)) is not None:
                seen.rang, seen.asked, seen.heard = known.rang, known.asked, known.heard
                seen.to_record, seen.away = known.to_record, known.away
        self.legs = standing
        self.lent = {leg.channel: leg.leg for leg in standing.values() if leg.channel != leg.leg}
        self.open_lines = {endpoint: line for endpoint, line in self.open_lines.items() if line in standing}
        for tap in taps:
            self.taps[tap.call].add(tap)
            self._numbers[tap.call] = max(self._numbers[tap.call], tap.number)
        for call, bridge in bridges:
            self.bridges[call].add(bridge)

    # ---- arrivals in Stasis

    @contextmanager
    def expecting(self, *channels: str) -> Iterator[list[asyncio.Future[None]]]:
        """Futures done when these channels are under our control; failed with LegGone when they end before."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[None]] = [loop.create_future() for _ in channels]
        self._expected.update(zip(channels, futures, strict=True))
        try:
            yield futures
        finally:
            for channel, future in zip(channels, futures, strict=True):
                self._expected.pop(channel, None)
                if future.done() and not future.cancelled():
                    future.exception()  # looked at, whether or not anybody waited for it

    def arrived(self, channel: str) -> bool:
        """A channel is under our control; whether it was expected."""
        future = self._expected.get(channel)
        if future is not None and not future.done():
            future.set_result(None)
        return future is not None

    def departed(self, channel: str) -> None:
        """A channel has ended or left us."""
        future = self._expected.get(channel)
        if future is not None and not future.done():
            future.set_exception(LegGone("the channel ended before it was ours"))

    def link_down(self) -> None:
        """No arrival will be heard any more."""
        for future in self._expected.values():
            if not future.done():
                future.set_exception(AsteriskUnavailable("the event stream broke"))
