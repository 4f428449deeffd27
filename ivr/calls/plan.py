"""What a call is to go through: made for each call from the site and the settings, then only read."""

from collections.abc import Mapping

import msgspec

from ivr.calls.caller import Caller
from ivr.calls.menu import Menu
from ivr.calls.vocabulary import Skill

MINUTE_MS = 60_000


class QueueSounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a waiting citizen is told. Names of sounds; an empty tuple means silence.

    `places[n]` says that `n` callers are before this one (`places[0]`: you are next); `far` stands for more than there
    are entries. `busy` is said where the place is not known, `apology` when a conversation broke off. `waits[n]` says
    that it will take `n` minutes more (`waits[0]`: less than one); longer waits are not told. `notice` is said once,
    after the first place told; `comforts` in turn, where there is nothing new to tell.
    """

    places: tuple[tuple[str, ...], ...] = ()
    far: tuple[str, ...] = ()
    busy: tuple[str, ...] = ()
    apology: tuple[str, ...] = ()
    waits: tuple[tuple[str, ...], ...] = ()
    notice: tuple[str, ...] = ()
    comforts: tuple[tuple[str, ...], ...] = ()

    def minutes(self, wait_ms: int | None) -> int | None:
        """The wait in whole minutes, rounded up, 0 for less than one; None where it is not told."""
        if wait_ms is None:
            return None
        minutes = 0 if wait_ms < MINUTE_MS else -(-wait_ms // MINUTE_MS)
        return minutes if minutes < len(self.waits) else None

    def place(self, ahead: int | None) -> tuple[str, ...]:
        """The announcement for a place in the queue."""
        if ahead is None:
            return self.busy
        return self.places[ahead] if ahead < len(self.places) else self.far


class CallPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a `CallSession` is told beforehand. Sounds are names of the site pack, times are milliseconds.

    `recording_notice` is played to the end even where a key was pressed. After `max_attempts` offers that nobody took,
    a call for a special skill goes to the menu's default skill, at the same place. After `max_wait_ms` in the queue
    the citizen is given back to the dialplan, which registers a callback; None waits for ever.

    `pick_up_ms`, `prompt_ms`, `join_ms` and `hang_up_ms` are how long Asterisk's word is waited for before the call
    goes on without it; `ring_grace_ms` is what the phone may ring past `ring_ms`, which Asterisk itself watches.

    `caller` decides the turn; `wrap_up_by_skill` are limits that differ from `wrap_up_ms`. Where no person works at
    this hour (`staffed` is false), the citizen is given back after the greeting, which says so.
    """

    menu: Menu
    greeting: tuple[str, ...] = ()
    recording_notice: tuple[str, ...] = ()
    queue: QueueSounds = QueueSounds()
    ring_ms: int = 20_000
    wrap_up_ms: int = 120_000
    announce_every_ms: int = 30_000
    announce_gap_ms: int = 10_000
    max_attempts: int = 3
    max_wait_ms: int | None = None
    pick_up_ms: int = 5_000
    prompt_ms: int = 60_000
    join_ms: int = 5_000
    hang_up_ms: int = 5_000
    ring_grace_ms: int = 3_000
    caller: Caller = Caller()
    wrap_up_by_skill: Mapping[Skill, int] = {}
    staffed: bool = True

    def wrap_up_limit(self, skill: Skill) -> int:
        """How long after-call work for `skill` may take."""
        return self.wrap_up_by_skill.get(skill, self.wrap_up_ms)
