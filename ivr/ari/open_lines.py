"""Phones that stay off the hook (长接): a leg is lent such a phone's channel, and gives it back when it ends."""

import logging
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

from ivr.ari.client import AriClient
from ivr.ari.names import HOTLINE_LENT, talk
from ivr.ari.registry import Leg, Registry
from ivr.ari.sounds import Sounds
from ivr.calls import events as ev
from ivr.calls.events import LineEvent
from ivr.calls.vocabulary import HangupCause
from ivr.ports import LegGone, RequestRefused

_log = logging.getLogger(__name__)

BEEP = ("beep",)


class OpenLines:
    """Lends and takes back. What becomes of a leg is told as of any other."""

    def __init__(
        self, client: AriClient, registry: Registry, tell: Callable[[LineEvent], None], sounds: Sounds
    ) -> None:
        self._client = client
        self._registry = registry
        self._tell = tell
        self._sounds = sounds

    async def lend(self, line: Leg, leg: Leg) -> None:
        """Let the person at `line` be the leg: a beep, and they are there."""
        leg.channel, leg.up, leg.in_stasis, leg.rang = line.channel, True, True, True
        self._registry.add(leg)
        self._registry.lent[leg.channel] = leg.leg
        try:
            await self._client.set_variable(leg.channel, HOTLINE_LENT, f"{leg.call} {leg.leg}")
            await self._beep(leg.channel)
        except LegGone:
            if self._registry.legs.get(leg.leg) is leg:
                self._registry.drop(leg)
                self._tell(LineEvent(leg.call, ev.LegHungUp(leg=leg.leg, cause=HangupCause.UNREACHABLE)))
            return
        except BaseException:
            self._registry.drop(leg)
            raise
        if self._registry.legs.get(leg.leg) is leg:
            self._tell(LineEvent(leg.call, ev.LegAnswered(leg=leg.leg)))

    async def take_back(self, leg: Leg) -> None:
        """The leg's part is over: the phone is silent again, or, if nobody keeps its line any more, hung up."""
        channel, kept = leg.channel, leg.channel in self._registry.open_lines.values()
        self._registry.drop(leg)
        if kept:
            await _quietly(self._client.remove_from_bridge(talk(leg.call), channel))
            await _quietly(self._client.unmute(channel))
            await _quietly(self._client.set_variable(channel, HOTLINE_LENT, ""))
        else:
            await _quietly(self._client.hang_up(channel, 16))
        self._tell(LineEvent(leg.call, ev.LegHungUp(leg=leg.leg, cause=leg.asked or HangupCause.NORMAL)))

    async def _beep(self, channel: str) -> None:
        try:
            media = self._sounds.media(BEEP)
        except RequestRefused:
            _log.warning("there is no beep to announce calls with: run `hotline setup`")
            return
        await self._client.play(channel, str(uuid.uuid4()), media)


async def _quietly(removal: Coroutine[Any, Any, None]) -> None:
    try:
        await removal
    except (LegGone, RequestRefused) as why:
        _log.info("an open line was tidy already: %s", why)
