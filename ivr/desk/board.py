"""The desk's view as a pure fold: server and desk apply the same updates and so show the same thing."""

from typing import assert_never

import msgspec

from asr.transcript import Segment
from ivr.desk.views import DeskView
from ivr.desk.wire import (
    AgentChanged,
    AnyUpdate,
    CallChanged,
    CallCleared,
    DraftChanged,
    Filled,
    Heard,
    Noticed,
    QueueChanged,
    Resembling,
    Said,
    Submitted,
    Suggested,
)

KEPT_NOTICES = 20


def apply(view: DeskView, update: AnyUpdate) -> DeskView:
    """The view after one update."""
    match update:
        case AgentChanged(agent=agent):
            return msgspec.structs.replace(view, agent=agent)
        case QueueChanged(queue=queue):
            return msgspec.structs.replace(view, queue=queue)
        case CallChanged(call=call):
            if view.call is not None and view.call.id == call.id:
                return msgspec.structs.replace(view, call=call)
            return DeskView(agent=view.agent, queue=view.queue, call=call, notices=view.notices)
        case CallCleared(call=cleared):
            if view.call is None or view.call.id != cleared:
                return view
            return DeskView(agent=view.agent, queue=view.queue, ticket=view.ticket, notices=view.notices)
        case Heard(hypothesis=heard):
            others = tuple(h for h in view.hypotheses if h.speaker != heard.speaker)
            return msgspec.structs.replace(view, hypotheses=(*others, heard) if heard.text else others)
        case Said(segment=segment):
            kept = [s for s in view.segments if s.id != segment.id]
            merged = sorted([*kept, segment], key=_by_time)
            others = tuple(h for h in view.hypotheses if h.speaker != segment.speaker)
            return msgspec.structs.replace(view, segments=tuple(merged), hypotheses=others)
        case Filled(gap=gap, segments=found):
            ids = {gap, *(segment.id for segment in found)}
            merged = sorted([*(s for s in view.segments if s.id not in ids), *found], key=_by_time)
            return msgspec.structs.replace(view, segments=tuple(merged))
        case DraftChanged(draft=draft):
            return msgspec.structs.replace(view, draft=draft)
        case Suggested(hits=hits):
            return msgspec.structs.replace(view, suggested=hits)
        case Resembling(likely=likely):
            return msgspec.structs.replace(view, resembling=likely)
        case Submitted(ticket=ticket):
            return msgspec.structs.replace(view, ticket=ticket)
        case Noticed(notice=notice):
            return msgspec.structs.replace(view, notices=(*view.notices, notice)[-KEPT_NOTICES:])
        case _:
            assert_never(update)


def _by_time(segment: Segment) -> tuple[int, int, str]:
    return (segment.start_ms, segment.end_ms, segment.id)
