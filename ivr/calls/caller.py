"""Who calls, as far as it decides their turn. Pure."""

import msgspec

from ivr.calls.vocabulary import AgentId, CallerClass


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The class of a caller; `preferred` is the agent they spoke with last and get again when free."""

    kind: CallerClass = CallerClass.ORDINARY
    preferred: AgentId | None = None


ANYBODY = Caller()
"""A caller of whom nothing is known."""
