"""Taps: one party's audio, copied by Asterisk to an RTP port of ours.

A snoop channel hears the party, an external-media channel sends what it is given, a bridge of their own joins the two.
Never AudioSocket: receiving only, it stops the whole of Asterisk (asterisk issues 2078, 2089). And never the last RTP
port: external media that finds none takes Asterisk down, and every call with it (asterisk issue 1757, seen in 22.10.1).
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any

from ivr.ari.client import AriClient
from ivr.ari.names import HOTLINE_CALL, HOTLINE_PARTY, Tap
from ivr.ari.registry import Registry
from ivr.calls.vocabulary import CallId, LegId, Party
from ivr.ports import AsteriskUnavailable, Fork, HotlineError, LegGone, RequestRefused

_log = logging.getLogger(__name__)
_PORT = "UNICASTRTP_LOCAL_PORT"
_LEAST_FREE = 4


def most_streams(rtp_ports: int) -> int:
    """How many RTP streams may be in use, a new tap's among them: two ports each, some kept free for calls to come."""
    streams = rtp_ports // 2
    return streams - max(_LEAST_FREE, streams // 10)


class Taps:
    """Makes and removes taps, one after the other within a call; none beyond `most_streams` in use."""

    def __init__(self, client: AriClient, registry: Registry, arrive_ms: int, most_streams: int) -> None:
        self._client = client
        self._registry = registry
        self._arrive_ms = arrive_ms
        self._most_streams = most_streams
        self._turns: defaultdict[CallId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def fork(self, call: CallId, leg: LegId, party: Party, send_to: tuple[str, int]) -> Fork:
        """Make a tap in the place of any the party has. When it fails, nothing of it is left."""
        async with self._turns[call]:
            await self._remove(self._registry.taps_of(call, party))
            self._registry.leg(leg)
            if self._registry.streams >= self._most_streams:
                raise RequestRefused(
                    f"{self._registry.streams} RTP streams are in use, too many for a tap: widen rtp.conf"
                )
            tap = self._registry.new_tap(call, party)
            try:
                port = await self._make(tap, leg, send_to)
            except BaseException:
                await self._remove_quietly(tap)
                raise
            return Fork(call=call, party=party, source_port=port)

    async def listen_in(self, line: CallId, leg: LegId, target: LegId, *, whisper: bool) -> None:
        """Let `leg` hear both sides of `target`, in the place of what it heard before. Failed, it hears nothing."""
        async with self._turns[line]:
            await self._remove(self._registry.taps_of(line))
            tap = self._registry.new_tap(line, Party.AGENT)
            try:
                with self._registry.expecting(tap.snoop) as arrivals:
                    await _all(
                        self._client.snoop(
                            self._registry.leg(target).channel,
                            tap.snoop,
                            spy="both",
                            whisper="out" if whisper else "none",
                        ),
                        self._client.create_bridge(tap.bridge, "mixing"),
                    )
                    await self._arrival(arrivals)
                await self._client.add_to_bridge(tap.bridge, tap.snoop, self._registry.leg(leg).channel)
            except BaseException:
                await self._remove_quietly(tap)
                raise

    async def stop(self, call: CallId, party: Party | None = None) -> None:
        """Remove a party's tap, or the call's; quiet when there is none."""
        if not self._registry.taps_of(call, party) and call not in self._turns:
            return
        async with self._turns[call]:
            await self._remove(self._registry.taps_of(call, party))
        if party is None:
            self._turns.pop(call, None)

    async def _make(self, tap: Tap, leg: LegId, send_to: tuple[str, int]) -> int:
        variables = {HOTLINE_CALL: tap.call, HOTLINE_PARTY: "tap"}
        with self._registry.expecting(tap.snoop, tap.media) as arrivals:
            _, media, _ = await _all(
                self._client.snoop(self._registry.leg(leg).channel, tap.snoop),
                self._client.external_media(tap.media, send_to, variables),
                self._client.create_bridge(tap.bridge, "mixing"),
            )
            # both replies come before their channels are ours, and addChannel refuses what is not (422)
            await self._arrival(arrivals)
        await self._client.add_to_bridge(tap.bridge, tap.snoop, tap.media)
        port = media.channelvars.get(_PORT, "")
        if not port.isdecimal():
            raise RequestRefused(f"external media came without {_PORT}")
        return int(port)

    async def _arrival(self, arrivals: list[asyncio.Future[None]]) -> None:
        try:
            async with asyncio.timeout(self._arrive_ms / 1000):
                for arrival in arrivals:
                    await arrival
        except TimeoutError:
            raise AsteriskUnavailable(f"a tap's channels did not arrive within {self._arrive_ms} ms") from None

    async def _remove(self, taps: list[Tap]) -> None:
        for tap in taps:
            await _all(
                _unless_gone(self._client.hang_up(tap.snoop, 16)),
                _unless_gone(self._client.hang_up(tap.media, 16)),
                _unless_gone(self._client.destroy_bridge(tap.bridge)),
            )
            self._registry.drop_tap(tap)

    async def _remove_quietly(self, tap: Tap) -> None:
        """The failure that led here is the one to tell; a tap that stays known is removed with its call."""
        try:
            await self._remove([tap])
        except HotlineError as error:
            _log.warning("a failed tap was not removed yet: %s", error)


async def _unless_gone(removal: Coroutine[Any, Any, None]) -> None:
    try:
        await removal
    except LegGone:
        return


async def _all(*requests: Coroutine[Any, Any, Any]) -> list[Any]:
    """Send requests together, wait for all of them, raise the first error."""
    replies = await asyncio.gather(*requests, return_exceptions=True)
    for reply in replies:
        if isinstance(reply, BaseException):
            raise reply
    return replies
