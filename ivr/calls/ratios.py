"""A number with what it is made of: no figure is shown without its numerator, denominator and exclusions. Pure."""

import msgspec


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """A rate with what it is made of. `left_out` says what its denominator does not hold, and how many."""

    name: str
    part: int
    of: int
    left_out: tuple[tuple[str, int], ...] = ()

    @property
    def value(self) -> float | None:
        """The rate, 0 to 1; None where there is nothing to divide by."""
        return self.part / self.of if self.of else None

    def __str__(self) -> str:
        shown = "n/a" if self.value is None else f"{self.value:.2%}"
        apart = "; ".join(f"{count} {why}" for why, count in self.left_out if count)
        return f"{self.name}: {self.part}/{self.of} = {shown}" + (f" (left out: {apart})" if apart else "")


class Mean(msgspec.Struct, frozen=True, kw_only=True):
    """A mean time with what it is made of: a sum of milliseconds over a count."""

    name: str
    total_ms: int
    of: int
    left_out: tuple[tuple[str, int], ...] = ()

    @property
    def value_ms(self) -> float | None:
        """The mean; None where there is nothing to divide by."""
        return self.total_ms / self.of if self.of else None

    def __str__(self) -> str:
        shown = "n/a" if self.value_ms is None else f"{self.value_ms / 1000:.1f} s"
        apart = "; ".join(f"{count} {why}" for why, count in self.left_out if count)
        return f"{self.name}: {self.total_ms / 1000:g} s / {self.of} = {shown}" + (
            f" (left out: {apart})" if apart else ""
        )


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """How long people waited, in milliseconds; `mean_ms` rounds half up."""

    count: int = 0
    total_ms: int = 0
    longest_ms: int = 0

    @property
    def mean_ms(self) -> int | None:
        """The mean; None where nobody waited."""
        return (2 * self.total_ms + self.count) // (2 * self.count) if self.count else None
