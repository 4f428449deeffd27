"""Looks after the parts whose failure ends no call and is seen by nobody: what stands wrong is kept on the board."""

import logging
from collections.abc import Callable, Mapping
from enum import StrEnum

from ivr.desk.views import Fault
from ivr.ports import Clock

_log = logging.getLogger(__name__)

LOOK_EVERY_MS = 500
WRONG_MS = 1_500
"""How long a part must have been wrong: a moment's stall is none."""
WELL_MS = 3_000
"""How long a part must have been well before its fault is taken off: one that flickers stands all the time."""


class Part(StrEnum):
    """What may stand wrong; the catalogue has `notice.fault_…` for each."""

    DATABASE = "database"
    DISK = "disk"
    RECOGNITION = "recognition"
    TELEPHONY = "telephony"
    FALLBACK = "fallback"


def code_of(part: Part) -> str:
    """What its fault is called: a key of the message catalogue."""
    return f"notice.fault_{part}"


Probe = Callable[[], bool]
"""Whether the part is wrong now. Must not wait."""


class Watchman:
    """`run` looks at every part; `told` hears of every change: all standing faults, and which part it was.

    A probe that itself fails counts as a fault: what cannot be looked at is not well.
    """

    def __init__(self, probes: Mapping[Part, Probe], clock: Clock) -> None:
        self._probes = probes
        self._clock = clock
        self._standing: dict[Part, Fault] = {}
        self._well_since: dict[Part, int] = {}
        self._wrong_since: dict[Part, int] = {}
        self.told: list[Callable[[tuple[Fault, ...], Part], None]] = []

    @property
    def standing(self) -> tuple[Fault, ...]:
        """What stands wrong, oldest first."""
        return tuple(sorted(self._standing.values(), key=lambda fault: (fault.since, fault.code)))

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            self.look()
            await self._clock.sleep(LOOK_EVERY_MS)

    def look(self) -> None:
        """Look once."""
        now = self._clock.monotonic_ms()
        for part, probe in self._probes.items():
            wrong = self._is_wrong(part, probe)
            (self._well_since if wrong else self._wrong_since).pop(part, None)
            since = (self._wrong_since if wrong else self._well_since).setdefault(part, now)
            if wrong and part not in self._standing and now - since >= WRONG_MS:
                self._standing[part] = Fault(code=code_of(part), since=self._clock.now())
                _log.error("fault: %s", part)
                self._tell(part)
            elif not wrong and part in self._standing and now - since >= WELL_MS:
                del self._standing[part]
                _log.warning("fault over: %s", part)
                self._tell(part)

    def _is_wrong(self, part: Part, probe: Probe) -> bool:
        try:
            return probe()
        except OSError as error:
            _log.debug("%s cannot be looked at: %s", part, type(error).__name__)
            return True

    def _tell(self, part: Part) -> None:
        for told in self.told:
            told(self.standing, part)
