"""From the link's frames to what the hotline hears: translation, snapshots on every (re)connection, strays seen off."""

import logging
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from ivr.ari import models as ari
from ivr.ari.client import AriClient
from ivr.ari.events import Stray, ToRecord, Translator, q850
from ivr.ari.link import Frame, Link, Marker
from ivr.ari.outbox import Heard, Outbox
from ivr.ari.reconcile import Sight, look, snapshot, standing_bridges, standing_taps
from ivr.ari.registry import Registry
from ivr.calls.vocabulary import HangupCause
from ivr.ports import AsteriskUnavailable, HotlineError, LegGone, LinkDown, LinkUp, PhoneSeen, RequestRefused
from ivr.tasks import Tasks

_log = logging.getLogger(__name__)

OUTBOUND = "outbound"
"""The dialplan's context in which the recording of a call of our own begins."""


class Receiver:
    """`listen`, run once as a task, fills the outbox. `sight` is what stood when the link last came up."""

    def __init__(self, link: Link, client: AriClient, registry: Registry, outbox: Outbox, tasks: Tasks) -> None:
        self.sight: Sight | None = None
        self._link = link
        self._client = client
        self._registry = registry
        self._outbox = outbox
        self._tasks = tasks
        self._translator = Translator(registry)
        self._up = False

    @property
    def counts(self) -> Counter[str]:
        """What was ignored, malformed or stray."""
        return self._translator.counts

    async def listen(self) -> None:
        """Take frames until cancelled."""
        while True:
            frame = await self._link.next()
            if not isinstance(frame, Marker):
                self._hear(self._translator.decode(frame))
                continue
            self._go_down()
            if frame is Marker.UP:
                await self._come_up()

    def tell(self, heard: Heard) -> None:
        """Queue something for the hotline; a hotline that does not listen loses the link, to be told anew."""
        if not self._outbox.put(heard):
            _log.error("the hotline does not listen: events forgotten, link dropped")
            self._up = False
            self.errand("drop link", self._link.drop())

    def errand(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the way, whose failure matters to nobody but the log."""
        self._tasks.start(f"ari {name}", _logged(name, work))

    def _go_down(self) -> None:
        self._registry.link_down()
        if self._up:
            self._up = False
            self.tell(LinkDown())

    async def _come_up(self) -> None:
        """Look, until what was seen is of the connection that stands; then tell it, and what was heard meanwhile."""
        early: list[Frame] = []
        while True:
            sight = await self._look()
            if sight is None:
                return
            early += self._link.waiting_frames()
            markers = [at for at, frame in enumerate(early) if isinstance(frame, Marker)]
            if not markers:
                break
            if early[markers[-1]] is Marker.DOWN:
                return
            early = early[markers[-1] + 1 :]
        events = [self._translator.decode(frame) for frame in early if not isinstance(frame, Marker)]
        self._believe(sight, events)
        for event in events:
            self._hear(event)

    async def _look(self) -> Sight | None:
        try:
            await self._client.mute_noise()
            return await look(self._client)
        except (AsteriskUnavailable, LegGone) as error:
            _log.warning("asterisk could not be looked at: %s", error)
            await self._link.drop()
        except RequestRefused as refused:
            self._outbox.end(refused)
        return None

    def _believe(self, sight: Sight, early: list[ari.AriEvent | None]) -> None:
        """Take a sight for true. A citizen whose arrival was heard since is left out: that is still news, and told."""
        arriving = {event.channel.id for event in early if isinstance(event, ari.StasisStart)}
        seen, legs = snapshot(
            sight,
            frozenset(arriving - set(self._registry.legs)),
            frozenset(self._registry.open_lines.values()),
        )
        self._registry.believe(legs, standing_taps(sight), standing_bridges(sight))
        self.sight = sight
        self._up = True
        _log.info("ari link up: %d legs stand", len(legs))
        self.tell(LinkUp(snapshot=seen))
        self.errand("look at the phones", self._look_at_phones())

    async def _look_at_phones(self) -> None:
        """From now on and as they are now; a phone that went while nobody listened is one that is offline."""
        await self._client.watch_phones()
        for phone in await self._client.phones():
            if phone.state == "offline":
                self.tell(PhoneSeen(endpoint=f"{phone.technology}/{phone.resource}", reachable=False))

    def _hear(self, event: ari.AriEvent | None) -> None:
        if event is None:
            return
        for heard in self._translator.translate(event):
            if isinstance(heard, Stray):
                self.errand("see off a stray", self._see_off(heard))
            elif isinstance(heard, ToRecord):
                self.errand("begin a recording", self._client.continue_in_dialplan(heard.channel, OUTBOUND))
            else:
                self.tell(heard)

    async def _see_off(self, stray: Stray) -> None:
        if stray.made_by_us:
            await self._client.hang_up(stray.channel, q850(HangupCause.NORMAL))
        else:
            await self._client.send_to_fallback(stray.channel)


async def _logged(name: str, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except LegGone:
        return
    except HotlineError as error:
        _log.warning("%s failed: %s", name, error)
