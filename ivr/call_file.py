"""A call's file: what was said in it, the draft that grows from it, and what came of it."""

import asyncio
from datetime import datetime

from asr.transcript import Segment
from ivr.calls.vocabulary import CallId
from ticketing.drafts import new_draft
from ticketing.masking import mask_number
from ticketing.views import ArticleHit, TicketView, Utterance
from ticketing.vocabulary import Speaker


class CallFile:
    """What the hotline knows of one call in conversation."""

    def __init__(self, call: CallId, arrived_at: datetime, caller_number: str | None) -> None:
        self.call = call
        self.arrived_at = arrived_at
        self.caller_number = caller_number
        self.segments: dict[str, Segment] = {}
        self.blank = new_draft(f"{call}.draft", call)
        self.draft = self.blank
        self.taken_up = False  # whether what an earlier server left of it has been looked for
        self.hits: tuple[ArticleHit, ...] = ()
        self.ticket: TicketView | None = None
        self.thinking = asyncio.Lock()

    @property
    def masked_number(self) -> str:
        """The caller's number as a screen may show it."""
        return mask_number(self.caller_number)

    def utterances(self) -> tuple[Utterance, ...]:
        """What was said, by time, as the drafter reads it."""
        ordered = sorted(self.segments.values(), key=lambda s: (s.start_ms, s.end_ms, s.id))
        return tuple(
            Utterance(id=s.id, speaker=Speaker(s.speaker), start_ms=s.start_ms, end_ms=s.end_ms, text=s.text)
            for s in ordered
            if s.text
        )
