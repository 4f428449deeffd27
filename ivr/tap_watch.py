"""Taps that have fallen silent are noticed and made anew.

A tap sends a packet every 20 ms, silence too, so one without packets is broken: Asterisk lost its channel, its port was
taken, recognition gave it up. Each further try waits longer.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from ivr.calls.seen import CallSeen
from ivr.calls.vocabulary import CallId, CallState, Party

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
SILENT_MS = 3_000
"""Without a packet for this long, a tap is broken."""
UNHEARD_S = 5.0
"""How long a conversation may begin to be heard before a tap is asked for again."""
PAUSES_S = (5.0, 10.0, 20.0, 60.0)
"""How long a new tap is given before the next try; the last for all further ones."""


class TapWatch:
    """Looks at every conversation once a second; `run` is its task.

    `silent_for_ms` tells of a party's tap how long nothing has come, None where nothing listens.
    """

    def __init__(
        self,
        calls: Callable[[], Iterable[CallSeen]],
        silent_for_ms: Callable[[CallId, Party], int | None],
        refork: Callable[[CallId, Party], None],
    ) -> None:
        self._calls = calls
        self._silent_for_ms = silent_for_ms
        self._refork = refork
        self._since: dict[tuple[CallId, Party], float] = {}
        self._tries: dict[tuple[CallId, Party], int] = {}
        self._next: dict[tuple[CallId, Party], float] = {}
        self.reforked = 0

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look(asyncio.get_running_loop().time())

    def look(self, now_s: float) -> None:
        """Look once; `now_s` is the loop's clock."""
        talking = {
            (call.call, party)
            for call in self._calls()
            if call.state is CallState.CONNECTED
            for party in (Party.CITIZEN, Party.AGENT)
        }
        for kept in (self._since, self._tries, self._next):
            for gone in kept.keys() - talking:
                del kept[gone]
        for who in sorted(talking):
            since = self._since.setdefault(who, now_s)
            silent = self._silent_for_ms(*who)
            broken = now_s - since >= UNHEARD_S if silent is None else silent >= SILENT_MS
            if not broken:
                self._tries.pop(who, None)
                self._next.pop(who, None)
            elif now_s >= self._next.get(who, now_s):
                self._again(who, now_s)

    def _again(self, who: tuple[CallId, Party], now_s: float) -> None:
        call, party = who
        tries = self._tries.get(who, 0)
        self._tries[who] = tries + 1
        self._next[who] = now_s + PAUSES_S[min(tries, len(PAUSES_S) - 1)]
        self.reforked += 1
        _log.warning("call %s: the tap of the %s is silent; made anew, try %d", call, party.value, tries + 1)
        self._refork(call, party)
