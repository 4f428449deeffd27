"""What the demonstration's call left behind, read back from the database and the disk and checked."""

import asyncio
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from ivr.calls.events import AgentReserved, CallArrived, LegHungUp, LegsJoined, PickedUp, QueueMoved, Recorded
from ivr.calls.measures import ClockStart, fold, measure
from ivr.demo.report import ensure
from ivr.desk.views import DeskView
from ivr.event_log import recorded_of
from ivr.instance import Instance
from ticketing.database import open_database
from ticketing.records import SegmentRecord
from ticketing.unit_of_work import UnitOfWork
from ticketing.views import DraftView, TicketView
from ticketing.vocabulary import ContactId, Speaker

SIDES = {"mix": ".wav", "citizen": "-citizen.wav", "agent": "-agent.wav"}


async def collect(instance: Instance, view: DeskView, call: str) -> dict[str, Any]:
    """The last object: call, transcript, draft, ticket, recording, measures. Raises `StepFailed`."""
    contact = ContactId(call)
    zone = instance.zone
    async with (
        open_database(instance.settings.database_url, instance.vault) as database,
        UnitOfWork(database, reads=True) as unit,
    ):
        log = [recorded_of(record) for record in await unit.call_events.of_contact(contact)]
        segments = await unit.transcripts.segments(contact)
        drafts = await unit.drafts.of_contact(contact)
        midnight = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        today = await unit.call_events.of_arrivals(midnight, midnight + timedelta(days=1))
    ensure(view.ticket is not None and drafts, "a work order on the desk and its draft in the database")
    assert view.ticket is not None
    measures = measure(fold(recorded_of(record) for record in today))
    by_queue = measure(fold(recorded_of(record) for record in today), ClockStart.QUEUE_ENTRY)
    return {
        "call": _call(call, log),
        "transcript": _transcript(segments),
        "draft": _draft(drafts[0]),
        "ticket": await asyncio.to_thread(_ticket, view.ticket, instance),
        "recording": await asyncio.to_thread(_recording, instance.settings.recordings, call),
        "measures": {
            "today": [str(measures.answer_rate), str(measures.service_level()), str(by_queue.service_level())],
            "offered": measures.offered,
            "answered": measures.answered,
            "mean_wait_ms": measures.answered_waits.mean_ms,
        },
    }


def _call(call: str, log: list[Recorded]) -> dict[str, Any]:
    def first(*kinds: type) -> Recorded | None:
        return next((recorded for recorded in log if isinstance(recorded.event, kinds)), None)

    arrived, picked_up, joined = first(CallArrived), first(PickedUp), first(LegsJoined)
    queued, offered, ended = first(QueueMoved, AgentReserved), first(AgentReserved), first(LegHungUp)
    steps = {
        "arrived_at": arrived,
        "picked_up_at": picked_up,
        "queued_at": queued,
        "offered_at": offered,
        "answered_at": joined,
        "ended_at": ended,
    }
    for name, step in steps.items():
        ensure(step, f"{name} in the event log")
    assert joined is not None
    assert queued is not None
    assert ended is not None
    return {
        "id": call,
        **{name: step.at for name, step in steps.items() if step is not None},
        "wait_ms": joined.offset_ms - queued.offset_ms,
        "answered_ms": joined.offset_ms,
        "talk_ms": ended.offset_ms - joined.offset_ms,
    }


def _transcript(segments: tuple[SegmentRecord, ...]) -> list[dict[str, Any]]:
    for speaker in Speaker:
        ensure(any(s.speaker is speaker and s.text for s in segments), f"words of the {speaker.value}")
    return [
        {"id": s.id, "speaker": s.speaker.value, "start_ms": s.start_ms, "end_ms": s.end_ms, "text": s.text}
        for s in segments
    ]


def _draft(draft: DraftView) -> dict[str, Any]:
    filled = {name.value: msgspec.to_builtins(field) for name, field in draft.fields.items() if field.value}
    ensure(any(field["evidence"] for field in filled.values()), "a draft that rests on what was said")
    return {"revision": draft.revision, "promise": draft.promise, "fields": filled}


def _ticket(ticket: TicketView, instance: Instance) -> dict[str, Any]:
    ensure(ticket.dispatched_at is not None and ticket.due_at is not None, "a dispatched work order with a due time")
    assert ticket.due_at is not None
    assert ticket.dispatched_at is not None
    files = [str(path) for path in instance.settings.dispatch_directory.rglob(f"*{ticket.reference}*")]
    ensure(files, "the work order at the agency's gateway")
    return {
        "reference": ticket.reference,
        "title": ticket.title,
        "category": ticket.category,
        "lead_agency": ticket.lead_agency,
        "lead_agency_id": ticket.lead_agency_id,
        "due_at": ticket.due_at.astimezone(instance.zone),
        "dispatched_at": ticket.dispatched_at.astimezone(instance.zone),
        "delivered": files,
    }


def _recording(folder: Path, call: str) -> dict[str, Any]:
    paths = {side: folder / f"{call}{suffix}" for side, suffix in SIDES.items()}
    seconds: dict[str, float] = {}
    for side, path in paths.items():
        ensure(path.exists(), f"the recording of the {side}")
        with wave.open(str(path)) as sound:
            seconds[side] = sound.getnframes() / sound.getframerate()
        ensure(seconds[side] > 1, f"sound in the recording of the {side}")
    return {"paths": {side: str(path) for side, path in paths.items()}, "seconds": seconds["mix"]}
