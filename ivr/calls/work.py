"""What one call has to do: the effects of the event at hand and the timers that run."""

from dataclasses import dataclass, field
from enum import StrEnum

from ivr.calls import effects as do
from ivr.calls.effects import AnyEffect


class Timer(StrEnum):
    """The timers of a call. The first five pace people, the others doubt Asterisk."""

    NO_INPUT = "no_input"
    COMFORT = "comfort"
    MAX_WAIT = "max_wait"
    WRAP_UP = "wrap_up"
    SURVEY = "survey"

    PICK_UP = "pick_up"
    PROMPT = "prompt"
    RING = "ring"
    GUEST = "guest"
    JOIN = "join"
    LEGS = "legs"


@dataclass
class Work:
    """Collects effects in order. `timers` holds when each running timer is due, in milliseconds since arrival."""

    now_ms: int = 0
    timers: dict[Timer, int] = field(default_factory=dict)
    _effects: list[AnyEffect] = field(default_factory=list)

    def add(self, *effects: AnyEffect) -> None:
        """To be done, after everything added before."""
        self._effects += effects

    def take(self) -> list[AnyEffect]:
        """Everything added since the last time."""
        effects, self._effects = self._effects, []
        return effects

    def start(self, timer: Timer, after_ms: int) -> None:
        """Run a timer; one of the same name starts anew."""
        self.timers[timer] = self.now_ms + after_ms
        self.add(do.StartTimer(timer=timer, after_ms=after_ms))

    def cancel(self, *timers: Timer) -> None:
        """Forget timers; those that do not run need nothing."""
        for timer in timers:
            if self.timers.pop(timer, None) is not None:
                self.add(do.CancelTimer(timer=timer))

    def fired(self, name: str) -> Timer | None:
        """Take a timer off; None where it was not running any more."""
        timer = next((timer for timer in self.timers if timer == name), None)
        if timer is not None:
            del self.timers[timer]
        return timer
