"""After every (re)connection: what stands in Asterisk, and what of it nobody claims."""

import re
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from ivr.ari.client import AriClient
from ivr.ari.events import caller_number, citizens_call, citizens_leg, dialled
from ivr.ari.models import Bridge, Channel
from ivr.ari.names import HOTLINE_CALL, HOTLINE_LENT, HOTLINE_PARTY, Tap, call_of_bridge, talk, tap_of
from ivr.ari.registry import Leg, Registry
from ivr.calls.vocabulary import CallId, LegId, Party
from ivr.ports import LegGone, LegSeen, RequestRefused, Snapshot

_PHONE = re.compile(r"(?P<endpoint>[A-Za-z]+/.+)-[0-9a-f]+")


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What stands: the channels of ours (those our application is told about) and every bridge of our naming.

    `up_since` is when this Asterisk was started (UTC).
    """

    app: str
    up_since: datetime
    channels: tuple[Channel, ...]
    bridges: tuple[Bridge, ...]


class Swept(msgspec.Struct, frozen=True):
    """How many leftovers were removed."""

    channels: int
    bridges: int


async def look(client: AriClient) -> Sight:
    """Take a sight. Raises AsteriskUnavailable, RequestRefused."""
    info = await client.info()
    application = await client.application()
    ours = frozenset(application.channel_ids)
    channels = tuple(channel for channel in await client.channels() if channel.id in ours)
    bridges = tuple(b for b in await client.bridges() if tap_of(b.id) or call_of_bridge(b.id))
    if info.status is None:
        raise RequestRefused("Asterisk does not say since when it runs")
    up_since = info.status.startup_time.astimezone(UTC)
    return Sight(app=client.app, up_since=up_since, channels=channels, bridges=bridges)


def snapshot(sight: Sight, arriving: frozenset[str], lines: frozenset[str]) -> tuple[Snapshot, list[Leg]]:
    """The legs of a sight, for the hotline and for the registry; not those `arriving`, who are still to be heard of.

    A phone off the hook that serves a leg is that leg, and its own line too if it is of the `lines` somebody keeps.
    """
    talking = {(bridge.id, channel) for bridge in sight.bridges for channel in bridge.channels}
    legs, seen = [], []
    for channel in sight.channels:
        leg = _leg(sight.app, channel)
        if leg is None or channel.id in arriving:
            continue
        call, _, name = channel.channelvars.get(HOTLINE_LENT, "").partition(" ")
        if name and channel.id in lines:
            legs.append(leg)
            seen.append(_seen(leg, channel))
        if name:
            leg = replace(leg, call=CallId(call), leg=LegId(name), channel=channel.id)
        leg.talking = (talk(leg.call), channel.id) in talking
        legs.append(leg)
        seen.append(_seen(leg, channel))
    return Snapshot(legs=tuple(seen), up_since=sight.up_since), legs


def _seen(leg: Leg, channel: Channel) -> LegSeen:
    citizen = leg.party is Party.CITIZEN and not leg.ours
    return LegSeen(
        call=leg.call,
        leg=leg.leg,
        party=leg.party,
        up=leg.up,
        talking=leg.talking,
        caller_number=caller_number(channel) if citizen else None,
        dialled=dialled(channel) if citizen else "",
        endpoint=None if citizen else _endpoint(channel),
    )


def _leg(app: str, channel: Channel) -> Leg | None:
    """The leg a channel is. A citizen counts only inside our application, an agent's phone also while it rings."""
    inside = channel.dialplan.app_name == "Stasis" and channel.dialplan.app_data.split(",", 1)[0] == app
    if (call := citizens_call(channel)) is not None:
        return citizens_leg(channel, call) if inside else None
    party = channel.channelvars.get(HOTLINE_PARTY)
    if party not in set(Party):
        return None
    return Leg(
        call=CallId(channel.channelvars[HOTLINE_CALL]),
        leg=LegId(channel.id),
        party=Party(party),
        ours=True,
        up=inside,
        in_stasis=inside,
        rang=channel.state in {"Ringing", "Up"},
    )


def _endpoint(channel: Channel) -> str | None:
    found = _PHONE.fullmatch(channel.name)
    return found["endpoint"] if found else None


def standing_taps(sight: Sight) -> set[Tap]:
    """Every tap of which anything stands."""
    names = [channel.id for channel in sight.channels] + [bridge.id for bridge in sight.bridges]
    return {tap for name in names if (tap := tap_of(name)) is not None}


def standing_bridges(sight: Sight) -> list[tuple[CallId, str]]:
    """Every holding and talk bridge with its call."""
    return [(call, bridge.id) for bridge in sight.bridges if (call := call_of_bridge(bridge.id)) is not None]


async def sweep(client: AriClient, registry: Registry, leftovers: Sight, keep: Iterable[CallId]) -> Swept:
    """Remove what `leftovers` showed of calls not in `keep`: taps, and bridges no leg stands in. Legs are let be.

    Only what stood then is looked at, so a call that arrived since is safe. Raises AsteriskUnavailable, RequestRefused.
    """
    kept = frozenset(keep)
    channels = bridges = 0
    now = {bridge.id: bridge for bridge in await client.bridges()}
    taps = {tap for tap in standing_taps(leftovers) if tap.call not in kept}
    for tap in taps:
        for channel in (tap.snoop, tap.media):
            channels += await _removed(client.hang_up(channel, 16))
        bridges += await _removed(client.destroy_bridge(tap.bridge)) if tap.bridge in now else 0
        registry.drop_tap(tap)
    for call, name in standing_bridges(leftovers):
        if call not in kept and name in now and not now[name].channels:
            bridges += await _removed(client.destroy_bridge(name))
            registry.drop_bridge(call, name)
    return Swept(channels, bridges)


async def _removed(removal: Coroutine[None, None, None]) -> int:
    try:
        await removal
    except LegGone:
        return 0
    return 1
