"""First dials (首拨): which calls were a citizen's first attempt, and whether it reached a person. Pure.

A first dial is a call before which the same number had not called within the grouping window (the site pack's
`first_dial_group_window_minutes`). Calls without a number cannot be grouped and are left out, counted apart. A call
that passed through several queues is one dial, answered where any of them answered.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from ivr.calls.figures import CallFigures
from ivr.calls.ratios import Ratio
from ivr.calls.vocabulary import CallId


class Dial(msgspec.Struct, frozen=True, kw_only=True):
    """One call, through however many queues."""

    call: CallId
    caller: str | None
    arrived_at: datetime
    answered: bool
    decided: bool


def dials(calls: Iterable[CallFigures]) -> list[Dial]:
    """The dials `calls` are parts of, in order of arrival. `calls` in order of arrival."""
    found: dict[CallId, Dial] = {}
    for call in calls:
        before = found.get(call.call)
        found[call.call] = Dial(
            call=call.call,
            caller=call.caller if before is None else before.caller or call.caller,
            arrived_at=call.arrived_at if before is None else before.arrived_at,
            answered=call.answered_ms is not None or (before is not None and before.answered),
            decided=call.decided,
        )
    return list(found.values())


def first_dial_rate(calls: Iterable[CallFigures], within: timedelta, since: datetime | None = None) -> Ratio:
    """首拨接通率: first dials that were answered, of all first dials. `calls` in order of arrival.

    Dials before `since` only say who had called already.
    """
    last: dict[str, datetime] = {}
    part = of = repeated = nameless = undecided = 0
    for dial in dials(calls):
        first = False
        if dial.caller is not None:
            before = last.get(dial.caller)
            first = before is None or dial.arrived_at - before > within
            last[dial.caller] = dial.arrived_at
        if since is not None and dial.arrived_at < since:
            continue
        if dial.caller is None:
            nameless += 1
        elif not first:
            repeated += 1
        elif not (dial.answered or dial.decided):
            undecided += 1
        else:
            of += 1
            part += dial.answered
    left_out = (("repeated", repeated), ("without a number", nameless), ("undecided", undecided))
    return Ratio(name="first-dial answer rate", part=part, of=of, left_out=left_out)
