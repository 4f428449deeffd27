"""Shuts out addresses that guess at SIP accounts: reads Asterisk's security log, keeps its access list.

Fails open: without the server nobody new is shut out, and who was shut out stays so.
"""

import asyncio
import ipaddress
import logging
import re
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

from asterisk_conf.errors import AsteriskConfError
from asterisk_conf.layout import Layout
from ivr.people import write_private
from ivr.ports import Clock

_log = logging.getLogger(__name__)

WINDOW = timedelta(minutes=1)
LOOK_EVERY_S = 0.5
MOST = 10_000
"""Addresses shut out at a time; the oldest give way. UDP senders can be forged: this must not grow for ever."""
FAILURES = ("InvalidAccountID", "InvalidPassword", "ChallengeResponseFailed")
"""Security events that mean a guess (res_security_log)."""
_EVENT = re.compile(rb'SecurityEvent="(\w+)".*?RemoteAddress="IPV[46]/\w+/([0-9A-Fa-f.:]+)/\d+"')
_BAN = re.compile(r"^deny = ([0-9A-Fa-f.:]+)/\S+ ; until (\d+)$", re.MULTILINE)


class Guard:
    """`run` is its task. `never` are networks that are not shut out: the trunk, and this machine itself.

    `reload` lets Asterisk read the list anew.
    """

    def __init__(
        self,
        layout: Layout,
        clock: Clock,
        *,
        failures: int,
        ban_s: float,
        never: Iterable[str],
        reload: Callable[[], Awaitable[object]],
    ) -> None:
        self._log_file = layout.log / "security.log"
        self._list = layout.bans
        self._clock = clock
        self._failures = failures
        self._ban = timedelta(seconds=ban_s)
        self._never = [ipaddress.ip_network(one) for one in never]
        self._reload = reload
        self._recent: defaultdict[str, deque[datetime]] = defaultdict(lambda: deque(maxlen=failures))
        self.banned: dict[str, datetime] = {}
        self._at = 0
        self._rest = b""

    async def run(self) -> None:
        """Watch, for ever."""
        self.banned = await asyncio.to_thread(self._read_list)
        self._at = await asyncio.to_thread(self._size)
        while True:
            try:
                await self.look()
            except (OSError, AsteriskConfError) as why:
                _log.warning("the list of who is shut out could not be brought up to date: %s", type(why).__name__)
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Read what the log has gained, and act. Raises OSError, AsteriskConfError."""
        before = dict(self.banned)
        for line in await asyncio.to_thread(self._gained):
            self._note(line)
        now = self._clock.now()
        self.banned = {address: until for address, until in self.banned.items() if until > now}
        for address in [one for one, times in self._recent.items() if not times or now - times[-1] > WINDOW]:
            del self._recent[address]
        if before != self.banned:
            await asyncio.to_thread(write_private, self._list, self._text())
            await self._reload()

    def _note(self, line: bytes) -> None:
        found = _EVENT.search(line)
        if found is None or found[1].decode() not in FAILURES:
            return
        try:
            address = ipaddress.ip_address(found[2].decode())
        except ValueError:
            return
        if any(address in network for network in self._never) or str(address) in self.banned:
            return
        now = self._clock.now()
        times = self._recent[str(address)]
        times.append(now)
        if len(times) == self._failures and now - times[0] <= WINDOW:
            del self._recent[str(address)]
            while len(self.banned) >= MOST:
                del self.banned[next(iter(self.banned))]
            self.banned[str(address)] = now + self._ban
            _log.error("shut out: an address with %d failed sign-ins in a minute", self._failures)

    def _text(self) -> str:
        lines = (
            f"deny = {address}/{'255.255.255.255' if ':' not in address else '128'} ; until {int(until.timestamp())}\n"
            for address, until in self.banned.items()
        )
        return "; written by the server\n" + "".join(lines)

    def _read_list(self) -> dict[str, datetime]:
        try:
            text = self._list.read_text()
        except FileNotFoundError:
            return {}
        zone = self._clock.now().tzinfo
        return {address: datetime.fromtimestamp(int(until), zone) for address, until in _BAN.findall(text)}

    def _size(self) -> int:
        return self._log_file.stat().st_size if self._log_file.exists() else 0

    def _gained(self) -> list[bytes]:
        """Whole lines since the last time; a log that shrank was begun anew."""
        if (size := self._size()) < self._at:
            self._at, self._rest = 0, b""
        if size == self._at:
            return []
        with self._log_file.open("rb") as file:
            file.seek(self._at)
            data = self._rest + file.read(size - self._at)
        self._at = size
        *lines, self._rest = data.split(b"\n")
        return lines
