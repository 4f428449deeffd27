"""Pauses between attempts to connect. Pure."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Backoff:
    """Pauses between attempts: doubling from `from_ms` to `to_ms`, each drawn from its upper half."""

    from_ms: int
    to_ms: int
    uniform: Callable[[float, float], float]
    _attempts: int = 0

    def next_ms(self) -> float:
        """How long to wait before the next attempt."""
        whole = min(self.to_ms, self.from_ms * 2 ** min(self._attempts, 30))
        self._attempts += 1
        return self.uniform(whole / 2, whole)

    def settle(self) -> None:
        """The last connection lived: begin with short pauses again."""
        self._attempts = 0
