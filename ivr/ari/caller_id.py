"""What an agent's phone shows as the caller. Pure."""

from enum import StrEnum

_SHOWN = 4


class Shown(StrEnum):
    """The hotline's own number, or the citizen's with its middle hidden."""

    HOTLINE = "hotline"
    MASKED = "masked"


def masked(number: str) -> str | None:
    """A number with the four digits before the last four hidden (`138****0001`), None for one too short to hide any."""
    hidden = min(4, len(number) - _SHOWN)
    if hidden <= 0:
        return None
    return number[: -hidden - _SHOWN] + "*" * hidden + number[-_SHOWN:]


def caller_id(shown: Shown, citizen: str | None, hotline: str) -> str:
    """The caller id for an agent's leg; the hotline's where the citizen's is withheld, or would show whole."""
    number = masked(citizen) if shown is Shown.MASKED and citizen else None
    return f"<{number or hotline}>"
